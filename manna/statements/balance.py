"""The balance sheet: what is owned and owed at a month's end, and whose it is."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import BALANCE_SHEET
from manna.statements.balances import MonthlyBalances, root
from manna.statements.presentation import numbered, total, with_totals

SECTIONS = ("Assets", "Liabilities", "Equity")
ACCUMULATED_EARNINGS = "Accumulated earnings"
UNREALIZED = "Unrealized gains"
FUNDING = "Liabilities and Equity"
_AMOUNTS = ("amount", "previous", "unrealized", "value")


def at_current_value(book: Book) -> bool:
    """Whether the book's balance sheet shows current values too: a household's does (ASC 274-10-35), a firm's does not."""
    return book.kind == "household"


def balance_sheet(book: Book, balances: MonthlyBalances, unrealized: pl.DataFrame) -> pl.DataFrame:
    """Assets, liabilities and equity at each month's end, and at the end of the month before.

    Assets are presented by their debit balance, liabilities and equity by their credit balance. Income
    and expenses are never closed in the ledger: all of them since the first posting stand in equity as
    one line, accumulated earnings, so that assets equal liabilities and equity. A household's equity has
    one more line, what is unrealized, which is nothing at cost.

    Args:
        unrealized: :func:`manna.statements.net_worth.unrealized`.

    Returns:
        ``reports.balance_sheet`` of every month in ``balances.months``.
    """
    held = balances.accounts.join(unrealized, on=["account", "currency", "period"], how="left")
    standing = held.select(
        "period",
        "currency",
        "account",
        section=root(pl.col("account")),
        amount=pl.col("closing"),
        previous=pl.col("opening"),
        unrealized=pl.col("unrealized").fill_null(0),
        value=pl.col("closing") + pl.col("unrealized").fill_null(0),
    )
    owned = standing.filter(pl.col("section") == "Assets")
    funded = standing.filter(pl.col("section") != "Assets").with_columns(-pl.col(_AMOUNTS))
    is_result = pl.col("section").is_in(["Income", "Expenses"])
    earnings = funded.filter(is_result).group_by("period", "currency").agg(pl.col(_AMOUNTS).sum())
    earnings = earnings.with_columns(account=pl.lit(ACCUMULATED_EARNINGS), section=pl.lit("Equity"))
    gains = owned.group_by("period", "currency").agg(pl.col("unrealized").sum())
    gains = gains.with_columns(
        account=pl.lit(UNREALIZED), section=pl.lit("Equity"), value="unrealized", amount=pl.lit(0), previous=pl.lit(0)
    )  # fmt: skip
    parts = [owned, funded.filter(~is_result), *(part.select(owned.columns) for part in (earnings, gains))]
    lines = pl.concat(parts, how="vertical_relaxed")
    rows = with_totals(lines, balances.months, SECTIONS, _AMOUNTS)
    name = f"Total {FUNDING.lower()}"
    owed = lines.filter(pl.col("section") != "Assets")
    rows = pl.concat([rows, total(owed, balances.months, len(SECTIONS), FUNDING, name, _AMOUNTS)])
    if not at_current_value(book):
        rows = rows.with_columns(unrealized=pl.lit(None), value=pl.lit(None))
    return numbered(BALANCE_SHEET, book, rows)
