"""The balance sheet: what is owned and owed at a month's end, and whose it is."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import BALANCE_SHEET
from manna.statements.balances import MonthlyBalances, root
from manna.statements.presentation import numbered, total, with_totals

SECTIONS = ("Assets", "Liabilities", "Equity")
ACCUMULATED_EARNINGS = "Accumulated earnings"
FUNDING = "Liabilities and Equity"
_AMOUNTS = ("amount", "previous")


def balance_sheet(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Assets, liabilities and equity, at cost, at each month's end and at the end of the month before.

    Assets are presented by their debit balance, liabilities and equity by their credit balance. Income
    and expenses are never closed in the ledger: all of them since the first posting stand in equity as
    one line, accumulated earnings, so that assets equal liabilities and equity.

    Returns:
        ``reports.balance_sheet`` of every month in ``balances.months``.
    """
    standing = balances.accounts.select(
        "period",
        "currency",
        "account",
        section=root(pl.col("account")),
        amount=pl.col("closing"),
        previous=pl.col("opening"),
    )
    owned = standing.filter(pl.col("section") == "Assets")
    funded = standing.filter(pl.col("section") != "Assets").with_columns(-pl.col(_AMOUNTS))
    is_result = pl.col("section").is_in(["Income", "Expenses"])
    earnings = funded.filter(is_result).group_by("period", "currency").agg(pl.col(_AMOUNTS).sum())
    earnings = earnings.with_columns(account=pl.lit(ACCUMULATED_EARNINGS), section=pl.lit("Equity"))
    lines = pl.concat(
        [owned, funded.filter(~is_result), earnings.select(owned.columns)], how="vertical_relaxed"
    )
    rows = with_totals(lines, balances.months, SECTIONS, _AMOUNTS)
    name = f"Total {FUNDING.lower()}"
    funding = total(funded, balances.months, len(SECTIONS), FUNDING, name, _AMOUNTS)
    return numbered(BALANCE_SHEET, book, pl.concat([rows, funding]))
