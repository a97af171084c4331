"""The queue: what is asked, in what order, and what one answer settles."""

from decimal import Decimal
from typing import Any

from categorizing_examples import bank, facts

from manna.books import Book
from manna.categorizing import categorize, settle
from manna.categorizing.review import queue

HOME = Book.model_validate({"id": "home", "name": "Home"})
GUESSED = {
    "plaid_primary": "FOOD_AND_DRINK",
    "plaid_detailed": "FOOD_AND_DRINK_GROCERIES",
    "plaid_confidence": "LOW",
}


def asked(*rows: dict[str, Any], **by_hand: str) -> list[dict[str, Any]]:
    given = facts(HOME, *rows, by_hand=by_hand)
    return queue(given.transactions, categorize(settle(given)).transactions).rows(named=True)


def test_rows_of_one_merchant_are_one_question() -> None:
    [question] = asked(
        bank("a", "-20", 3, description="CAFE"), bank("b", "-30", 5, description="CAFE", merchant="Cafe")
    )
    assert question["merchant"] == "cafe"
    assert (question["rows"], question["amount"]) == (2, Decimal(-50))
    assert question["transaction_ids"] == ["a", "b"]
    assert question["worth"] == 50.0
    assert question["example"] == "CAFE"


def test_the_most_valuable_first() -> None:
    found = asked(
        bank("a", "-200", description="SURE", **GUESSED),
        bank("b", "-150", description="NOBODY KNOWS"),
        bank("c", "-3", description="SMALL"),
    )
    assert [question["merchant"] for question in found] == ["nobody knows", "sure", "small"]
    assert found[1]["worth"] == 120.0  # 200 at a doubt of 0.6


def test_what_is_certain_pending_or_decided_is_not_asked() -> None:
    assert (
        asked(
            bank("a", "-20", **GUESSED | {"plaid_confidence": "VERY_HIGH"}),
            bank("b", "-20", pending=True),
            bank("c", "-20", removed=True),
            bank("d", "-20"),
            d="Expenses:A",
        )
        == []
    )


def test_a_refund_and_a_purchase_are_two_questions() -> None:
    assert len(asked(bank("a", "-20", description="CAFE"), bank("b", "20", description="CAFE"))) == 2


def test_rows_without_a_merchant_are_a_question_each() -> None:
    found = asked(bank("a", "-20", description=""), bank("b", "-20", description=""))
    assert len({question["question_id"] for question in found}) == 2


def test_a_question_keeps_its_id_as_rows_come() -> None:
    [before] = asked(bank("a", "-20", description="CAFE"))
    [after] = asked(bank("a", "-20", description="CAFE"), bank("b", "-20", description="CAFE"))
    assert before["question_id"] == after["question_id"]
