"""What the book's benchmark returned: weights by symbol, set anew at each month's beginning.

What belongs here: returns of symbols with their dividends, and of a mix of them. What does not: comparing
(:mod:`exposure`, :mod:`attribution`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from manna.portfolio.risk import Returns

CASH = "CASH"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """By market day: ``rates`` (days), and of each symbol its weight as of the day before and its rate (days, symbols).

    ``rates`` are NaN on days before some symbol's first price.
    """

    days: tuple[date, ...]
    symbols: tuple[str, ...]
    rates: Returns
    weights: Returns
    each: Returns


def market_days(bars: pl.DataFrame) -> pl.Series:
    """Every day with a bar of anything, rising: the days on which markets were open."""
    return bars["date"].unique().sort()


def symbol_returns(
    symbols: Sequence[str], days: pl.Series, bars: pl.DataFrame, corporate_actions: pl.DataFrame
) -> Returns:
    """Total returns, (days, symbols): (close x split ratio + dividend) / close before - 1; NaN before the second close.

    A day without a bar is a return of zero: the last close is carried on. Money earns nothing.
    """
    grid = pl.DataFrame({"date": days}).join(
        pl.DataFrame({"symbol": list(symbols)}, schema={"symbol": pl.String}), how="cross"
    )
    closes = grid.join(bars.select("symbol", "date", "close"), on=["symbol", "date"], how="left")
    actions = corporate_actions.filter(pl.col("symbol").is_in(list(symbols)))
    split = actions.filter(pl.col("kind") == "split", pl.col("ratio") > 0)
    paid = actions.filter(pl.col("kind") == "dividend", pl.col("cash").is_not_null())
    for found, column, sums in (
        (split, "ratio", pl.col("ratio").cast(pl.Float64).product()),
        (paid, "cash", pl.col("cash").sum()),
    ):
        daily = (
            found.rename({"ex_date": "date"})
            .group_by("symbol", "date")
            .agg(sums.cast(pl.Float64).alias(column))
        )
        closes = closes.join(daily, on=["symbol", "date"], how="left")
    order = closes.sort("date", "symbol")
    shape = (len(days), len(set(symbols)))
    grid_of = {n: order[n].cast(pl.Float64).to_numpy().reshape(shape) for n in ("close", "ratio", "cash")}
    close = _carried(grid_of["close"])
    ratio, cash = np.nan_to_num(grid_of["ratio"], nan=1.0), np.nan_to_num(grid_of["cash"])
    rates = np.full(shape, np.nan)
    with np.errstate(all="ignore"):
        rates[1:] = (close[1:] * ratio[1:] + cash[1:]) / close[:-1] - 1
    rates = rates[:, np.argsort(np.argsort(list(symbols)))]
    rates[:, [name == CASH for name in symbols]] = 0.0
    return rates


def _carried(closes: Returns) -> Returns:
    """Closes with the last one before a gap in it."""
    rows = np.where(np.isnan(closes), 0, np.arange(len(closes))[:, None])
    return np.take_along_axis(closes, np.maximum.accumulate(rows, axis=0), axis=0)


def benchmark(
    weights: Mapping[str, float], days: pl.Series, bars: pl.DataFrame, corporate_actions: pl.DataFrame
) -> Benchmark | None:
    """The mix's returns; None where no weights are given, or there are no market days.

    Weights are as given on the first market day of each month, and drift until the next.
    """
    symbols = tuple(sorted(name for name, weight in weights.items() if weight > 0))
    if not symbols or len(days) < 2:
        return None
    each = symbol_returns(symbols, days, bars, corporate_actions)
    given = np.array([weights[name] for name in symbols])
    months = days.dt.truncate("1mo").to_numpy()
    starts = np.flatnonzero(np.append(True, months[1:] != months[:-1]))
    held = np.empty_like(each)
    for start, end in zip(starts, [*starts[1:], len(days)], strict=True):
        grown = np.cumprod(1 + np.nan_to_num(each[start:end]), axis=0)
        worth = np.vstack([given, given * grown[:-1]])
        held[start:end] = worth / worth.sum(axis=1, keepdims=True)
    return Benchmark(tuple(days), symbols, (held * each).sum(axis=1), held, each)
