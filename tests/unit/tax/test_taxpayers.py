"""Whose books are looked at together, and what counts as the same security."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from manna.books import Book, complaints
from manna.contracts.clean import ACCOUNTS, TRADES
from manna.contracts.market import CORPORATE_ACTIONS
from manna.investment_settings import sameness
from manna.tax.taxpayers import same_security, sheltered_accounts, taxpayers


def book(name: str, **more: Any) -> Book:
    return Book.model_validate({"id": name, "name": name} | more)


def groups(*books: Book) -> list[list[str]]:
    return [[each.id for each in group] for group in taxpayers({each.id: each for each in books})]


def test_books_of_one_taxpayer_and_of_the_spouse_are_together() -> None:
    found = groups(
        book("home", taxpayer="Ana", spouse="Ben"),
        book("firm", taxpayer="Ben"),
        book("shop", taxpayer="Ana"),
        book("else", taxpayer="Cem"),
    )
    assert found == [["home", "firm", "shop"], ["else"]]


def test_books_without_a_taxpayer_stand_alone() -> None:
    assert groups(book("a"), book("b"), book("c", taxpayer="a")) == [["a"], ["b"], ["c"]]


def frame(contract: Any, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of ``contract`` with nulls for what is not said."""
    return pl.DataFrame(
        [{name: row.get(name) for name in contract.names} for row in rows], schema=contract.polars_schema
    )


def test_sheltered_accounts_by_subtype_unless_the_book_says_otherwise() -> None:
    its = book("home", investments={"accounts": [{"mask": "1234", "sheltered": False}]})
    accounts = [
        {"account_id": "ira", "book": "home", "type": "investment", "subtype": "ira"},
        {"account_id": "inherited", "book": "home", "type": "investment", "subtype": "ira", "mask": "1234"},
        {"account_id": "alpaca", "book": "home", "type": "brokerage"},
        {"account_id": "hsa-cash", "book": "home", "type": "depository", "subtype": "hsa"},
    ]
    assert sheltered_accounts([its], frame(ACCOUNTS, *accounts)) == {"ira", "hsa-cash"}


def test_the_same_through_changes_of_symbol_and_as_declared() -> None:
    actions = frame(CORPORATE_ACTIONS, {"kind": "name_change", "symbol": "FB", "new_symbol": "META"})
    told = {"account_id": "a", "date": date(2026, 1, 2), "kind": "symbol_change", "removed": False}
    trades = frame(TRADES, told | {"security_id": "OLD"}, told | {"security_id": "NEW"})
    same = same_security([book("home", investments={"same": [["META", "XYZ"]]})], actions, trades)
    assert same("FB") == same("META") == same("XYZ")
    assert same("OLD") == same("NEW")
    assert len({same(name) for name in ("FB", "OLD", "ELSE")}) == 3


def test_groups_join_through_one_another() -> None:
    same = sameness([["A", "B"], ["C", "D"], ["D", "B"]])
    assert len({same(name) for name in "ABCD"}) == 1


@pytest.mark.parametrize(
    ("investments", "said"),
    [
        ({"same": [["FB"]]}, "a group names two securities at least"),
        ({"accounts": [{"sheltered": True}]}, "say which account is meant"),
        (
            {"lots": [{"account": "a", "security": "X", "quantity": 0, "opened": "2020-01-01", "cost": 1}]},
            "lots.0.quantity",
        ),
        (
            {"spin_offs": [{"parent": "A", "security": "B", "date": "2020-01-01", "basis": 12}]},
            "spin_offs.0.basis",
        ),
        ({"lot": []}, "investments.lot"),
    ],
)
def test_what_is_wrong_in_a_book_is_named(investments: dict[str, Any], said: str) -> None:
    [complaint] = complaints({"id": "home", "name": "Home", "investments": investments})
    assert said in complaint
