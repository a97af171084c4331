"""What another model would do to the reports, in money."""

from decimal import Decimal

import polars as pl
from categorizing_examples import bank, facts

from manna.books import Book
from manna.categorizing import Categorized, categorize, settle
from manna.categorizing.deciding import PREDICTIONS
from manna.categorizing.shadow import DIFFERENCE, difference

HOME = Book.model_validate({"id": "home", "name": "Home"})
ROWS = [
    bank("t1", "-10"),
    bank("t2", "-20"),
    bank("t3", "-40", pending=True),
    bank("t4", "-80"),
    bank("t5", "-5", currency="EUR"),
]
KNOWN = facts(
    HOME,
    *ROWS,
    by_hand={"t4": "Expenses:Home"},
    divided={
        "t4": [{"category": "Expenses:Home", "amount": "-50"}, {"category": "Expenses:Food", "amount": "-30"}]
    },
)


def made(said: dict[str, str]) -> Categorized:
    told = [(name, category, 0.5, False, "") for name, category in said.items()]
    return categorize(settle(KNOWN), model=pl.DataFrame(told, schema=PREDICTIONS, orient="row"))


def test_lines_that_differ_the_largest_difference_first() -> None:
    before = made({"t1": "Expenses:Food", "t2": "Expenses:Food", "t3": "Expenses:Food"})
    after = made({"t1": "Expenses:Food", "t2": "Expenses:Fun", "t3": "Expenses:Fun", "t5": "Expenses:Fun"})
    found = difference(KNOWN.live, before, after)
    assert dict(found.schema) == DIFFERENCE
    assert found.rows() == [
        # Of the split only its part in this line counts; the pending row stands in no report.
        ("Expenses:Food", "USD", 1, Decimal(-60), Decimal(-40), Decimal(20)),
        ("Expenses:Fun", "USD", 1, Decimal(0), Decimal(-20), Decimal(-20)),
        ("Expenses:Fun", "EUR", 1, Decimal(0), Decimal(-5), Decimal(-5)),
        ("Expenses:Uncategorized", "EUR", 1, Decimal(-5), Decimal(0), Decimal(5)),
    ]


def test_no_difference() -> None:
    assert difference(KNOWN.live, made({}), made({})).is_empty()
    assert difference(KNOWN.live.clear(), made({}), made({"t1": "Expenses:Food"})).is_empty()
