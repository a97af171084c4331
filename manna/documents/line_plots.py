"""A table by day as the picture of one line, for Dagster's UI.

What belongs here: choosing the points and the words. What does not: geometry (``charts``), or how a picture becomes Markdown
(``plots``).
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from manna.documents import charts
from manna.documents.figures import Figure

_POINTS = 120
"""A picture is 480 units wide: more points are not seen, and twenty years would be 5,000."""


def line(
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
    points, every_day = thinned(known, column, falls=falls), known.rows()
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


def thinned(known: pl.DataFrame, column: str, *, falls: bool = False) -> list[tuple[date, Any]]:
    """At most :data:`_POINTS` days, the first and the last among them: of each stretch the last, or the lowest where ``falls``."""
    every = -(-known.height // _POINTS)
    stretch = known.group_by(pl.int_range(pl.len()).reverse() // every, maintain_order=True)
    kept = stretch.agg(pl.all().sort_by(column).first() if falls else pl.all().last())
    every_day = known.rows()
    return sorted({every_day[0], *kept.select("date", column).rows(), every_day[-1]})


def whole(value: Decimal | float) -> str:
    """Money in whole units."""
    return f"{value:,.0f}"
