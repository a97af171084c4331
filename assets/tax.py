"""Stage ``ledger``, for tax: realized gains of all books of one taxpayer, after wash sales.

What belongs here: reading what all of a taxpayer's books hold, calling ``manna.tax``, writing per book. What does not:
the books themselves (``assets.ledger``), or any rule.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.book_days import today
from assets.common import BooksConfig, Manna, chosen, key, result, row_counts, spec
from manna.books import Book
from manna.contracts.tax import TAXABLE_GAINS
from manna.filing.tie_out import basis_reported
from manna.tax.form_8949 import miscounted, taxable_gains
from manna.tax.taxpayers import same_security, sheltered_accounts, taxpayers
from resources.installation import Installation
from resources.lake import Change, LakeTransaction

TABLE = TAXABLE_GAINS.address
SOURCES = ("ledger.gains", "ledger.lots", "clean.accounts", "clean.trades", "clean.corporate_actions")


@dg.multi_asset(
    name="count_gains",
    specs=[spec(TABLE, deps=SOURCES)],
    check_specs=[
        dg.AssetCheckSpec(
            "every_gain_counted",
            asset=key(TABLE),
            description="proceeds and cost of every taxable sale are here once, and no loss is disallowed twice",
        )
    ],
)
def taxable(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Counts gains as Form 8949 does: wash sales across all accounts and books of a taxpayer and spouse."""
    change, faults = manna.lake.commit(
        [TABLE],
        lambda transaction: count_gains(manna, config.books, transaction),
        author=TABLE,
        message=f"run {context.run.run_id}",
    )
    yield result(TABLE, change, row_counts(manna, [TABLE], in_part=config.books))
    yield dg.AssetCheckResult(
        passed=not faults,
        asset_key=key(TABLE),
        check_name="every_gain_counted",
        metadata={"faults": faults},
    )


def count_gains(
    manna: Installation, wanted: Sequence[str], transaction: LakeTransaction
) -> tuple[Change, list[str]]:
    """Makes ledger.taxable_gains of all books of each taxpayer who has one of the ``wanted`` books (none: all).

    Returns:
        What changed, and what does not agree with ledger.gains, in words.
    """
    asked = frozenset(chosen(manna.books, wanted))
    change, faults = Change(), list[str]()
    for group in taxpayers(manna.books):
        if not asked & {book.id for book in group}:
            continue
        gains, rows = _of(manna, group, transaction)
        faults += miscounted(gains, rows)
        for book in group:
            its = rows.filter(pl.col("book") == book.id)
            change += transaction.replace(TABLE, its, {"book": book.id})
    return change, faults


def _of(
    manna: Installation, group: Sequence[Book], transaction: LakeTransaction
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of ledger.gains and of ledger.taxable_gains of all books of one taxpayer."""
    gains, lots, accounts, trades = (
        pl.concat([transaction.read(table, {"book": book.id}) for book in group])
        for table in ("ledger.gains", "ledger.lots", "clean.accounts", "clean.trades")
    )
    same = same_security(group, transaction.read("clean.corporate_actions"), trades)
    sheltered = sheltered_accounts(group, accounts)
    day = max(today(manna, book) for book in group)
    reported: dict[tuple[int, str], bool] = {}
    for book in group:
        own = accounts.filter(pl.col("book") == book.id)
        reported |= basis_reported(manna.ops.tax_forms(book.id), own, sheltered)
    return gains, taxable_gains(gains, lots, as_of=day, sheltered=sheltered, same=same, reported=reported)
