"""Stage ``categorized``: what each transaction was for.

What belongs here: reading clean rows and people's decisions, writing categories and transfers. What does
not: who decides in what order (``manna.categorizing``).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.common import BooksConfig, Manna, chosen, result, spec
from manna.categorizing import categorize, followed
from resources.lake import Change, LakeTransaction

TRANSACTIONS, TRANSFERS = "categorized.transactions", "categorized.transfers"
_SOURCES = ("clean.transactions", "clean.successions", "clean.trades")


@dg.multi_asset(
    name="categorize",
    specs=[spec(TRANSACTIONS, deps=_SOURCES), spec(TRANSFERS, deps=_SOURCES)],
)
def categories(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Categorizes every live transaction and pairs transfers, book by book."""
    decisions = manna.ops.overrides()

    def work(transaction: LakeTransaction) -> tuple[list[pl.DataFrame], list[Change]]:
        found, changes = [], []
        for book in chosen(manna.books, config.books):
            scope = {"book": book}
            decided, transfers = categorize(
                manna.books[book],
                transaction.read("clean.transactions", scope),
                transaction.read("clean.trades", scope),
                followed(decisions, transaction.read("clean.successions", scope)),
            )
            found.append(decided)
            changes.append(transaction.replace(TRANSACTIONS, decided, scope))
            changes.append(transaction.replace(TRANSFERS, transfers, scope))
        return found, changes

    found, changes = manna.lake.commit(
        [TRANSACTIONS, TRANSFERS], work, author="categorized", message=f"run {context.run.run_id}"
    )
    sources = pl.concat(found).group_by("source").len().sort("source") if found else pl.DataFrame()
    yield result(TRANSACTIONS, sum(changes[::2], Change()), by_source=dict(sources.iter_rows()))
    yield result(TRANSFERS, sum(changes[1::2], Change()))
