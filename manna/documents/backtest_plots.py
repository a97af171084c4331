"""A backtest as pictures of its own, for Dagster's UI.

What belongs here: choosing what is drawn of a backtest. What does not: its figures (``manna.portfolio.trial``), geometry
(``charts``), or how a picture becomes Markdown (``plots``).
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from manna.documents import charts
from manna.documents.curves import curves
from manna.documents.figures import Figure
from manna.documents.numerals import percent

_POINTS = 120
"""A picture is 480 units wide: more points are not seen, and twenty years would be 5,000."""


def backtest_plots(days: pl.DataFrame) -> list[Figure]:
    """Value, beside what the benchmark would have been worth where there is one, and how far below the highest value.

    Args:
        days: ``manna.portfolio.trial.days_table``.
    """
    compared = days["benchmark"].drop_nulls().len() > 1
    drawn = [
        _beside(days) if compared else _line(days, "value", "Value", "of everything, at the close", _whole)
    ]
    fallen = days.with_columns(pl.col("drawdown") * 100)
    said = "per cent below the highest value so far"
    return [*drawn, _line(fallen, "drawdown", "Drawdown", said, _percent, falls=True)]


def _line(
    days: pl.DataFrame,
    column: str,
    title: str,
    subtitle: str,
    text: Callable[[Decimal], str],
    *,
    falls: bool = False,
) -> Figure:
    """A line through at most :data:`_POINTS` days: of each stretch the last one, or the lowest where ``falls``."""
    known = days.select("date", pl.col(column).cast(pl.Decimal(18, 4))).drop_nulls()
    points, every_day = _thinned(known, column, falls=falls), known.rows()
    lowest, highest = (
        min(every_day, key=lambda point: point[1]),
        max(every_day, key=lambda point: point[1]),
    )
    named = [("first", points[0]), ("last", points[-1]), ("lowest", lowest), ("highest", highest)]
    return Figure(
        anchor=column,
        kind="line",
        title=title,
        subtitle=subtitle,
        description=", ".join(f"{name} {text(value)} on {day}" for name, (day, value) in named),
        chart=charts.line_chart(points),
        header=("Day", title),
        data=tuple((str(day), text(value)) for day, value in points),
        label=text(points[-1][1]),
    )


def _beside(days: pl.DataFrame) -> Figure:
    """Strategy and benchmark as two lines on the same axes: what each has made of the same money."""
    names, columns = ("Strategy", "Benchmark"), ("value", "benchmark")
    known = [days.select("date", pl.col(column)).drop_nulls() for column in columns]
    lines = [_thinned(frame, column) for frame, column in zip(known, columns, strict=True)]
    ends = [(points[0], points[-1]) for points in lines]
    return Figure(
        anchor="value",
        kind="curves",
        title="Value",
        subtitle="beside the benchmark, bought and held",
        description="; ".join(
            f"{name}: first {_whole(first[1])} on {first[0]}, last {_whole(last[1])} on {last[0]}"
            for name, (first, last) in zip(names, ends, strict=True)
        ),
        chart=curves(lines, height=charts.HEIGHT, base=lines[0][0][1], percent=False),
        header=("Day", *names),
        data=(),
        legend=tuple(f"{name} {_whole(last[1])}" for name, (_, last) in zip(names, ends, strict=True)),
    )


def _thinned(known: pl.DataFrame, column: str, *, falls: bool = False) -> list[tuple[date, Any]]:
    """At most :data:`_POINTS` days, the first and the last among them: of each stretch the last, or the lowest where ``falls``."""
    every = -(-known.height // _POINTS)
    stretch = known.group_by(pl.int_range(pl.len()).reverse() // every, maintain_order=True)
    kept = stretch.agg(pl.all().sort_by(column).first() if falls else pl.all().last())
    every_day = known.rows()
    return sorted({every_day[0], *kept.select("date", column).rows(), every_day[-1]})


def _whole(value: Decimal | float) -> str:
    return f"{value:,.0f}"


def _percent(value: Decimal) -> str:
    return percent(value / 100)
