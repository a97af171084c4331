"""Realized gains in the columns of Form 8949, with the sums of Schedule D.

What belongs here: the layout. What does not: which lots a sale took, or whether it is a wash (``ledger.taxable_gains``,
:mod:`manna.tax`).
"""

import polars as pl

from manna.books import Book
from manna.contracts.reports import REALIZED_GAINS
from manna.statements.balances import MonthlyBalances

PARTS = {"short": "Short-term", "long": "Long-term", "unknown": "Term unknown"}
_SUMS = ("proceeds", "basis", "adjustment", "gain")
_KEY = ["period", "currency"]


def realized_gains(book: Book, balances: MonthlyBalances, gains: pl.DataFrame) -> pl.DataFrame:
    """Sales from 1 January to each month's end: a line per part of a sale, sums by part and box, and by part.

    A sum of lines of which one has an unknown basis is unknown too: its basis and gain are null, never less.

    Args:
        gains: ``ledger.taxable_gains``.

    Returns:
        ``reports.realized_gains`` of every month in ``balances.months``.
    """
    until = (pl.col("sold") <= pl.col("day")) & (pl.col("sold") >= pl.col("period").dt.truncate("1y"))
    months = balances.months.select(*_KEY, "day")
    sold = form_8949(book, gains).join(months, on="currency").filter(until)
    ranks = {name: rank for rank, name in enumerate(PARTS.values())}
    rank = pl.col("section").replace_strict(ranks, return_dtype=pl.Int64)
    lines = sold.with_columns(rank=rank, level=pl.lit("line"))
    part = [*_KEY, "rank", "section"]
    lower = pl.col("section").str.to_lowercase()
    by_box = _sums(lines, [*part, "box"]).with_columns(
        account=pl.format("Total {}, box {}", lower, "box"), level=pl.lit("subtotal")
    )
    by_part = _sums(lines, part).with_columns(account=pl.format("Total {}", lower), level=pl.lit("total"))
    rows = pl.concat([lines, by_box, by_part], how="diagonal_relaxed")
    foreign = pl.col("currency") != book.currency
    ordered = rows.sort(
        "period", foreign, "currency", "rank", pl.col("level") == "total", "box", pl.col("level") == "subtotal",
        "sold", "acquired", "part_id",
    )  # fmt: skip
    line = pl.int_range(pl.len()).over("period")
    return REALIZED_GAINS.conform(ordered.with_columns(line=line, book=pl.lit(book.id)))


def form_8949(book: Book, gains: pl.DataFrame) -> pl.DataFrame:
    """The book's rows of ``ledger.taxable_gains`` with their ``section``, and as ``account`` the description."""
    section = pl.col("term").replace_strict(PARTS, return_dtype=pl.String)
    return gains.filter(pl.col("book") == book.id).with_columns(section=section, account="description")


def _sums(lines: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    known = [
        pl.when(pl.col(name).is_null().any()).then(None).otherwise(pl.col(name).sum()).alias(name)
        for name in _SUMS
    ]
    return lines.group_by(key).agg(*known, pl.col("provisional").any())
