"""What a provider says is kept once, whole, with its cursor: also when it fails, or when two ask at once."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import psycopg
import pytest
from cryptography.fernet import Fernet

from assets.raw.alpaca import TABLES as ALPACA_TABLES
from assets.raw.alpaca import _ask as ask_alpaca
from assets.raw.plaid import TABLES as PLAID_TABLES
from assets.raw.plaid import _ask as ask_plaid
from assets.raw.receiving import CursorError, Received, Told, receive
from manna.cleaning import CLEANERS, clean
from manna.cleaning.context import Context
from manna.contracts import CONTRACTS
from manna.facts import Answer, Record
from resources import plaid as plaid_module
from resources.installation import Installation
from resources.lake import LakeTransaction
from resources.providers import ATTEMPTS, LoginRequiredError, ProviderError, ProviderUnavailableError
from resources.settings import Settings
from resources.vault import Vault

PROJECT = Path(__file__).resolve().parents[2]
SYNC = "/plaid/transactions/sync"
TOKEN = "key-id-of-the-tests:secret-key-of-the-tests"
LINKED = datetime(2026, 3, 1, tzinfo=UTC)


def add(
    manna: Installation, name: str, token: str, external_id: str, *products: str, provider: str = "plaid"
) -> None:
    manna.ops.add_connection(
        {
            "connection_id": name,
            "book": "home",
            "provider": provider,
            "institution": name.title(),
            "external_id": external_id,
            "products": dict.fromkeys(products, True),
            "token": manna.vault.seal(token),
            "linked_at": LINKED,
        }
    )


@pytest.fixture
def linked(manna: Installation, bank: Any) -> Installation:
    """With one login at Plaid."""
    add(manna, "platypus", *bank.link(), "transactions", "liabilities")
    return manna


def pull(manna: Installation, provider: str = "plaid", run_id: str = "run") -> Received:
    ask = ask_plaid if provider == "plaid" else ask_alpaca
    connections = manna.ops.connections(provider=provider)
    return receive(manna, run_id, connections, provider, lambda told: ask(manna, told))


def raw(manna: Installation) -> dict[str, pl.DataFrame]:
    return {address: manna.lake.read(address) for address in CONTRACTS if address.startswith("raw.")}


def extent(manna: Installation) -> dict[str, int]:
    return {address: rows.height for address, rows in raw(manna).items() if rows.height}


def assert_sound(manna: Installation) -> None:
    """Every row has its batch, every batch its rows, no key twice, one cursor leads to the next."""
    tables = raw(manna)
    batches = tables.pop("raw.batches")
    rows = pl.concat([frame.select("batch_id", "seq", "connection_id") for frame in tables.values()])
    assert not rows.select("batch_id", "seq").is_duplicated().any()
    assert not batches["batch_id"].is_duplicated().any()
    counted = dict(rows.group_by("batch_id").len().iter_rows())
    said = dict(batches.filter(pl.col("row_count") > 0).select("batch_id", "row_count").iter_rows())
    assert counted == said
    for _, of in (
        batches.filter(pl.col("cursor_after").is_not_null()).sort("known_at").group_by("connection_id")
    ):
        assert of["cursor_before"].to_list()[1:] == of["cursor_after"].to_list()[:-1]


def test_a_login_is_pulled_and_a_repetition_adds_nothing(linked: Installation) -> None:
    first = pull(linked)
    assert first.failures == {}
    assert first.rows["raw.plaid_transactions"] > 100
    assert_sound(linked)
    before = extent(linked)
    again = pull(linked, run_id="again")
    assert set(again.rows.values()) == {0}
    assert extent(linked) == before
    (connection,) = linked.ops.connections()
    assert (connection["status"], str(connection["complete_through"])) == ("healthy", "2026-03-16")


def test_nothing_new_reads_no_history(linked: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    pull(linked)
    asked: list[str] = []
    query = LakeTransaction.query

    def heard(self: LakeTransaction, sql: str, *values: Any, **more: Any) -> pl.DataFrame:
        asked.append(sql)
        return query(self, sql, *values, **more)

    monkeypatch.setattr(LakeTransaction, "query", heard)
    assert set(pull(linked).rows.values()) == {0}
    tables = [sql.partition(" FROM ")[2].partition(" ")[0] for sql in asked]
    assert tables.count("raw.batches") == 1
    assert "raw.plaid_transactions" not in tables


def test_the_next_day_says_that_balances_still_are_so(linked: Installation, bank: Any) -> None:
    pull(linked)
    accounts = linked.lake.read("raw.plaid_accounts").height
    transactions = linked.lake.read("raw.plaid_transactions").height
    linked.settings = linked.settings.model_copy(update={"fixed_now": datetime(2026, 3, 17, 12, tzinfo=UTC)})
    bank.now = datetime(2026, 3, 17, 12, tzinfo=UTC)
    pull(linked)
    assert linked.lake.read("raw.plaid_accounts").height == 2 * accounts
    assert linked.lake.read("raw.plaid_transactions").height >= transactions
    assert_sound(linked)


ACCOUNTS, LIABILITIES = "/plaid/accounts/get", "/plaid/liabilities/get"
OUT, LOGIN = (ATTEMPTS, ProviderUnavailableError, "degraded"), (1, LoginRequiredError, "login_required")


@pytest.mark.parametrize(
    ("endpoint", "kind", "times", "error", "status"),
    [
        # Each kind of failure, as late in a pull as it comes; then at its beginning.
        (ACCOUNTS, "rate_limit", *OUT),
        (ACCOUNTS, "timeout", *OUT),
        (SYNC, "truncated", *OUT),
        (SYNC, "login_required", *LOGIN),
        (LIABILITIES, "server_error", *OUT),
        *(
            pytest.param(ACCOUNTS, kind, *rest, marks=pytest.mark.slow)
            for kind, rest in (("server_error", OUT), ("truncated", OUT), ("login_required", LOGIN))
        ),
    ],
)
@pytest.mark.usefixtures("pauses")
def test_a_failure_leaves_nothing_half_written(
    linked: Installation,
    bank: Any,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str,
    kind: str,
    times: int,
    error: type[Exception],
    status: str,
) -> None:
    monkeypatch.setattr(plaid_module, "READ_SECONDS", 0.2)
    bank.fault(endpoint, kind, times=times)
    found = pull(linked)
    assert [type(one) for one in found.failures.values()] == [error]
    assert extent(linked) == {}
    (connection,) = linked.ops.connections()
    assert (connection["status"], connection["complete_through"]) == (status, None)
    assert connection["error"]
    with pytest.raises(dg.Failure, match="no connection answered") as caught:
        list(found.materializations(PLAID_TABLES, {}))
    assert caught.value.allow_retries is (status == "degraded")
    assert not found.check("raw.plaid_accounts").passed


def test_a_failure_after_a_success_keeps_rows_and_cursor(
    linked: Installation, bank: Any, pauses: list[float]
) -> None:
    pull(linked)
    before, (healthy,) = extent(linked), linked.ops.connections()
    bank.now = datetime(2026, 3, 20, 12, tzinfo=UTC)
    linked.settings = linked.settings.model_copy(update={"fixed_now": bank.now})
    bank.fault("/plaid/accounts/get", "server_error", times=ATTEMPTS)
    assert pull(linked).failures
    assert extent(linked) == before
    (broken,) = linked.ops.connections()
    assert (broken["status"], broken["complete_through"]) == ("degraded", healthy["complete_through"])
    assert pull(linked).rows["raw.plaid_transactions"] > 0  # and nothing of those days is lost
    assert_sound(linked)
    assert len(pauses) == ATTEMPTS - 1


def test_pages_that_change_are_read_again_from_the_committed_cursor(
    linked: Installation, bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plaid_module, "PAGE", 100)
    bank.fault(SYNC, "mutation_during_pagination", times=2)
    assert pull(linked).failures == {}
    transactions = linked.lake.read("raw.plaid_transactions")
    assert not transactions["source_id"].is_duplicated().any()
    assert_sound(linked)


def test_one_broken_login_does_not_stop_the_others(linked: Installation, bank: Any) -> None:
    add(linked, "gone", "access-sandbox-nobody", "item-gone", "transactions")
    add(linked, "tartan", *bank.link("rivera_tartan", "ins_109511"), "transactions")
    found = pull(linked)
    assert list(found.failures) == ["Gone (home)"]
    status = {c["connection_id"]: c["status"] for c in linked.ops.connections()}
    assert status == {"platypus": "healthy", "gone": "degraded", "tartan": "healthy"}
    assert set(linked.lake.read("raw.plaid_accounts")["connection_id"]) == {"platypus", "tartan"}
    assert len(list(found.materializations(PLAID_TABLES, {}))) == len(PLAID_TABLES)
    check = found.check("raw.plaid_accounts")
    assert (check.passed, list(check.metadata)) == (False, ["Gone (home)"])
    assert_sound(linked)


def test_a_login_whose_key_is_lost_does_not_stop_the_others(linked: Installation, bank: Any) -> None:
    with linked.ops.engine.begin() as connection:
        other = Vault(Fernet.generate_key()).seal("access-sandbox-lost")
        connection.exec_driver_sql("UPDATE ops.connections SET token = %s", (other,))
    add(linked, "tartan", *bank.link("rivera_tartan", "ins_109511"), "transactions")
    found = pull(linked)
    assert list(found.failures) == ["Platypus (home)"]
    status = {c["connection_id"]: (c["status"], c["error"]) for c in linked.ops.connections()}
    assert status["tartan"] == ("healthy", None)
    assert status["platypus"][0] == "degraded"
    assert "were sealed with another key" in status["platypus"][1]


def test_wrong_credentials_end_the_pull_at_once(linked: Installation, bank: Any) -> None:
    add(linked, "tartan", *bank.link("rivera_tartan", "ins_109511"), "transactions")
    linked.__dict__["plaid"] = bank.plaid(secret="wrong")
    with pytest.raises(dg.Failure, match="check PLAID_CLIENT_ID") as caught:
        pull(linked)
    assert caught.value.allow_retries is False
    assert extent(linked) == {}


def test_a_product_a_login_lacks_is_no_failure(manna: Installation, bank: Any) -> None:
    token, item = bank.link("rivera_gingham", "ins_109509", "transactions")
    add(manna, "gingham", token, item, "transactions", "investments", "liabilities")
    found = pull(manna)
    assert found.failures == {}
    assert found.rows["raw.plaid_transactions"] > 0


@pytest.mark.parametrize(
    "method",
    ["holdings", *(pytest.param(name, marks=pytest.mark.slow) for name in ("transactions", "liabilities"))],
)
def test_a_product_that_plaid_has_not_fetched_yet_leaves_a_login_healthy_and_provisional(
    manna: Installation, bank: Any, method: str
) -> None:
    investor = ("rivera_houndstooth", "ins_109512", "transactions", "investments")
    saver = ("rivera_platypus", "ins_109508", "transactions", "liabilities")
    login = investor if method == "holdings" else saver
    add(manna, "new", *bank.link(*login), *login[2:])

    def not_ready(*_: Any, **__: Any) -> Any:
        raise ProviderError("Plaid: PRODUCT_NOT_READY: try again later", "PRODUCT_NOT_READY")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manna.plaid, method, not_ready)
        assert pull(manna).failures == {}
    (connection,) = manna.ops.connections()
    is_terms = method == "liabilities"
    expected = ("healthy", "complete" if is_terms else "not_ready")
    assert (connection["status"], connection["history"]) == expected
    assert (connection["complete_through"] is not None) == is_terms
    assert provisional(manna) == {not is_terms}
    missing = {"holdings": "investment_transactions"}.get(method, method)
    assert manna.lake.read(f"raw.plaid_{missing}").is_empty()

    assert pull(manna).failures == {}
    (connection,) = manna.ops.connections()
    assert (connection["status"], connection["history"]) == ("healthy", "complete")
    assert provisional(manna) == {False}
    assert set(pull(manna).rows.values()) == {0}


def provisional(manna: Installation) -> set[bool]:
    tables = {source: manna.lake.read(source) for source in CLEANERS["clean.coverage"].sources}
    return set(clean("clean.coverage", tables, Context({}, {})).rows["provisional"])


def test_a_brokerage_is_pulled(manna: Installation) -> None:
    add(manna, "alpaca", TOKEN, "alpaca", provider="alpaca")
    found = pull(manna, "alpaca")
    assert found.failures == {}
    assert all(found.rows[table] > 0 for table in ALPACA_TABLES)
    assert set(pull(manna, "alpaca").rows.values()) == {0}
    assert_sound(manna)


@pytest.mark.usefixtures("pauses")
def test_a_brokerage_that_breaks_off_leaves_nothing_half_written(manna: Installation, bank: Any) -> None:
    add(manna, "alpaca", TOKEN, "alpaca", provider="alpaca")
    bank.fault("/alpaca/data/v1/corporate-actions", "server_error", times=ATTEMPTS)
    assert [type(one) for one in pull(manna, "alpaca").failures.values()] == [ProviderUnavailableError]
    assert extent(manna) == {}


def test_the_last_position_that_is_sold_is_gone(manna: Installation) -> None:
    add(manna, "alpaca", "k:s", "alpaca", provider="alpaca")
    position = Record("asset", "snapshot", '{"asset_id": "asset", "symbol": "VTI"}')
    for records in ((position,), (), ()):
        answer = Answer(records, is_whole=True)
        receive(
            manna,
            "run",
            manna.ops.connections(),
            "alpaca",
            lambda told, a=answer: {"raw.alpaca_positions": a},
        )
    rows = manna.lake.read("raw.alpaca_positions").sort("known_at")
    assert rows["change"].to_list() == ["snapshot", "removed"]


@pytest.mark.parametrize("back", [0, 5])
def test_a_clock_that_stands_still_or_is_set_back_keeps_the_order(manna: Installation, back: int) -> None:
    add(manna, "alpaca", "k:s", "alpaca", provider="alpaca")
    for number in range(3):
        day = 16 - number * back
        manna.settings = manna.settings.model_copy(update={"fixed_now": datetime(2026, 3, day, tzinfo=UTC)})
        answer = Answer((Record("o", "added", f'{{"id": "o", "n": {number}}}'),))
        receive(
            manna, "run", manna.ops.connections(), "alpaca", lambda told, a=answer: {"raw.alpaca_orders": a}
        )
    rows = manna.lake.read("raw.alpaca_orders").sort("known_at")
    assert [payload[-2] for payload in rows["payload"]] == ["0", "1", "2"]
    assert_sound(manna)


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_asked_beside_its_accounts_tells_nothing_of_a_connection(
    manna: Installation, fails: bool
) -> None:
    add(manna, "alpaca", "k:s", "alpaca", provider="alpaca")
    (before,) = manna.ops.connections()

    def ask(_: Told) -> Mapping[str, Answer]:
        if fails:
            raise ProviderError("Alpaca: no bars today")
        return {"raw.alpaca_bars": Answer((Record("VTI:2026-03-13", "added", "{}"),))}

    found = receive(manna, "run", [before], "alpaca_bars", ask, of_accounts=False)
    assert (len(found.failures), found.rows.get("raw.alpaca_bars")) == ((1, None) if fails else (0, 1))
    assert manna.ops.connections() == [before]


def test_an_answer_from_another_cursor_than_the_committed_one_is_not_kept(manna: Installation) -> None:
    add(manna, "bank", "t", "item")

    def said(number: int, before: str | None, after: str) -> None:
        record = Record(f"t{number}", "added", "{}")
        answer = Answer((record,), cursor_before=before, cursor_after=after)
        receive(manna, "run", manna.ops.connections(), "plaid", lambda _: {"raw.plaid_transactions": answer})

    with pytest.raises(CursorError, match="from cursor 'x', but nothing is committed"):
        said(1, "x", "1")
    said(1, None, "1")
    for before in (None, "0"):
        with pytest.raises(CursorError, match="the committed cursor is '1'"):
            said(2, before, "2")
    assert extent(manna) == {"raw.batches": 1, "raw.plaid_transactions": 1}
    said(2, "1", "2")
    assert_sound(manna)


def test_no_connection_is_no_failure(manna: Installation) -> None:
    found = pull(manna)
    assert (found.asked, found.failures) == (0, {})
    assert len(list(found.materializations(PLAID_TABLES, {}))) == len(PLAID_TABLES)


def test_what_an_ask_raises_otherwise_is_not_swallowed(linked: Installation) -> None:
    def ask(told: Told) -> Mapping[str, Answer]:
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        receive(linked, "run", linked.ops.connections(), "plaid", ask)
    assert extent(linked) == {}


# -- two processes ---------------------------------------------------------------------------------------

SYNC_ONCE = """
import sys
from assets.raw.receiving import receive
from resources.installation import Installation
from resources.lake import Lake
from pathlib import Path
manna = Installation()
manna.__dict__["lake"] = Lake(manna.postgres_url, Path(sys.argv[1]))
def ask(told):
    token = manna.vault.open(told.connection["token"])
    answer = manna.plaid.transactions(token, told.cursor)
    print("read from", told.cursor, flush=True)
    sys.stdin.readline()
    return {"raw.plaid_transactions": answer}
print("starting", flush=True)
found = receive(manna, sys.argv[2], manna.ops.connections(provider="plaid"), "plaid", ask)
assert not found.failures, found.failures
print("kept", found.rows["raw.plaid_transactions"], flush=True)
"""


class Process:
    """A process of the product that waits between reading and committing until it is told to go on."""

    def __init__(self, manna: Installation, name: str) -> None:
        settings: Settings = manna.settings
        assert settings.plaid_client_id is not None
        assert settings.plaid_secret is not None
        self._process = subprocess.Popen(
            [sys.executable, "-c", SYNC_ONCE, str(manna.lake._data_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env={
                "PYTHONWARNINGS": "ignore",
                "MANNA_DATA_DIR": str(settings.data_dir),
                "MANNA_BOOKS_DIR": str(settings.books_dir),
                "MANNA_NOW": "2026-03-16T12:00:00Z",
                "MANNA_POSTGRES_URL": str(settings.postgres_url),
                "PLAID_CLIENT_ID": settings.plaid_client_id.get_secret_value(),
                "PLAID_SECRET": settings.plaid_secret.get_secret_value(),
                "PLAID_BASE_URL": settings.plaid_url,
            },
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def go_on(self) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.line()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def end(self) -> None:
        self._process.communicate(timeout=300)
        assert self._process.returncode == 0


@pytest.fixture
def process(linked: Installation) -> Iterator[Callable[[str], Process]]:
    """Begins a process of that name; none outlives the test."""
    begun: list[Process] = []

    def begin(name: str) -> Process:
        begun.append(Process(linked, name))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()


def wait_until_somebody_waits(url: str) -> None:
    """Returns once a process waits for an advisory lock that another one holds."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(1_000_000):
            waiting = connection.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone()
            if waiting != (0,):
                return
    pytest.fail("nobody waits for the lock")


def test_two_processes_that_sync_the_same_login_end_with_each_row_once(
    linked: Installation, database: str, process: Callable[[str], Process]
) -> None:
    first = process("first")
    assert [first.line(), first.line()] == ["starting", "read from None"]
    second = process("second")
    assert second.line() == "starting"
    wait_until_somebody_waits(database)  # it may not even read the cursor that the first one will move
    kept = first.go_on()
    assert int(kept.removeprefix("kept ")) > 100
    cursor = second.line()
    assert second.go_on() == "kept 0"
    first.end()
    second.end()
    batches = linked.lake.read("raw.batches").filter(pl.col("cursor_after").is_not_null())
    assert cursor == f"read from {batches['cursor_after'][0]}"
    assert batches["run_id"].to_list() == ["first"]
    transactions = linked.lake.read("raw.plaid_transactions")
    assert not transactions["source_id"].is_duplicated().any()
    assert_sound(linked)


@pytest.mark.slow
def test_who_is_killed_between_reading_and_committing_leaves_everything_to_the_next(
    linked: Installation, database: str, process: Callable[[str], Process]
) -> None:
    first = process("first")
    assert [first.line(), first.line()] == ["starting", "read from None"]
    second = process("second")
    assert second.line() == "starting"
    wait_until_somebody_waits(database)
    first.kill()
    assert second.line() == "read from None"
    assert int(second.go_on().removeprefix("kept ")) > 100
    second.end()
    assert linked.lake.read("raw.batches")["run_id"].to_list() == ["second"]
    assert_sound(linked)


def test_a_token_sealed_with_another_key_stops_the_pull_and_says_so(linked: Installation) -> None:
    linked.__dict__["vault"] = Vault(Fernet.generate_key())
    with pytest.raises(dg.Failure, match="restore the former MANNA_KEY") as caught:
        list(pull(linked).materializations(PLAID_TABLES, {}))
    assert caught.value.allow_retries is False
    assert extent(linked) == {}
