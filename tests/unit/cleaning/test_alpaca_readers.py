"""Alpaca's payloads become rows: the account, positions, orders."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cleaning_examples import (
    ALPACA_ACCOUNT,
    MOMENT,
    ORDER,
    POSITION,
    cleaned,
    raw_rows,
    raw_tables,
    the_row,
)

NO_PLAID = {"plaid_accounts": raw_rows("plaid_accounts")}


def test_the_account_its_balance_and_its_cash() -> None:
    account = the_row("clean.accounts", **NO_PLAID)
    assert (account["account_id"], account["mask"], account["type"]) == ("acc", "AYWN", "brokerage")
    balance = the_row("clean.balances", **NO_PLAID)
    assert (balance["current"], balance["available"]) == (Decimal("5000.25"), Decimal("1200.50"))
    cash = the_row("clean.holdings", **NO_PLAID)
    assert (cash["security_id"], cash["quantity"], cash["price"]) == ("CUR:USD", Decimal("1200.5"), 1)


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


def test_everything_it_holds_is_a_security_its_cash_too() -> None:
    """Alpaca lists no currency among its assets, and a household may have no bank that does."""
    sent = {"alpaca_positions": raw_rows("alpaca_positions", {}), **NO_PLAID}
    held = cleaned("clean.holdings", **sent).rows["security_id"].to_list()
    listed = cleaned("clean.securities", alpaca_assets=raw_rows("alpaca_assets", {}), **NO_PLAID).rows
    assert sorted(held) == sorted(listed["security_id"]) == ["CUR:USD", "VTI"]
    assert listed.filter("is_cash")["security_id"].to_list() == ["CUR:USD"]


def test_the_last_word_on_an_order_counts() -> None:
    sent = raw_rows(
        "alpaca_orders",
        {"payload": ORDER | {"status": "new", "filled_qty": "0"}},
        {"at": MOMENT + timedelta(hours=1)},
    )
    assert the_row("clean.orders", alpaca_orders=sent)["status"] == "filled"


def test_nothing_told_is_no_rows() -> None:
    empty = {name.removeprefix("raw."): frame.clear() for name, frame in raw_tables().items()}
    for address in ("accounts", "balances", "transactions", "securities", "holdings", "trades", "orders"):
        assert cleaned(f"clean.{address}", **empty).received == 0
