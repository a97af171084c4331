"""Balances of two days against the rows between them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from validating_examples import rows, transaction, transactions

from manna.validating import balances
from manna.validating.finding import Finding

ACCOUNT = {"account_id": "a"}


def found(told: list[tuple[str, Any]], *moves: dict[str, Any], **account: Any) -> list[Finding]:
    """Findings on one account with these balances by day."""
    return balances.roll_forward(
        rows("accounts", ACCOUNT | account),
        rows("balances", *({"account_id": "a", "as_of": as_of, "current": amount} for as_of, amount in told)),
        transactions(*moves),
    )


OLD = transaction("old", "03-01", -7)
PENDING = {"pending": True}
LATE = {"first_known_on": "03-12"}


@pytest.mark.parametrize(
    ("told", "moves"),
    [
        ([("03-10", 100), ("03-12", 70)], [transaction("t", "03-11", -30)]),
        ([("03-10", 100)], [transaction("t", "03-11", -30)]),
        ([("03-10", 100), ("03-11", None), ("03-12", 70)], [transaction("t", "03-11", -30)]),
        # Posted on Thursday under Tuesday's date: Wednesday's balance does not include it.
        ([("03-11", 100), ("03-12", 70)], [transaction("t", "03-10", -30, first_known_on="03-12")]),
        # Nobody asked for ten days: what posted in them under a date before is in the later balance alone.
        ([("03-10", 100), ("03-20", 70)], [transaction("t", "03-09", -30, first_known_on="03-20")]),
        ([("03-10", 100), ("03-20", 70)], [transaction("t", "03-12", -30, first_known_on="03-20")]),
        # A day without a statement is a day on which somebody asked.
        ([("03-10", 100), ("03-15", None), ("03-20", 70)], [transaction("t", "03-14", -30, first_known_on="03-20")]),
        # Told of it three weeks late: both balances include it.
        ([("03-11", 100), ("03-12", 100)], [transaction("t", "02-18", -30, first_known_on="03-12")]),
        # Taken back: the balance goes back.
        ([("03-10", 70), ("03-12", 100)], [transaction("t", "03-09", -30, removed=True, removed_on="03-11")]),
        # Sent again through a later login: its successor counts.
        ([("03-10", 100), ("03-12", 100)], [transaction("t", "03-11", -30, removed=True)]),
        ([("03-10", 100), ("03-12", 100)], [transaction("t", "03-11", -30, **PENDING)]),
        # An account that is told by balances alone cannot be compared.
        ([("03-10", 100), ("03-12", 70)], [transaction("t", "03-11", -1, account_id="other")]),
    ],
    ids=["rows", "one", "null", "late", "paused", "in the pause", "paused, null", "backfill", "taken back", "linked anew", "pending", "no rows at all"],
)  # fmt: skip
def test_what_the_rows_account_for_is_no_finding(told: list[Any], moves: list[dict[str, Any]]) -> None:
    assert found(told, *moves) == []


@settings(deadline=None, max_examples=60)
@given(
    asked=st.sets(st.integers(0, 40), min_size=1),
    posted=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.integers(-9, 9)), max_size=8),
)
def test_however_seldom_anybody_asks_the_rows_account_for_every_balance(
    asked: set[int], posted: list[tuple[int, int, int]]
) -> None:
    """``posted``: when a row posted, how many days after its date, and its amount."""
    begun, days = date(2026, 1, 10), sorted(asked)
    moves = [
        transaction(
            f"t{number}",
            str(begun + timedelta(on - late)),
            amount,
            first_known_on=str(begun + timedelta(heard)),
        )
        for number, (on, late, amount) in enumerate(posted)
        if (heard := next((day for day in days if day >= on), None)) is not None
    ]
    told = [(day, 100 + sum(amount for on, _, amount in posted if on <= day)) for day in days]
    assert found([(str(begun + timedelta(day)), amount) for day, amount in told], OLD, *moves) == []


@pytest.mark.parametrize("kind", ["loan", "investment", "brokerage", "other"])
def test_other_kinds_of_accounts_move_without_rows(kind: str) -> None:
    assert found([("03-10", 100), ("03-12", 70)], OLD, type=kind) == []


def test_a_move_without_rows_is_a_warning_with_the_difference_at_stake() -> None:
    (one,) = found([("03-10", 100), ("03-12", 60)], OLD, transaction("t", "03-11", -30))
    assert (one.kind, one.severity, one.subject) == ("balance_jump", "warning", "a")
    assert (one.amount, one.currency) == (Decimal(10), "USD")
    assert (str(one.since), str(one.until)) == ("2026-03-10", "2026-03-12")
    assert one.rows == ("t",)
    assert "10.00 is unexplained" in one.message


def test_a_difference_is_told_once_and_not_on_every_later_day() -> None:
    assert len(found([("03-10", 100), ("03-12", 60), ("03-13", 60), ("03-14", 60)], OLD)) == 1


@pytest.mark.parametrize(
    ("told", "moves", "why"),
    [
        ([("03-10", 100), ("03-12", 70)], [transaction("t", "03-11", -30, **PENDING)], balances.PENDING),
        # It was in the balance while pending, and left with the posted row that took its place.
        (
            [("03-10", 70), ("03-12", 70)],
            [
                transaction("p", "03-09", -30, removed=True, removed_on="03-12", **PENDING),
                transaction("t", "03-12", -30, pending_transaction_id="p"),
            ],
            balances.PENDING,
        ),
        ([("03-10", 100), ("03-12", 100)], [transaction("t", "03-12", -30)], balances.DAY_OPEN),
        ([("03-10", 100), ("03-12", 70)], [transaction("t", "03-10", -30)], balances.DAY_OPEN),
    ],
    ids=["pending counted", "pending posted", "today's rows", "first day's rows"],
)
def test_what_explains_itself_is_information_and_says_how(
    told: list[Any], moves: list[dict[str, Any]], why: str
) -> None:
    (one,) = found(told, OLD, *moves)
    assert one.severity == "info"
    assert one.message.endswith(why)


def test_a_difference_that_the_next_balance_makes_good_is_information() -> None:
    first, second = found([("03-10", 100), ("03-11", 90), ("03-12", 100)], OLD)
    assert first.severity == second.severity == "info"
    assert first.message.endswith(balances.MADE_GOOD)


@pytest.mark.parametrize("change", [-29, -31], ids=["less", "more"])
def test_a_near_miss_is_not_explained_by_pending_rows(change: int) -> None:
    (one,) = found([("03-10", 100), ("03-12", 100 + change)], OLD, transaction("t", "03-11", -30, **PENDING))
    assert one.severity == "warning"


def test_currencies_and_accounts_are_kept_apart() -> None:
    told = rows(
        "balances",
        {"account_id": "a", "as_of": "03-10", "current": 100},
        {"account_id": "a", "as_of": "03-12", "current": 70},
        {"account_id": "b", "as_of": "03-10", "current": 5, "currency": "EUR"},
        {"account_id": "b", "as_of": "03-12", "current": 9, "currency": "EUR"},
    )
    moves = transactions(
        transaction("t", "03-11", -30),
        transaction("u", "03-11", 4, account_id="b", currency="EUR"),
        transaction("v", "03-11", 50, currency="EUR"),
    )
    assert balances.roll_forward(rows("accounts", ACCOUNT, {"account_id": "b"}), told, moves) == []
