"""Tear sheets: how each book's investments have done, by month.

What belongs here: which months are made, and storing them. What does not: what a tear sheet says
(``manna.portfolio.tear_sheet``), how it looks (``manna.documents.tear_sheet``), or its page (``assets.pages``).

The tear sheet of a closed month stays what it was when the month was closed, as its statements do: later prices, settings
and versions of Manna do not change it. `manna close` makes those that are out of date first.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.common import BooksConfig, Manna, chosen, result, row_counts, spec
from assets.open_items import last_day
from manna.contracts.performance import MONTHS, PERFORMANCE, TEAR_SHEETS
from manna.contracts.portfolio import VALUATIONS
from manna.ledger.closing import closed_through
from resources.installation import Installation
from resources.lake import Change, Lake, LakeTransaction

ADDRESS = TEAR_SHEETS.address
_SHARED = ("clean.bars", "clean.corporate_actions", "clean.securities")


def tear_sheets_asset(months: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset ``portfolio.tear_sheets``, partitioned by ``months``; a range is one run."""

    @dg.multi_asset(
        name="make_tear_sheets",
        specs=[
            spec(
                ADDRESS,
                deps=(PERFORMANCE.address, MONTHS.address, VALUATIONS.address, "clean.accounts", *_SHARED),
                partitions_def=months,
            )
        ],
        partitions_def=months,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def made(
        context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna
    ) -> dg.MaterializeResult[Any]:
        """Makes the tear sheets of the partitions' months, for every book that has investments."""
        wanted = [date.fromisoformat(key) for key in context.partition_keys]
        change = manna.lake.commit(
            [ADDRESS],
            lambda transaction: make(manna, config.books, wanted, transaction),
            author=ADDRESS,
            message=f"run {context.run.run_id}",
        )
        return result(ADDRESS, change, row_counts(manna, [ADDRESS]))

    return made


def make(
    manna: Installation, books: Sequence[str], wanted: Sequence[date], transaction: LakeTransaction
) -> Change:
    """Makes the tear sheets of the ``wanted`` months hold what follows from ``portfolio.performance``.

    Those of closed months that are there stay.
    """
    from manna.portfolio.history import History
    from manna.portfolio.tear_sheet import tear_sheet

    change, shared = Change(), list[pl.DataFrame]()
    for book_id in chosen(manna.books, books):
        scope = {"book": book_id}
        state = dict(transaction.read(MONTHS.address, scope).select("month", "content_hash").iter_rows())
        stored = transaction.read(ADDRESS, scope)["period"]
        kept = {period for period in stored if is_closed(period, closed_through(manna.ops.closings(book_id)))}
        periods = sorted((set(wanted) & state.keys()) - kept)
        stale = stored.filter(~stored.is_in([*state, *kept]))
        if stale.len():
            change += transaction.replace(ADDRESS, TEAR_SHEETS.empty(), {**scope, "period": frozenset(stale)})
        if not periods:
            continue
        shared = shared or [transaction.read(address) for address in _SHARED]
        history = History.of(manna.books[book_id], transaction.read(PERFORMANCE.address, scope), *shared)
        names = names_of(transaction.read("clean.accounts", scope), shared[-1])
        unvalued = unvalued_in(transaction, book_id)
        rows = [
            {"book": book_id, "period": period, "until": date.fromisoformat(found["until"]),
             "document": json.dumps(found, ensure_ascii=False), "made_from": state[period]}
            for period in periods
            if (found := tear_sheet(history, period, names, unvalued)) is not None
        ]  # fmt: skip
        frame = TEAR_SHEETS.conform(pl.DataFrame(rows, schema=TEAR_SHEETS.polars_schema))
        change += transaction.replace(ADDRESS, frame, {**scope, "period": frozenset(periods)})
    return change


def unvalued_in(lake: Lake | LakeTransaction, book: str) -> Mapping[date, Sequence[str]]:
    """Securities of a book that were held without a value, by day."""
    found = lake.query(
        "SELECT date, list(DISTINCT security_id) AS held FROM portfolio.valuations WHERE book = ? AND value IS NULL GROUP BY date",
        [book],
    )
    return dict(found.iter_rows())


def names_of(accounts: pl.DataFrame, securities: pl.DataFrame) -> Mapping[str, str]:
    """What accounts and securities are called, by id; money by its currency."""
    kept = accounts.select("account_id", pl.concat_str("institution", pl.lit(" "), "name"))
    held = securities.filter(~pl.col("is_cash")).select("security_id", pl.coalesce("name", "security_id"))
    return dict(kept.iter_rows()) | dict(held.iter_rows())


def is_closed(period: date, through: date | None) -> bool:
    """Whether the month that begins on ``period`` is closed, where all days up to ``through`` are."""
    return through is not None and last_day(period) <= through


def stale_months(manna: Installation, book: str | None = None) -> list[date]:
    """Months of which some book's (or this one's) tear sheet is missing or was made from something else, sorted.

    One of a closed month that is there is what it is to be.
    """
    found = manna.lake.query(
        "SELECT m.book, m.month, t.book IS NOT NULL AS stored FROM portfolio.months m LEFT JOIN portfolio.tear_sheets t "
        "ON t.book = m.book AND t.period = m.month WHERE t.made_from IS DISTINCT FROM m.content_hash"
    )
    through = {each: closed_through(manna.ops.closings(each)) for each in found["book"].unique()}
    return sorted(
        {
            row["month"]
            for row in found.iter_rows(named=True)
            if book in (None, row["book"])
            and not (row["stored"] and is_closed(row["month"], through[row["book"]]))
        }
    )
