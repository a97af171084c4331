"""Files of flows and of returns, read: what `manna returns` and `manna risk` are about.

What belongs here: the columns of such files, every fault in them, and the figures as tables. What does not: reading a
file from a disk, or the formulas (:mod:`returns`, :mod:`risk`).
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from manna.portfolio import risk
from manna.portfolio.returns import Flow, Timing, Value, modified_dietz, money_weighted, opened, per_year
from manna.portfolio.returns import time_weighted as chained

Row = Mapping[str, str | None]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class SeriesFileError(ValueError):
    """A file that says nothing that can be worked out; the message lists every fault, a line each."""


@dataclass(frozen=True, slots=True)
class Flows:
    """A file of flows and values, in order of days."""

    values: tuple[Value, ...]
    flows: tuple[Flow, ...]


def read_flows(rows: Sequence[Row], columns: Sequence[str]) -> Flows:
    """Rows with ``date`` (YYYY-MM-DD), ``flow`` (put in positive, taken out negative) and ``value`` (at the day's end).

    Either may be empty in a row, but not both. Flows of one day add up; a day has one value.

    Raises:
        SeriesFileError: columns are missing, or rows cannot be read; all of them with their line numbers.
    """
    _require(columns, ("date", "flow", "value"))
    faults: list[str] = []
    values: dict[date, float] = {}
    flows: list[Flow] = []
    for line, row in enumerate(rows, start=2):
        day = _day(line, row, faults)
        flow, value = (_number(line, row, name, faults) for name in ("flow", "value"))
        if day is None:
            continue
        if flow is None and value is None:
            faults.append(f"line {line}: neither a flow nor a value")
        if flow:
            flows.append(Flow(day, flow))
        if value is not None and values.setdefault(day, value) != value:
            faults.append(f"line {line}: a second value of {day}: {value} and {values[day]}")
    if not faults and len(opened([Value(*item) for item in values.items()], flows)) < 2:
        faults.append("a return needs values of two days; the file has " + str(len(values)))
    if faults:
        raise SeriesFileError("\n".join(faults))
    return Flows(
        tuple(Value(day, values[day]) for day in sorted(values)),
        tuple(sorted(flows, key=lambda flow: flow.day)),
    )


def returns_table(file: Flows, timing: Timing = "end") -> pl.DataFrame:
    """The three returns of a file: ``measure, rate, per_year, from, to, note``.

    ``rate`` is of the whole span, ``per_year`` null for less than a year. XIRR is a rate per year by its nature: its
    ``rate`` is null for less than a year too, where ``per_year`` alone would flatter. What cannot be said is null, and
    ``note`` says why.
    """
    known = opened(file.values, file.flows)
    begin, end = known[0].day, known[-1].day
    chain = chained(file.values, file.flows, timing)
    notes = [f"no return from {link.begin} to {link.end}: nothing was there" for link in chain.breaks]
    estimated = [f"{link.begin} to {link.end}" for link in chain.estimated]
    if estimated:
        notes.append("estimated, for flows were not valued: " + ", ".join(estimated))
    dietz = modified_dietz(known[0], known[-1], file.flows, timing)
    found = money_weighted(file.values, file.flows)
    several = ", ".join(f"{rate:.6f}" for rate in found)
    money = found[0] if len(found) == 1 else None
    whole = None if money is None else (1 + money) ** ((end - begin).days / 365) - 1
    solved = {0: "no rate solves it", 1: ""}.get(len(found), f"several rates solve it: {several}")
    rows = [
        ("time-weighted", chain.rate, chain.annual, "; ".join(notes)),
        (
            "Modified Dietz",
            dietz,
            per_year(dietz, begin, end),
            "" if dietz is not None else "no capital was at work",
        ),
        ("money-weighted (XIRR)", whole, money, solved),
    ]
    return pl.DataFrame(
        [(name, rate, annual, begin, end, note or None) for name, rate, annual, note in rows],
        schema={
            "measure": pl.String,
            "rate": pl.Float64,
            "per_year": pl.Float64,
            "from": pl.Date,
            "to": pl.Date,
            "note": pl.String,
        },
        orient="row",
    )


@dataclass(frozen=True, slots=True)
class Series:
    """Returns by day: ``rates`` is (days, names), NaN where a cell is empty."""

    days: tuple[date, ...]
    names: tuple[str, ...]
    rates: risk.Returns


def read_returns(rows: Sequence[Row], columns: Sequence[str]) -> Series:
    """Rows with ``date`` (YYYY-MM-DD) and one column of returns (0.01 is one per cent) per series; a cell may be empty.

    Raises:
        SeriesFileError: no series, a day twice, or cells that are no returns; all faults with their line numbers.
    """
    _require(columns, ("date",))
    names = tuple(name for name in columns if name != "date")
    faults = [] if names else ["the file has no column beside date; it needs one per series of returns"]
    found: dict[date, list[float]] = {}
    for line, row in enumerate(rows, start=2):
        day = _day(line, row, faults)
        cells = [_number(line, row, name, faults) for name in names]
        faults += [
            f"line {line}: {name} {cell} loses more than everything"
            for name, cell in zip(names, cells, strict=True)
            if cell is not None and cell < -1
        ]
        if day is not None and day in found:
            faults.append(f"line {line}: {day} is there twice")
        if day is not None:
            found[day] = [math.nan if cell is None else cell for cell in cells]
    if names and not faults and len(found) < 2:
        faults.append(f"risk needs returns of two days; the file has {len(found)}")
    if faults:
        raise SeriesFileError("\n".join(faults))
    days = sorted(found)
    return Series(tuple(days), names, np.array([found[day] for day in days], np.float64))


def risk_table(
    series: Series,
    *,
    benchmark: str | None = None,
    periods: float = risk.MARKET_DAYS,
    risk_free: float = 0.0,
    tail: float = 0.05,
) -> pl.DataFrame:
    """One row per series: names as in :mod:`risk`; null where nothing can be said.

    Args:
        series: what was read.
        benchmark: the series that the others are measured by; it has no row of such figures itself.
        periods: periods of a year.
        risk_free: rate per year, compounded; taken off per period.
        tail: share of periods that count as the tail.
    """
    free = (1 + risk_free) ** (1 / periods) - 1
    rates = series.rates
    falls = [risk.deepest(one) for one in rates.T]

    def day(place: int | None) -> date | None:
        return None if place is None else series.days[max(place, 0)]

    figures: dict[str, object] = {
        "series": series.names,
        "periods": (~np.isnan(rates)).sum(0),
        "from": [series.days[0]] * len(series.names),
        "to": [series.days[-1]] * len(series.names),
        "total_return": risk.growth(rates)[-1] - 1,
        "annual_return": risk.annual_return(rates, periods),
        "volatility": risk.volatility(rates, periods),
        "sharpe": risk.sharpe(rates, free, periods),
        "sortino": risk.sortino(rates, free, periods),
        "calmar": risk.calmar(rates, periods),
        "max_drawdown": risk.max_drawdown(rates),
        "peak": [day(fall.peak) if fall.depth < 0 else None for fall in falls],
        "trough": [day(fall.trough) if fall.depth < 0 else None for fall in falls],
        "recovered": [day(fall.recovered) if fall.depth < 0 else None for fall in falls],
        "value_at_risk": risk.value_at_risk(rates, tail),
        "expected_shortfall": risk.expected_shortfall(rates, tail),
        "parametric_value_at_risk": risk.parametric_value_at_risk(rates, tail),
        "parametric_expected_shortfall": risk.parametric_expected_shortfall(rates, tail),
    }
    if benchmark is not None:
        if benchmark not in series.names:
            raise SeriesFileError(f"there is no series {benchmark!r}; there are: {', '.join(series.names)}")
        by = rates[:, series.names.index(benchmark)]
        figures |= {
            "beta": risk.beta(rates, by),
            "alpha": risk.alpha(rates, by, free, periods),
            "tracking_error": risk.tracking_error(rates, by, periods),
            "information_ratio": risk.information_ratio(rates, by, periods),
        }
    table = pl.DataFrame(figures)
    floats = pl.col(pl.Float64)
    return table.with_columns(pl.when(floats.is_finite()).then(floats))


def _require(columns: Sequence[str], wanted: Sequence[str]) -> None:
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        raise SeriesFileError(f"the file has no column {', '.join(lacking)}; it needs {', '.join(wanted)}")
    twice = [name for name, count in Counter(columns).items() if count > 1 or not name]
    if twice:
        raise SeriesFileError(f"columns need names of their own: {', '.join(map(repr, twice))}")


def _day(line: int, row: Row, faults: list[str]) -> date | None:
    text = (row.get("date") or "").strip()
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    faults.append(f"line {line}: {text!r} is no day; write it as 2026-03-31")
    return None


def _number(line: int, row: Row, name: str, faults: list[str]) -> float | None:
    text = (row.get(name) or "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    faults.append(f"line {line}: {name} {text!r} is no number")
    return None
