"""Stage ``portfolio``: daily valuations and drift.

What belongs here: reading ledger and prices, calling ``manna.portfolio``, writing. What does not: any
rule of valuation or drift, and plans (``assets.rebalancing``).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.book_days import today
from assets.common import BooksConfig, Manna, chosen, result, row_counts, spec
from assets.shown import previewed, worth
from manna.portfolio.valuation import valuations as value_positions
from manna.rebalancing.drift import drift as measure_drift
from resources.installation import Installation
from resources.lake import Change, LakeTransaction

VALUATIONS, DRIFT = "portfolio.valuations", "portfolio.drift"
_BY_BOOK = {
    "postings": "ledger.postings",
    "lots": "ledger.lots",
    "accounts": "clean.accounts",
    "holdings": "clean.holdings",
}
_SHARED = {
    "securities": "clean.securities",
    "bars": "clean.bars",
    "corporate_actions": "clean.corporate_actions",
}


@dg.multi_asset(
    name="value_positions",
    specs=[spec(VALUATIONS, deps=(*_BY_BOOK.values(), *_SHARED.values()))],
)
def valuations(
    context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna
) -> dg.MaterializeResult[Any]:
    """Values every position of every investment account on every day."""
    change = manna.lake.commit(
        [VALUATIONS],
        lambda transaction: value_books(manna, config.books, transaction),
        author=VALUATIONS,
        message=f"run {context.run.run_id}",
    )
    return result(VALUATIONS, change, row_counts(manna, [VALUATIONS], in_part=config.books), **worth(manna))


def value_books(manna: Installation, wanted: Sequence[str], transaction: LakeTransaction) -> Change:
    """Makes ``portfolio.valuations`` hold what follows from ledger and prices, for the ``wanted`` books (none: all)."""
    shared = {name: transaction.read(address) for name, address in _SHARED.items()}
    change = Change()
    for book in chosen(manna.books, wanted):
        scope = {"book": book}
        own = {name: transaction.read(address, scope) for name, address in _BY_BOOK.items()}
        first, last = _first_day(own["postings"]), today(manna, manna.books[book])
        if first is None or first > last:
            change += transaction.replace(VALUATIONS, transaction.read(VALUATIONS, scope).clear(), scope)
            continue
        found = value_positions(**own, **shared, first=first, last=last)
        change += transaction.replace(VALUATIONS, found, scope)
    return change


def _first_day(postings: pl.DataFrame) -> date | None:
    first = postings["date"].min()
    return first if isinstance(first, date) else None


@dg.multi_asset(name="measure_drift", specs=[spec(DRIFT, deps=(VALUATIONS, "clean.accounts"))])
def drift(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> dg.MaterializeResult[Any]:
    """Measures each book's weights against its targets, today."""
    change, breached = manna.lake.commit(
        [DRIFT],
        lambda transaction: measure_books(manna, config.books, transaction),
        author=DRIFT,
        message=f"run {context.run.run_id}",
    )
    rows = row_counts(manna, [DRIFT], in_part=config.books)
    return result(DRIFT, change, rows, breached=breached, **previewed(manna, DRIFT))


def measure_books(
    manna: Installation, wanted: Sequence[str], transaction: LakeTransaction
) -> tuple[Change, int]:
    """Makes ``portfolio.drift`` hold what follows from valuations; returns the weights beyond their bands too."""
    change, breached = Change(), 0
    for book_id in chosen(manna.books, wanted):
        scope, book = {"book": book_id}, manna.books[book_id]
        found = measure_drift(
            book,
            transaction.read(VALUATIONS, scope),
            transaction.read("clean.accounts", scope),
            today(manna, book),
        )
        breached += int(found["breached"].sum() or 0)
        change += transaction.replace(DRIFT, found, scope)
    return change, breached
