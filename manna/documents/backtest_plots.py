"""A backtest as pictures of its own, for Dagster's UI.

What belongs here: choosing what is drawn of a backtest. What does not: its figures (``manna.portfolio.trial``), geometry
(``charts``), or how a picture becomes Markdown (``plots``).
"""

from decimal import Decimal

import polars as pl

from manna.documents import charts
from manna.documents.curves import curves
from manna.documents.figures import Figure
from manna.documents.line_plots import line, thinned, whole
from manna.documents.numerals import percent


def backtest_plots(days: pl.DataFrame) -> list[Figure]:
    """Value, beside what the benchmark would have been worth where there is one, and how far below the highest value.

    Args:
        days: ``manna.portfolio.trial.days_table``.
    """
    compared = days["benchmark"].drop_nulls().len() > 1
    drawn = [
        _beside(days) if compared else line(days, "value", "Value", "of everything, at the close", whole)
    ]
    fallen = days.with_columns(pl.col("drawdown") * 100)
    said = "per cent below the highest value so far"
    return [*drawn, line(fallen, "drawdown", "Drawdown", said, _percent, falls=True)]


def _beside(days: pl.DataFrame) -> Figure:
    """Strategy and benchmark as two lines on the same axes: what each has made of the same money."""
    names, columns = ("Strategy", "Benchmark"), ("value", "benchmark")
    known = [days.select("date", pl.col(column)).drop_nulls() for column in columns]
    lines = [thinned(frame, column) for frame, column in zip(known, columns, strict=True)]
    ends = [(points[0], points[-1]) for points in lines]
    return Figure(
        anchor="value",
        kind="curves",
        title="Value",
        subtitle="beside the benchmark, bought and held",
        description="; ".join(
            f"{name}: first {whole(first[1])} on {first[0]}, last {whole(last[1])} on {last[0]}"
            for name, (first, last) in zip(names, ends, strict=True)
        ),
        chart=curves(lines, height=charts.HEIGHT, base=lines[0][0][1], percent=False),
        header=("Day", *names),
        data=(),
        legend=tuple(f"{name} {whole(last[1])}" for name, (_, last) in zip(names, ends, strict=True)),
    )


def _percent(value: Decimal) -> str:
    return percent(value / 100)
