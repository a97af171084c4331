"""What holds of every backtest: value is conserved, and no weight depends on what comes after it."""

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.portfolio.backtest import Backtest, Costs, Strategy, backtest
from manna.portfolio.market import Floats, Market, Seen
from manna.portfolio.strategies import DriftBands, FixedTargets, Momentum

SYMBOLS = tuple("ABCDE")


def any_market(random: np.random.Generator, days: int, assets: int) -> Market:
    """Prices that jump, pause, split, pay, and end."""
    closes = 50 * np.exp(np.cumsum(random.normal(0, 0.05, (days, assets)), axis=0))
    splits = np.where(
        random.random((days, assets)) < 0.03, random.choice([0.1, 0.5, 2, 3], (days, assets)), 1.0
    )
    splits[0] = 1
    closes /= np.cumprod(splits, axis=0)
    closes[random.random((days, assets)) < 0.15] = np.nan
    for asset in np.flatnonzero(random.random(assets) < 0.5):
        pause = int(random.integers(0, days))
        closes[pause : pause + int(random.integers(1, days + 1)), asset] = np.nan
    dividends = np.where(random.random((days, assets)) < 0.05, random.uniform(0, 1, (days, assets)), 0.0)
    delistings = np.full((days, assets), np.nan)
    for asset in np.flatnonzero(random.random(assets) < 0.3):
        end = int(random.integers(1, days))
        closes[end:, asset], dividends[end:, asset] = np.nan, 0
        splits[end:, asset] = 1
        delistings[end, asset] = random.choice([0.0, 5.0, 40.0])
    calendar = tuple(date(2024, 1, 1) + timedelta(days=number) for number in range(days))
    return Market(calendar, SYMBOLS[:assets], closes, splits, dividends, delistings, patience=4)


def rewritten(market: Market, after: int, random: np.random.Generator) -> Market:
    """The same market up to and with day ``after``, another one from then on: other events, pauses and ends too."""
    other = any_market(random, len(market.days), len(market.symbols))
    gone = ~np.isnan(np.asarray(market.delistings)[: after + 1]).all(axis=0)
    cut = {}
    for name in ("closes", "splits", "dividends", "delistings"):
        cut[name] = getattr(other, name).copy()
        cut[name][: after + 1] = getattr(market, name)[: after + 1]
    cut["closes"][after + 1 :, gone] = np.nan
    ended = ~np.isnan(np.asarray(other.delistings)[: after + 1]).all(axis=0)
    cut["closes"][after + 1 :, ended & ~gone] = 77.0
    return replace(market, **cut)


@dataclass(frozen=True, slots=True)
class Whimsical:
    """Weights that depend on everything it is shown, down to the last bit."""

    window: int = 6

    def weights(self, seen: Seen) -> Floats | None:
        shown = np.nan_to_num(seen.closes).tobytes() + seen.weights.tobytes()
        random = np.random.default_rng(list(shown[:4000]))
        return random.dirichlet(np.ones(len(seen.symbols) + 1))[:-1]


STRATEGIES: list[Strategy] = [
    Whimsical(),
    FixedTargets({"A": 0.5, "B": 0.3}),
    DriftBands({"A": 0.5, "B": 0.3}),
    Momentum(count=2, lookback=5, skip=1),
]

terms = {
    "seed": st.integers(0, 2**31),
    "days": st.integers(3, 40),
    "assets": st.integers(1, 5),
    "chosen": st.sets(st.integers(0, 39), min_size=1),
    "made": st.sampled_from(STRATEGIES),
    "delay": st.integers(0, 2),
    "whole": st.booleans(),
    "costs": st.builds(Costs, st.floats(0, 0.02), st.floats(0, 0.02), st.sampled_from([0.0, 1.0])),
}


@settings(deadline=None, max_examples=80)
@given(**terms)
def test_value_is_conserved(
    seed: int, days: int, assets: int, chosen: set[int], made: Strategy, delay: int, whole: bool, costs: Costs
) -> None:
    """Every day: the value before, and what shares gained, dividends and delistings paid, and flows, less costs.

    Told again from the trades alone, share by share, with raw prices and events, and no matrices.
    """
    random = np.random.default_rng(seed)
    market = any_market(random, days, assets)
    flows = np.where(random.random(days) < 0.2, random.uniform(-300, 900, days), 0.0)
    decisions = sorted(at for at in chosen if at < days)
    found = backtest(
        market, made, decisions, capital=10_000, flows=flows, costs=costs, delay=delay, whole=whole
    )
    values, costs_paid = told_again(market, found, 10_000.0, whole)
    np.testing.assert_allclose(found.values, values, rtol=1e-9, atol=1e-6)
    assert found.costs == pytest.approx(costs_paid, rel=1e-9, abs=1e-9)
    for trade in found.trades:
        assert not whole or (np.abs(trade.units - np.round(trade.units)) < 1e-6).all()


def told_again(market: Market, found: Backtest, capital: float, whole: bool) -> tuple[list[float], float]:
    shares, last, cash, values, paid = (
        [0.0] * len(market.symbols),
        [0.0] * len(market.symbols),
        capital,
        [],
        0.0,
    )
    silent = [0] * len(market.symbols)
    trades = {trade.day: trade for trade in found.trades}
    for at, day in enumerate(market.days):
        gains = 0.0
        for asset in range(len(shares)):
            before = shares[asset] * last[asset]
            shares[asset] *= market.splits[at, asset]  # type: ignore[index]
            close, ended = market.closes[at, asset], market.delistings[at, asset]  # type: ignore[index]
            silent[asset] = silent[asset] + 1 if np.isnan(close) else 0
            last[asset] = last[asset] / market.splits[at, asset] if np.isnan(close) else close  # type: ignore[index]
            income = shares[asset] * market.dividends[at, asset]  # type: ignore[index]
            if not np.isnan(ended):
                last[asset] = float(ended)
            gains += shares[asset] * last[asset] - before + income
            cash += income
            if not np.isnan(ended) or silent[asset] == market.patience:
                cash += shares[asset] * last[asset]
                shares[asset] = 0.0
            elif whole and market.splits[at, asset] != 1:  # type: ignore[index]
                cash += (shares[asset] - math.floor(shares[asset] + 1e-9)) * last[asset]
                shares[asset] = math.floor(shares[asset] + 1e-9)
        cash += found.flows[at]
        cost = 0.0
        if day in trades:
            trade = trades[day]
            cost = trade.costs
            cash -= cost
            for asset, units in enumerate(trade.units):
                shares[asset] += units
                cash -= units * trade.prices[asset]
        paid += cost
        value = cash + sum(held * price for held, price in zip(shares, last, strict=True))
        opening = values[-1] if values else capital
        assert value == pytest.approx(opening + gains + found.flows[at] - cost, rel=1e-9, abs=1e-6)
        values.append(value)
    return values, paid


@settings(deadline=None, max_examples=80)
@given(**terms, cut=st.integers(0, 38))
def test_no_weight_depends_on_what_comes_after_it(
    seed: int,
    days: int,
    assets: int,
    chosen: set[int],
    made: Strategy,
    delay: int,
    whole: bool,
    costs: Costs,
    cut: int,
) -> None:
    """Prices, pauses, splits, dividends and delistings after a day are all others: up to that day not a bit changes."""
    random = np.random.default_rng(seed)
    one = any_market(random, days, assets)
    at = min(cut, days - 2)
    two = rewritten(one, at, random)
    decisions = sorted(day for day in chosen if day < days)

    def shown(market: Market) -> tuple[list[tuple[date, bytes]], Backtest]:
        watched = Watched(made)
        return watched.said, backtest(market, watched, decisions, costs=costs, delay=delay, whole=whole)

    (said_one, found_one), (said_two, found_two) = shown(one), shown(two)
    assert found_one.cash.min() > -1e-6  # nothing is ever borrowed
    last = one.days[at]
    assert [said for said in said_one if said[0] <= last] == [said for said in said_two if said[0] <= last]
    for first, second in zip(_until(found_one, last), _until(found_two, last), strict=True):
        assert first.units.tolist() == second.units.tolist()
    np.testing.assert_allclose(found_one.values[: at + 1], found_two.values[: at + 1], rtol=1e-12)


@dataclass(slots=True)
class Watched:
    """Another strategy, with what it answered on each day."""

    inner: Strategy
    said: list[tuple[date, bytes]] | None = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.said = []

    @property
    def window(self) -> int:
        return self.inner.window

    def weights(self, seen: Seen) -> Floats | None:
        answer = self.inner.weights(seen)
        self.said.append((seen.day, b"" if answer is None else answer.tobytes()))
        return answer


def _until(found: Backtest, last: date) -> list:  # type: ignore[type-arg]
    return [trade for trade in found.trades if trade.day <= last]
