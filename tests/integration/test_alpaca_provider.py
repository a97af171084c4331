"""Alpaca through the product's client: every endpoint, pages, and every way in which it may fail."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from manna.facts import Answer
from resources import alpaca as module
from resources.alpaca import Alpaca
from resources.providers import ATTEMPTS, CredentialsRefusedError, ProviderError, ProviderUnavailableError

SYMBOLS = ["BND", "VTI"]
FIRST, LAST = date(2026, 1, 2), date(2026, 3, 13)


@pytest.fixture
def alpaca(bank: Any) -> Alpaca:
    return bank.alpaca()


def ids(answer: Answer) -> list[str]:
    return [record.source_id for record in answer.records]


def payloads(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(record.payload) for record in answer.records]


# -- every endpoint ------------------------------------------------------------------------------------


def test_the_account(alpaca: Alpaca) -> None:
    found = alpaca.account()
    (payload,) = payloads(found)
    assert (ids(found), found.is_whole) == ([payload["id"]], True)


def test_positions(alpaca: Alpaca) -> None:
    found = alpaca.positions()
    assert found.is_whole
    assert ids(found) == [payload["symbol"] for payload in payloads(found)] != []


def test_activities_in_pages(alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = alpaca.activities()
    assert len(ids(whole)) == len(set(ids(whole))) > 20
    days = [name[:8] for name in ids(whole)]
    assert days == sorted(days)
    for size in (7, 50, 100):
        monkeypatch.setattr(module, "PAGE", size)
        assert alpaca.activities().records == whole.records


def test_orders_in_pages_even_where_many_share_a_moment(
    alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = alpaca.orders()
    assert len(ids(whole)) == len(set(ids(whole))) > 5
    most = max(
        sum(1 for other in payloads(whole) if other["submitted_at"][:19] == payload["submitted_at"][:19])
        for payload in payloads(whole)
    )
    for size in (most + 1, most + 3):
        monkeypatch.setattr(module, "ORDERS_PAGE", size)
        assert set(ids(alpaca.orders())) == set(ids(whole))


def test_a_page_of_orders_that_ends_within_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = ["2026-03-16T13:30:00.000000001Z"] * 2 + ["2026-03-16T13:31:00Z"] * 2
    orders = [{"id": f"o{n}", "submitted_at": moment} for n, moment in enumerate(moments)]

    def get(self: Alpaca, client: Any, path: str, parameters: dict[str, Any], shape: Any) -> Any:
        after = parameters.get("after", "")
        listed = [o for o in orders if o["submitted_at"][:19] > after[:19] or not after]
        return [module.msgspec.Raw(json.dumps(o).encode()) for o in listed[: parameters["limit"]]]

    monkeypatch.setattr(Alpaca, "_get", get)
    monkeypatch.setattr(module, "ORDERS_PAGE", 3)
    assert ids(Alpaca("http://x", "http://x", "k", "s").orders()) == ["o0", "o1", "o2", "o3"]


def test_thousands_of_activities_and_pages_that_end_within_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids begin with the moment: all but the first are of one and the same."""
    told = [{"id": "20260315000000000::0"}, *({"id": f"20260316000000000::{n:04d}"} for n in range(2350))]
    asked = []

    def get(self: Alpaca, client: Any, path: str, parameters: dict[str, Any], shape: Any) -> Any:
        names = [activity["id"] for activity in told]
        first = names.index(parameters["page_token"]) + 1 if "page_token" in parameters else 0
        asked.append(first)
        page = told[first : first + parameters["page_size"]]
        return [module.msgspec.Raw(json.dumps(activity).encode()) for activity in page]

    monkeypatch.setattr(Alpaca, "_get", get)
    found = Alpaca("http://x", "http://x", "k", "s").activities()
    assert ids(found) == [activity["id"] for activity in told]
    assert asked == list(range(0, 2400, 100))


def test_assets_leave_out_what_alpaca_does_not_know(alpaca: Alpaca) -> None:
    assert ids(alpaca.assets(["BND", "NOSUCHTHING", "VTI"])) == SYMBOLS
    assert alpaca.assets([]).records == ()


def test_bars_in_pages(alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = alpaca.bars(SYMBOLS, FIRST, LAST)
    days = {name.partition(":")[2] for name in ids(whole)}
    assert len(ids(whole)) == len(set(ids(whole))) == 2 * len(days)
    assert {min(days), max(days)} == {"2026-01-02", "2026-03-13"}
    assert all(
        payload["t"].startswith(name.partition(":")[2])
        for payload, name in zip(payloads(whole), ids(whole), strict=True)
    )
    monkeypatch.setattr(module, "BARS_PAGE", 7)
    paged = alpaca.bars(SYMBOLS, FIRST, LAST)
    assert sorted(ids(paged)) == sorted(ids(whole))
    assert alpaca.bars(SYMBOLS, date(2026, 3, 14), date(2026, 3, 15)).records == ()  # a weekend


def test_the_calendar(alpaca: Alpaca) -> None:
    found = alpaca.calendar(date(2025, 11, 26), date(2025, 12, 1))
    assert ids(found) == ["2025-11-26", "2025-11-28", "2025-12-01"]  # not on Thanksgiving
    assert [(day["open"], day["close"]) for day in payloads(found)][1] == ("09:30", "13:00")


def test_corporate_actions(alpaca: Alpaca) -> None:
    found = alpaca.corporate_actions(["NVDA", *SYMBOLS], date(2024, 3, 16), LAST)
    assert len(ids(found)) == len(set(ids(found))) > 0
    assert {name.partition(":")[0] for name in ids(found)} <= {
        "forward_splits",
        "reverse_splits",
        "cash_dividends",
    }
    assert alpaca.corporate_actions([], FIRST, LAST).records == ()


# -- faults --------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Alpaca], Answer]] = {
    "/alpaca/trading/v2/account": lambda alpaca: alpaca.account(),
    "/alpaca/trading/v2/positions": lambda alpaca: alpaca.positions(),
    "/alpaca/trading/v2/orders": lambda alpaca: alpaca.orders(),
    "/alpaca/trading/v2/account/activities": lambda alpaca: alpaca.activities(),
    "/alpaca/trading/v2/calendar": lambda alpaca: alpaca.calendar(FIRST, LAST),
    "/alpaca/trading/v2/assets/*": lambda alpaca: alpaca.assets(SYMBOLS),
    "/alpaca/data/v2/stocks/bars": lambda alpaca: alpaca.bars(SYMBOLS, FIRST, LAST),
    "/alpaca/data/v1/corporate-actions": lambda alpaca: alpaca.corporate_actions(SYMBOLS, FIRST, LAST),
}


@pytest.mark.parametrize("endpoint", CALLS)
@pytest.mark.parametrize(
    ("kind", "details"), [("rate_limit", {"retry_after": 7}), ("server_error", {"status": 502})]
)
def test_what_is_transient_is_asked_again(
    bank: Any, alpaca: Alpaca, pauses: list[float], endpoint: str, kind: str, details: dict[str, int]
) -> None:
    wanted = CALLS[endpoint](alpaca)
    bank.fault(endpoint, kind, times=ATTEMPTS - 1, **details)
    assert CALLS[endpoint](alpaca).records == wanted.records
    assert len(pauses) == ATTEMPTS - 1
    assert kind != "rate_limit" or pauses == [7.0] * 3


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("rate_limit", "Alpaca: HTTP 429: "),
        ("server_error", "Alpaca: HTTP 500: "),
        ("timeout", "Alpaca did not answer: "),
        ("truncated", "Alpaca did not answer: "),
    ],
)
def test_what_does_not_pass_is_an_error_that_names_alpaca(
    bank: Any, alpaca: Alpaca, pauses: list[float], monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 0.2)
    bank.fault("/alpaca/trading/v2/account", kind, times=ATTEMPTS)
    with pytest.raises(ProviderUnavailableError) as caught:
        alpaca.account()
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert len(pauses) == ATTEMPTS - 1
    assert alpaca.account().records


def test_nobody_there(pauses: list[float]) -> None:
    with pytest.raises(ProviderUnavailableError, match="Alpaca did not answer: "):
        Alpaca("http://127.0.0.1:1", "http://127.0.0.1:1", "key", "secret").account()
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize("endpoint", [e for e in CALLS if "assets" not in e])
def test_wrong_credentials(bank: Any, pauses: list[float], endpoint: str) -> None:
    with pytest.raises(CredentialsRefusedError, match="check ALPACA_API_KEY, ALPACA_SECRET_KEY") as caught:
        CALLS[endpoint](bank.alpaca("wrong-secret"))
    assert "wrong-secret" not in str(caught.value)
    assert pauses == []


class Spent:
    """A budget that only writes down what is taken from it."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.emptied: list[tuple[str, float]] = []

    def take(self, name: str) -> None:
        self.taken.append(name)

    def empty(self, name: str, seconds: float) -> None:
        self.emptied.append((name, seconds))


@pytest.mark.parametrize("endpoint", CALLS)
@pytest.mark.usefixtures("pauses")
def test_every_call_takes_a_token_first_and_a_refusal_empties_the_budget(bank: Any, endpoint: str) -> None:
    spent = Spent()
    alpaca, service = bank.alpaca(rate=spent), endpoint.split("/")[2]
    CALLS[endpoint](alpaca)
    assert {name.rpartition(":")[2] for name in spent.taken} == {service}
    calls = len(spent.taken)
    bank.fault(endpoint, "rate_limit", times=2, retry_after=7)
    bank.fault(endpoint, "server_error", times=1, status=502)
    CALLS[endpoint](alpaca)
    assert len(spent.taken) == 2 * calls + 3  # attempts count too
    assert spent.emptied == [(spent.taken[0], 7)] * 2
    assert "key-id" not in spent.taken[0]


def test_two_keys_have_two_budgets(bank: Any) -> None:
    spent = Spent()
    bank.alpaca(rate=spent).account()
    with pytest.raises(CredentialsRefusedError):
        bank.alpaca(rate=spent, key_id="other").account()
    assert len(set(spent.taken)) == 2


def test_endless_pages_have_an_end(alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 1)
    monkeypatch.setattr(module, "BARS_PAGE", 1)
    monkeypatch.setattr(module, "ORDERS_PAGE", 2)
    monkeypatch.setattr(module, "MOST_PAGES", 2)
    for call in (alpaca.activities, alpaca.orders, lambda: alpaca.bars(SYMBOLS, FIRST, LAST)):
        with pytest.raises(ProviderError, match="Alpaca: more than 2 pages of"):
            call()


# -- answers that are not as documented ---------------------------------------------------------------


def canned(content: bytes) -> Alpaca:
    alpaca = Alpaca("http://127.0.0.1:1", "http://127.0.0.1:1", "key", "secret")

    class Client:
        def get(self, *_: Any) -> None:
            alpaca._session.body = content

    alpaca.__dict__.update(_trading=Client(), _stocks=Client(), _actions=Client())
    return alpaca


@pytest.mark.parametrize("content", [b"", b"{}", b"<html>", b'["\xff"]', b'[{"id": '])
@pytest.mark.usefixtures("pauses")
def test_what_is_not_the_documented_shape_is_no_answer(content: bytes) -> None:
    with pytest.raises(ProviderUnavailableError, match="Alpaca's answer to /positions cannot be read"):
        canned(content).positions()


def test_records_without_a_usable_id_are_kept_apart() -> None:
    found = canned(b'[{"a": 1}, {"a": 2}, {"symbol": 5}, 7, {"symbol": "x"}]').positions()
    assert len(set(ids(found))) == 5
    bars = canned(b'{"bars": {"VTI": [{"o": 1}, {"o": 2}, {"t": "2026-03-13T04:00:00Z"}]}}').bars(
        ["VTI"], FIRST, LAST
    )
    assert len(set(ids(bars))) == 3
    assert ids(bars)[2] == "VTI:2026-03-13"
    assert canned(b'{"bars": null, "next_page_token": null}').bars(["VTI"], FIRST, LAST).records == ()
    actions = canned(
        b'{"corporate_actions": {"cash_dividends": [{"symbol": "VTI", "ex_date": "2026-03-02"}, {}, {"a": 1}]}}'
    )
    named = ids(actions.corporate_actions(["VTI"], FIRST, LAST))
    assert named[0] == "cash_dividends:VTI:2026-03-02"
    assert len(set(named)) == 3
