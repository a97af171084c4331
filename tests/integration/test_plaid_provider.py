"""Plaid through the product's client: every endpoint, pages, and every way in which it may fail."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from manna.facts import MARGIN, Answer
from resources import plaid as module
from resources.plaid import Plaid
from resources.plaid_wire import lacks_product
from resources.providers import (
    ATTEMPTS,
    AccessRevokedError,
    ChangedDuringPaginationError,
    CredentialsRefusedError,
    LoginRequiredError,
    ProviderError,
    ProviderUnavailableError,
    require_same_time,
)
from resources.settings import SettingsError
from sandbox.people.model import Account
from sandbox.plaid import products

SYNC = "/plaid/transactions/sync"
INVESTOR = ("rivera_tattersall", "ins_109510", "investments")
FIRST, LAST = date(2024, 3, 16), date(2026, 3, 16)


@pytest.fixture(scope="module")
def token(running_bank: Any) -> str:
    """A login with a checking account, a savings account and a mortgage or the like."""
    return running_bank.link()[0]


@pytest.fixture(scope="module")
def investor(running_bank: Any) -> str:
    """A login with investments."""
    return running_bank.link(*INVESTOR)[0]


@pytest.fixture
def plaid(bank: Any) -> Plaid:
    return bank.plaid()


def ids(answer: Answer) -> list[str]:
    return [record.source_id for record in answer.records]


def payloads(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(record.payload) for record in answer.records]


# -- every endpoint ------------------------------------------------------------------------------------


def test_accounts(plaid: Plaid, token: str) -> None:
    found = plaid.accounts(token)
    assert found.is_whole
    assert {record.change for record in found.records} == {"snapshot"}
    assert ids(found) == [payload["account_id"] for payload in payloads(found)]
    assert all("balances" in payload for payload in payloads(found))
    assert len(found.request_ids) == 1


def test_payloads_are_kept_as_sent(bank: Any, plaid: Plaid, token: str) -> None:
    import httpx

    keys = {"client_id": plaid._client_id, "secret": plaid._secret, "access_token": token}
    sent = httpx.post(f"{bank.plaid_url}/accounts/get", json=keys, timeout=60).text
    assert all(record.payload in sent for record in plaid.accounts(token).records)


def test_transactions_from_the_beginning_and_from_the_cursor(plaid: Plaid, token: str) -> None:
    found = plaid.transactions(token, None)
    assert found.cursor_before is None
    assert found.cursor_after
    assert not found.is_whole
    assert len(ids(found)) == len(set(ids(found))) > 100
    again = plaid.transactions(token, found.cursor_after)
    assert (again.records, again.cursor_before) == ((), found.cursor_after)


def test_small_pages_bring_the_same(plaid: Plaid, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plaid.transactions(token, None)
    monkeypatch.setattr(module, "PAGE", 100)
    paged = plaid.transactions(token, None)
    assert paged.records == whole.records
    assert len(paged.request_ids) == -(-len(whole.records) // 100) > 1


def test_holdings_and_their_securities(plaid: Plaid, investor: str) -> None:
    holdings, securities = plaid.holdings(investor)
    assert holdings.is_whole
    assert not securities.is_whole
    assert ids(holdings) == [f"{p['account_id']}:{p['security_id']}" for p in payloads(holdings)]
    assert {p["security_id"] for p in payloads(holdings)} <= set(ids(securities))


def test_a_margin_loan_is_told_with_the_holdings(
    plaid: Plaid, investor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other answer has it. An account that owes nothing has no such record."""
    described, lent = products._with_margin, iter([2000.5, 0, None])

    def with_loan(account: Account, when: datetime) -> dict[str, Any]:
        found = described(account, when)
        return {**found, "balances": {**found["balances"], "margin_loan_amount": next(lent, None)}}

    monkeypatch.setattr(products, "_with_margin", with_loan)
    holdings, _ = plaid.holdings(investor)
    (loan,) = (record for record in holdings.records if record.source_id.startswith(MARGIN))
    payload = json.loads(loan.payload)
    assert loan.source_id == f"margin:{payload['account_id']}"
    assert payload["balances"]["margin_loan_amount"] == 2000.5


def test_investment_transactions_in_pages(
    plaid: Plaid, investor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trades, securities = plaid.investment_transactions(investor, FIRST, LAST)
    assert len(trades.records) == len(set(ids(trades))) > 20
    monkeypatch.setattr(module, "PAGE", 10)
    paged, again = plaid.investment_transactions(investor, FIRST, LAST)
    assert paged.records == trades.records
    assert set(ids(again)) == set(ids(securities))
    assert len(paged.request_ids) > 2
    none, _ = plaid.investment_transactions(investor, date(2020, 1, 1), date(2020, 1, 2))
    assert none.records == ()


def test_liabilities(plaid: Plaid, token: str) -> None:
    found = plaid.liabilities(token)
    assert found.is_whole
    assert {record.source_id.partition(":")[0] for record in found.records} <= {
        "credit",
        "mortgage",
        "student",
    }
    assert [name.partition(":")[2] for name in ids(found)] == [p["account_id"] for p in payloads(found)]


def test_a_login_without_a_product_says_so(bank: Any, plaid: Plaid) -> None:
    token, _ = bank.link("rivera_gingham", "ins_109509", "transactions")
    with pytest.raises(ProviderError) as caught:
        plaid.holdings(token)
    assert lacks_product(caught.value)
    assert not lacks_product(ProviderUnavailableError("x"))


def test_linking(plaid: Plaid) -> None:
    token, address = plaid.link_token("home", ["transactions", "investments"])
    assert token.startswith("link-")
    assert address.startswith("http")
    assert plaid.linked(token) == []


# -- faults --------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Plaid, str], Any]] = {
    "/plaid/accounts/get": lambda plaid, token: plaid.accounts(token),
    SYNC: lambda plaid, token: plaid.transactions(token, None),
    "/plaid/liabilities/get": lambda plaid, token: plaid.liabilities(token),
    "/plaid/investments/holdings/get": lambda plaid, token: plaid.holdings(token),
    "/plaid/investments/transactions/get": lambda plaid, token: plaid.investment_transactions(
        token, FIRST, LAST
    ),
}


@pytest.mark.parametrize("endpoint", CALLS)
@pytest.mark.parametrize(
    ("kind", "details"), [("rate_limit", {"retry_after": 7}), ("server_error", {"status": 503})]
)
def test_what_is_transient_is_asked_again(
    bank: Any,
    plaid: Plaid,
    token: str,
    investor: str,
    pauses: list[float],
    endpoint: str,
    kind: str,
    details: Any,
) -> None:
    of = investor if "investments" in endpoint else token
    wanted = CALLS[endpoint](plaid, of)
    bank.fault(endpoint, kind, times=ATTEMPTS - 1, **details)
    found = CALLS[endpoint](plaid, of)
    strip = lambda answers: [a.records for a in (answers if isinstance(answers, tuple) else [answers])]  # noqa: E731
    assert strip(found) == strip(wanted)
    assert len(pauses) == ATTEMPTS - 1
    assert kind != "rate_limit" or pauses == [7.0] * 3


@pytest.mark.parametrize("retry_after", [0, 3600])
def test_a_pause_has_an_end(
    bank: Any, plaid: Plaid, token: str, pauses: list[float], retry_after: int
) -> None:
    bank.fault("/plaid/accounts/get", "rate_limit", retry_after=retry_after)
    plaid.accounts(token)
    assert pauses == [min(retry_after, 30)]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("rate_limit", "Plaid: RATE_LIMIT: rate limit exceeded"),
        ("server_error", "Plaid: INTERNAL_SERVER_ERROR: "),
        ("timeout", "Plaid did not answer: "),
        ("truncated", "Plaid did not answer: "),
    ],
)
def test_what_does_not_pass_is_an_error_that_names_plaid(
    bank: Any,
    plaid: Plaid,
    token: str,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    said: str,
) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 0.2)
    bank.fault("/plaid/accounts/get", kind, times=ATTEMPTS)
    with pytest.raises(ProviderUnavailableError) as caught:
        plaid.accounts(token)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert len(pauses) == ATTEMPTS - 1
    assert plaid.accounts(token).records  # and afterwards it works


def test_nobody_there(pauses: list[float]) -> None:
    with pytest.raises(ProviderUnavailableError, match="Plaid did not answer: "):
        Plaid("http://127.0.0.1:1/plaid", "id", "secret").accounts("access-x")
    assert len(pauses) == ATTEMPTS - 1


def test_a_change_between_pages_starts_again_from_the_cursor(
    bank: Any, plaid: Plaid, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 200)
    wanted = plaid.transactions(token, None)
    bank.fault(SYNC, "mutation_during_pagination", times=4)
    found = plaid.transactions(token, None)
    assert found.records == wanted.records
    assert len(found.request_ids) == len(wanted.request_ids)
    bank.fault(SYNC, "mutation_during_pagination", times=5)
    with pytest.raises(ChangedDuringPaginationError, match="TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"):
        plaid.transactions(token, None)


def test_endless_pages_have_an_end(plaid: Plaid, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 10)
    monkeypatch.setattr(module, "MOST_PAGES", 2)
    with pytest.raises(ProviderError, match="more than 2 pages of transactions"):
        plaid.transactions(token, None)


@pytest.mark.parametrize("endpoint", [SYNC, "/plaid/accounts/get"])
def test_a_login_that_must_be_renewed(
    bank: Any, plaid: Plaid, token: str, pauses: list[float], endpoint: str
) -> None:
    bank.fault(endpoint, "login_required")
    with pytest.raises(LoginRequiredError, match="must log in again at the institution") as caught:
        CALLS[endpoint](plaid, token)
    assert (caught.value.status, pauses) == ("login_required", [])


@pytest.mark.parametrize("keys", [{"client_id": "wrong-client"}, {"secret": "wrong-secret"}])
def test_wrong_credentials(bank: Any, token: str, pauses: list[float], keys: dict[str, str]) -> None:
    with pytest.raises(CredentialsRefusedError, match="check PLAID_CLIENT_ID, PLAID_SECRET") as caught:
        bank.plaid(**keys).accounts(token)
    assert not any(secret in str(caught.value) for secret in (token, *keys.values()))
    assert pauses == []


@pytest.mark.parametrize("access_token", ["access-sandbox-00000000-0000-0000-0000-000000000000", "nonsense"])
def test_a_token_nobody_knows(plaid: Plaid, pauses: list[float], access_token: str) -> None:
    # Not revoked: a wrong PLAID_BASE_URL says so of every login, and none of them may be given up for it.
    with pytest.raises(ProviderError, match="check PLAID_BASE_URL, or link the institution again") as caught:
        plaid.accounts(access_token)
    assert access_token not in str(caught.value)
    assert (caught.value.status, pauses) == ("degraded", [])


def test_an_item_that_was_removed(bank: Any, plaid: Plaid) -> None:
    import httpx

    token, _ = bank.link()
    keys = {"client_id": plaid._client_id, "secret": plaid._secret, "access_token": token}
    assert httpx.post(f"{bank.plaid_url}/item/remove", json=keys, timeout=60).status_code == 200
    with pytest.raises(AccessRevokedError):
        plaid.transactions(token, None)


# -- answers that are not as documented ---------------------------------------------------------------


class Canned:
    """In the SDK's place: one endpoint that answers with given bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def accounts_get(self, *_: Any, **__: Any) -> Any:
        return type("Response", (), {"data": self._content})


def told(content: bytes) -> Answer:
    plaid = Plaid("http://127.0.0.1:1", "id", "secret")
    plaid.__dict__["_api"] = Canned(content)
    return plaid.accounts("access")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"<html>",
        b'{"accounts": 5, "request_id": "r"}',
        b'{"accounts": ["\xff"], "request_id": "r"}',
    ],
)
@pytest.mark.usefixtures("pauses")
def test_what_is_not_the_documented_shape_is_no_answer(content: bytes) -> None:
    with pytest.raises(ProviderUnavailableError, match="Plaid's answer to accounts_get cannot be read"):
        told(content)


def test_records_without_a_usable_id_are_kept_apart() -> None:
    found = told(
        b'{"accounts": [{"a": 1}, {"a": 2}, {"account_id": 5}, 7, {"account_id": "x"}], "request_id": "r"}'
    )
    assert len(set(ids(found))) == 5
    assert [name.startswith("?") for name in ids(found)] == [True] * 4 + [False]
    assert [record.payload for record in found.records[:2]] == ['{"a": 1}', '{"a": 2}']


@pytest.mark.parametrize(
    "told",
    [None, "", "yesterday", "Mon, 99 Mar 2026 12:00:00 GMT", "Mon, 16 Mar 2026 12:00:00 -0000",
     "Mon, 16 Mar 2026 12:00:00 +99999999999999"],
)  # fmt: skip
def test_a_date_that_says_no_moment_says_nothing(told: str | None) -> None:
    require_same_time("Plaid", told, datetime(2026, 3, 16, 12, tzinfo=UTC))


def test_a_moment_without_a_zone_is_of_utc() -> None:
    with pytest.raises(SettingsError, match="says 2026-03-16 14:30 UTC: set the clock"):
        require_same_time("Plaid", "Mon, 16 Mar 2026 14:30:00 -0000", datetime(2026, 3, 16, 12, tzinfo=UTC))
