"""Alpaca's payloads become rows: fills, money in and out, splits, positions, orders, prices."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cleaning_examples import (
    ACTIVITY,
    ALPACA_ACCOUNT,
    BAR,
    FILL,
    MOMENT,
    ORDER,
    POSITION,
    SPLIT,
    cleaned,
    raw_rows,
    raw_tables,
    reasons,
    the_row,
)

from manna.cleaning.alpaca import ACTIVITY_KINDS
from manna.contracts.clean import TRADE_KINDS

NO_PLAID = {"plaid_accounts": raw_rows("plaid_accounts")}


def activity(payload: dict[str, Any]) -> dict[str, Any]:
    return the_row("clean.trades", alpaca_activities=raw_rows("alpaca_activities", {"payload": payload}))


def test_the_account_its_balance_and_its_cash() -> None:
    account = the_row("clean.accounts", **NO_PLAID)
    assert (account["account_id"], account["mask"], account["type"]) == ("acc", "AYWN", "brokerage")
    balance = the_row("clean.balances", **NO_PLAID)
    assert (balance["current"], balance["available"]) == (Decimal("5000.25"), Decimal("1200.50"))
    cash = the_row("clean.holdings", **NO_PLAID)
    assert (cash["security_id"], cash["quantity"], cash["price"]) == ("CUR:USD", Decimal("1200.5"), 1)


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (
            {},
            {
                "kind": "buy",
                "quantity": Decimal("0.5"),
                "amount": Decimal("-135.06"),
                "date": date(2026, 3, 12),
            },
        ),
        ({}, {"moment": datetime(2026, 3, 12, 14, 30, 0, 123456, tzinfo=UTC), "price": Decimal("270.11")}),
        ({"side": "sell"}, {"kind": "sell", "quantity": Decimal("-0.5"), "amount": Decimal("135.06")}),
        ({"side": "sell_short"}, {"kind": "sell", "quantity": Decimal("-0.5")}),
        ({"type": "partial_fill", "qty": "1"}, {"amount": Decimal("-270.11")}),
        ({"qty": 2, "price": 1.5}, {"amount": Decimal("-3.00")}),
    ],
)
def test_fills(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = activity(FILL | change)
    assert found | row == found
    assert (found["account_id"], found["fees"], found["currency"]) == ("acc", 0, "USD")


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({}, {"kind": "dividend", "amount": Decimal("1.02"), "quantity": 0, "description": "DIV VTI"}),
        ({"date": "2026-03-12T00:00:00Z"}, {"date": date(2026, 3, 12)}),
        ({"activity_type": "DIVNRA", "net_amount": "-0.15"}, {"kind": "fee", "amount": Decimal("-0.15")}),
        ({"activity_type": "FEE", "net_amount": "-0.02", "symbol": ""}, {"kind": "fee", "security_id": None}),
        ({"activity_type": "CSD", "net_amount": "500"}, {"kind": "deposit", "amount": Decimal(500)}),
        ({"activity_type": "CSW", "net_amount": "-500"}, {"kind": "withdrawal", "amount": Decimal(-500)}),
        ({"activity_type": "JNLC", "net_amount": "-7"}, {"kind": "withdrawal"}),
        ({"activity_type": "TRANS", "net_amount": "7"}, {"kind": "deposit"}),
        ({"activity_type": "INT", "symbol": None}, {"kind": "interest", "description": "INT"}),
        (
            {"activity_type": "SPLIT", "qty": "15", "net_amount": "0"},
            {"kind": "split", "quantity": Decimal(15), "amount": 0},
        ),
        ({"activity_type": "SPLIT", "qty": "-9", "net_amount": None}, {"quantity": Decimal(-9), "amount": 0}),
        ({"activity_type": "JNLS", "qty": "3"}, {"kind": "transfer", "quantity": Decimal(3)}),
        ({"activity_type": "MA"}, {"kind": "other"}),
        ({"description": "Cash Dividend"}, {"description": "Cash Dividend"}),
        ({"currency": "EUR"}, {"currency": "EUR"}),
        (
            {"activity_type": "CSD", "status": "canceled", "net_amount": "500"},
            {"kind": "other", "amount": 0, "description": "canceled: CSD VTI"},
        ),
    ],
)
def test_other_activities(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = activity(ACTIVITY | change)
    assert found | row == found


def test_every_activity_has_a_kind_of_ours() -> None:
    assert set(ACTIVITY_KINDS.values()) <= set(TRADE_KINDS)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (FILL | {"side": "hold"}, "not shaped as documented: KeyError 'hold'"),
        (FILL | {"qty": "many"}, "not shaped as documented"),
        (FILL | {"price": None}, "not shaped as documented"),
        (FILL | {"price": "NaN"}, "price is no number: NaN; amount is no number: NaN"),
        (FILL | {"qty": "1e400"}, "not shaped as documented"),
        (FILL | {"transaction_time": None}, "date is missing"),
        (
            FILL | {"transaction_time": "yesterday"},
            "date is no date: yesterday; moment is no moment: yesterday",
        ),
        (ACTIVITY | {"activity_type": None}, "not shaped as documented"),
        (ACTIVITY | {"date": None}, "date is missing"),
        (ACTIVITY | {"net_amount": "1.0.2"}, "amount is no number: 1.0.2"),
        ({}, "not shaped as documented"),
    ],
)
def test_activities_that_cannot_be_used(payload: dict[str, Any], reason: str) -> None:
    sent = raw_rows("alpaca_activities", {"payload": payload})
    (found,) = reasons("clean.trades", alpaca_activities=sent)
    assert reason in found


def test_an_activity_without_its_account_is_refused() -> None:
    sent = raw_rows("alpaca_activities", {"connection": "nobody's"})
    assert reasons("clean.trades", alpaca_activities=sent) == ["account_id is missing"]


def test_two_accounts_may_hold_the_same_asset() -> None:
    accounts = raw_rows(
        "alpaca_account",
        {"payload": ALPACA_ACCOUNT | {"cash": "0"}},
        {"connection": "second", "source_id": "acc2", "payload": ALPACA_ACCOUNT | {"id": "acc2"}},
    )
    positions = raw_rows("alpaca_positions", {}, {"connection": "second", "payload": POSITION | {"qty": "7"}})
    found = cleaned("clean.holdings", alpaca_account=accounts, alpaca_positions=positions)
    held = found.rows.filter(security_id="VTI").sort("account_id")
    assert held.select("account_id", "quantity").rows() == [("acc", Decimal(5)), ("acc2", Decimal(7))]


def test_a_position_that_was_sold_is_held_at_zero() -> None:
    sent = raw_rows("alpaca_positions", {}, {"change": "removed", "at": MOMENT + timedelta(days=1)})
    rows = cleaned("clean.holdings", alpaca_positions=sent).rows.filter(security_id="VTI").sort("as_of")
    assert rows.select("quantity", "value", "cost_basis").rows() == [
        (Decimal(5), Decimal("1350.5"), Decimal(1200)),
        (Decimal(0), Decimal(0), None),
    ]


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (
            {},
            {
                "filled_price": Decimal("270.1"),
                "submitted_at": datetime(2026, 3, 12, 14, 30, 0, 123456, tzinfo=UTC),
            },
        ),
        ({"qty": None, "notional": "100"}, {"quantity": None}),
        ({"filled_qty": None, "filled_avg_price": None}, {"filled_quantity": 0, "filled_price": None}),
        ({"submitted_at": None, "status": "held"}, {"submitted_at": None, "status": "held"}),
    ],
)
def test_orders(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = the_row("clean.orders", alpaca_orders=raw_rows("alpaca_orders", {"payload": ORDER | change}))
    assert found | row == found


def test_the_last_word_on_an_order_counts() -> None:
    sent = raw_rows(
        "alpaca_orders",
        {"payload": ORDER | {"status": "new", "filled_qty": "0"}},
        {"at": MOMENT + timedelta(hours=1)},
    )
    assert the_row("clean.orders", alpaca_orders=sent)["status"] == "filled"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"o": -1}, "open is below 0"),
        ({"c": 0}, "close is below 1E-9"),
        ({"v": 1.5}, "volume is no integer: 1.5"),
        ({"c": None, "v": None}, "close is missing; volume is missing"),
    ],
)
def test_bars_that_cannot_be_used(change: dict[str, Any], reason: str) -> None:
    assert reasons("clean.bars", alpaca_bars=raw_rows("alpaca_bars", {"payload": BAR | change})) == [reason]


def test_a_corrected_bar_replaces_the_former() -> None:
    sent = raw_rows("alpaca_bars", {}, {"payload": BAR | {"c": 1.8}, "at": MOMENT + timedelta(days=1)})
    row = the_row("clean.bars", alpaca_bars=sent)
    assert (row["symbol"], row["date"], row["close"]) == ("VTI", date(2026, 3, 13), Decimal("1.8"))


@pytest.mark.parametrize(
    ("source_id", "payload", "row"),
    [
        ("forward_splits:x", SPLIT, {"kind": "split", "ratio": Decimal(4), "cash": None}),
        ("reverse_splits:x", SPLIT | {"new_rate": 1, "old_rate": 50}, {"ratio": Decimal("0.02")}),
        ("reverse_splits:x", SPLIT | {"new_rate": 1, "old_rate": 3}, {"ratio": Decimal("0.33333333")}),
        ("forward_splits:x", SPLIT | {"new_rate": 1.5}, {"ratio": Decimal("1.5")}),
        (
            "cash_dividends:x",
            SPLIT | {"rate": 0.125},
            {"kind": "dividend", "cash": Decimal("0.125"), "ratio": None},
        ),
    ],
)
def test_corporate_actions(source_id: str, payload: dict[str, Any], row: dict[str, Any]) -> None:
    sent = raw_rows("alpaca_corporate_actions", {"source_id": source_id, "payload": payload})
    found = the_row("clean.corporate_actions", alpaca_corporate_actions=sent)
    assert found | row == found


@pytest.mark.parametrize(
    ("source_id", "payload", "reason"),
    [
        ("forward_splits:x", SPLIT | {"old_rate": 0}, "not shaped as documented: DivisionByZero"),
        ("reverse_splits:x", {"symbol": "VTI"}, "not shaped as documented: KeyError 'new_rate'"),
        ("stock_dividends:x", SPLIT | {"rate": 0.05}, "kind is none of: split, dividend"),
    ],
)
def test_corporate_actions_that_cannot_be_used(source_id: str, payload: dict[str, Any], reason: str) -> None:
    sent = raw_rows("alpaca_corporate_actions", {"source_id": source_id, "payload": payload})
    (found,) = reasons("clean.corporate_actions", alpaca_corporate_actions=sent)
    assert found.startswith(reason)


def test_nothing_told_is_no_rows() -> None:
    empty = {name.removeprefix("raw."): frame.clear() for name, frame in raw_tables().items()}
    for address in ("accounts", "balances", "transactions", "securities", "holdings", "trades", "orders"):
        assert cleaned(f"clean.{address}", **empty).received == 0
