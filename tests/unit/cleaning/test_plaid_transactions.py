"""Plaid's transactions become rows: nulls, signs, tombstones, pending rows that post."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cleaning_examples import (
    MOMENT,
    TRANSACTION,
    cleaned,
    raw_rows,
    reasons,
    the_row,
)


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
