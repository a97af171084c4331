"""All of a book's performance as arrays, prepared once, so that any number of its months can be looked back on.

What belongs here: returns of scopes between any two days. What does not: what a tear sheet says of them
(:mod:`tear_sheet`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from manna.books import Book
from manna.portfolio import risk
from manna.portfolio.benchmark import Benchmark, benchmark, market_days
from manna.portfolio.contribution import MixByClass, Parts, by_class, parts_of
from manna.portfolio.exposure import ROLLING_DAYS, Days, by_market_day
from manna.portfolio.performance import asset_classes, exact_return
from manna.portfolio.returns import Flow, roots
from manna.portfolio.risk import Returns

Scope = tuple[str, str]


@dataclass(frozen=True)
class History:
    """One book's days. ``rates`` are (days, scopes): 0 where a scope was not held, NaN where its chain is broken."""

    book: Book
    performance: pl.DataFrame
    days: tuple[date, ...]
    scopes: tuple[Scope, ...]
    rates: Returns
    flows: Returns
    closing: Returns
    series: Days
    mix: Benchmark | None
    securities: pl.DataFrame

    @classmethod
    def of(
        cls,
        book: Book,
        performance: pl.DataFrame,
        bars: pl.DataFrame,
        corporate_actions: pl.DataFrame,
        securities: pl.DataFrame,
    ) -> "History":
        """From ``portfolio.performance`` of one book, ``clean.bars``, ``clean.corporate_actions`` and ``clean.securities``.

        Raises:
            ValueError: the book has no performance.
        """
        first, last = performance["date"].min(), performance["date"].max()
        if not isinstance(first, date) or not isinstance(last, date):
            raise ValueError(f"{book.id} has no investments that were ever valued")
        last = max(last, first + timedelta(1))
        days = tuple(first + timedelta(number) for number in range((last - first).days + 1))
        scopes = tuple(sorted(performance.select("scope", "name").unique().rows()))
        column = {scope: number for number, scope in enumerate(scopes)}
        rates, flows, closing = (np.zeros((len(days), len(scopes))) for _ in range(3))
        keyed = performance.select("scope", "name", "date").iter_rows()
        at = np.array([((day - first).days, column[scope, name]) for scope, name, day in keyed])
        where = at[:, 0], at[:, 1]
        rates[where] = performance.select(exact_return().fill_null(np.nan)).to_series().to_numpy()
        flows[where] = performance["flows"].cast(pl.Float64).to_numpy()
        closing[where] = performance["closing"].cast(pl.Float64).to_numpy()
        weights = {symbol: float(weight) for symbol, weight in book.performance.benchmark.items()}
        opened = market_days(bars)
        mix = benchmark(weights, opened, bars, corporate_actions)
        series = by_market_day(performance, opened)
        return cls(book, performance, days, scopes, rates, flows, closing, series, mix, securities)

    @cached_property
    def by_holding(self) -> Parts:
        """Contributions of holdings."""
        return parts_of(self.performance, "holding")

    @cached_property
    def by_class(self) -> Parts:
        """Contributions of classes."""
        return parts_of(self.performance, "class")

    @cached_property
    def mix_by_class(self) -> MixByClass | None:
        """The benchmark by class."""
        if self.mix is None:
            return None
        return by_class(self.mix, asset_classes(self.book, self.securities), self.by_class.days)

    @cached_property
    def rolling(self) -> tuple[Returns, Returns]:
        """Volatility and Sharpe of the book by market day, over the last quarter of them."""
        free = (1 + float(self.book.performance.risk_free)) ** (1 / risk.MARKET_DAYS) - 1
        whole = self.series.of("book", self.book.id)
        return risk.rolling(risk.volatility, whole, ROLLING_DAYS), risk.rolling(
            lambda some: risk.sharpe(some, free), whole, ROLLING_DAYS
        )

    @cached_property
    def _by_day(self) -> tuple[pl.DataFrame, list[date]]:
        rows = self.performance.sort("date")
        return rows, rows["date"].to_list()

    @cached_property
    def _of_book(self) -> tuple[pl.DataFrame, list[date]]:
        rows = self.performance.filter(pl.col("scope") == "book").sort("date")
        return rows, rows["date"].to_list()

    def on(self, day: date) -> pl.DataFrame:
        """The rows of ``portfolio.performance`` of one day."""
        rows, days = self._by_day
        return rows[bisect_left(days, day) : bisect_right(days, day)]

    def book_until(self, last: date) -> pl.DataFrame:
        """The book's own rows up to a day, in order."""
        rows, days = self._of_book
        return rows[: bisect_right(days, last)]

    @cached_property
    def _mix_of_series(self) -> Returns | None:
        if self.mix is None:
            return None
        known = dict(zip(self.mix.days, self.mix.rates, strict=True))
        return np.array([known.get(day, np.nan) for day in self.series.days])

    def at(self, day: date) -> int:
        """The place of a day, or of the nearest one that there is."""
        return min(max((day - self.days[0]).days, 0), len(self.days) - 1)

    def returned(self, scope: Scope, first: date, last: date) -> float | None:
        """Time-weighted, of all days from ``first`` to ``last``; None where the chain is broken or nothing was held."""
        column = self.scopes.index(scope)
        some = self.rates[self.at(first) : self.at(last) + 1, column]
        whole = float(np.prod(1 + some) - 1)
        return None if np.isnan(whole) or not self.began(scope) <= last else whole

    @cached_property
    def _began(self) -> list[date]:
        there = (self.closing != 0) | (self.flows != 0)
        return [self.days[int(np.argmax(column))] if column.any() else self.days[-1] for column in there.T]

    def began(self, scope: Scope) -> date:
        """The first day on which the scope was worth anything or moved."""
        return self._began[self.scopes.index(scope)]

    def earned_by_money(self, scope: Scope, last: date) -> float | None:
        """The money-weighted return of all up to ``last``, per year if that is a year, of the span else; None: no one rate."""
        column, end = self.scopes.index(scope), self.at(last)
        begin = self.began(scope)
        moved = np.flatnonzero(self.flows[: end + 1, column])
        paid = [Flow(self.days[int(place)], -float(self.flows[place, column])) for place in moved]
        length = (self.days[end] - begin).days
        if not paid or length <= 0:
            return None
        solved = roots([*paid, Flow(self.days[end], float(self.closing[end, column]))])
        if len(solved) != 1:
            return None
        return solved[0] if length >= 365 else float((1 + solved[0]) ** (length / 365) - 1)

    def benchmark_returned(self, first: date, last: date) -> float | None:
        """The benchmark's return from ``first`` to ``last``; None where it has none of some day.

        The day on which everything began counts on neither side: the book came in at its close.
        """
        if self.mix is None:
            return None
        begin = bisect_left(self.mix.days, max(first, self.days[1]))
        some = self.mix.rates[begin : bisect_right(self.mix.days, last)]
        whole = float(np.prod(1 + some) - 1)
        return None if np.isnan(whole) or not len(some) else whole

    def of_series(self, scope: Scope, last: date) -> tuple[Sequence[date], Returns]:
        """Returns by market day up to ``last``, the first missing."""
        until = bisect_right(self.series.days, last)
        return self.series.days[:until], self.series.of(*scope)[:until]

    def against(self, last: date) -> Returns | None:
        """The benchmark's returns of the same market days."""
        whole = self._mix_of_series
        return None if whole is None else whole[: bisect_right(self.series.days, last)]
