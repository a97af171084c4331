"""Which rows explain a difference between ledger and provider."""

from typing import Any

import pytest
from ledger_examples import account, balance, frames, keep, rows, transaction

from manna.contracts.clean import TRADES, TRANSACTIONS
from manna.ledger.differences import UNEXPLAINED, explained_differences, unexplained

BANK = {"accounts": [account("bank")]}
BEFORE = balance("bank", "01-05", 100)


def explain(told: int, *given: dict[str, Any], day: str = "01-10") -> list[tuple[Any, ...]]:
    """(explained, reason, row) of each line, when the bank says ``told`` on ``day`` after 100 on 5 January."""
    tables = frames(**BANK, balances=[BEFORE, balance("bank", day, told)], transactions=list(given))
    books = keep(**BANK, balances=[BEFORE, balance("bank", day, told)], transactions=list(given))
    found = explained_differences(books.reconciliation, tables["transactions"], tables["trades"])
    return found.select("explained", "reason", "row_id").rows()


def test_books_that_agree_have_nothing_to_explain() -> None:
    assert explain(80, transaction("a", "bank", "01-08", -20)) == []


@pytest.mark.parametrize(
    ("told", "row", "reason"),
    [
        (75, transaction("a", "bank", "01-09", -25, pending=True), "pending"),
        (75, transaction("a", "bank", "01-12", -25), "dated later"),
        (100, transaction("a", "bank", "01-09", -25), "booked, and not"),
        (100, transaction("a", "bank", "01-09", -25, unlisted=True), "no longer listed"),
    ],
)
def test_one_row_that_only_one_side_has(told: int, row: dict[str, Any], reason: str) -> None:
    [(explained, why, row_id)] = explain(told, row)
    assert explained
    assert why.startswith(reason)
    assert row_id == "a"


def test_the_fewest_rows_that_come_to_it_exactly() -> None:
    several = [transaction(name, "bank", "01-09", -amount, pending=True) for name, amount in zip("abcd", (7, 11, 13, 50), strict=True)]  # fmt: skip
    assert {row for _, _, row in explain(80, *several)} == {"a", "c"}
    assert {row for _, _, row in explain(69, *several)} == {"a", "b", "c"}


def test_what_no_rows_explain_says_what_to_do() -> None:
    found = explain(60, transaction("far", "bank", "02-20", -40))
    assert found == [(False, UNEXPLAINED, None)]


def test_a_difference_that_stays_is_as_explained_as_it_was() -> None:
    given = [transaction("a", "bank", "01-09", -25)]
    balances = [BEFORE, balance("bank", "01-10", 100), balance("bank", "01-11", 100)]
    books = keep(**BANK, balances=balances, transactions=given)
    found = explained_differences(books.reconciliation, rows(TRANSACTIONS, *given), rows(TRADES))
    assert found["explained"].to_list() == [True, True]
    assert unexplained(found) == []
    nothing = explained_differences(books.reconciliation, rows(TRANSACTIONS), rows(TRADES))
    assert nothing["explained"].to_list() == [False, False]
    assert unexplained(nothing) == ["bank differs by -25.00 USD on 2026-01-11 and on 1 days before"]
