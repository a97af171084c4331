"""Plaid's payloads become rows: nulls, currencies, signs, kinds, tombstones."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cleaning_examples import (
    ACCOUNT,
    CREDIT,
    HOLDING,
    MOMENT,
    SECURITY,
    TRADE,
    TRANSACTION,
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
    ("change", "row"),
    [
        ({}, {"amount": Decimal("-72.10"), "date": date(2026, 3, 14), "authorized_date": date(2026, 3, 13)}),
        ({"amount": -2500}, {"amount": Decimal(2500)}),
        ({"amount": 0}, {"amount": Decimal(0)}),
        ({"amount": 0.1 + 0.2}, {"amount": Decimal("-0.3")}),
        ({"amount": 1e-05}, {"amount": Decimal(0)}),
        ({"amount": 0.00015}, {"amount": Decimal("-0.0002")}),
        ({"amount": "99999999999999.99"}, {"amount": Decimal("-99999999999999.99")}),
        ({"authorized_date": None, "merchant_name": None}, {"authorized_date": None, "merchant": None}),
        ({"original_description": "WM #1700"}, {"description": "WM #1700"}),
        ({"personal_finance_category": None}, {"plaid_primary": None, "plaid_confidence": None}),
        ({"iso_currency_code": None, "unofficial_currency_code": "usdc"}, {"currency": "USDC"}),
        ({"pending": True}, {"pending": True, "pending_transaction_id": None}),
        ({"pending_transaction_id": "p1"}, {"pending": False, "pending_transaction_id": "p1"}),
        ({"name": "مخبز ☕️ 咖啡"}, {"description": "مخبز ☕️ 咖啡"}),
    ],
)
def test_transactions(change: dict[str, Any], row: dict[str, Any]) -> None:
    sent = raw_rows("plaid_transactions", {"payload": TRANSACTION | change})
    found = the_row("clean.transactions", plaid_transactions=sent)
    assert found | row == found
    assert found["removed"] is False


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": None}, "amount is missing"),
        ({"amount": "lots"}, "amount is no number: lots"),
        ({"amount": "NaN"}, "amount is no number: NaN"),
        ({"amount": "Infinity"}, "amount is no number: Infinity"),
        ({"amount": 1e14}, "amount is no number: 100000000000000.0"),
        ({"amount": 10**300}, "amount is no number: 1000000000000000000000000000000000000000"),
        ({"amount": [1]}, "amount is no single value; amount is missing"),
        ({"amount": True}, "amount is no number: true"),
        ({"date": "14.03.2026"}, "date is no date: 14.03.2026"),
        ({"date": "2026-02-30"}, "date is no date: 2026-02-30"),
        ({"date": "1969-12-31"}, "date is below 1970-01-01"),
        ({"date": 20260314}, "date is no date: 20260314"),
        ({"authorized_date": "-5000-01-01"}, "authorized_date is no date: -5000-01-01"),
        ({"pending": "maybe"}, "pending is no boolean: maybe"),
        ({"name": None}, "description is missing"),
        ({"name": {"text": "x"}}, "description is no single value; description is missing"),
        ({"name": "a\0b"}, "description holds a NUL character"),
        ({"iso_currency_code": None}, "currency is missing"),
        ({"iso_currency_code": "U$"}, "currency does not match ^[A-Z0-9]{3,12}$"),
        ({"account_id": "nobody's"}, "its account is unknown or quarantined"),
        ({"personal_finance_category": "FOOD"}, "not shaped as documented: AttributeError"),
        (
            {"amount": "x", "date": "y", "pending": None, "iso_currency_code": "?"},
            "date is no date: y; amount is no number: x; currency does not match ^[A-Z0-9]{3,12}$; "
            "pending is missing",
        ),
    ],
)
def test_a_transaction_that_breaks_the_contract_names_every_reason(
    change: dict[str, Any], reason: str
) -> None:
    sent = raw_rows("plaid_transactions", {"payload": TRANSACTION | change})
    (found,) = reasons("clean.transactions", plaid_transactions=sent)
    assert found.startswith(reason)
    assert set(found.split("; ")) == set(reason.split("; ")) or "not shaped" in reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"amount": NaN}', "not JSON"),
        ('{"name": "\\ud800"}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("null", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('{"amount": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_what_is_no_json_object_says_so(payload: str, reason: str) -> None:
    sent = raw_rows("plaid_transactions", {"payload": payload})
    (found,) = reasons("clean.transactions", plaid_transactions=sent)
    assert found.startswith(reason)


def test_a_removed_row_stays_as_a_tombstone() -> None:
    sent = raw_rows(
        "plaid_transactions",
        {},
        {"payload": {"transaction_id": "t1"}, "change": "removed", "at": MOMENT + timedelta(days=1)},
    )
    row = the_row("clean.transactions", plaid_transactions=sent)
    assert (row["removed"], row["amount"]) == (True, Decimal("-72.10"))


def test_a_removed_row_may_come_back() -> None:
    sent = raw_rows(
        "plaid_transactions",
        {},
        {"payload": {"transaction_id": "t1"}, "change": "removed", "at": MOMENT + timedelta(days=1)},
        {"payload": TRANSACTION | {"amount": 1}, "at": MOMENT + timedelta(days=2)},
    )
    row = the_row("clean.transactions", plaid_transactions=sent)
    assert (row["removed"], row["amount"]) == (False, Decimal(-1))


def test_the_removal_of_what_was_never_seen_changes_nothing() -> None:
    sent = raw_rows("plaid_transactions", {"payload": {"transaction_id": "t1"}, "change": "removed"})
    assert cleaned("clean.transactions", plaid_transactions=sent).received == 0


def test_a_pending_row_posts_with_a_tip() -> None:
    posted = TRANSACTION | {"transaction_id": "t2", "amount": 86.52, "pending_transaction_id": "t1"}
    sent = raw_rows(
        "plaid_transactions",
        {"payload": TRANSACTION | {"pending": True}},
        {"source_id": "t2", "payload": posted, "at": MOMENT + timedelta(days=1)},
        {"payload": {"transaction_id": "t1"}, "change": "removed", "at": MOMENT + timedelta(days=1)},
    )
    rows = cleaned("clean.transactions", plaid_transactions=sent).rows.sort("transaction_id")
    assert rows.select("transaction_id", "amount", "pending", "removed", "pending_transaction_id").rows() == [
        ("t1", Decimal("-72.10"), True, True, None),
        ("t2", Decimal("-86.52"), False, False, "t1"),
    ]


def test_two_equal_rows_with_two_ids_stay_two() -> None:
    twin = {"source_id": "t2", "payload": TRANSACTION | {"transaction_id": "t2"}}
    found = cleaned("clean.transactions", plaid_transactions=raw_rows("plaid_transactions", {}, twin))
    assert found.rows["amount"].to_list() == [Decimal("-72.10")] * 2


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
    found = the_row("clean.securities", plaid_securities=sent)
    assert found | row == found


def test_junk_among_securities_does_not_harm_the_others() -> None:
    sent = raw_rows(
        "plaid_securities",
        {},
        {"source_id": "s2", "payload": SECURITY | {"security_id": "s2"}, "connection": "other"},
        {"source_id": "s3", "payload": "junk"},
    )
    found = cleaned("clean.securities", plaid_securities=sent, alpaca_assets=raw_rows("alpaca_assets", {}))
    assert found.rows.select("security_id", "name").rows() == [("VTI", "Vanguard Total Stock Market")]
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


def test_the_day_a_row_was_first_heard_of_stays_when_it_changes() -> None:
    day = timedelta(days=1)
    sent = raw_rows(
        "plaid_transactions",
        {"payload": TRANSACTION | {"amount": 2}, "at": MOMENT + day},
        {"payload": {}, "change": "removed", "at": MOMENT + 2 * day},
        {"payload": TRANSACTION | {"amount": 1}},
    )
    row = the_row("clean.transactions", plaid_transactions=sent)
    # MOMENT is the 17th in London and still the 16th in New York, where the book is.
    assert (row["first_known_on"], row["amount"], row["removed"]) == (date(2026, 3, 16), Decimal(-2), True)
    trades = raw_rows("plaid_investment_transactions", {}, {"at": MOMENT + day})
    assert the_row("clean.trades", plaid_investment_transactions=trades)["first_known_on"] == date(
        2026, 3, 16
    )
