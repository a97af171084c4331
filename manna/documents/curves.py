"""Curves over many days, and months as a map of heat: where each line, area and cell stands.

What belongs here: geometry of series of rates. What does not: charts of amounts by month (:mod:`charts`), and colours,
which are classes as there.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from manna.documents.charts import Tick
from manna.documents.numerals import MINUS, MONTHS

LEFT, RIGHT, TOP, BOTTOM = 50, 12, 14, 40
_MONTHS_APART = (1, 2, 3, 6, 12, 24, 60, 120)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SHADES = (0.005, 0.02, 0.04, 0.07)
"""From which return on a cell is one shade stronger."""

Points = Sequence[tuple[date, float]]


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines through days. ``paths`` are SVG path data, one per series; ``area`` the first one down to the base, or ``""``."""

    width: int
    height: int
    paths: tuple[str, ...]
    area: str
    ends: tuple[tuple[float, float], ...]
    rows: tuple[Tick, ...]
    dates: tuple[Tick, ...]
    base: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A month (or year) of the map: its text, and its class: ``up-1`` to ``up-5``, ``down-1`` to ``down-5``, ``none``."""

    x: str
    y: str
    width: str
    height: str
    text: str
    shade: str
    title: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A row per year, the newest first; twelve months and the year."""

    width: int
    height: int
    cells: tuple[Cell, ...]
    columns: tuple[Tick, ...]
    years: tuple[Tick, ...]


def curves(
    series: Sequence[Points],
    *,
    width: int = 480,
    height: int = 230,
    base: float = 0.0,
    filled: bool = False,
    percent: bool = True,
) -> Curves | None:
    """Lines of values by day on one pair of axes; None where no series has two points.

    Args:
        series: each rising by day; the first one decides the dates.
        base: a value that is always on the axis: where things began.
        filled: the first series is an area down (or up) to the base.
        percent: ticks are per cent; else plain numbers.
    """
    drawn = [list(points) for points in series if len(points) > 1]
    if not drawn:
        return None
    first, last = min(points[0][0] for points in drawn), max(points[-1][0] for points in drawn)
    values = [value for points in drawn for _, value in points]
    ticks = nice(min(*values, base), max(*values, base))
    across, down = width - LEFT - RIGHT, height - TOP - BOTTOM
    length = max((last - first).days, 1)

    def x(day: date) -> float:
        return LEFT + across * (day - first).days / length

    def y(value: float) -> float:
        return TOP + down * (ticks[-1] - value) / (ticks[-1] - ticks[0])

    placed = [[(x(day), y(value)) for day, value in points] for points in drawn]
    paths = tuple("M" + "L".join(f"{_px(px)} {_px(py)}" for px, py in points) for points in placed)
    ground = _px(y(base))
    area = f"{paths[0]}L{_px(placed[0][-1][0])} {ground}L{_px(placed[0][0][0])} {ground}Z" if filled else ""
    return Curves(
        width,
        height,
        paths,
        area,
        tuple(points[-1] for points in placed),
        tuple(Tick(_px(y(tick)), label(tick, ticks[1] - ticks[0], percent=percent)) for tick in ticks),
        tuple(_dates(first, last, x, 9 if width > 600 else 6)),
        ground,
    )


def nice(low: float, high: float, intervals: int = 4) -> list[float]:
    """Round numbers that enclose ``low`` to ``high``, two at least."""
    if high <= low:
        high = low + 0.01
    rough, power = (high - low) / intervals, 1.0
    while power > rough:
        power /= 10
    while power * 10 <= rough:
        power *= 10
    step = next(power * each for each in _STEPS if power * each >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    ticks = [first * step, (first + 1) * step]
    while ticks[-1] < high - step * 1e-9:
        ticks.append((first + len(ticks)) * step)
    return ticks


def label(tick: float, step: float, *, percent: bool) -> str:
    """A tick's text, with as many decimals as its step needs."""
    value, apart = (tick * 100, step * 100) if percent else (tick, step)
    decimals = (
        0 if abs(apart - round(apart)) < 1e-9 else 1 if abs(apart * 10 - round(apart * 10)) < 1e-9 else 2
    )
    text = f"{abs(value):,.{decimals}f}{'%' if percent else ''}"
    return f"{MINUS}{text}" if round(value, decimals) < 0 else text


def _dates(first: date, last: date, x: Callable[[date], float], most: int) -> Iterator[Tick]:
    """First days of months, evenly apart and never more than ``most``; the year below January and the first one."""
    begin, end = first.year * 12 + first.month, last.year * 12 + last.month - 1
    months = range(begin if first.day > 1 else begin - 1, end + 1)
    apart = next((step for step in _MONTHS_APART if len(months) / step <= most), _MONTHS_APART[-1])
    shown = None
    for number in months:
        if number % apart:
            continue
        day = date(number // 12, number % 12 + 1, 1)
        said = str(day.year) if shown != day.year else ""
        shown = day.year
        yield Tick(_px(x(day)), MONTHS[day.month - 1][:3], said)


def heat_map(
    years: Sequence[tuple[int, Sequence[float | None], float | None]], *, width: int = 1000
) -> HeatMap | None:
    """Returns of months by year; a month without one is an empty cell. None where there is no year."""
    if not years:
        return None
    left, head, row, gap = 52.0, 26.0, 34.0, 3.0
    size = (width - left - 18) / 13
    columns = [left + size * month + (18 if month == 12 else 0) for month in range(13)]
    cells, marks = [], []
    for place, (year, months, whole) in enumerate(sorted(years, reverse=True)):
        top = head + row * place
        marks.append(Tick(_px(top + (row - gap) / 2), str(year)))
        for month, value in enumerate([*months, whole]):
            name = f"{MONTHS[month]} {year}" if month < 12 else str(year)
            text = "" if value is None else rate(value, 1 if abs(value) < 1 else 0)
            cells.append(
                Cell(
                    _px(columns[month]), _px(top), _px(size - gap), _px(row - gap), text, shade(value),
                    f"{name}: {text or 'no return'}",
                )
            )  # fmt: skip
    heads = [Tick(_px(columns[month] + (size - gap) / 2), MONTHS[month][:3]) for month in range(12)]
    heads.append(Tick(_px(columns[12] + (size - gap) / 2), "Year"))
    return HeatMap(width, round(head + row * len(years)), tuple(cells), tuple(heads), tuple(marks))


def shade(value: float | None) -> str:
    """The class of a cell by the size of its return."""
    if value is None:
        return "none"
    strength = 1 + sum(abs(value) >= bound for bound in _SHADES)
    return f"{'down' if value < 0 else 'up'}-{strength}"


def rate(value: float | None, decimals: int = 1, *, signed: bool = False) -> str:
    """``12.3%`` with a true minus; an unknown one is an en dash."""
    if value is None:
        return "\N{EN DASH}"
    text = f"{abs(value) * 100:,.{decimals}f}%"
    if not any(digit in text for digit in "123456789"):
        return text
    return f"{MINUS}{text}" if value < 0 else f"+{text}" if signed else text


def _px(value: float) -> str:
    """A coordinate to a tenth of a unit."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
