"""Real servers for the stores and the providers: one Postgres, a database per test, one sandbox."""

import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

with warnings.catch_warnings():
    # alpaca-py 0.44 imports websockets.legacy, which websockets 14 deprecates
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import alpaca.trading.stream  # noqa: F401

from resources.alpaca import Alpaca
from resources.installation import Installation
from resources.lake import Lake
from resources.lake_tables import migrate_lake
from resources.ops import Ops
from resources.plaid import Plaid
from resources.postgres import EmbeddedPostgres, sqlalchemy_url
from resources.schema import migrate
from resources.settings import Settings
from sandbox.server import HOST, Sandbox, SandboxServer, bind, build, endpoints
from sandbox.state import State, parse_instant

NOW = "2026-03-16T12:00:00Z"
KEYS = {
    "plaid_client_id": "client-id-of-the-tests",
    "plaid_secret": "secret-of-the-tests",
    "alpaca_key_id": "key-id-of-the-tests",
    "alpaca_secret_key": "secret-key-of-the-tests",
}
BOOK = "id: home\nname: Home\ntargets: {weights: {VTI: 0.6, BND: 0.4}}\n"


class Databases:
    """A Postgres server, and databases in it that are copies of one whose tables are made already."""

    def __init__(self, url: str, lake_dir: Path) -> None:
        self.url, self.lake_dir, self._count = url, lake_dir, 0
        self._execute("CREATE DATABASE prepared")
        prepared = self._named("prepared")
        lake = Lake(prepared, lake_dir)
        migrate_lake(lake)
        lake.close()
        ops = Ops(sqlalchemy_url(prepared))
        migrate(ops.engine)

    def make(self, template: str = "prepared") -> str:
        """The URL of a new database."""
        self._count += 1
        self._execute(f"CREATE DATABASE test{self._count} TEMPLATE {template}")
        return self._named(f"test{self._count}")

    def drop(self, url: str) -> None:
        """Ends whoever is still connected, and the database."""
        self._execute(f"DROP DATABASE {psycopg.conninfo.conninfo_to_dict(url)['dbname']} WITH (FORCE)")

    def _named(self, name: str) -> str:
        return self.url.replace("/manna?", f"/{name}?")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The server of these tests."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres")) as url:
        yield Databases(url, tmp_path_factory.mktemp("lake"))


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """URL of a database of its own, with the lake's catalogue and the schema `ops`."""
    url = databases.make()
    yield url
    databases.drop(url)


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[str]:
    """URL of a database with nothing in it."""
    url = databases.make("template0")
    yield url
    databases.drop(url)


@pytest.fixture
def open_lake(databases: Databases, database: str) -> Iterator[Callable[[], Lake]]:
    """Opens another connection to the test's lake; closed at the end."""
    opened: list[Lake] = []

    def open_one() -> Lake:
        opened.append(Lake(database, databases.lake_dir))
        return opened[-1]

    yield open_one
    for lake in opened:
        lake.close()


@pytest.fixture
def lake(open_lake: Callable[[], Lake]) -> Lake:
    """The test's lake."""
    return open_lake()


@pytest.fixture
def ops(database: str) -> Ops:
    """The test's schema `ops`."""
    return Ops(sqlalchemy_url(database))


class Bank:
    """A running sandbox: where it answers, its faults, its clock."""

    def __init__(self, url: str, state: State) -> None:
        found = endpoints(url)
        self.plaid_url, self.trading_url, self.data_url, self.stream_url = (
            found["plaid_url"],
            found["alpaca_trading_url"],
            found["alpaca_data_url"],
            found["alpaca_stream_url"],
        )
        # No connection is kept: the server may close an idle one at the moment it is used again.
        fresh = httpx.Limits(max_keepalive_connections=0)
        self.control = httpx.Client(base_url=found["control_url"], timeout=30, limits=fresh)
        self.now = parse_instant(NOW)
        self.state = state

    def clock(self) -> datetime:
        return self.now

    def fault(self, endpoint: str, kind: str, **details: Any) -> None:
        """Switches a fault on."""
        response = self.control.post("/faults", json={"endpoint": endpoint, "kind": kind, **details})
        assert response.status_code == 201, response.text

    def plaid(self, **keys: str) -> Plaid:
        """The product's client for Plaid."""
        return Plaid(
            self.plaid_url,
            keys.get("client_id", KEYS["plaid_client_id"]),
            keys.get("secret", KEYS["plaid_secret"]),
        )

    def alpaca(self, secret: str = KEYS["alpaca_secret_key"], **more: Any) -> Alpaca:
        """The product's client for Alpaca."""
        key_id = more.pop("key_id", KEYS["alpaca_key_id"])
        return Alpaca(self.trading_url, self.data_url, key_id, secret, **more)

    def link(
        self, username: str = "rivera_platypus", institution: str = "ins_109508", *products: str
    ) -> tuple[str, str]:
        """Access token and item id of a login linked afresh."""
        plaid = self.plaid()
        named = list(products or ("transactions", "liabilities"))
        return plaid.exchange(plaid.sandbox_public_token(institution, named, username))


class _Server(SandboxServer):
    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.answers = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


@pytest.fixture(scope="session")
def running_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """One sandbox for all these tests; every test links logins of its own."""
    bank: list[Bank] = []
    state = State(
        tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite",
        lambda: bank[0].now if bank else parse_instant(NOW),
        1,
    )
    server = _Server(build(state, KEYS))
    listener = bind(0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.answers.wait(120), "the sandbox did not start"
    bank.append(Bank(f"http://{HOST}:{listener.getsockname()[1]}", state))
    yield bank[0]
    bank[0].control.close()
    server.should_exit = True
    thread.join()
    state.close()


@pytest.fixture
def bank(running_bank: Bank) -> Iterator[Bank]:
    """The sandbox, its clock as it was and without faults afterwards."""
    yield running_bank
    running_bank.now = parse_instant(NOW)
    running_bank.control.delete("/faults")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which are not made."""
    made: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", made.append)
    return made


@pytest.fixture(scope="session")
def install(databases: Databases, running_bank: Bank) -> Callable[[str, Path], Installation]:
    """Makes an installation on a database, in a folder: one book, the sandbox as its providers, nothing linked."""

    def made(database: str, folder: Path) -> Installation:
        (folder / "books").mkdir()
        (folder / "books" / "home.yaml").write_text(BOOK)
        settings = Settings.load(
            _env_file=None,
            data_dir=folder,
            books_dir=folder / "books",
            fixed_now=NOW,
            postgres_url=database,
            plaid_client_id=KEYS["plaid_client_id"],
            plaid_secret=KEYS["plaid_secret"],
            plaid_url=running_bank.plaid_url,
            alpaca_trading_url=running_bank.trading_url,
            alpaca_data_url=running_bank.data_url,
        )
        installation = Installation(settings)
        installation.__dict__["lake"] = Lake(database, databases.lake_dir)
        return installation

    return made


@pytest.fixture
def manna(
    install: Callable[[str, Path], Installation], database: str, bank: Bank, tmp_path: Path
) -> Iterator[Installation]:
    """An installation of the test's own."""
    installation = install(database, tmp_path)
    yield installation
    installation.close()
