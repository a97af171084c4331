"""A book's document: every complaint at once, in words that say where."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from manna.books import Book, complaints

WHOLE = {
    "id": "rivera",
    "name": "The Riveras",
    "time_zone": "America/Chicago",
    "accounts": [{"institution": "Platypus", "mask": "0000", "account": "Assets:Bank:Checking"}],
    "rules": [{"description": "netflix|hulu", "category": "Expenses:Fun:Films", "sign": "out"}],
    "targets": {"weights": {"VTI": 0.6, "BND": 0.3, "CASH": 0.1}},
    "thresholds": {"low_balance": 250},
}


def test_a_whole_document_is_a_book() -> None:
    assert complaints(WHOLE) == []
    book = Book.model_validate(WHOLE)
    assert sum(book.targets.weights.values()) == 1
    assert (book.kind, book.currency, book.thresholds.stale_after_days) == ("household", "USD", 3)


def test_a_rate_is_the_last_one_of_its_day_or_the_one_without() -> None:
    told = {
        "exchange_rates": {"EUR": "1.1"},
        "dated_rates": {"EUR": {"2026-02-01": "1.2", "2026-03-01": "1.3"}},
    }
    book = Book.model_validate({"id": "a", "name": "A", **told})
    assert book.rate("EUR", date(2026, 1, 31)) == (Decimal("1.1"), None)
    assert book.rate("EUR", date(2026, 2, 28)) == (Decimal("1.2"), date(2026, 2, 1))
    assert book.rate("EUR", date(2026, 3, 1)) == (Decimal("1.3"), date(2026, 3, 1))
    assert book.rate("NOK", date(2026, 3, 1)) == (None, None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "Not An Id"}, "id: String should match pattern"),
        ({"id": "../../etc"}, "id: String should match pattern"),
        ({"id": "a\n"}, "id: String should match pattern"),
        ({"name": None}, "name: Input should be a valid string"),
        ({"kind": "castle"}, "kind: Input should be 'household' or 'proprietor'"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: Value error, unknown time zone 'Mars/Olympus'"),
        ({"currency": "dollars"}, "currency: String should match pattern"),
        ({"budgets": {"Expenses:Food": 0}}, "budgets.Expenses:Food: Input should be greater than 0"),
        ({"budgets": {"Assets:Car": 5}}, "budgets: Value error, Assets:Car is neither income nor an expense"),
        (
            {"budgets": {"Expenses:Food": 5, "Expenses:Food:Snacks": 1}},
            "budgets: Value error, Expenses:Food:Snacks is part of Expenses:Food; give one of them a budget",
        ),
        ({"dated_rates": {"EUR": {"soon": 1.1}}}, "dated_rates.EUR.soon"),
        (
            {"dated_rates": {"EUR": {"2026-01-01": 0}}},
            "dated_rates.EUR.2026-01-01: Input should be greater than 0",
        ),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"accounts": {"a": 1}}, "accounts: Input should be a valid tuple"),
        ({"accounts": [{"account": "Assets:Bank"}]}, "accounts.0: Value error, say which account is meant"),
        ({"accounts": [{"mask": 83, "account": "Assets:Bank"}]}, "accounts.0.mask: Input should be a valid"),
        ({"accounts": [{"mask": "1", "account": "Assets"}]}, "accounts.0.account: String should match"),
        (
            {"rules": [{"description": "(", "category": "Expenses:A"}]},
            "rules.0.description: Value error, not",
        ),
        (
            {"rules": [{"description": "(?=look)", "category": "Expenses:A"}]},
            "rules.0.description: Value error, not",
        ),
        ({"rules": [{"description": "a", "category": "Food"}]}, "rules.0.category: String should match"),
        (
            {"rules": [{"description": "a", "category": "Expenses:A", "sign": "up"}]},
            "rules.0.sign: Input should be 'in' or 'out'",
        ),
        ({"targets": {"weights": {"VTI": 0.5}}}, "targets: Value error, weights sum to 0.5, not 1"),
        (
            {"targets": {"weights": {"VTI": 1.5, "BND": -0.5}}},
            "targets.weights.VTI.weight: Input should be less",
        ),
        (
            {"targets": {"weights": {"VTI": float("nan")}}},
            "targets.weights.VTI.weight: Input should be a finite",
        ),
        (
            {"targets": {"weights": {"S": {"weight": 1, "securities": ["VTI", "BND"]}, "VTI": 0}}},
            "targets: Value error, VTI stands in two",
        ),
        (
            {"targets": {"weights": {"S": {"weight": 1, "weights": {"VTI": 0.5}}}}},
            "targets.weights.S.part: Value error, weights sum to 0.5",
        ),
        (
            {"targets": {"weights": {"S": {"weight": 1, "weights": {"VTI": 1}, "securities": ["A"]}}}},
            "targets.weights.S.part: Value error, a part has weights or",
        ),
        ({"targets": {"weights": {"CASH": {"weight": 1}}}}, "targets: Value error, CASH takes a weight only"),
        (
            {"targets": {"weights": {"S": {"weight": 1, "weights": {"CASH": 1}}}}},
            "targets: Value error, CASH stands beside",
        ),
        (
            {"targets": {"weights": {"VTI": 1}, "substitutes": {"BND": ["AGG"]}}},
            "targets: Value error, substitutes for BND",
        ),
        (
            {"targets": {"weights": {"VTI": 0.5, "ITOT": 0.5}, "substitutes": {"VTI": ["ITOT"]}}},
            "targets: Value error, substitute ITOT",
        ),
        (
            {
                "targets": {"weights": {"VTI": 1}, "substitutes": {"VTI": ["VTS"]}},
                "investments": {"same": [["VTI", "VTS"]]},
            },
            "file: Value error, targets.substitutes: VTS and VTI count",
        ),
        ({"targets": {"approvals": 3}}, "targets.approvals: Input should be 1 or 2"),
        ({"targets": {"minimum_trade": 0}}, "targets.minimum_trade: Input should be greater than 0"),
        ({"thresholds": {"stale_after_days": 0}}, "thresholds.stale_after_days: Input should be greater"),
        ({"thresholds": {"low_balance": "much"}}, "thresholds.low_balance: Input should be a valid decimal"),
    ],
)
def test_a_fault_is_named(change: dict[str, Any], complaint: str) -> None:
    found = complaints(WHOLE | change)
    assert any(one.startswith(complaint) for one in found), found


@pytest.mark.parametrize("document", [None, [], "text", 5])
def test_what_is_no_mapping_is_no_book(document: Any) -> None:
    assert len(complaints(document)) == 1
    assert complaints(document)[0].startswith("file: ")


def test_every_fault_is_named_at_once() -> None:
    found = complaints(
        {"id": "A", "time_zone": "x", "currency": "x", "colour": 1, "rules": [{"description": "("}]}
    )
    assert {one.split(":")[0] for one in found} == {
        "id",
        "name",
        "time_zone",
        "currency",
        "colour",
        "rules.0.description",
        "rules.0.category",
    }
