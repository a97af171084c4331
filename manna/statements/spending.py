"""Spending of a month by category and merchant."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import SPENDING
from manna.statements.balances import MonthlyBalances

LARGEST = 10
"""Merchants of a category that are named; the others stand together, so that a month stays readable."""
OTHERS, NOBODY = "Other merchants", "No merchant"
TOTAL = "Total expenses"
_KEY = ["period", "currency", "account"]


def spending(
    book: Book, balances: MonthlyBalances, postings: pl.DataFrame, merchants: pl.DataFrame
) -> pl.DataFrame:
    """Each category's largest merchants by amount, the others in one line, the category's sum, and the month's.

    Args:
        postings: ``ledger.postings`` of the book up to the last known day.
        merchants: ``entry_id, merchant``.

    Returns:
        ``reports.spending`` of every month in ``balances.months``; the total is the income statement's.
    """
    months = balances.months.select("period", "currency")
    named = ranked(spent(postings, months, merchants))
    lines = named.group_by(*_KEY, "merchant").agg(pl.col("amount", "postings").sum(), pl.col("place").min())
    lines = lines.with_columns(level=pl.lit("line"))
    sums = lines.group_by(_KEY).agg(pl.col("amount", "postings").sum()).with_columns(level=pl.lit("subtotal"))
    totals = months.join(
        lines.group_by("period", "currency").agg(pl.col("amount", "postings").sum()),
        on=["period", "currency"],
        how="left",
    )
    totals = totals.with_columns(
        pl.col("amount", "postings").fill_null(0), account=pl.lit(TOTAL), level=pl.lit("total")
    )
    rows = pl.concat([lines, sums, totals], how="diagonal_relaxed")
    foreign = pl.col("currency") != book.currency
    ordered = rows.sort(
        "period", foreign, "currency", pl.col("level") == "total", "account", pl.col("level") == "subtotal",
        pl.col("merchant").is_in([OTHERS, NOBODY]), "place", "merchant",
    )  # fmt: skip
    return SPENDING.conform(
        ordered.with_columns(line=pl.int_range(pl.len()).over("period"), book=pl.lit(book.id))
    )


def spent(postings: pl.DataFrame, months: pl.DataFrame, merchants: pl.DataFrame) -> pl.DataFrame:
    """Postings of expenses in ``months``, summed by category and merchant: ``amount, postings``."""
    spent_ = postings.filter(pl.col("account").str.starts_with("Expenses:")).select(
        "entry_id", "account", "currency", "amount", period=pl.col("date").dt.month_start()
    )
    told = spent_.join(months, on=["period", "currency"], how="semi").join(
        merchants, on="entry_id", how="left"
    )
    name = pl.when(pl.col("merchant").fill_null("") == "").then(pl.lit(NOBODY)).otherwise("merchant")
    by_merchant = told.group_by(*_KEY, merchant=name)
    return by_merchant.agg(pl.col("amount").sum(), postings=pl.len())


def ranked(sums: pl.DataFrame) -> pl.DataFrame:
    """With each merchant's ``place`` in its category, and :data:`OTHERS` in the place of those beyond the largest.

    ``named`` stays the merchant's name. Ties go by name. Numbers take the place of texts while sorting, for a sum per
    merchant and month is nearly as many rows as there are postings.
    """
    groups = sums.select(_KEY).unique().sort(_KEY).with_row_index("group")
    names = sums.select("merchant").unique().sort("merchant").with_row_index("name")
    coded = sums.join(groups, on=_KEY).join(names, on="merchant")
    ordered = coded.sort("group", "amount", "name", descending=[False, True, False])
    beyond = (pl.col("place") >= LARGEST) & (pl.col("merchant") != NOBODY)
    return (
        ordered.with_columns(place=pl.int_range(pl.len()).over("group"), named="merchant")
        .with_columns(merchant=pl.when(beyond).then(pl.lit(OTHERS)).otherwise("merchant"))
        .drop("group", "name")
    )
