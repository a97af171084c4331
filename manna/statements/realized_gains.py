"""Realized gains in the columns of Form 8949, with the sums of Schedule D.

What belongs here: the layout. What does not: which lots a sale took, or whether it is a wash (:mod:`manna.ledger.lots`,
:mod:`manna.tax`).
"""

import polars as pl

from manna.books import Book
from manna.contracts.reports import REALIZED_GAINS
from manna.statements.balances import MonthlyBalances

UNASSIGNED = "unassigned"
"""The box of a sale whose 1099 is not known."""
PARTS = {"short": "Short-term", "long": "Long-term", "unknown": "Term unknown"}
_SUMS = ("proceeds", "cost", "adjustment", "gain")
_KEY = ["period", "currency"]


def realized_gains(
    book: Book, balances: MonthlyBalances, gains: pl.DataFrame, securities: pl.DataFrame
) -> pl.DataFrame:
    """Sales from 1 January to each month's end: a line per sale and lot, sums by part and box, and by part.

    A sum of lines of which one has an unknown basis is unknown too: its cost and gain are null, never less.

    Args:
        gains: ``ledger.gains``; box, code and adjustment are taken where it has them.
        securities: ``clean.securities``, for names.

    Returns:
        ``reports.realized_gains`` of every month in ``balances.months``.
    """
    until = (pl.col("closed") <= pl.col("day")) & (pl.col("closed") >= pl.col("period").dt.truncate("1y"))
    sold = form_8949(book, gains, securities).join(
        balances.months.select(*_KEY, "day"), on="currency"
    ).filter(until)  # fmt: skip
    ranks = {name: rank for rank, name in enumerate(PARTS.values())}
    rank = pl.col("section").replace_strict(ranks, return_dtype=pl.Int64)
    lines = sold.with_columns(rank=rank, level=pl.lit("line"), acquired="opened", sold="closed")
    part = [*_KEY, "rank", "section"]
    by_box = _sums(lines, [*part, "box"]).with_columns(
        account=pl.format("Total {}, box {}", pl.col("section").str.to_lowercase(), "box"),
        level=pl.lit("subtotal"),
    )
    by_part = _sums(lines, part).with_columns(
        account=pl.format("Total {}", pl.col("section").str.to_lowercase()), level=pl.lit("total")
    )
    rows = pl.concat([lines, by_box, by_part], how="diagonal_relaxed")
    ordered = rows.sort(
        "period", pl.col("currency") != book.currency, "currency", "rank", pl.col("level") == "total", "box",
        pl.col("level") == "subtotal", "sold", "acquired", "gain_id",
    )  # fmt: skip
    # The box of a part's total is none: it stands for all of them.
    line = pl.int_range(pl.len()).over("period")
    return REALIZED_GAINS.conform(ordered.with_columns(line=line, book=pl.lit(book.id)))


def form_8949(book: Book, gains: pl.DataFrame, securities: pl.DataFrame) -> pl.DataFrame:
    """``ledger.gains`` of the book as lines of Form 8949: ``section, box, account`` (the description), and its columns."""
    own = gains.filter(pl.col("book") == book.id)
    for name, value in (
        ("box", pl.lit(UNASSIGNED)),
        ("code", pl.lit(None, dtype=pl.String)),
        ("adjustment", pl.lit(0)),
    ):
        given = pl.coalesce(name, value) if name in own.columns else value
        own = own.with_columns(given.alias(name))
    names = securities.select("security_id", "name").unique("security_id", keep="first", maintain_order=True)
    units = pl.col("quantity").cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
    named = own.join(names, on="security_id", how="left")
    gain = pl.col("proceeds") - pl.col("cost") + pl.col("adjustment")
    return named.with_columns(
        section=pl.col("term").replace_strict(PARTS, return_dtype=pl.String),
        account=pl.format("{} {}", units, pl.coalesce("name", "security_id")),
        gain=gain,
    )


def _sums(lines: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    known = [
        pl.when(pl.col(name).is_null().any()).then(None).otherwise(pl.col(name).sum()).alias(name)
        for name in _SUMS
    ]
    return lines.group_by(key).agg(known)
