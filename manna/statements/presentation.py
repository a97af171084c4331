"""How a statement is laid out: lines, subtotals, totals, their order and their numbers.

What belongs here: what all statements by account share. What does not: which accounts a statement shows
and with which sign.
"""

from collections.abc import Sequence

import polars as pl

from manna.books import Book
from manna.contracts import Contract

_MONTH = ["period", "currency"]
_PARTS = [*_MONTH, "rank", "section", "account", "level"]
_SECTIONS = {"rank": pl.Int64, "section": pl.String}


def with_totals(
    lines: pl.DataFrame, months: pl.DataFrame, sections: Sequence[str], amounts: Sequence[str]
) -> pl.DataFrame:
    """Lines that are not zero throughout, a subtotal per group, and each section's total.

    A group is what shares the first two parts of the account's path (``Expenses:Food``). A group of one
    line gets no subtotal, for it would say the same again; a section always gets its total, also of nothing.

    Args:
        lines: ``period, currency, section, account`` and the amounts, with the sign as presented.
        months: ``period, currency`` of the statements asked for.
        sections: in order of presentation.
        amounts: names of the amount columns.

    Returns:
        ``period, currency, rank, section, account, level`` and the amounts, unordered.
    """
    ranks = {name: rank for rank, name in enumerate(sections)}
    rank = pl.col("section").replace_strict(ranks, return_dtype=pl.Int64)
    shown = lines.join(months, on=_MONTH, how="semi").filter(pl.any_horizontal(pl.col(amounts) != 0))
    shown = shown.with_columns(rank=rank, level=pl.lit("line"))
    by_group = shown.group_by([*_MONTH, "rank", "section", group(pl.col("account")).alias("account")])
    subtotals = by_group.agg(pl.col(amounts).sum(), pl.len()).filter(pl.col("len") > 1)
    subtotals = subtotals.with_columns(level=pl.lit("subtotal"))
    shown_of = pl.DataFrame({"rank": list(ranks.values()), "section": list(ranks)}, _SECTIONS)
    sums = shown.group_by([*_MONTH, "rank"]).agg(pl.col(amounts).sum())
    totals = months.select(_MONTH).join(shown_of, how="cross").join(sums, on=[*_MONTH, "rank"], how="left")
    name = pl.lit("Total ") + pl.col("section").str.to_lowercase()
    totals = totals.with_columns(pl.col(amounts).fill_null(0), account=name, level=pl.lit("total"))
    return pl.concat([part.select(*_PARTS, *amounts) for part in (shown, subtotals, totals)])


def total(
    lines: pl.DataFrame, months: pl.DataFrame, rank: int, section: str, name: str, amounts: Sequence[str]
) -> pl.DataFrame:
    """One total per month and currency: the sum of ``lines``, zero where there are none."""
    sums = lines.group_by(_MONTH).agg(pl.col(amounts).sum())
    filled = (
        months.select(_MONTH).join(sums, on=_MONTH, how="left").with_columns(pl.col(amounts).fill_null(0))
    )
    labels = {"rank": pl.lit(rank, pl.Int64), "section": pl.lit(section), "account": pl.lit(name)}
    return filled.with_columns(**labels, level=pl.lit("total")).select(*_PARTS, *amounts)


def numbered(contract: Contract, book: Book, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in order of presentation: the book's currency first, then by section, group and account."""
    group_of = pl.when(pl.col("level") == "line").then(group(pl.col("account"))).otherwise("account")
    order = ["period", pl.col("currency") != book.currency, "currency", "rank"]
    computed = ~pl.col("account").str.contains(":", literal=True)  # after the accounts of the chart
    within = [pl.col("level") == "total", computed, group_of, pl.col("level") == "subtotal", "account"]
    ordered = rows.sort([*order, *within])
    line = pl.int_range(pl.len()).over("period")
    return contract.conform(ordered.with_columns(line=line, book=pl.lit(book.id)))


def group(account: pl.Expr) -> pl.Expr:
    """The first two parts of an account's path, whose lines share a subtotal."""
    return account.str.extract(r"^([^:]+(?::[^:]+)?)")
