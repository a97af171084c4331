"""What a pull keeps when a provider fails: whole answers with their cursors, or nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from cryptography.fernet import Fernet
from pulling import ALPACA_TOKEN, add, assert_sound, extent, link, pull

from assets.raw.plaid import TABLES as PLAID_TABLES
from assets.raw.receiving import Told, receive
from manna.cleaning import CLEANERS, clean
from manna.cleaning.context import Context
from manna.facts import Answer, Record
from resources import plaid as plaid_module
from resources.installation import Installation
from resources.providers import ATTEMPTS, LoginRequiredError, ProviderError, ProviderUnavailableError
from resources.vault import Vault

SYNC = "/plaid/transactions/sync"
ACCOUNTS, LIABILITIES = "/plaid/accounts/get", "/plaid/liabilities/get"
OUT, LOGIN = (ATTEMPTS, ProviderUnavailableError, "degraded"), (1, LoginRequiredError, "login_required")


@pytest.fixture
def linked(manna: Installation, bank: Any) -> Installation:
    """With one login at Plaid."""
    link(manna, bank)
    return manna


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


@pytest.mark.usefixtures("pauses")
def test_a_brokerage_that_breaks_off_leaves_nothing_half_written(manna: Installation, bank: Any) -> None:
    add(manna, "alpaca", ALPACA_TOKEN, "alpaca", provider="alpaca")
    bank.fault("/alpaca/data/v1/corporate-actions", "server_error", times=ATTEMPTS)
    assert [type(one) for one in pull(manna, "alpaca").failures.values()] == [ProviderUnavailableError]
    assert extent(manna) == {}


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


def test_what_an_ask_raises_otherwise_is_not_swallowed(linked: Installation) -> None:
    def ask(told: Told) -> Mapping[str, Answer]:
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        receive(linked, "run", linked.ops.connections(), "plaid", ask)
    assert extent(linked) == {}


def test_a_token_sealed_with_another_key_stops_the_pull_and_says_so(linked: Installation) -> None:
    linked.__dict__["vault"] = Vault(Fernet.generate_key())
    with pytest.raises(dg.Failure, match="restore the former MANNA_KEY") as caught:
        list(pull(linked).materializations(PLAID_TABLES, {}))
    assert caught.value.allow_retries is False
    assert extent(linked) == {}
