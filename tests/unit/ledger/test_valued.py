"""Houses, cars and unlinked debts of the book's file: at cost, with what they are worth beyond it, by day."""

from datetime import date
from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import BOOK, account, balance, day, entered, entry, keep, sums, transaction

from manna.books import Book, complaints
from manna.ledger import out_of_balance

HOUSE, WORTH = "Assets:Property:House", "Assets:Property:House:Revaluation"
AUNT = "Liabilities:Loans:Aunt May"
CHECKING = account("checking")


def book(*things, kind="household"):
    return Book.model_validate({"id": "home", "name": "Home", "kind": kind, "valued": things})


def house(**more):
    values = {"2025-12-31": 500_000, "2026-02-01": 520_000, "2026-03-01": 510_000}
    return {"account": HOUSE, "kind": "house", "values": values} | more


def of(books, upto):
    found = sums(books, day(upto))
    return tuple(found.get(name, D(0)) for name in (HOUSE, WORTH, "Equity:Revaluation"))


@pytest.mark.parametrize(
    ("thing", "upto", "expected"),
    [
        (house(), "2025-12-31", (500_000, 0, 0)),
        (house(), "02-01", (500_000, 20_000, -20_000)),
        (house(), "03-31", (500_000, 10_000, -10_000)),
        (house(cost=410_000), "2025-12-31", (410_000, 90_000, -90_000)),
        (house(cost="410000.5"), "03-01", (D("410000.5"), D("99999.5"), D("-99999.5"))),
        (house(cost=600_000), "03-01", (600_000, -90_000, 90_000)),
    ],
)
def test_a_house_stands_at_cost_and_what_it_is_worth_beyond_stands_apart(thing, upto, expected):
    assert of(keep(book(thing), accounts=[]), upto) == expected


def test_a_firm_stays_at_cost():
    books = keep(book(house(cost=410_000), kind="proprietor"), accounts=[])
    assert sums(books) == {HOUSE: D(410_000), "Equity:Opening Balances": D(-410_000)}


def test_no_value_is_income():
    kinds = keep(book(house()), accounts=[]).journal.select("date", "kind", "source_table", "source_id")
    assert kinds.rows() == [
        (day("2025-12-31"), "opening", "ops.book_files", f"opening/home/{HOUSE}"),
        (day("02-01"), "valuation", "ops.book_files", f"2026-02-01/home/{HOUSE}"),
        (day("03-01"), "valuation", "ops.book_files", f"2026-03-01/home/{HOUSE}"),
    ]


def test_what_was_paid_through_the_bank_is_part_of_the_cost():
    """Bought in January with 100,000 of one's own; a new roof in February; the value says what it all comes to."""
    paid = {
        "accounts": [CHECKING],
        "transactions": [
            transaction("down", "checking", "01-10", -100_000),
            transaction("roof", "checking", "02-10", -30_000),
        ],
        "categories": [{"transaction_id": t, "category": HOUSE} for t in ("down", "roof")],
    }
    thing = house(cost=400_000, values={"2026-01-10": 400_000, "2026-03-01": 450_000})
    books = keep(book(thing), **paid)
    assert of(books, "01-31") == (400_000, 0, 0)
    assert of(books, "02-28") == (430_000, 0, 0)
    assert of(books, "03-01") == (430_000, 20_000, -20_000)
    assert sums(books)["Equity:Opening Balances"] == D(-300_000)


def test_values_from_before_the_books_stand_on_their_first_day():
    values = {"2019-06-14": 410_000, "2024-12-31": 480_000, "2026-02-01": 520_000}
    books = keep(
        book(house(values=values)),
        accounts=[CHECKING],
        balances=[balance("checking", "01-31", 70)],
        transactions=[transaction("t", "checking", "01-05", -50)],
    )
    assert books.journal["date"].min() == day("01-04")
    assert of(books, "01-04") == (410_000, 70_000, -70_000)
    assert of(books, "02-01") == (410_000, 110_000, -110_000)


@pytest.mark.parametrize(
    ("upto", "owed", "changed"), [("01-31", -12_000, 0), ("02-28", -11_500, 0), ("03-01", -11_700, 200)]
)
def test_a_debt_is_what_was_stated_whatever_was_repaid_in_between(upto, owed, changed):
    values = {"2025-12-31": 12_000, "2026-03-01": 11_700}
    books = keep(
        book({"account": AUNT, "kind": "debt", "values": values}),
        accounts=[CHECKING],
        transactions=[
            transaction("first", "checking", "2025-12-20", 1),
            transaction("t", "checking", "02-10", -500),
        ],
        categories=[{"transaction_id": "t", "category": AUNT}],
    )
    found = sums(books, day(upto))
    assert (found[AUNT], found.get("Equity:Loan Balance Changes", 0)) == (owed, changed)


def test_a_persons_entry_is_part_of_it_too():
    sold = entry("02-15", (HOUSE, -500_000), ("Assets:Cash:Safe", 490_000), ("Expenses:Fees", 10_000))
    thing = house(values={"2026-01-01": 500_000, "2026-03-01": 0})
    books = keep(book(thing), accounts=[], entered=entered(sold))
    assert of(books, "03-01") == (0, 0, 0)


def test_a_thing_in_another_currency_keeps_it():
    books = keep(book(house(currency="JPY", cost="40000000.4")), accounts=[])
    assert set(books.postings["currency"]) == {"JPY"}
    assert books.postings["amount"].max() == D(40_000_000)


def test_no_provider_account_takes_the_path_of_a_thing():
    thing = {"account": "Assets:Cash:Bank Checking", "kind": "other", "values": {"2026-01-01": 1}}
    books = keep(book(thing), accounts=[CHECKING], balances=[balance("checking", "01-31", 70)])
    assert "Assets:Cash:Bank Checking king" in set(books.postings["account"])


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (house(kind="debt"), "a debt belongs below Liabilities, not in Assets:Property:House"),
        ({"account": AUNT, "kind": "house", "values": {"2026-01-01": 1}}, "a house belongs below Assets"),
        ({"account": AUNT, "kind": "debt", "cost": 1, "values": {"2026-01-01": 1}}, "a debt has no cost"),
        (house(values={}), "at least 1 item"),
        (house(values={"2026-01-01": -1}), "greater than or equal to 0"),
        (house(values={"soon": 1}), "valid date"),
    ],
)
def test_a_thing_that_is_none_is_named(thing, said):
    (complaint,) = complaints({"id": "b", "name": "B", "valued": [thing]})
    assert said in complaint


def test_a_thing_given_twice_is_named():
    assert "accounts given twice" in complaints({"id": "b", "name": "B", "valued": [house(), house()]})[0]


days = st.dates(date(2025, 12, 1), date(2026, 3, 31))
worths = st.dictionaries(days, st.decimals(0, 10**6, places=2), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(
    worths,
    worths,
    st.lists(st.tuples(st.integers(1, 28), st.decimals(-999, 999, places=2)), max_size=4),
    st.none() | st.decimals(0, 10**6, places=2),
)
def test_on_every_stated_day_the_books_say_what_was_stated(values, owed, moves, cost):
    things = (
        {"account": HOUSE, "kind": "house", "cost": cost, "values": values},
        {"account": AUNT, "kind": "debt", "values": owed},
    )
    rows = [transaction(f"t{i}", "checking", f"01-{d:02}", amount) for i, (d, amount) in enumerate(moves)]
    categories = [{"transaction_id": f"t{i}", "category": (HOUSE, AUNT)[i % 2]} for i in range(len(rows))]
    books = keep(book(*things), accounts=[CHECKING], transactions=rows, categories=categories)
    assert out_of_balance(books.postings).is_empty()
    opened = books.journal.filter(pl.col("kind") == "opening")["date"].min() or date.min
    first = min((row["date"] for row in rows), default=date.min)
    for said, names, sign in ((values, (HOUSE, WORTH), 1), (owed, (AUNT,), -1)):
        for on, value in said.items():
            if on < max(opened, first):
                continue
            found = sums(books, on)
            assert sum((found.get(name, D(0)) for name in names), D(0)) == sign * value
    assert BOOK.valued == ()
