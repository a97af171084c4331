"""Tear sheets: how each book's investments have done, by month.

What belongs here: which months are made, storing them, and the pages of the newest. What does not: what a tear sheet says
(``manna.portfolio.tear_sheet``) or how it looks (``manna.documents.tear_sheet``).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.common import BooksConfig, Manna, chosen, result, spec
from manna.contracts.performance import MONTHS, PERFORMANCE, TEAR_SHEETS
from resources.installation import Installation
from resources.lake import Change, LakeTransaction
from resources.publisher import write_page

ADDRESS = TEAR_SHEETS.address
PAGES = 3
"""So many months, the newest, have a page; `manna tearsheet` makes one of any month."""
_SHARED = ("clean.bars", "clean.corporate_actions", "clean.securities")


def tear_sheets_asset(months: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset ``portfolio.tear_sheets``, partitioned by ``months``; a range is one run."""

    @dg.multi_asset(
        name="make_tear_sheets",
        specs=[
            spec(
                ADDRESS,
                deps=(PERFORMANCE.address, MONTHS.address, "clean.accounts", *_SHARED),
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
        return result(ADDRESS, change, **{"pages changed": sum(_pages(manna, book) for book in manna.books)})

    return made


def make(
    manna: Installation, books: Sequence[str], wanted: Sequence[date], transaction: LakeTransaction
) -> Change:
    """Makes the tear sheets of the ``wanted`` months hold what follows from ``portfolio.performance``."""
    from manna.portfolio.history import History
    from manna.portfolio.tear_sheet import tear_sheet

    change, shared = Change(), list[pl.DataFrame]()
    for book_id in chosen(manna.books, books):
        scope = {"book": book_id}
        state = dict(transaction.read(MONTHS.address, scope).select("month", "content_hash").iter_rows())
        periods = sorted(set(wanted) & state.keys())
        stale = transaction.read(ADDRESS, scope).filter(~pl.col("period").is_in(list(state)))["period"]
        if stale.len():
            change += transaction.replace(ADDRESS, TEAR_SHEETS.empty(), {**scope, "period": frozenset(stale)})
        if not periods:
            continue
        shared = shared or [transaction.read(address) for address in _SHARED]
        history = History.of(manna.books[book_id], transaction.read(PERFORMANCE.address, scope), *shared)
        names = names_of(transaction.read("clean.accounts", scope), shared[-1])
        rows = [
            {"book": book_id, "period": period, "until": date.fromisoformat(found["until"]),
             "document": json.dumps(found, ensure_ascii=False), "made_from": state[period]}
            for period in periods
            if (found := tear_sheet(history, period, names)) is not None
        ]  # fmt: skip
        frame = TEAR_SHEETS.conform(pl.DataFrame(rows, schema=TEAR_SHEETS.polars_schema))
        change += transaction.replace(ADDRESS, frame, {**scope, "period": frozenset(periods)})
    return change


def names_of(accounts: pl.DataFrame, securities: pl.DataFrame) -> Mapping[str, str]:
    """What accounts and securities are called, by id; money by its currency."""
    kept = accounts.select("account_id", pl.concat_str("institution", pl.lit(" "), "name"))
    held = securities.filter(~pl.col("is_cash")).select("security_id", pl.coalesce("name", "security_id"))
    return dict(kept.iter_rows()) | dict(held.iter_rows())


def stale_months(manna: Installation) -> list[date]:
    """Months of which some book's tear sheet is missing or was made from something else, sorted."""
    found = manna.lake.query(
        "SELECT DISTINCT m.month FROM portfolio.months m LEFT JOIN portfolio.tear_sheets t "
        "ON t.book = m.book AND t.period = m.month AND t.made_from = m.content_hash WHERE t.book IS NULL ORDER BY 1"
    )
    return list(found["month"])


def _pages(manna: Installation, book_id: str) -> int:
    """Writes the pages of the newest months; returns how many changed."""
    from manna.documents.tear_sheet import tear_sheet_page

    rows = manna.lake.query(
        "SELECT period, document FROM portfolio.tear_sheets WHERE book = ? ORDER BY period DESC LIMIT ?",
        [book_id, PAGES],
    )
    folder = manna.settings.documents_dir / book_id
    return sum(
        write_page(folder / f"{period:%Y-%m}-tear-sheet.html", tear_sheet_page(json.loads(document)))
        for period, document in rows.iter_rows()
    )
