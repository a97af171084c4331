"""The drawings of a tear sheet: what each shows and says.

What belongs here: choosing what is drawn. What does not: geometry (:mod:`curves`, :mod:`charts`), or the tables beside
them (:mod:`tear_sheet_tables`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from manna.documents import charts, curves
from manna.documents.curves import Points, rate
from manna.documents.numerals import FIGURE_SPACE, amount, long_date, short_date
from manna.documents.tear_sheet_words import Document, called, day_of, plain

WIDE = 1000
_MOST_BARS = 10


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture: ``kind`` names the template's macro; ``description`` is for who cannot see it."""

    anchor: str
    kind: str
    title: str
    subtitle: str
    description: str
    chart: Any
    wide: bool = False
    legend: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    data: tuple[tuple[str, ...], ...] = ()


def drawings(document: Document) -> tuple[Drawing, ...]:
    """Those for which there is something to draw, in order."""
    every = (_growth, _months, _fall, _volatility, _sharpe, _classes, _holdings, _contributions, _attribution)
    return tuple(drawing for draw in every if (drawing := draw(document)) is not None)


def _growth(document: Document) -> Drawing | None:
    curve, days = document["curve"], [day_of(text) for text in document["curve"]["days"]]
    own = _points(days, [value - 1 for value in curve["growth"]])
    theirs = _points(days, [value - 1 for value in curve["benchmark"] or []]) if curve["benchmark"] else []
    chart = curves.curves([own, theirs], width=WIDE, height=250)
    if chart is None:
        return None
    said = f"ends at {rate(own[-1][1], signed=True)}" + (
        f", the benchmark at {rate(theirs[-1][1], signed=True)}" if theirs else ""
    )
    return Drawing(
        "growth", "curves", "Return since the beginning", "time-weighted: what was put in or taken out is not in it",
        f"From {long_date(days[0])} to {long_date(days[-1])}: {said}.", chart, wide=True,
        legend=("Investments", "Benchmark") if theirs else ("Investments",),
    )  # fmt: skip


def _fall(document: Document) -> Drawing | None:
    days = [day_of(text) for text in document["curve"]["days"]]
    chart = curves.curves([_points(days, document["curve"]["drawdown"])], width=WIDE, height=160, filled=True)
    fall = document["curve"]["fall"]
    if chart is None:
        return None
    said = "It never fell."
    if fall:
        back = (
            f"recovered on {long_date(day_of(fall['recovered']))}"
            if fall["recovered"]
            else "not recovered yet"
        )
        said = f"{rate(fall['depth'])}, {long_date(day_of(fall['peak']))} to {long_date(day_of(fall['trough']))}, {back}."
    return Drawing(
        "drawdown",
        "area",
        "Below its highest",
        f"the deepest fall: {said}".rstrip("."),
        said,
        chart,
        wide=True,
    )


def _months(document: Document) -> Drawing | None:
    years = [(row["year"], row["months"], row["whole"]) for row in document["months"]]
    chart = curves.heat_map(years, width=WIDE)
    if chart is None:
        return None
    said = "; ".join(f"{year}: {rate(whole, signed=True)}" for year, _, whole in years)
    return Drawing("months", "heat", "Month by month", "time-weighted", said, chart, wide=True)


def _volatility(document: Document) -> Drawing | None:
    return _rolling(
        document, "volatility", "Volatility", "a year, over the last 63 market days", percent=True
    )


def _sharpe(document: Document) -> Drawing | None:
    return _rolling(document, "sharpe", "Sharpe ratio", "over the last 63 market days", percent=False)


def _rolling(document: Document, name: str, title: str, subtitle: str, *, percent: bool) -> Drawing | None:
    days = [day_of(text) for text in document["rolling"]["days"]]
    points = _points(days, document["rolling"][name])
    chart = curves.curves([points], height=210, percent=percent)
    if chart is None:
        return None
    last = points[-1][1]
    said = f"Now {rate(last) if percent else plain(last)}; between {len(points)} points from {long_date(days[0])} on."
    return Drawing(name, "curves", title, subtitle, said, chart)


def _classes(document: Document) -> Drawing | None:
    return _bars(
        "classes",
        "What the investments are",
        "by class, at market",
        _weights(document["classes"], document["currency"]),
    )


def _holdings(document: Document) -> Drawing | None:
    rows = _weights(document["holdings"], document["currency"])
    subtitle = f"the largest {_MOST_BARS}, at market" if len(rows) > _MOST_BARS else "at market"
    return _bars("holdings", "Holdings", subtitle, rows[:_MOST_BARS])


def _weights(rows: Sequence[Document], currency: str) -> list[charts.RankedRow]:
    shares = [rate(row["weight"]) for row in rows]
    widest = max(map(len, shares), default=0)
    return [
        (called(row["name"]), Decimal(row["value"]),
         f"{amount(Decimal(row['value']), currency)}  {share.rjust(widest, FIGURE_SPACE)}", None)
        for row, share in zip(rows, shares, strict=True)
    ]  # fmt: skip


def _contributions(document: Document) -> Drawing | None:
    rows: list[charts.RankedRow] = [
        (
            called(row["name"]),
            Decimal(str(row["contribution"])),
            rate(row["contribution"], 2, signed=True),
            None,
        )
        for row in document["contributions"]["rows"][:_MOST_BARS]
    ]
    since = short_date(day_of(document["contributions"]["since"]))
    return _bars(
        "contributions",
        "Where the return came from",
        f"parts of it since {since}, days linked by Cariño",
        rows,
    )


def _attribution(document: Document) -> Drawing | None:
    """What the choice of classes, and what was held in each, made of the difference from the benchmark."""
    rows: list[charts.RankedRow] = []
    for row in document["attribution"]["rows"]:
        whole = sum(row[name] or 0.0 for name in ("allocation", "selection", "interaction"))
        rows.append((called(row["class"]), Decimal(str(round(whole, 6))), rate(whole, 2, signed=True), None))
    since = short_date(day_of(document["attribution"]["since"]))
    return _bars(
        "attribution",
        "Better or worse than the benchmark",
        f"by class since {since}, Brinson and Fachler",
        rows,
    )


def _bars(anchor: str, title: str, subtitle: str, rows: list[charts.RankedRow]) -> Drawing | None:
    chart = charts.ranked_chart(rows)
    if chart is None:
        return None
    return Drawing(
        anchor, "ranked", title, subtitle, "; ".join(f"{label}: {text}" for label, _, text, _ in rows), chart
    )


def _points(days: Sequence[date], values: Sequence[float | None]) -> Points:
    return [(day, value) for day, value in zip(days, values, strict=True) if value is not None]
