"""Which part of the book's return came from which holding or class, and how that compares with its benchmark.

What belongs here: from days of performance to contributions and ``portfolio.attribution``. What does not: the formulas
(:mod:`attribution`).

All is by calendar day, of what was at work that day, so that contributions sum to the day's return exactly; on a day
without a market the benchmark returned nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from manna.contracts.performance import ATTRIBUTION
from manna.portfolio.attribution import brinson_fachler, carino, contributions
from manna.portfolio.benchmark import CASH, Benchmark
from manna.portfolio.performance import CASH as CASH_CLASS
from manna.portfolio.performance import UNCLASSED, exact_return
from manna.portfolio.risk import Returns

_DAYS = ["date"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The book's return by day and what each segment gave of it: ``rates`` (days), ``parts`` and ``at_work`` (days, segments).

    ``rates`` is NaN where the chain is broken.
    """

    days: tuple[date, ...]
    names: tuple[str, ...]
    rates: Returns
    parts: Returns
    at_work: Returns

    def between(self, first: date, last: date) -> "Parts":
        """The same, of some days."""
        at = slice(bisect_left(self.days, first), bisect_right(self.days, last))
        return Parts(self.days[at], self.names, self.rates[at], self.parts[at], self.at_work[at])


def parts_of(days: pl.DataFrame, scope: str) -> Parts:
    """Contributions of all ``scope``'s segments by day, from ``portfolio.performance`` of one book."""
    whole = days.filter(pl.col("scope") == "book").sort("date")
    names = tuple(sorted(days.filter(pl.col("scope") == scope)["name"].unique()))
    earned = (pl.col("closing") - pl.col("opening") - pl.col("flows")).cast(pl.Float64)
    rows = days.filter(pl.col("scope") == scope).select(
        "date", "name", earned=earned, at_work=pl.col("at_work").cast(pl.Float64)
    )
    each = whole.select("date").join(pl.DataFrame({"name": names}, schema={"name": pl.String}), how="cross")
    each = each.join(rows, on=["date", "name"], how="left", maintain_order="left").fill_null(0)
    shape = (whole.height, len(names))
    at_work = whole["at_work"].cast(pl.Float64).to_numpy()
    with np.errstate(all="ignore"):
        parts = each["earned"].to_numpy().reshape(shape) / at_work[:, None]
    rates = whole.select(exact_return().fill_null(np.nan)).to_series().to_numpy()
    parts = np.where(np.isnan(rates)[:, None] | ~(at_work > 0)[:, None], 0.0, parts)
    return Parts(tuple(whole["date"]), names, rates, parts, each["at_work"].to_numpy().reshape(shape))


def contributed(found: Parts) -> Mapping[str, float]:
    """By segment its part of the return of all those days, linked by Carino; none where the chain is broken."""
    if not found.days or np.isnan(found.rates).any():
        return {}
    return dict(zip(found.names, map(float, contributions(found.parts, found.rates)), strict=True))


def attribution(
    spans: pl.DataFrame, days: pl.DataFrame, classes: pl.DataFrame, mix: Benchmark | None
) -> pl.DataFrame:
    """``portfolio.attribution`` of one book: of every span of the book in ``spans`` that the benchmark covers whole.

    Args:
        spans: ``portfolio.returns``.
        days: ``portfolio.performance``.
        classes: ``security_id, class`` (:func:`manna.portfolio.performance.asset_classes`), for the benchmark's symbols.
        mix: the book's benchmark, if it has one.
    """
    if mix is None or spans.is_empty():
        return ATTRIBUTION.empty()
    own = parts_of(days, "class")
    theirs = by_class(mix, classes, own.days)
    rows = [
        {"book": span["book"], "span": span["span"], "since": span["since"], "until": span["until"], **row}
        for span in spans.filter(pl.col("scope") == "book").iter_rows(named=True)
        for row in explained(own.between(span["since"], span["until"]), theirs)
    ]
    schema = {
        name: pl.Float64 if str(kind).startswith("Decimal") else kind
        for name, kind in ATTRIBUTION.polars_schema.items()
    }
    made = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(pl.Float64).round(8))
    return ATTRIBUTION.conform(made.sort("span", "since", "class"))


@dataclass(frozen=True, slots=True)
class MixByClass:
    """A benchmark by class and calendar day, NaN before it is known."""

    names: tuple[str, ...]
    days: Mapping[date, int]
    weights: Returns
    rates: Returns


def by_class(mix: Benchmark, classes: pl.DataFrame, days: tuple[date, ...]) -> MixByClass:
    """The benchmark's symbols gathered by class, on the calendar days of the book."""
    known = dict(classes.iter_rows()) | {CASH: CASH_CLASS}
    of = [known.get(symbol, UNCLASSED) for symbol in mix.symbols]
    names = tuple(sorted(set(of)))
    member = np.array([[kind == name for name in names] for kind in of], np.float64)
    place = {day: number for number, day in enumerate(mix.days)}
    weights, rates = mix.weights @ member, (mix.weights * mix.each) @ member
    with np.errstate(all="ignore"):
        rates = rates / weights
    at, last = np.empty((len(days), len(names))), weights[0]
    daily = np.zeros_like(at)
    for row, day in enumerate(days):
        number = place.get(day)
        if number is None:
            at[row] = last
            daily[row] = 0.0 if day > mix.days[0] else np.nan
            continue
        at[row], daily[row] = weights[number], rates[number]
        last = weights[number + 1] if number + 1 < len(weights) else weights[number]
    return MixByClass(names, {day: row for row, day in enumerate(days)}, at, daily)


def explained(own: Parts, theirs: MixByClass) -> Iterator[dict[str, object]]:
    """A row per class of the days of ``own``: columns of ``portfolio.attribution``; none where a day has no return on either side."""
    if not own.days:
        return
    first = own.days[0]
    if first not in theirs.days:
        return
    at = slice(theirs.days[first], theirs.days[first] + len(own.days))
    mix_weights, mix_rates = theirs.weights[at], theirs.rates[at]
    opens = own.at_work.sum(axis=1) > 0
    # On its first day a book only comes in: there is nothing to compare.
    if np.isnan(mix_rates[0]).any() and own.rates[0] == 0:
        opens[0] = False
    weights_, parts, rates = own.at_work[opens], own.parts[opens], own.rates[opens]
    mix_weights, mix_rates = mix_weights[opens], mix_rates[opens]
    if np.isnan(rates).any() or np.isnan(mix_rates).any() or not len(rates):
        return
    names = tuple(sorted({*own.names, *theirs.names}))
    weights_ = _spread(weights_ / weights_.sum(axis=1, keepdims=True), own.names, names)
    parts = _spread(parts, own.names, names)
    bench = _spread(mix_weights, theirs.names, names)
    bench_rates = _spread(mix_rates, theirs.names, names, np.nan)
    with np.errstate(all="ignore"):
        each = np.where(weights_ != 0, parts / weights_, np.nan)
    effects = brinson_fachler(weights_, each, bench, np.where(bench == 0, np.nan, bench_rates))
    leftover = np.where(weights_ != 0, 0.0, parts)  # earned on a day it was not held: a late dividend
    mix_parts = bench * np.nan_to_num(bench_rates)
    mix_whole = mix_parts.sum(axis=1)
    linked = {
        "weight": weights_.mean(axis=0),
        "benchmark_weight": bench.mean(axis=0),
        "contribution": contributions(parts, rates),
        "benchmark_contribution": contributions(mix_parts, mix_whole),
        "allocation": carino(effects.allocation, rates, mix_whole),
        "selection": carino(effects.selection, rates, mix_whole),
        "interaction": carino(effects.interaction + leftover, rates, mix_whole),
    }
    for number, name in enumerate(names):
        yield {"class": name, **{key: float(values[number]) for key, values in linked.items()}}


def _spread(values: Returns, of: tuple[str, ...], names: tuple[str, ...], missing: float = 0.0) -> Returns:
    """Columns ``of`` some names as columns of all ``names``."""
    found = np.full((len(values), len(names)), missing)
    found[:, [names.index(name) for name in of]] = values
    return found
