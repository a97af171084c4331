"""The figures of a categorization model as pictures of their own, for Dagster's UI.

What belongs here: choosing what is drawn of a model's figures, and putting it into a picture. What does not: the figures
(``manna.categorizing.measuring``), geometry (``charts``), or the page's figures (``figures``).
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from manna.documents import charts
from manna.documents.figures import Figure
from manna.documents.numerals import month_name, percent
from manna.documents.page import render_picture


def model_plots(measured: Mapping[str, Any], queue: Sequence[tuple[date, int]]) -> list[Figure]:
    """Accuracy and coverage over time, calibration, confusions, and the length of the review queue.

    Args:
        measured: ``manna.categorizing.measuring.figures``.
        queue: the number of questions on the days a model was trained, oldest first.
    """
    drawn = [
        _over_time(measured["months"]),
        _calibration(measured["bins"]),
        _confusions(measured["confusions"]),
    ]
    return [figure for figure in (*drawn, _queue(queue)) if figure.chart is not None]


def markdown(figure: Figure) -> str:
    """A figure as Markdown: the picture, then its words for who cannot see it."""
    picture = base64.b64encode(render_picture(figure).encode()).decode()
    return f"![{figure.title}: {figure.description}](data:image/svg+xml;base64,{picture})"


def _over_time(months: Sequence[Mapping[str, Any]]) -> Figure:
    names = ("Accuracy", "Coverage")
    days = [date.fromisoformat(month["month"]) for month in months]
    series = [[_ratio(month[name.lower()]) for month in months] for name in names]
    titles = [[f"{name}, {month_name(day)}: {percent(value)}" for day, value in zip(days, values, strict=True)]
              for name, values in zip(names, series, strict=True)]  # fmt: skip
    return Figure(
        anchor="over-time",
        kind="columns",
        title="Accuracy and coverage",
        subtitle="percent of each month's decisions",
        description="; ".join(
            f"{month_name(day)} {percent(right)} right" for day, right in zip(days, series[0], strict=True)
        ),
        chart=charts.column_chart(days, [[value * 100 for value in values] for values in series], titles),
        header=("Month", *names),
        data=(),
        legend=names,
    )


def _calibration(bins: Sequence[Mapping[str, Any]]) -> Figure:
    rows: list[charts.RankedRow] = []
    for one in bins:
        right, sure = _ratio(one["right"]), _ratio(one["probability"])
        label = f"{one['bin'] * 10}–{one['bin'] * 10 + 10}% sure"
        rows.append((label, right, f"{percent(right)} of {one['rows']} right", sure))
    return _ranked("calibration", "Calibration", "share of right answers; the mark is how sure it was", rows)


def _confusions(wrong: Sequence[Mapping[str, Any]]) -> Figure:
    rows: list[charts.RankedRow] = [
        (
            f"{_leaf(one['decided'])}, answered {_leaf(one['answered'] or 'nothing')}",
            Decimal(one["rows"]),
            str(one["rows"]),
            None,
        )
        for one in wrong
    ]
    return _ranked(
        "confusion", "Confusion", "what was decided, and what it had answered; rows", rows, longest=58
    )


def _ranked(
    anchor: str, title: str, subtitle: str, rows: list[charts.RankedRow], longest: int = 44
) -> Figure:
    return Figure(
        anchor=anchor,
        kind="ranked",
        title=title,
        subtitle=subtitle,
        description="; ".join(f"{label}: {text}" for label, _, text, _ in rows),
        chart=charts.ranked_chart(rows, longest),
        header=(),
        data=(),
    )


def _queue(queue: Sequence[tuple[date, int]]) -> Figure:
    points = [(day, Decimal(length)) for day, length in queue]
    return Figure(
        anchor="queue",
        kind="line",
        title="Review queue",
        subtitle="open questions when a model was trained",
        description="; ".join(f"{day}: {length}" for day, length in queue),
        chart=charts.line_chart(points),
        header=("Day", "Questions"),
        data=tuple((str(day), str(length)) for day, length in queue),
        label=str(queue[-1][1]) if queue else "",
    )


def _leaf(account: str) -> str:
    return account.rpartition(":")[2]


def _ratio(share: float) -> Decimal:
    return Decimal(str(share))
