"""Comparing figures of statements: what every rule of tying out has in common.

What belongs here: the words in which two figures that should be one are reported. What does not: which figures should be
(:mod:`tie_out`, :mod:`agreement`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

Frames = Mapping[str, pl.DataFrame]
Violation = tuple[date, str]

KEY = ["period", "currency"]


def figure(frame: pl.DataFrame, name: str, column: str = "amount") -> pl.DataFrame:
    """One total of every month: ``period, currency, figure``."""
    rows = frame.filter((pl.col("level") == "total") & (pl.col("account") == name))
    return rows.select(*KEY, figure=pl.col(column))


def or_zero(stated: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """``sums`` with a zero where a month has nothing to sum."""
    return stated.select(KEY).join(sums, on=KEY, how="left").with_columns(pl.col("figure").fill_null(0))


def differ(left: pl.DataFrame, right: pl.DataFrame, name: str, other: str) -> Iterator[Violation]:
    """A violation for every month and currency in which two figures differ or one is not stated."""
    both = left.join(right, on=KEY, how="full", coalesce=True, suffix="_other")
    differing = both.filter(pl.col("figure").ne_missing(pl.col("figure_other")))
    for row in differing.sort(KEY).iter_rows(named=True) if differing.height else ():
        one, two = (_stated(row[column]) for column in ("figure", "figure_other"))
        yield row["period"], f"{name} ({row['currency']}) is {one}, {other} {two}"


def _stated(figure: object) -> str:
    return "not stated" if figure is None else str(figure)


def unequal(
    statement: str, stated: pl.DataFrame, sums: pl.DataFrame, key: list[str], amounts: Sequence[str]
) -> Iterator[Violation]:
    """A violation for every stated total that is not the sum of its lines (zero where it has none)."""
    both = stated.join(sums, on=key, how="left", suffix="_sum")
    for column in amounts:
        summed = pl.col(f"{column}_sum").fill_null(0)
        differing = both.filter(pl.col(column) != summed)
        for row in differing.sort([*key, "account"]).iter_rows(named=True) if differing.height else ():
            text = f"{statement}: {row['account']} ({row['currency']}, {column}) is {row[column]}"
            yield row["period"], f"{text}, its lines sum to {row[f'{column}_sum'] or 0}"


def lines_of(frame: pl.DataFrame) -> pl.DataFrame:
    """The lines of a statement, without its sums."""
    return frame.filter(pl.col("level") == "line")


def summed(frame: pl.DataFrame, column: str = "amount") -> pl.DataFrame:
    """A column summed for every month and currency: ``period, currency, figure``."""
    return frame.group_by(KEY).agg(figure=pl.col(column).sum())


def wrong(frame: pl.DataFrame, broken: pl.Expr, name: str, rule: str) -> Iterator[Violation]:
    """A violation for every row in which ``broken`` is true."""
    for period, account in frame.filter(broken).select("period", "account").iter_rows():
        yield period, f"{name}: {account}: {rule}"
