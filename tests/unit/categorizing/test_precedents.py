"""What a book remembers of a merchant."""

from typing import Any

import polars as pl
import pytest
from categorizing_examples import bank, facts

from manna.books import Book
from manna.categorizing.precedents import recalled

HOME = Book.model_validate({"id": "home", "name": "Home"})


def remembered(rows: list[dict[str, Any]], **by_hand: str) -> dict[str, tuple[str, bool, float]]:
    given = facts(HOME, *rows, by_hand=by_hand)
    found = recalled(given.live, given.live, given.decisions)
    return {
        row["transaction_id"]: (row["category"], row["certain"], round(row["probability"], 3))
        for row in found.iter_rows(named=True)
    }


def at(name: str, *ids: str, amount: str = "-20") -> list[dict[str, Any]]:
    return [bank(each, amount, description=name) for each in ids]


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ({}, None),
        ({"a": "Expenses:A"}, ("Expenses:A", False, 0.667)),
        ({"a": "Expenses:A", "b": "Expenses:A"}, ("Expenses:A", True, 0.75)),
        ({"a": "Expenses:A", "b": "Expenses:B"}, None),
    ],
)
def test_a_merchant_that_was_decided_consistently(
    decided: dict[str, str], expected: tuple[str, bool, float] | None
) -> None:
    assert remembered(at("cafe", "a", "b", "c"), **decided).get("c") == expected


def test_another_merchant_and_another_direction_are_not_known() -> None:
    rows = [*at("cafe", "a", "b"), *at("bar", "other"), *at("cafe", "refund", amount="20")]
    assert set(remembered(rows, a="Expenses:A", b="Expenses:A")) == {"a", "b"}


def test_nobody_is_no_merchant() -> None:
    assert remembered(at("", "a", "b", "c"), a="Expenses:A", b="Expenses:A") == {}


def test_it_says_why() -> None:
    given = facts(HOME, *at("cafe", "a", "b"), by_hand={"a": "Expenses:A"})
    assert (
        recalled(given.live, given.live, given.decisions)["reason"].to_list()
        == ["cafe was decided so once"] * 2
    )
    assert recalled(given.live.clear(), given.live, given.decisions).is_empty()
    assert isinstance(recalled(given.live, given.live, given.decisions), pl.DataFrame)
