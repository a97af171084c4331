"""What Alpaca's payloads are read as: those of its own documentation and tests, and those that nobody can read."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from manna.trading.alpaca import (
    PayloadError,
    account,
    activity,
    decoded,
    moment,
    order,
    paid_in,
    quote,
    update,
)
from manna.trading.orders import Quote, Told

RECORDED = Path(__file__).parents[4] / "shared/reference/alpaca/payloads"
ORDER = {
    "id": "b1", "client_order_id": "c1", "symbol": "VTI", "side": "buy", "status": "new", "qty": "3",
    "filled_qty": "1", "limit_price": "200.5", "notional": None,
}  # fmt: skip


def recorded(pattern: str) -> list[Any]:
    if not RECORDED.exists():
        pytest.skip("Alpaca's recorded payloads are not on this machine")
    found = [decoded(file.read_bytes()) for file in sorted(RECORDED.glob(pattern))]
    assert found, pattern
    return found


def test_recorded_orders_parse() -> None:
    read = 0
    for payload in recorded("sdk_tests/trading__trading_client__test_order_routes__*.json"):
        for each in payload if isinstance(payload, list) else [payload]:
            each = each.get("body", each)
            if "client_order_id" not in each:
                continue
            found = order(each)
            assert found.told.broker_order_id == each["id"]
            assert found.is_open == (
                each["status"] not in ("filled", "canceled", "expired", "rejected", "replaced")
            )
            read += 1
    assert read >= 6


def test_recorded_accounts_and_fills_and_stream_messages_parse() -> None:
    [said] = recorded("sdk_tests/trading__trading_client__test_account_routes__test_get_account_1.json")
    assert account(said).non_marginable == Decimal("98945.02")
    assert account(said).last_close is None  # the tests of the SDK leave its day out
    assert account(said).blocked is None
    fills = [
        activity(each)
        for payload in recorded("sdk_tests/*account_activities*.json")
        for each in payload
        if each["activity_type"] == "FILL"
    ]
    assert len(fills) >= 3
    assert all(execution.quantity > 0 and "::" not in execution.execution_id for _, execution in fills)
    updates = [
        update(message["data"])
        for message in recorded("docs/trading-api__streaming_*.json")
        if message.get("stream") == "trade_updates"
    ]
    assert [(u.event, u.execution.quantity if u.execution else None) for u in updates] == [
        ("fill", Decimal("1790.86"))
    ]


def test_an_order_says_what_it_may_still_cost() -> None:
    found = order(ORDER)
    assert (found.told, found.is_open, found.left_cost) == (
        Told("b1", None, Decimal(1)),
        True,
        Decimal("401.0"),
    )
    assert order({**ORDER, "side": "sell"}).left_cost is None
    assert order({**ORDER, "qty": None, "limit_price": None, "notional": "50"}).left_cost == 50
    # A halt at the exchange leaves an order open; so does what we have never heard of.
    for status in ("suspended", "held", "stopped", "done_for_day", "something_new"):
        assert order({**ORDER, "status": status}).is_open, status
    assert order({**ORDER, "status": "replaced"}).told.ended == "canceled"


def test_busts_and_corrections_name_what_they_take_back() -> None:
    told = {"event": "trade_correct", "execution_id": "e2", "previous_execution_id": "e1", "qty": "2", "price": "9",
            "timestamp": "2026-03-16T15:00:00.123456789Z", "order": ORDER}  # fmt: skip
    found = update(told).execution
    assert found is not None
    assert (found.kind, found.reverses, found.executed_at.microsecond) == ("correct", "e1", 123456)
    bust = {"id": "20260316::e3", "activity_type": "FILL", "type": "fill", "execution_type": "trade_bust",
            "previous_id": "20260315::e1", "qty": "2", "price": "9", "transaction_time": "2026-03-16T15:00:00Z",
            "order_id": "b1"}  # fmt: skip
    assert (activity(bust)[1].kind, activity(bust)[1].reverses) == ("bust", "e1")
    assert update({"event": "canceled", "order": ORDER}).execution is None


def test_a_quote_has_two_sides_and_a_day_in_new_york() -> None:
    said = {"t": "2026-03-17T01:00:00.286587431Z", "bp": Decimal("172.62"), "ap": Decimal("172.7")}
    assert quote(said) == Quote(Decimal("172.62"), Decimal("172.7"), date(2026, 3, 16))
    assert quote({**said, "ap": 0}) is quote({**said, "bp": 173}) is None
    with pytest.raises(PayloadError, match="bp is no number"):
        quote({**said, "bp": "x"})


@pytest.mark.parametrize("name", ["id", "symbol", "status", "filled_qty"])
@pytest.mark.parametrize("value", [None, "", [], "NaN"])
def test_an_order_that_cannot_be_read_concludes_nothing(name: str, value: Any) -> None:
    if value == "NaN" and name != "filled_qty":
        return
    with pytest.raises(PayloadError, match=name):
        order({**ORDER, name: value})


def test_what_else_cannot_be_read() -> None:
    fill = {
        "event": "fill",
        "execution_id": "e",
        "qty": "1",
        "price": "x",
        "timestamp": "2026-03-16",
        "order": ORDER,
    }
    for call, payload, said in [
        (update, fill, "price is no number"),
        (update, {**fill, "price": "1"}, "without its offset"),
        (update, {**fill, "price": "1", "timestamp": "noon"}, "not a moment"),
        (update, {"event": "fill", "order": None}, "without its order"),
        (activity, {"id": "x", "type": "gift"}, "unknown type: gift"),
    ]:
        with pytest.raises(PayloadError, match=said):
            call(payload)
    with pytest.raises(PayloadError, match="not JSON"):
        decoded(b"{")
    assert decoded(json.dumps({"n": 1.10}))["n"] == Decimal("1.1")
    assert moment("2022-04-19T13:45:04.981350886-04:00").utcoffset() is not None


def test_a_blocked_account_says_so() -> None:
    said = {
        "status": "ACTIVE",
        "cash": "1",
        "non_marginable_buying_power": "1",
        "equity": "1",
        "last_equity": "1",
    }
    assert account(said).blocked is None
    assert account({**said, "trading_blocked": True}).blocked == "trading blocked"
    assert account({**said, "status": "ACCOUNT_CLOSED"}).blocked == "status ACCOUNT_CLOSED"
    assert account({**said, "balance_asof": "2026-03-13"}).last_close == moment("2026-03-13T20:00:00Z")


def test_what_an_owner_moves_is_told_from_what_is_earned() -> None:
    def moved(kind: str, amount: str, **more: str) -> dict[str, str]:
        return {"id": f"20260316::{kind}{amount}", "activity_type": kind, "net_amount": amount, **more}

    told = [
        moved("CSD", "500"),
        moved("CSW", "-200.50"),
        moved("JNLC", "40"),
        moved("DIV", "12"),  # earned
        moved("FEE", "-3"),  # charged
        moved("CSW", "-999", status="canceled"),
        moved("CSD", "7"),
        moved("CSD", "8", status="correct", previous_id="20260316::CSD7"),
        moved("ACATS", "0", symbol="VTI", qty="2", price="200"),
        moved("JNLS", "0", symbol="BND", qty="-3"),  # at the price of now
        moved("ACATS", "0", symbol="XYZ", qty="-3"),  # nobody knows what went: it looks like a loss
    ]
    assert paid_in(told, {"BND": Decimal(60)}) == Decimal("567.50")
    with pytest.raises(PayloadError, match="XYZ came in today, and nobody says at what price"):
        paid_in([moved("ACATS", "0", symbol="XYZ", qty="3")], {})
    with pytest.raises(PayloadError, match="net_amount is no number"):
        paid_in([moved("CSD", "much")], {})
