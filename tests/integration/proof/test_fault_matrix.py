"""Every fault of every endpoint ends in the right data, or in a clear error with nothing half-written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from assets.raw.alpaca import _ask as ask_alpaca
from assets.raw.bars import TABLE as BARS
from assets.raw.plaid import _ask as ask_plaid
from assets.raw.receiving import Ask, Received, receive
from manna.contracts import CONTRACTS
from resources import alpaca as alpaca_module
from resources import plaid as plaid_module
from resources.installation import Installation
from resources.providers import ATTEMPTS
from sandbox.faults import GENERIC_KINDS, PLAID_KINDS

BROKER = "key-id-of-the-tests:secret-key-of-the-tests"
SYMBOLS = ["BND", "VTI"]
PLAID = {
    "/plaid/accounts/get": "saver",
    "/plaid/transactions/sync": "saver",
    "/plaid/liabilities/get": "saver",
    "/plaid/item/get": "saver",
    "/plaid/investments/holdings/get": "investor",
    "/plaid/investments/transactions/get": "investor",
}
ALPACA = {
    "/alpaca/trading/v2/account": "broker",
    "/alpaca/trading/v2/positions": "broker",
    "/alpaca/trading/v2/account/activities": "broker",
    "/alpaca/trading/v2/orders": "broker",
    "/alpaca/trading/v2/assets/*": "broker",
    "/alpaca/trading/v2/calendar": "broker",
    "/alpaca/data/v1/corporate-actions": "broker",
    "/alpaca/data/v2/stocks/bars": "bars",
}
"""Every endpoint a pull calls, and through which kind of login."""

LOGINS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "saver": ("plaid", ("rivera_platypus", "ins_109508", "transactions", "liabilities")),
    "investor": ("plaid", ("rivera_tattersall", "ins_109510", "investments")),
    "broker": ("alpaca", ()),
    "bars": ("alpaca", ()),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A fault of an endpoint so many times in a row, and whether the pull gets over it."""

    endpoint: str
    kind: str
    times: int
    recovers: bool
    details: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.endpoint.lstrip('/')} {self.kind} x{self.times}".replace("/", "-")


TRANSIENT = ("rate_limit", "server_error", "timeout", "truncated", "accepted_but_timed_out")


def cases() -> Iterator[Case]:
    """Every fault of every endpoint: once, and as often as the client tries."""
    for endpoint in (*PLAID, *ALPACA):
        for kind in TRANSIENT:
            yield Case(endpoint, kind, 1, recovers=True)
            yield Case(endpoint, kind, ATTEMPTS, recovers=False)
        yield Case(endpoint, "server_error", 1, recovers=True, details=(("status", 503),))
        yield Case(endpoint, "slow", 1, recovers=True, details=(("seconds", 0.05),))
    for endpoint in PLAID:
        if endpoint != "/plaid/item/get":  # a broken login tells there that it is broken
            yield Case(endpoint, "login_required", 1, recovers=False)
    yield Case("/plaid/transactions/sync", "mutation_during_pagination", 4, recovers=True)
    yield Case("/plaid/transactions/sync", "mutation_during_pagination", 5, recovers=False)


FAST = {
    ("/plaid/transactions/sync", "mutation_during_pagination", 5),
    ("/plaid/transactions/sync", "truncated", 1),
    ("/plaid/liabilities/get", "login_required", 1),
    ("/plaid/investments/transactions/get", "server_error", ATTEMPTS),
    ("/alpaca/trading/v2/account/activities", "truncated", 1),
    ("/alpaca/data/v2/stocks/bars", "rate_limit", ATTEMPTS),
}
"""One of each sort; the others are slow."""

EVERY = list(cases())


def test_the_matrix_is_whole() -> None:
    """Whoever adds a kind of fault to the sandbox adds it here."""
    assert {case.kind for case in EVERY} == GENERIC_KINDS | PLAID_KINDS
    for endpoint in (*PLAID, *ALPACA):
        assert {case.kind for case in EVERY if case.endpoint == endpoint} >= GENERIC_KINDS


# -- one installation for all of them, one new connection for each ------------------------------------------


class House:
    """An installation, its connections, and what an undisturbed pull of each kind of login told."""

    def __init__(self, manna: Installation, bank: Any) -> None:
        self.manna, self.bank = manna, bank
        self._undisturbed: dict[str, Mapping[str, Any]] = {}
        self._count = 0

    def connect(self, kind: str) -> dict[str, Any]:
        """A new connection: for Plaid a login linked afresh."""
        self._count += 1
        provider, login = LOGINS[kind]
        token, external = self.bank.link(*login) if provider == "plaid" else (BROKER, f"broker{self._count}")
        name = f"{kind}{self._count}"
        self.manna.ops.add_connection(
            {
                "connection_id": name,
                "book": "home",
                "provider": provider,
                "institution": name.title(),
                "external_id": external,
                "products": dict.fromkeys(login[2:], True),
                "token": self.manna.vault.seal(token),
                "linked_at": datetime(2026, 3, 1, tzinfo=UTC),
            }
        )
        return self.connection(name)

    def connection(self, name: str) -> dict[str, Any]:
        """What ``ops`` says of it now."""
        (found,) = [c for c in self.manna.ops.connections() if c["connection_id"] == name]
        return found

    def pull(self, kind: str, connection: Mapping[str, Any]) -> Received:
        """One pull through one connection, as the assets do it."""
        provider, _ = LOGINS[kind]
        return receive(self.manna, "run", [connection], provider, self._ask(kind))

    def _ask(self, kind: str) -> Ask:
        if kind == "bars":
            return lambda told: {
                BARS: self.manna.alpaca(BROKER).bars(SYMBOLS, date(2026, 3, 2), date(2026, 3, 13))
            }
        ask: Callable[..., Any] = ask_alpaca if LOGINS[kind][0] == "alpaca" else ask_plaid
        return lambda told: ask(self.manna, told)

    def told(self, connection: Mapping[str, Any]) -> dict[str, list[tuple[str, ...]]]:
        """All that is kept of a connection, by table, without the ids that differ between two logins."""
        found = {}
        for address in CONTRACTS:
            if address.startswith("raw."):
                rows = self.manna.lake.read(address, {"connection_id": connection["connection_id"]})
                columns = ["endpoint", "row_count"] if address == "raw.batches" else ["change", "payload"]
                texts = rows.select(pl.col(columns).cast(pl.String))
                if address == "raw.plaid_items":  # names the login itself
                    texts = texts.select("change")
                if rows.height:
                    found[address] = sorted(texts.iter_rows())
        return found

    def undisturbed(self, kind: str) -> Mapping[str, Any]:
        """What such a login tells when nothing goes wrong."""
        if kind not in self._undisturbed:
            connection = self.connect(kind)
            assert self.pull(kind, connection).failures == {}
            self._undisturbed[kind] = self.told(connection)
            assert self._undisturbed[kind]
        return self._undisturbed[kind]

    def faults_left(self) -> list[Any]:
        """The faults that did not happen."""
        return list(self.bank.control.get("/faults").json()["faults"])


@pytest.fixture(scope="module")
def house(
    databases: Any, install: Any, running_bank: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """One for the whole module: what fails leaves nothing, and who recovers has a connection of its own."""
    url = databases.make()
    manna = install(url, tmp_path_factory.mktemp("house"))
    # A hundred pulls within a minute, and sleeping is played: a broker's real budget would be gone.
    manna.settings = manna.settings.model_copy(update={"alpaca_calls_per_minute": 1_000_000})
    yield House(manna, running_bank)
    manna.close()
    databases.drop(url)


def parameters() -> Iterator[Any]:
    """The fast ones, and the others marked slow."""
    for case in EVERY:
        marks = () if (case.endpoint, case.kind, case.times) in FAST else pytest.mark.slow
        yield pytest.param(case, id=f"{case.name}{' 503' if case.details else ''}", marks=marks)


@pytest.mark.parametrize("case", list(parameters()))
@pytest.mark.usefixtures("pauses", "bank")
def test_a_fault_ends_in_the_right_data_or_in_a_clear_error(
    house: House, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    kind = (PLAID | ALPACA)[case.endpoint]
    wanted = house.undisturbed(kind)
    connection = house.connect(kind)
    monkeypatch.setattr(plaid_module, "PAGE", 100)  # so that there are pages to break off between
    house.bank.fault(case.endpoint, case.kind, times=case.times, **dict(case.details))

    with monkeypatch.context() as impatient:
        if "time" in case.kind:
            for module in (plaid_module, alpaca_module):
                impatient.setattr(module, "READ_SECONDS", 1.0)
        failures = list(house.pull(kind, connection).failures.values())
    assert house.faults_left() == []
    after = house.connection(connection["connection_id"])
    if case.recovers:
        assert failures == []
        assert house.told(connection) == wanted
        assert after["status"] == "healthy"
    else:
        (error,) = failures
        assert str(error).startswith(("Plaid", "Alpaca"))
        assert "\n" not in str(error)
        assert house.told(connection) == {}
        assert (after["status"], after["error"]) == (error.status, str(error))
        assert after["complete_through"] is None

    assert house.pull(kind, connection).failures == {}
    assert house.told(connection) == wanted
    healed = house.connection(connection["connection_id"])
    assert (healed["status"], healed["error"]) == ("healthy", None)
