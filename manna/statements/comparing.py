"""Comparing figures of statements: what every rule of tying out has in common.

What belongs here: a statement as the rules read it, sums of its rows, and the words in which two figures that should be one
are reported. What does not: which figures should be (:mod:`tie_out`, :mod:`agreement`).

Sums of rows are made by Polars; single figures, one per month and currency, are dictionaries: the rules compare some 150 of
them, and each step of Polars on so few rows costs more than all of their comparing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import polars as pl

Violation = tuple[date, str]
Figures = Mapping[tuple[date, str], Decimal | None]
"""A figure of every month and currency; ``None`` where a statement leaves it open."""

KEY = ["period", "currency"]
ZERO = Decimal("0.0000")


class Statement:
    """One statement, and what the rules ask of it again and again."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    @cached_property
    def lines(self) -> pl.DataFrame:
        """Its lines, without its sums."""
        return self.rows.filter(level="line")

    @cached_property
    def totals(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The rows of each of its totals, by name."""
        return self.rows.filter(level="total").rows_by_key("account", named=True, include_key=True)

    def figure(self, name: str, column: str = "amount") -> Figures:
        """One total of every month. One that is stated twice counts twice, so that it is seen."""
        found: dict[tuple[date, str], Decimal | None] = {}
        for row in self.totals.get(name, ()):
            of = row["period"], row["currency"]
            found[of] = _plus(found[of], row[column]) if of in found else row[column]
        return found


Statements = Mapping[str, Statement]
"""Statements by the name of their table."""


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def summed(rows: pl.DataFrame, column: str | pl.Expr = "amount") -> Figures:
    """A column summed for every month and currency that has rows."""
    value = pl.col(column) if isinstance(column, str) else column
    sums = rows.group_by(KEY).agg(figure=value.sum())
    return {(period, currency): figure for period, currency, figure in sums.iter_rows()}


def plus(*parts: Figures) -> Figures:
    """The sum of figures, wherever one of them is stated; open where one of those is open."""
    found: dict[tuple[date, str], Decimal | None] = {}
    for part in parts:
        for of, figure in part.items():
            found[of] = _plus(found[of], figure) if of in found else figure
    return found


def minus(figures: Figures) -> Figures:
    """The figures with the other sign."""
    return {of: None if figure is None else -figure for of, figure in figures.items()}


def or_zero(stated: Figures, sums: Figures) -> Figures:
    """``sums`` of the months that are stated, with a zero where a month has nothing to sum."""
    return {of: sums.get(of, ZERO) for of in stated}


def where(figures: Figures, others: Figures) -> Figures:
    """Those figures whose month and currency ``others`` have too."""
    return {of: figure for of, figure in figures.items() if of in others}


def month_later(figures: Figures) -> Figures:
    """The figures under the month that follows theirs."""
    return {(following(period), currency): figure for (period, currency), figure in figures.items()}


def following(period: date) -> date:
    """The first day of the month after the one that begins on ``period``."""
    return date(period.year + period.month // 12, period.month % 12 + 1, 1)


def differ(left: Figures, right: Figures, name: str, other: str) -> Iterator[Violation]:
    """A violation for every month and currency in which two figures differ or one is not stated."""
    for of in sorted(left.keys() | right.keys()):
        one, two = left.get(of), right.get(of)
        if one != two:
            period, currency = of
            yield period, f"{name} ({currency}) is {_stated(one)}, {other} {_stated(two)}"


def _stated(figure: object) -> str:
    return "not stated" if figure is None else str(figure)


def unequal(
    statement: str, stated: pl.DataFrame, sums: pl.DataFrame, key: list[str], amounts: Sequence[str]
) -> Iterator[Violation]:
    """A violation for every stated total that is not the sum of its lines (zero where it has none), or is missing."""
    both = stated.with_columns(stated=True).join(sums, on=key, how="full", coalesce=True, suffix="_sum")
    missing = both.filter(pl.col("stated").is_null())
    for row in missing.sort(key).iter_rows(named=True) if missing.height else ():
        of = ", ".join(str(row[name]) for name in key if name != "period")
        yield row["period"], f"{statement}: the lines of {of} have no total"
    differing = both.filter(
        pl.col("stated") & pl.any_horizontal(pl.col(a) != pl.col(f"{a}_sum").fill_null(0) for a in amounts)
    )
    for row in differing.sort([*key, "account"]).iter_rows(named=True) if differing.height else ():
        for column in amounts:
            held = row[f"{column}_sum"] or 0
            if row[column] is not None and row[column] != held:
                text = f"{statement}: {row['account']} ({row['currency']}, {column}) is {row[column]}"
                yield row["period"], f"{text}, its lines sum to {held}"


def wrong(frame: pl.DataFrame, broken: pl.Expr, name: str, rule: str) -> Iterator[Violation]:
    """A violation for every row in which ``broken`` is true."""
    for period, account in frame.filter(broken).select("period", "account").iter_rows():
        yield period, f"{name}: {account}: {rule}"
