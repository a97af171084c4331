"""What a strategy would have come to: a walk through past prices, from one decision to the next.

What belongs here: the walk, its costs, and what a strategy gets to see. What does not: strategies (:mod:`strategies`), and
what the values say of risk (:mod:`risk`).

Prices are raw closes, never adjusted: splits and dividends are events of their own. Between two decisions nothing is traded, so
holdings are constant in units of the first day, and a whole stretch is one product of matrices: that is why twenty years of
five hundred assets take milliseconds. A strategy is given copies of what was known at the close of the day on which it
decides, of as many days as it says it needs: what came later is not in them, and cannot be reached from them.

A missing price (NaN) is a day without trading: what is held is carried at the last
price, and nothing of it is bought or sold, until the asset is delisted: by an event of its own, or because nothing was heard
of it for long (:class:`manna.portfolio.market.Market`). That no price will ever come again is not known before.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from manna.portfolio.market import Floats, Held, Market, Seen, Told

_DUST = 1e-12
_ROUNDS = 50
"""Costs are a small share of what is traded, so that each round comes nearer by that share."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading costs, as shares of what is traded (0.001: ten basis points) and per order.

    ``slippage`` moves the price against the trade; ``fee`` and ``per_order`` are taken from cash.
    """

    fee: float = 0.0
    slippage: float = 0.0
    per_order: float = 0.0


class Strategy(Protocol):
    """Wanted weights from what is known. Pure: equal knowledge, equal weights."""

    @property
    def window(self) -> int:
        """How many days of closes it needs to see, one or more."""

    def weights(self, seen: Seen) -> Floats | None:
        """Wanted share of each asset (assets,), none negative, at most one in sum; the rest is cash. None: no trade."""


@dataclass(frozen=True, slots=True)
class Traded:
    """One rebalancing: ``units`` (assets) bought positive, sold negative, at ``prices``; costs in money."""

    day: date
    units: Floats
    prices: Floats
    costs: float
    turnover: float
    """Half of all that was traded, over the value before."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """What it came to: per day the value at the close, its cash, and what was put in or taken out that day."""

    days: tuple[date, ...]
    values: Floats
    cash: Floats
    flows: Floats
    trades: tuple[Traded, ...]
    delisted: tuple[tuple[date, str], ...] = ()

    @property
    def returns(self) -> Floats:
        """Return of each day after the first, flows at the day's end taken out; NaN where nothing was there."""
        before = self.values[:-1]
        earned = self.values[1:] - self.flows[1:] - before
        return np.where(
            before > 0, np.divide(earned, before, where=before > 0, out=np.zeros_like(before)), np.nan
        )

    @property
    def costs(self) -> float:
        """Of all trades."""
        return sum(trade.costs for trade in self.trades)


def backtest(
    market: Market,
    strategy: Strategy,
    decisions: Sequence[int],
    *,
    capital: float = 10_000.0,
    flows: Floats | None = None,
    costs: Costs | None = None,
    delay: int = 1,
    whole: bool = False,
) -> Backtest:
    """Walks a strategy through a market.

    A decision is made at a close and traded ``delay`` days later, at that day's close: with 0 at the very close
    it was made at, which nobody can do, but other programs assume.

    Args:
        market: what happened.
        strategy: what it wants.
        decisions: positions of the days on which it decides, rising; those without a day to trade on are left out.
        capital: money at the first close.
        flows: (days,) put in (positive) or taken out at the close of each day. What is taken out beyond the cash
            there is leaves the cash negative until the next trade.
        costs: of trading; None: free.
        delay: days from a decision to its trade.
        whole: whole shares only, rounded towards zero; fractions that a split leaves are paid out.

    Raises:
        ValueError: decisions that are no days, weights that are negative, not finite or above one in sum, or a strategy
            that wants to see nothing.
    """
    _require(market, strategy, decisions, delay)
    count, costs = len(market.days), costs or Costs()
    moved = np.zeros(count) if flows is None else flows
    told, account = Told(market), Held(np.zeros(len(market.symbols)), capital)
    values, cash = np.empty(count), np.empty(count)
    deciding = {at for at in decisions if at + delay < count}
    splits = set(told.split_days) if whole else set()
    wanted: dict[int, Floats | None] = {}
    trades: list[Traded] = []
    last = 0
    for at in _stops(deciding, delay, [*told.ends, *splits, *np.flatnonzero(moved).tolist()], count):
        told.walk(last, at, account, values, cash)
        told.delist(at, account)
        if at in splits:
            told.pay_fractions(at, account)
        account.cash += moved[at]
        # What was decided before is done by the time of the next decision, which sees it done.
        trades += _trade(at, wanted.pop(at, None), told, account, costs, whole)
        if at in deciding:
            wanted[at + delay] = _decided(strategy, told.seen(at, account, strategy.window))
        trades += _trade(at, wanted.pop(at, None), told, account, costs, whole)  # only without a delay
        values[at], cash[at] = told.worth(at, account), account.cash
        last = at
    return Backtest(market.days, values, cash, moved, tuple(trades), tuple(account.delisted))


def _stops(deciding: Set[int], delay: int, happens: Iterable[int], count: int) -> list[int]:
    """The days on which anything is done; between two of them holdings stay as they are."""
    return sorted({0, *deciding, *(at + delay for at in deciding), *happens, count - 1})


def _require(market: Market, strategy: Strategy, decisions: Sequence[int], delay: int) -> None:
    if not market.days or not market.symbols:
        raise ValueError("a market without days or without assets")
    if any(not 0 <= at < len(market.days) for at in decisions) or list(decisions) != sorted(set(decisions)):
        raise ValueError(f"decisions are positions of days, 0 to {len(market.days) - 1}, rising, each once")
    if strategy.window < 1:
        raise ValueError(f"a strategy needs to see a day or more, not {strategy.window}")
    if delay < 0:
        raise ValueError("nothing is traded before it is decided")


def _decided(strategy: Strategy, seen: Seen) -> Floats | None:
    said = strategy.weights(seen)
    if said is None:
        return None
    weights = np.asarray(said, np.float64)
    if weights.shape != seen.weights.shape:
        raise ValueError(f"{seen.day}: {len(seen.symbols)} weights are wanted, not {weights.shape}")
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() > 1 + 1e-9:
        raise ValueError(
            f"{seen.day}: weights are at least 0 and at most 1 in sum, not {weights.sum():.6f} in sum"
        )
    return weights


def _trade(
    at: int, weights: Floats | None, told: Told, account: Held, costs: Costs, whole: bool
) -> Iterator[Traded]:
    """Trades to ``weights`` (None: not at all) of what is left after the costs of doing so."""
    worth, prices = told.worth(at, account), told.worths[at]
    if weights is None or worth <= 0:
        return
    factor = np.ones(len(prices)) if told.factor is None else told.factor[at]
    tradable = ~np.isnan(told.market.closes[at])
    wanted = _afforded(weights, worth, prices * account.units, tradable, costs)
    units = np.where(
        tradable, np.divide(wanted, prices, where=tradable, out=np.zeros_like(prices)), account.units
    )
    if whole:
        units = np.where(tradable, np.floor(units * factor + 1e-9) / factor, units)
    moved = (units - account.units) * prices
    moved[np.abs(moved) <= _DUST * worth] = 0.0
    if not moved.any():
        return
    change = np.where(moved != 0, units - account.units, 0.0)
    paid = _charged(moved, costs, worth)
    account.cash -= float(moved.sum()) + paid
    account.units = account.units + change
    shares = np.round(change * factor) if whole else change * factor
    turnover = float(np.abs(moved).sum()) / 2 / worth
    yield Traded(told.market.days[at], shares, prices / factor, paid, turnover)


def _afforded(
    weights: Floats, worth: float, held: Floats, tradable: NDArray[np.bool_], costs: Costs
) -> Floats:
    """Money wanted in each asset: ``weights`` of what is left when the trades to get there are paid."""
    left = worth
    for _ in range(_ROUNDS):
        wanted = _sized(weights, left, held, tradable)
        before, left = left, worth - _charged(wanted - held, costs, worth)
        if abs(left - before) <= _DUST * worth:
            break
    return wanted


def _sized(weights: Floats, left: float, held: Floats, tradable: NDArray[np.bool_]) -> Floats:
    """Money wanted in each asset; what cannot be traded stays, and the rest makes do with what it leaves."""
    if tradable.all():
        return weights * left
    wanted = np.where(tradable, weights * left, held)
    free, asked = left - float(held[~tradable].sum()), float(wanted[tradable].sum())
    if asked > max(free, 0.0):
        wanted[tradable] *= max(free, 0.0) / asked
    return wanted


def _charged(moved: Floats, costs: Costs, worth: float) -> float:
    size = np.abs(moved)
    charged = float(size.sum()) * (costs.fee + costs.slippage)
    if costs.per_order:
        charged += costs.per_order * int((size > _DUST * worth).sum())
    return charged
