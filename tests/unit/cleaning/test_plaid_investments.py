"""Plaid's securities, holdings and trades become rows: kinds, signs, what was given up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cleaning_examples import (
    ACCOUNT,
    HOLDING,
    MOMENT,
    SECURITY,
    TRADE,
    cleaned,
    raw_rows,
    reasons,
    the_row,
)


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({}, {"security_id": "VTI", "is_cash": False, "close_price": Decimal("270.11")}),
        ({"ticker_symbol": None}, {"security_id": "s1", "symbol": None}),
        ({"type": "cash", "ticker_symbol": "CUR:USD"}, {"security_id": "CUR:USD", "is_cash": True}),
        ({"is_cash_equivalent": True, "type": "mutual fund"}, {"is_cash": True}),
        ({"is_cash_equivalent": None, "type": None, "name": None}, {"is_cash": False, "type": None}),
        ({"close_price": None, "close_price_as_of": None}, {"close_price": None}),
        ({"type": "cryptocurrency", "close_price": 1e-09}, {"close_price": Decimal("1e-9")}),
    ],
)
def test_securities(change: dict[str, Any], row: dict[str, Any]) -> None:
    sent = raw_rows("plaid_securities", {"payload": SECURITY | change})
    found = the_row("clean.securities", plaid_securities=sent, alpaca_account=raw_rows("alpaca_account"))
    assert found | row == found


def test_junk_among_securities_does_not_harm_the_others() -> None:
    sent = raw_rows(
        "plaid_securities",
        {},
        {"source_id": "s2", "payload": SECURITY | {"security_id": "s2"}, "connection": "other"},
        {"source_id": "s3", "payload": "junk"},
    )
    found = cleaned("clean.securities", plaid_securities=sent, alpaca_assets=raw_rows("alpaca_assets", {}))
    assert found.rows.select("security_id", "name").rows() == [
        ("CUR:USD", "US dollar"),
        ("VTI", "Vanguard Total Stock Market"),
    ]
    assert found.quarantined["source_id"].to_list() == ["s3"]


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({}, {"security_id": "VTI", "quantity": Decimal("2.5"), "cost_basis": Decimal(500)}),
        ({"cost_basis": None, "institution_price_as_of": None}, {"cost_basis": None, "price_as_of": None}),
        ({"quantity": -3}, {"quantity": Decimal(-3)}),
        ({"tax_lots": []}, {"tax_lots": None}),
        (
            {"tax_lots": [{"quantity": 2.5, "original_purchase_datetime": "2019-03-04T00:00:00Z"}]},
            {"tax_lots": '[{"original_purchase_datetime": "2019-03-04T00:00:00Z", "quantity": "2.5"}]'},
        ),
        ({"quantity": 0.123456789}, {"quantity": Decimal("0.123456789")}),
        ({"security_id": "unlisted"}, {"security_id": "unlisted"}),
    ],
)
def test_holdings(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = the_row(
        "clean.holdings",
        plaid_holdings=raw_rows("plaid_holdings", {"payload": HOLDING | change}),
        plaid_securities=raw_rows("plaid_securities", {}),
        alpaca_account=raw_rows("alpaca_account"),
    )
    assert found | row == found


def borrower(**balances: Any) -> dict[str, Any]:
    """The record of an account with a margin loan, as it stands among the holdings."""
    payload = ACCOUNT | {"balances": ACCOUNT["balances"] | {"margin_loan_amount": 2000.5} | balances}
    return {"source_id": f"margin:{ACCOUNT['account_id']}", "payload": payload}


def test_a_margin_loan_is_money_held_below_zero_until_it_is_repaid() -> None:
    repaid = borrower() | {"change": "removed", "at": MOMENT + timedelta(days=1)}
    sent = {"plaid_holdings": raw_rows("plaid_holdings", {}, borrower(), repaid)}
    no_broker = {"alpaca_account": raw_rows("alpaca_account")}
    found = cleaned("clean.holdings", **sent, **no_broker)
    loan = found.rows.filter(security_id="CUR:USD:margin").sort("as_of")
    assert loan.select("as_of", "quantity", "price", "value", "currency").rows() == [
        (date(2026, 3, 16), Decimal("-2000.5"), Decimal(1), Decimal("-2000.5"), "USD"),
        (date(2026, 3, 17), Decimal(0), Decimal(1), Decimal(0), "USD"),
    ]
    security = the_row("clean.securities", **sent, **no_broker)
    assert (security["security_id"], security["is_cash"]) == ("CUR:USD:margin", True)


def test_a_debt_is_below_zero_however_it_is_signed_and_one_of_no_currency_is_refused() -> None:
    no_broker = {"alpaca_account": raw_rows("alpaca_account")}
    sent = raw_rows("plaid_holdings", borrower(margin_loan_amount=-7))
    assert the_row("clean.holdings", plaid_holdings=sent, **no_broker)["value"] == -7
    sent = raw_rows("plaid_holdings", borrower(iso_currency_code=None, unofficial_currency_code=None))
    assert "currency is missing" in reasons("clean.holdings", plaid_holdings=sent, **no_broker)[0]


def test_a_holding_given_up_is_held_at_zero_from_that_day() -> None:
    sent = raw_rows("plaid_holdings", {}, {"change": "removed", "at": MOMENT + timedelta(days=1)})
    found = cleaned("clean.holdings", plaid_holdings=sent, alpaca_account=raw_rows("alpaca_account"))
    assert found.rows.sort("as_of").select("as_of", "quantity", "value", "cost_basis").rows() == [
        (date(2026, 3, 16), Decimal("2.5"), Decimal("675.28"), Decimal(500)),
        (date(2026, 3, 17), Decimal(0), Decimal(0), None),
    ]


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({}, {"kind": "buy", "quantity": Decimal(2), "amount": Decimal("-541.5"), "fees": Decimal("1.5")}),
        (
            {"type": "sell", "subtype": "sell", "quantity": -2, "amount": -538.5, "fees": -1.5},
            {"kind": "sell", "quantity": Decimal(-2), "amount": Decimal("538.5"), "fees": Decimal("1.5")},
        ),
        ({"fees": None}, {"fees": Decimal(0)}),
        ({"type": "buy", "subtype": "contribution"}, {"kind": "contribution"}),
        (
            {"type": "buy", "subtype": "contribution", "security_id": None},
            {"kind": "buy", "security_id": None},
        ),
        ({"type": "buy", "subtype": "dividend reinvestment"}, {"kind": "reinvestment"}),
        ({"type": "buy", "subtype": "long-term capital gain reinvestment"}, {"kind": "reinvestment"}),
        ({"type": "cash", "subtype": "return of principal"}, {"kind": "return_of_capital"}),
        ({"type": "cash", "subtype": "return of principal", "security_id": None}, {"kind": "other"}),
        ({"type": "transfer", "subtype": "merger"}, {"kind": "merger"}),
        ({"type": "transfer", "subtype": "spin off"}, {"kind": "spin_off"}),
        ({"type": "cash", "subtype": "dividend", "quantity": 0, "amount": -12.5}, {"kind": "dividend"}),
        ({"type": "cash", "subtype": "interest"}, {"kind": "interest"}),
        ({"type": "cash", "subtype": "deposit"}, {"kind": "deposit"}),
        ({"type": "cash", "subtype": "contribution"}, {"kind": "deposit"}),
        ({"type": "cash", "subtype": "withdrawal"}, {"kind": "withdrawal"}),
        ({"type": "cash", "subtype": "long-term capital gain"}, {"kind": "dividend"}),
        ({"type": "cash", "subtype": "tax withheld"}, {"kind": "fee"}),
        ({"type": "fee", "subtype": "account fee"}, {"kind": "fee"}),
        ({"type": "fee", "subtype": "dividend"}, {"kind": "dividend"}),
        ({"type": "fee", "subtype": "never heard of"}, {"kind": "fee"}),
        ({"type": "cash", "subtype": "never heard of"}, {"kind": "other"}),
        ({"type": "transfer", "subtype": "split"}, {"kind": "split"}),
        ({"type": "transfer", "subtype": "transfer"}, {"kind": "transfer"}),
        ({"type": "cancel", "subtype": "adjustment"}, {"kind": "other"}),
        ({"type": "never heard of"}, {"kind": "other"}),
        (
            {"transaction_datetime": "2026-03-12T14:30:00.5-04:00"},
            {"moment": datetime(2026, 3, 12, 18, 30, 0, 500000, tzinfo=UTC)},
        ),
    ],
)
def test_trades(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = the_row(
        "clean.trades",
        plaid_investment_transactions=raw_rows("plaid_investment_transactions", {"payload": TRADE | change}),
        plaid_securities=raw_rows("plaid_securities", {}),
    )
    assert found | row == found
