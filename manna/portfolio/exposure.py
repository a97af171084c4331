"""The risk of everything the book holds: ``portfolio.risk`` from days of performance.

What belongs here: from a table of days to a table of figures. What does not: their definitions (:mod:`risk`).

Series are by market day: what calendar days between two of them returned is that of the later one, so that a weekend is
no day without risk. The first day of a scope, on which it only came in, and days of a broken chain are missing. Rates
per year count 252 market days, and are not given for less than a year of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from manna.books import Book
from manna.contracts.performance import RISK
from manna.portfolio import risk
from manna.portfolio.benchmark import Benchmark
from manna.portfolio.performance import exact_return

ROLLING_DAYS = 63
"""A quarter of market days: what rolling figures look back on."""
FEWEST_DAYS = 20
"""Of fewer market days nothing is said but how deep the fall was."""
_TAIL = 0.05

Figure = tuple[str, str, str, str, date, float]
"""scope, name, measure, other, date, value."""


@dataclass(frozen=True, slots=True)
class Days:
    """Returns by market day, (days, scopes), NaN where there is none; ``scopes`` are (scope, name)."""

    days: tuple[date, ...]
    scopes: tuple[tuple[str, str], ...]
    rates: risk.Returns

    def of(self, scope: str, name: str) -> risk.Returns:
        """One series."""
        return self.rates[:, self.scopes.index((scope, name))]


def by_market_day(days: pl.DataFrame, open_days: pl.Series) -> Days:
    """``portfolio.performance`` of one book by market day, from its first day to the last market day of it.

    Where no market was open in all that time (nothing that is held has bars) every weekday counts as one.
    """
    first, last = days["date"].min(), days["date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return Days((), (), np.empty((0, 0)))
    market = open_days.filter((open_days >= first) & (open_days <= last))
    if market.is_empty():
        every = pl.date_range(first, last, eager=True)
        weekdays = every.filter(every.dt.weekday() <= 5)
        market = every if weekdays.is_empty() else weekdays
    began = pl.col("date") == pl.col("date").min().over("scope", "name")
    rows = days.filter(~began).select("scope", "name", "date", rate=exact_return()).sort("date")
    target = pl.DataFrame({"date": market, "on": market})
    placed = rows.join_asof(target, on="date", strategy="forward").with_columns(
        pl.col("on").fill_null(market[-1])
    )
    whole = placed.group_by("scope", "name", "on").agg(
        pl.when(pl.col("rate").is_null().any())
        .then(None)
        .otherwise((1 + pl.col("rate")).product() - 1)
        .alias("rate")
    )
    scopes = tuple(sorted(days.select("scope", "name").unique().rows()))
    column = {scope: number for number, scope in enumerate(scopes)}
    row = {day: number for number, day in enumerate(market)}
    rates = np.full((len(market), len(scopes)), np.nan)
    at = [
        (row[on], column[scope, name]) for scope, name, on in whole.select("scope", "name", "on").iter_rows()
    ]
    if at:
        where = np.array(at)
        rates[where[:, 0], where[:, 1]] = whole["rate"].to_numpy()
    return Days(tuple(market), scopes, rates)


def exposure(book: Book, days: pl.DataFrame, series: Days, mix: Benchmark | None) -> pl.DataFrame:
    """``portfolio.risk`` of one book.

    Args:
        days: its ``portfolio.performance``; weights are those of its last day.
        series: :func:`by_market_day` of it.
        mix: the book's benchmark, if it has one.
    """
    if not series.days:
        return RISK.empty()
    free = (1 + float(book.performance.risk_free)) ** (1 / risk.MARKET_DAYS) - 1
    against = _against(series, mix)
    rows = [
        *_figures(series, free, against),
        *_rolling(series, free, against),
        *_correlations(series, against),
    ]
    rows += _weighed(book, days, series.days[-1])
    named = ("scope", "name", "measure", "other", "date", "value")
    schema = {
        "scope": pl.String,
        "name": pl.String,
        "measure": pl.String,
        "other": pl.String,
        "date": pl.Date,
        "value": pl.Float64,
    }
    table = pl.DataFrame(rows, schema=schema, orient="row").select(named)
    value = pl.col("value")
    known = table.with_columns(value=pl.when(value.is_finite() & (value.abs() < 1e9)).then(value.round(8)))
    falls = pl.DataFrame(
        _falls(series), schema={"scope": pl.String, "name": pl.String, "measure": pl.String, "peak": pl.Date, "trough": pl.Date, "recovered": pl.Date},
        orient="row",
    )  # fmt: skip
    found = known.join(falls, on=["scope", "name", "measure"], how="left").with_columns(book=pl.lit(book.id))
    return RISK.conform(found.sort("scope", "name", "measure", "other", "date"))


def _against(series: Days, mix: Benchmark | None) -> risk.Returns | None:
    if mix is None:
        return None
    known = dict(zip(mix.days, mix.rates, strict=True))
    return np.array([known.get(day, np.nan) for day in series.days])


def _figures(series: Days, free: float, against: risk.Returns | None) -> Iterator[Figure]:
    rates, last = series.rates, series.days[-1]
    known = (~np.isnan(rates)).sum(0)
    year = known >= risk.MARKET_DAYS
    enough = known >= FEWEST_DAYS
    made: dict[str, risk.Figure] = {
        "annual_return": np.where(year, _per_year(rates, known), np.nan),
        "volatility": np.where(enough, risk.volatility(rates), np.nan),
        "sharpe": np.where(enough, risk.sharpe(rates, free), np.nan),
        "sortino": np.where(enough, risk.sortino(rates, free), np.nan),
        "max_drawdown": np.where(known > 0, risk.max_drawdown(rates), np.nan),
        "value_at_risk": np.where(enough, risk.value_at_risk(rates, _TAIL), np.nan),
        "expected_shortfall": np.where(enough, risk.expected_shortfall(rates, _TAIL), np.nan),
        "parametric_value_at_risk": np.where(enough, risk.parametric_value_at_risk(rates, _TAIL), np.nan),
        "parametric_expected_shortfall": np.where(
            enough, risk.parametric_expected_shortfall(rates, _TAIL), np.nan
        ),
    }
    with np.errstate(all="ignore"):
        fall = np.abs(made["max_drawdown"])
        made["calmar"] = np.where(fall > 0, made["annual_return"] / fall, np.nan)
    if against is not None:
        both = (~np.isnan(rates) & ~np.isnan(against)[:, None]).sum(0)
        made |= {
            name: np.where(both >= (risk.MARKET_DAYS if name == "alpha" else FEWEST_DAYS), value, np.nan)
            for name, value in (
                ("beta", risk.beta(rates, against)),
                ("alpha", risk.alpha(rates, against, free)),
                ("tracking_error", risk.tracking_error(rates, against)),
                ("information_ratio", risk.information_ratio(rates, against)),
            )
        }
    for measure, values in made.items():
        for (scope, name), value in zip(series.scopes, values, strict=True):
            yield scope, name, measure, "", last, float(value)


def _per_year(rates: risk.Returns, known: risk.Returns) -> risk.Returns:
    """Compound rate per year of the days each series has; a series need not begin with the others."""
    with np.errstate(all="ignore"):
        return np.asarray(risk.growth(rates)[-1] ** (risk.MARKET_DAYS / known) - 1)


def _falls(series: Days) -> Iterator[tuple[str, str, str, date | None, date | None, date | None]]:
    for number, (scope, name) in enumerate(series.scopes):
        fall = risk.deepest(series.rates[:, number])
        if fall.depth < 0:
            peak = series.days[max(fall.peak, 0)]
            back = None if fall.recovered is None else series.days[fall.recovered]
            yield scope, name, "max_drawdown", peak, series.days[fall.trough], back


def _rolling(series: Days, free: float, against: risk.Returns | None) -> Iterator[Figure]:
    """Of the book alone, at the last market day of each month."""
    for number, (scope, name) in enumerate(series.scopes):
        if scope != "book":
            continue
        rates = series.rates[:, number]
        made = {
            "rolling_volatility": risk.rolling(risk.volatility, rates, ROLLING_DAYS),
            "rolling_sharpe": risk.rolling(lambda some: risk.sharpe(some, free), rates, ROLLING_DAYS),
        }
        if against is not None:
            made["rolling_beta"] = risk.rolling_beta(rates, against, ROLLING_DAYS)
        for at in month_ends(series.days):
            for measure, values in made.items():
                if np.isfinite(values[at]):
                    yield scope, name, measure, "", series.days[at], float(values[at])


def month_ends(days: tuple[date, ...]) -> list[int]:
    """Places of the last day of each month, the present one too."""
    following = [*days[1:], None]
    return [
        at
        for at, (one, other) in enumerate(zip(days, following, strict=True))
        if other is None or (one.year, one.month) != (other.year, other.month)
    ]


def _correlations(series: Days, against: risk.Returns | None) -> Iterator[Figure]:
    """Of every two holdings, and of each with the benchmark."""
    places = [number for number, (scope, _) in enumerate(series.scopes) if scope == "holding"]
    names = [series.scopes[number][1] for number in places]
    rates, others = series.rates[:, places], names
    if against is not None:
        rates, others = np.column_stack([rates, against]), [*names, "benchmark"]
    known = (~np.isnan(rates)).astype(np.float64)
    enough = known.T @ known >= FEWEST_DAYS
    found = np.where(enough, risk.correlation(rates), np.nan)
    for one, name in enumerate(names):
        for other in range(one + 1, len(others)):
            if np.isfinite(found[one, other]):
                yield "holding", name, "correlation", others[other], series.days[-1], float(found[one, other])


def weights(days: pl.DataFrame, scope: str) -> Mapping[str, float]:
    """Shares of the book's value on its last day, by name; none where it is not above zero."""
    last = days.filter((pl.col("date") == pl.col("date").max()) & (pl.col("scope") == scope))
    whole = float(last["closing"].sum() or 0)
    rows = last.filter(pl.col("closing") != 0).select("name", pl.col("closing").cast(pl.Float64))
    return {name: value / whole for name, value in rows.iter_rows()} if whole > 0 else {}


def _weighed(book: Book, days: pl.DataFrame, last: date) -> Iterator[Figure]:
    """Concentration by holding and class, and what each of the book's scenarios would do."""
    for scope, other in (("holding", "holdings"), ("class", "classes")):
        held = weights(days, scope)
        if held:
            yield (
                "book",
                book.id,
                "concentration",
                other,
                last,
                float(risk.concentration(np.array([*held.values()]))),
            )
    classes = weights(days, "class")
    for scenario, shocks in book.performance.scenarios.items():
        own = {name: float(shock) for name, shock in shocks.items() if name in classes}
        if classes:
            yield "book", book.id, "stress", scenario, last, risk.stress(classes, own)
