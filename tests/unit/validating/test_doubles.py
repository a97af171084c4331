"""Twins within an account, and accounts that are one."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from validating_examples import rows, transaction, transactions

from manna.validating.duplicates import doubled_accounts, possible_duplicates

RENT = [
    transaction(f"rent{month:02}", f"2025-{month:02}-01", -1500, description="RENT") for month in range(1, 13)
]
FARES = [
    transaction(f"fare{n}", f"2025-{1 + n // 24:02}-{1 + n % 24:02}", -3, description="BUS")
    for n in range(60)
]


def twins(*moves: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.severity, one.rows) for one in possible_duplicates(transactions(*moves))]


def test_twins_of_one_day_are_a_warning_with_their_amount_at_stake() -> None:
    (one,) = possible_duplicates(transactions(transaction("a", "03-10", -40), transaction("b", "03-10", -40)))
    assert (one.kind, one.severity, one.rows) == ("possible_duplicate", "warning", ("a", "b"))
    assert one.amount == Decimal(40)
    assert one.message == "COFFEE: -40.00 USD twice, on the same day"


def test_twins_a_few_days_apart_are_information() -> None:
    assert twins(transaction("a", "03-10", -40), transaction("b", "03-13", -40)) == [("info", ("a", "b"))]


@pytest.mark.parametrize(
    "other",
    [
        {"date": "03-14"},
        {"amount": -41},
        {"amount": 40},
        {"description": "TEA"},
        {"account_id": "b"},
        {"currency": "EUR"},
        {"pending": True},
        {"removed": True},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_near_miss_is_no_twin(other: dict[str, Any]) -> None:
    assert twins(transaction("a", "03-10", -40), transaction("b", "03-10", -40) | other) == []


def test_a_monthly_payment_that_comes_twice_in_one_month_is_told() -> None:
    again = transaction("again", "2025-06-02", -1500, description="RENT")
    assert twins(*RENT) == []
    assert twins(*RENT, again) == [("info", ("rent06", "again"))]


def test_a_fare_paid_every_day_is_a_habit() -> None:
    there_and_back = [fare | {"transaction_id": f"back{fare['transaction_id']}"} for fare in FARES]
    assert twins(*FARES) == []
    assert twins(*FARES, *there_and_back) == []


def moves(account_id: str, count: int, start: int = 1) -> pl.DataFrame:
    return transactions(
        *(
            transaction(f"{account_id}{n}", f"03-{n:02}", -n, account_id=account_id, description=f"SHOP {n}")
            for n in range(start, start + count)
        )
    )


def accounts(*given: dict[str, Any]) -> pl.DataFrame:
    return rows("accounts", *given)


PAIR = accounts({"account_id": "a"}, {"account_id": "b"})


def test_two_accounts_with_the_same_rows_are_critical() -> None:
    (one,) = doubled_accounts(PAIR, pl.concat([moves("a", 12), moves("b", 5, start=8)]))
    assert (one.kind, one.severity, one.subject) == ("doubled_account", "critical", "b")
    assert (str(one.since), str(one.until)) == ("2026-03-08", "2026-03-12")
    assert one.amount == Decimal(8 + 9 + 10 + 11 + 12)
    assert set(one.rows) == {"b8", "b9", "b10", "b11", "b12"}


@pytest.mark.parametrize(
    ("known", "other"),
    [
        (PAIR, moves("b", 4)),  # too few to be sure
        (PAIR, moves("b", 12).with_columns(amount=-pl.col("amount"))),  # transfers
        (PAIR, moves("b", 12).with_columns(description=pl.lit("OTHER"))),
        (PAIR, moves("b", 12).with_columns(pending=pl.lit(True))),
        (PAIR, moves("b", 12).with_columns(removed=pl.lit(True))),
        (PAIR, pl.concat([moves("b", 8), moves("b", 4, start=9).with_columns(amount=pl.col("amount") * 2)])),
        (accounts({"account_id": "a"}, {"account_id": "b", "book": "shop"}), moves("b", 12)),
        (accounts({"account_id": "a"}, {"account_id": "b", "type": "credit"}), moves("b", 12)),
        (accounts({"account_id": "a"}), moves("b", 12)),
    ],
    ids=["few", "signs", "texts", "pending", "removed", "two thirds", "books", "types", "unknown"],
)
def test_near_misses_are_two_accounts(known: pl.DataFrame, other: pl.DataFrame) -> None:
    assert doubled_accounts(known, pl.concat([moves("a", 12), other])) == []


def test_what_a_person_keeps_apart_is_two_accounts() -> None:
    assert doubled_accounts(PAIR, pl.concat([moves("a", 12), moves("b", 12)]), apart=["b"]) == []
