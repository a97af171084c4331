"""Houses, cars and unlinked debts: what the book's file says they are worth, as entries.

What belongs here: those entries. What does not: market values of securities (``portfolio``), or linked loans
(:mod:`openings`, :mod:`loans`).

The account of a thing keeps its cost; what it is worth beyond that stands on a leaf of its own against
``Equity:Revaluation``, so that a balance sheet can show both and no gain becomes income before a sale. A firm stays at
cost. What was booked on the account by other entries (a down payment, an improvement, a debt's repayment) is part of
it: a value is what the account comes to on its day, not what is added to it.
"""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import polars as pl

from manna.book_sections import Valued
from manna.books import Book
from manna.ledger.chart import LOAN_CHANGES, OPENING_BALANCES, REVALUATION, REVALUED
from manna.ledger.journal import Entry, Line, balanced
from manna.money import round_money

SOURCE = "ops.book_files"


def book_valued(book: Book, postings: pl.DataFrame, opened: date | None) -> list[Entry]:
    """Entries of all things that the book's file values.

    Args:
        book: its ``valued`` says what there is; a proprietor's things stay at cost.
        postings: everything else that is booked.
        opened: the day on which the book opens its accounts; values of earlier days count on that day, so that net
            worth begins with all that there is. Null: nothing else is known, and every day is as given.
    """
    things = {thing.account for thing in book.valued}
    moved = postings.filter(pl.col("account").is_in(things)).select("account", "currency", "date", "amount")
    entries = []
    for thing in book.valued:
        currency = thing.currency or book.currency
        own = moved.filter(pl.col("account") == thing.account, pl.col("currency") == currency)
        days = own.select("date", "amount").rows()

        def known(day: date, days: list[tuple[date, Decimal]] = days) -> Decimal:
            return sum((amount for on, amount in days if on <= day), Decimal(0))

        make = _debt if thing.kind == "debt" else _possession
        entries += list(make(book, thing, currency, known, opened or date.min))
    return entries


def _possession(
    book: Book, thing: Valued, currency: str, known: Callable[[date], Decimal], opened: date
) -> Iterator[Entry]:
    """Its opening at cost, and each later value as what it is worth beyond that."""
    said = _from(thing, opened)
    bought_for = thing.values[min(thing.values)] if thing.cost is None else thing.cost
    opening = round_money(bought_for, currency) - known(said[0][0])
    yield from _entry(
        book, thing, said[0][0], "opening", Line(thing.account, opening, currency), OPENING_BALANCES
    )
    if book.kind == "proprietor":
        return
    beyond = Decimal(0)
    for day, value in said:
        wanted = round_money(value, currency) - known(day) - opening
        line = Line(f"{thing.account}:{REVALUED}", wanted - beyond, currency)
        yield from _entry(book, thing, day, "valuation", line, REVALUATION)
        beyond = wanted


def _debt(
    book: Book, thing: Valued, currency: str, known: Callable[[date], Decimal], opened: date
) -> Iterator[Entry]:
    """Its first balance against the openings, and what later ones change beyond what was booked."""
    stated = Decimal(0)
    for position, (day, owed) in enumerate(_from(thing, opened)):
        change = -round_money(owed, currency) - known(day) - stated
        kind, counter = ("balance", LOAN_CHANGES) if position else ("opening", OPENING_BALANCES)
        yield from _entry(book, thing, day, kind, Line(thing.account, change, currency), counter)
        stated += change


def _from(thing: Valued, opened: date) -> list[tuple[date, Decimal]]:
    """Its values in order of days, the last one up to the day of the openings standing on that day."""
    values: dict[date, Decimal] = {}
    for day, value in sorted(thing.values.items()):
        values[max(day, opened)] = value
    return list(values.items())


_TEXTS = {"opening": "Opening of {}", "valuation": "Value of {}", "balance": "Balance of {}"}


def _entry(book: Book, thing: Valued, day: date, kind: str, line: Line, counter: str) -> Iterator[Entry]:
    """The entry, unless nothing changes."""
    if not line.amount:
        return
    # A thing has one opening; its first value may be of the same day, and is another entry.
    source_id = f"{'opening' if kind == 'opening' else day}/{book.id}/{thing.account}"
    text = _TEXTS[kind].format(thing.account.rpartition(":")[2])
    yield Entry(day, kind, text, SOURCE, source_id, balanced([line], counter))
