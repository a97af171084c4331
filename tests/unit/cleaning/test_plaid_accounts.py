"""Plaid's accounts, balances and liabilities become rows: nulls, currencies, signs."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from cleaning_examples import (
    ACCOUNT,
    CREDIT,
    cleaned,
    raw_rows,
    reasons,
    the_row,
)

USUAL_ACCOUNTS = {"alpaca_account": raw_rows("alpaca_account")}


def balances(**changes: Any) -> dict[str, Any]:
    return {"balances": ACCOUNT["balances"] | changes}


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({}, {"name": "Checking", "mask": "0000", "subtype": "checking", "currency": "USD"}),
        ({"mask": None, "subtype": None}, {"mask": None, "subtype": None}),
        ({"name": "", "official_name": "Gold"}, {"name": "Gold"}),
        ({"name": "Ünï 銀行 🏦"}, {"name": "Ünï 銀行 🏦"}),
        (balances(iso_currency_code=None, unofficial_currency_code="btc"), {"currency": "BTC"}),
        (balances(iso_currency_code="jpy"), {"currency": "JPY"}),
        ({"type": "other"}, {"type": "other"}),
    ],
)
def test_accounts(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = the_row(
        "clean.accounts",
        plaid_accounts=raw_rows("plaid_accounts", {"payload": ACCOUNT | change}),
        **USUAL_ACCOUNTS,
    )
    assert found | row == found
    assert (found["institution"], found["provider"], found["book"]) == ("Platypus", "plaid", "home")


@pytest.mark.parametrize(
    ("kind", "change", "current"),
    [
        ("depository", {}, "120.50"),
        ("depository", {"current": -5.25}, "-5.25"),
        ("depository", {"current": None}, "110.94"),
        ("investment", {"current": 1e5}, "100000"),
        ("credit", {"current": 410}, "-410"),
        ("credit", {"current": -12.5}, "12.5"),
        ("loan", {"current": 56302.06}, "-56302.06"),
        ("depository", {"current": "120.5"}, "120.5"),
    ],
)
def test_balances_are_negative_where_money_is_owed(kind: str, change: dict[str, Any], current: str) -> None:
    payload = ACCOUNT | balances(**change) | {"type": kind}
    row = the_row(
        "clean.balances", plaid_accounts=raw_rows("plaid_accounts", {"payload": payload}), **USUAL_ACCOUNTS
    )
    assert row["current"] == Decimal(current)
    assert row["as_of"] == date(2026, 3, 16)  # the book is in New York
    assert row["available"] == Decimal("110.94")


def test_a_day_begins_where_the_book_is() -> None:
    tokyo = raw_rows("plaid_accounts", {"book": "tokyo", "at": datetime(2026, 3, 16, 16, tzinfo=UTC)})
    assert the_row("clean.balances", plaid_accounts=tokyo, **USUAL_ACCOUNTS)["as_of"] == date(2026, 3, 17)


@pytest.mark.parametrize("kind", ["credit", "loan"])
def test_what_could_be_borrowed_is_not_what_is_owed(kind: str) -> None:
    payload = ACCOUNT | balances(current=None) | {"type": kind}
    accounts = raw_rows("plaid_accounts", {"payload": payload})
    assert the_row("clean.balances", plaid_accounts=accounts, **USUAL_ACCOUNTS)["current"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (balances(iso_currency_code=None), "currency is missing; its account is unknown or quarantined"),
        ({"balances": None}, "currency is missing"),
        (balances(current=1e15), "current is no number: 1000000000000000.0"),
    ],
)
def test_balances_that_cannot_be_used(change: dict[str, Any], reason: str) -> None:
    (found,) = reasons(
        "clean.balances", plaid_accounts=raw_rows("plaid_accounts", {"payload": ACCOUNT | change})
    )
    assert set(reason.split("; ")) <= set(found.split("; "))


@pytest.mark.parametrize(
    ("source_id", "payload", "row"),
    [
        ("credit:checking", CREDIT, {"kind": "credit", "interest_rate": Decimal("19.99"), "overdue": False}),
        (
            "credit:checking",
            CREDIT | {"aprs": [], "is_overdue": None},
            {"interest_rate": None, "overdue": None},
        ),
        (
            "mortgage:checking",
            {
                "account_id": "checking",
                "interest_rate": {"percentage": 3.99, "type": "fixed"},
                "next_monthly_payment": 3141.54,
                "past_due_amount": 2304,
                "last_payment_date": None,
            },
            {"interest_rate": Decimal("3.99"), "minimum_payment": Decimal("3141.54"), "overdue": True},
        ),
        ("mortgage:checking", {"account_id": "checking", "past_due_amount": 0.00}, {"overdue": False}),
        ("mortgage:checking", {"account_id": "checking", "past_due_amount": "0.00"}, {"overdue": False}),
        ("mortgage:checking", {"account_id": "checking", "past_due_amount": None}, {"overdue": None}),
        (
            "student:checking",
            {"account_id": "checking", "interest_rate_percentage": 5.25, "minimum_payment_amount": 25},
            {"kind": "student", "interest_rate": Decimal("5.25"), "minimum_payment": Decimal(25)},
        ),
    ],
)
def test_liabilities(source_id: str, payload: dict[str, Any], row: dict[str, Any]) -> None:
    sent = raw_rows("plaid_liabilities", {"source_id": source_id, "payload": payload})
    found = the_row("clean.liabilities", plaid_liabilities=sent)
    assert found | row == found


@pytest.mark.parametrize(
    ("source_id", "payload", "row"),
    [
        (
            "mortgage:checking",
            {
                "account_id": "checking",
                "interest_rate": {"percentage": 3.99, "type": "fixed"},
                "loan_term": "30 year",
                "origination_principal_amount": 425000,
                "ytd_interest_paid": 12300.4,
                "ytd_principal_paid": 12340.5,
                "escrow_balance": 3141.54,
            },
            {
                "interest_rate": Decimal("3.99"), "is_fixed": True, "term_months": 360, "escrow": Decimal("3141.54"),
                "original_principal": Decimal(425000), "interest_paid": Decimal("12300.4"),
                "principal_paid": Decimal("12340.5"), "as_of": date(2026, 3, 16),
            },
        ),
        (
            "student:checking",
            {"account_id": "checking", "interest_rate_percentage": 5.25, "ytd_interest_paid": None},
            {"interest_rate": Decimal("5.25"), "is_fixed": None, "interest_paid": None, "term_months": None},
        ),
        ("mortgage:checking", {"account_id": "checking", "loan_term": "0 month"}, {"term_months": None}),
        ("mortgage:checking", {"account_id": "checking", "loan_term": "as agreed"}, {"term_months": None}),
        ("mortgage:checking", {"account_id": "checking", "interest_rate": {"type": "variable"}}, {"is_fixed": False}),
    ],
)  # fmt: skip
def test_loan_terms(source_id: str, payload: dict[str, Any], row: dict[str, Any]) -> None:
    sent = raw_rows("plaid_liabilities", {"source_id": source_id, "payload": payload})
    found = the_row("clean.loan_terms", plaid_liabilities=sent)
    assert found | row == found


def test_a_card_has_no_loan_terms() -> None:
    assert cleaned("clean.loan_terms", plaid_liabilities=raw_rows("plaid_liabilities", {})).received == 0


def test_a_liability_without_an_account_is_refused() -> None:
    sent = raw_rows("plaid_liabilities", {"payload": CREDIT | {"account_id": None}})
    assert reasons("clean.liabilities", plaid_liabilities=sent) == ["account_id is missing"]
