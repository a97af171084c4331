"""Opening lots: as the institution lists them, else as the book's file declares them, else pooled, else unknown."""

import json

import polars as pl
import pytest
from ledger_examples import BROKER, day, holding, keep, sums, trade

from manna.books import Book
from manna.ledger import out_of_balance

SECURITIES = "Assets:Investments:Bank Broker:Securities"


def listed(*lots):
    """``HoldingTaxLot`` of Plaid, with what the clean stage keeps of it: numbers are texts."""
    names = ("original_purchase_datetime", "quantity", "cost_basis", "purchase_price", "institution_lot_id")
    return json.dumps([dict(zip(names, lot, strict=False)) for lot in lots])


def declared(*lots, account="Broker"):
    names = ("security", "opened", "quantity", "cost")
    its = [{"account": account} | dict(zip(names, lot, strict=True)) for lot in lots]
    return Book.model_validate({"id": "home", "name": "Home", "investments": {"lots": its}})


def opening(books):
    assert out_of_balance(books.postings).is_empty()
    columns = ("opened", "quantity", "cost", "dated")
    return books.lots.filter("is_opening").sort("opened", "quantity").select(columns).rows()


TWO = listed(("2019-03-04T05:00:00Z", "4", "200"), ("2025-12-15", "6", None, "55"))


def test_the_lots_that_the_institution_lists():
    books = keep(holdings=[holding("ABC", "02-01", 10, 900, cost_basis=530, tax_lots=TWO)])
    assert opening(books) == [(day("2019-03-04"), 4, 200, True), (day("2025-12-15"), 6, 330, True)]
    assert sums(books)[SECURITIES] == 530
    assert books.journal.filter(kind="opening").height == 1


def test_what_was_bought_since_the_feed_began_is_no_opening_lot():
    told = listed(("2019-03-04", "4", "200"), ("2026-01-20", "6", "330"))
    books = keep(
        holdings=[holding("ABC", "02-01", 10, 900, tax_lots=told)],
        trades=[trade("b", "01-20", "buy", 6, -330), trade("s", "02-05", "sell", -5, 500)],
    )
    assert opening(books) == [(day("2019-03-04"), 4, 200, True)]
    assert books.gains.sort("opened").select("cost", "gain", "term").rows() == [
        (200, 200, "long"),
        (55, 45, "short"),
    ]


def test_what_was_sold_before_anybody_listed_lots_has_an_unknown_basis_and_left_first():
    books = keep(
        holdings=[holding("ABC", "02-01", 4, 400, tax_lots=listed(("2019-03-04", "4", "200")))],
        trades=[trade("s", "01-20", "sell", -6, 660)],
    )
    assert opening(books) == [(day("2019-03-04"), 4, 200, True), (day("01-19"), 6, None, False)]
    assert books.gains.select("cost", "gain").rows() == [(None, None)]


@pytest.mark.parametrize(
    "told",
    [
        listed((None, "4", "200"), ("2025-12-15", "6", "330")),  # a day is missing
        listed(("2019-03-04", None, "200")),
        listed(("2019-03-04", "4", "200")),  # they do not add up
    ],
)
def test_a_list_that_is_not_whole_is_not_used(told):
    books = keep(holdings=[holding("ABC", "02-01", 10, 900, cost_basis=530, tax_lots=told)])
    assert opening(books) == [(day("02-01"), 10, 530, False)]


def test_a_listed_lot_without_a_cost_is_of_unknown_basis():
    books = keep(holdings=[holding("ABC", "02-01", 10, 900, tax_lots=listed(("2019-03-04", "10", None)))])
    assert opening(books) == [(day("2019-03-04"), 10, None, True)]
    assert sums(books)[SECURITIES] == 900


def test_a_list_is_not_walked_back_over_a_split():
    books = keep(
        holdings=[holding("ABC", "02-01", 10, 900, cost_basis=530, tax_lots=TWO)],
        trades=[trade("x", "01-20", "split", 5, 0)],
    )
    assert books.lots.select("cost", "dated").rows() == [(530, False)]


@pytest.mark.parametrize("account", ["broker", "BROKER"])
def test_the_lots_that_the_book_declares(account):
    book = declared(("ABC", "2019-03-04", "4", "200"), account=account)
    books = keep(book, holdings=[holding("ABC", "02-01", 10, 900, cost_basis=530)])
    # What is not declared keeps what is left of the pooled cost.
    assert opening(books) == [(day("2019-03-04"), 4, 200, True), (day("02-01"), 6, 330, False)]


def test_what_the_institution_lists_comes_before_what_is_declared():
    book = declared(("ABC", "2018-01-01", "10", "1"))
    books = keep(book, holdings=[holding("ABC", "02-01", 10, 900, tax_lots=TWO)])
    assert [cost for _, _, cost, _ in opening(books)] == [200, 330]


def test_more_declared_than_held_is_not_used_and_said():
    book = declared(("ABC", "2018-01-01", "11", "1"))
    books = keep(book, holdings=[holding("ABC", "02-01", 10, 900, cost_basis=530)])
    assert [cost for _, _, cost, _ in opening(books)] == [530]
    [said] = books.refused_instructions
    assert "investments.lots has 11 units of ABC, but 10 were held before 2026-02-01" in said


def test_lots_of_one_day_have_ids_of_their_own():
    told = listed(("2019-03-04", "4", "200"), ("2019-03-04", "6", "330"))
    books = keep(accounts=[BROKER], holdings=[holding("ABC", "02-01", 10, 900, tax_lots=told)])
    assert books.lots.select(pl.col("lot_id").n_unique()).item() == 2
