"""The trial balance: every account's balance, and the proof that debits equal credits."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import TRIAL_BALANCE
from manna.statements.balances import ROOTS, MonthlyBalances, root
from manna.statements.presentation import numbered, total

TOTAL = "Total"
_AMOUNTS = ("debit", "credit")


def trial_balance(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Every account with a balance at each month's end, on its side, and the total of both sides.

    The ledger as it stands: income and expenses are those since the first posting, for the ledger makes
    no closing entries.

    Returns:
        ``reports.trial_balance`` of every month in ``balances.months``.
    """
    months = balances.months
    standing = balances.accounts.filter(pl.col("closing") != 0).join(
        months, on=["period", "currency"], how="semi"
    )
    section = root(pl.col("account"))
    lines = standing.select(
        "period",
        "currency",
        section.replace_strict({name: rank for rank, name in enumerate(ROOTS)}, return_dtype=pl.Int64).alias(
            "rank"
        ),
        section.alias("section"),
        "account",
        pl.lit("line").alias("level"),
        debit=pl.col("closing").clip(lower_bound=0),
        credit=(-pl.col("closing")).clip(lower_bound=0),
    )
    sums = total(lines, months, len(ROOTS), TOTAL, TOTAL, _AMOUNTS)
    return numbered(TRIAL_BALANCE, book, pl.concat([lines, sums], how="vertical_relaxed"))
