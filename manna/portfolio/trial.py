"""A backtest as somebody asks for it: which strategy, of which days, how often; and what it came to, in figures.

What belongs here: the terms, the days on which it decides, the comparison with a benchmark, and tables. What does not: the
walk (:mod:`backtest`), the formulas (:mod:`risk`), files or the lake.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from manna.portfolio import risk
from manna.portfolio.backtest import Backtest, Costs, backtest
from manna.portfolio.market import Floats, Market
from manna.portfolio.strategies import strategy

_POINT = 1e-4
"""A basis point."""

PERIODS: dict[str, Callable[[date], Any]] = {
    "day": lambda day: day,
    "week": lambda day: day.isocalendar()[:2],
    "month": lambda day: (day.year, day.month),
    "quarter": lambda day: (day.year, (day.month - 1) // 3),
    "year": lambda day: day.year,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """``first`` and ``last``: the span, both included; days before ``first`` are shown to the strategy, but not traded on.

    ``symbols``: what may be held (none: all there is); the ``benchmark`` need not be among them.
    Costs in basis points of what is traded, ``per_order`` in money. ``contribution``: put in (negative: taken out) at the close
    of each day on which it decides, after the first.
    """

    strategy: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None
    symbols: tuple[str, ...] = ()
    every: str = "month"
    capital: float = 10_000.0
    contribution: float = 0.0
    cost_bps: float = 0.0
    slippage_bps: float = 0.0
    per_order: float = 0.0
    whole_shares: bool = False
    benchmark: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What it came to. ``benchmark``: its return each day after the first; None: nothing was compared with."""

    symbols: tuple[str, ...]
    found: Backtest
    benchmark: Floats | None


def decision_days(days: Sequence[date], every: str, begin: int = 0) -> list[int]:
    """Positions of the first day of each period (``day, week, month, quarter, year``), from ``begin`` on.

    The first day, and not the last: that a day is the last of its month is known when the next one comes.

    Raises:
        ValueError: there is no such period.
    """
    if every not in PERIODS:
        raise ValueError(f"unknown period {every!r}; there are: {', '.join(PERIODS)}")
    within = PERIODS[every]
    return [at for at in range(begin, len(days)) if at == begin or within(days[at]) != within(days[at - 1])]


def carried_out(market: Market, terms: Terms) -> Trial:
    """Walks the strategy through the span; it decides on the first day of each period and trades on the next.

    Raises:
        ValueError: the span has fewer than two days, costs or capital mean nothing, a target or the benchmark has no
            prices, or what :func:`strategy` and :func:`backtest` complain of.
    """
    made = strategy(terms.strategy, **terms.parameters)
    _require(market, terms)
    own = market.of(terms.symbols) if terms.symbols else market
    unknown = sorted(set(getattr(made, "targets", ())) - {"CASH", *own.symbols})
    if unknown:
        raise ValueError(f"targets without prices: {', '.join(unknown)}; there are: {', '.join(own.symbols)}")
    begin = sum(terms.first is not None and day < terms.first for day in market.days)
    count = sum(terms.last is None or day <= terms.last for day in market.days)
    if count - begin < 2:
        raise ValueError(f"a backtest needs two days; prices are from {market.days[0]} to {market.days[-1]}")
    seen = own.until(count)
    compared = None if terms.benchmark is None else market.total_returns(terms.benchmark)[begin : count - 1]
    decisions = decision_days(seen.days, terms.every, begin)
    moved = np.zeros(count)
    moved[decisions[1:]] = terms.contribution
    whole = backtest(
        seen,
        made,
        decisions,
        capital=terms.capital,
        flows=moved,
        costs=Costs(terms.cost_bps * _POINT, terms.slippage_bps * _POINT, terms.per_order),
        whole=terms.whole_shares,
    )
    days, values, cash = whole.days[begin:], whole.values[begin:], whole.cash[begin:]
    found = Backtest(days, values, cash, whole.flows[begin:], whole.trades, whole.delisted)
    return Trial(own.symbols, found, compared)


def _require(market: Market, terms: Terms) -> None:
    if terms.capital <= 0:
        raise ValueError(f"capital is above zero, not {terms.capital}")
    if min(terms.cost_bps, terms.slippage_bps, terms.per_order) < 0:
        raise ValueError("costs and slippage are at least zero")
    if terms.first and terms.last and terms.first > terms.last:
        raise ValueError(f"there are no days from {terms.first} to {terms.last}")


def figures(trial: Trial) -> dict[str, float | int | None]:
    """What it came to: names as in :mod:`risk`; None where nothing can be said.

    ``turnover`` is per year: half of all that was traded, over the value before. Those with ``benchmark`` in their name
    and those that need one are None without it.
    """
    found = trial.found
    rates = found.returns
    years = len(rates) / risk.MARKET_DAYS
    said: dict[str, Any] = {
        "final_value": found.values[-1],
        "total_return": risk.growth(rates)[-1] - 1,
        "annual_return": risk.annual_return(rates) if years >= 1 else None,
        "volatility": risk.volatility(rates),
        "sharpe": risk.sharpe(rates),
        "sortino": risk.sortino(rates),
        "calmar": risk.calmar(rates) if years >= 1 else None,
        "max_drawdown": risk.max_drawdown(rates),
        "value_at_risk": risk.value_at_risk(rates),
        "contributions": found.flows.sum(),
        "trades": len(found.trades),
        "turnover": sum(trade.turnover for trade in found.trades) / years,
        "costs": found.costs,
    }
    compared = (
        "benchmark_return", "benchmark_volatility", "benchmark_max_drawdown", "beta", "alpha", "tracking_error", "information_ratio"
    )  # fmt: skip
    said |= dict.fromkeys(compared)
    if trial.benchmark is not None:
        by = trial.benchmark
        told = (risk.growth(by)[-1] - 1, risk.volatility(by), risk.max_drawdown(by), risk.beta(rates, by), risk.alpha(rates, by), risk.tracking_error(rates, by), risk.information_ratio(rates, by))  # fmt: skip
        said |= dict(zip(compared, told, strict=True))
    return {name: _plain(value) for name, value in said.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    return float(value) if np.isfinite(value) else None


def days_table(trial: Trial) -> pl.DataFrame:
    """Day by day: ``date, value, cash, benchmark, drawdown``.

    ``benchmark`` is what the same capital and contributions would be worth there; ``drawdown`` is of returns, so that money
    taken out is no fall.
    """
    found = trial.found
    fallen = np.concatenate([[0.0], risk.drawdowns(found.returns)])
    beside = None
    if trial.benchmark is not None:
        grown = np.concatenate([[1.0], risk.growth(trial.benchmark)])
        put_in = found.flows.copy()
        put_in[0] = found.values[0]
        units = np.cumsum(np.divide(put_in, grown, where=grown > 0, out=np.zeros_like(grown)))
        beside = grown * units
    return pl.DataFrame(
        {"date": found.days, "value": found.values, "cash": found.cash, "benchmark": beside, "drawdown": fallen},
        schema={"date": pl.Date, "value": pl.Float64, "cash": pl.Float64, "benchmark": pl.Float64, "drawdown": pl.Float64},
    )  # fmt: skip


def trades_table(trial: Trial) -> pl.DataFrame:
    """Every trade of an asset: ``date, symbol, units`` (bought positive), ``price``."""
    rows = [
        (trade.day, trial.symbols[asset], float(trade.units[asset]), float(trade.prices[asset]))
        for trade in trial.found.trades
        for asset in np.flatnonzero(trade.units).tolist()
    ]
    return pl.DataFrame(
        rows,
        schema={"date": pl.Date, "symbol": pl.String, "units": pl.Float64, "price": pl.Float64},
        orient="row",
    )
