"""Strategies by name: what to hold, from what is known at the close of a day.

What belongs here: small pure rules. What does not: the walk through the past (:mod:`backtest`), orders, or an optimizer of
our own: minimum variance and the like are skfolio's.

A new strategy is a frozen dataclass with ``window`` and ``weights`` (:class:`manna.portfolio.backtest.Strategy`), and
a line in :data:`STRATEGIES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np

from manna.portfolio import indicators
from manna.portfolio.backtest import Strategy
from manna.portfolio.market import Floats, Seen

_TRADING_YEAR, _TRADING_MONTH = 252, 21


@dataclass(frozen=True, slots=True)
class FixedTargets:
    """The same weights at every decision. What does not trade yet is held as cash."""

    targets: Mapping[str, float]
    window: int = 1

    def weights(self, seen: Seen) -> Floats:
        """The targets of what has a price."""
        wanted = np.array([self.targets.get(symbol, 0.0) for symbol in seen.symbols])
        return np.where(np.isnan(seen.closes[-1]), 0.0, wanted)


@dataclass(frozen=True, slots=True)
class DriftBands:
    """The targets again, once one of them has drifted out of its band; until then nothing.

    The band of a target is the narrower of ``absolute`` (0.05: five points of the whole) and ``relative`` (0.25: a quarter
    of the target): the 5/25 rule of Larry Swedroe.
    """

    targets: Mapping[str, float]
    absolute: float = 0.05
    relative: float = 0.25
    window: int = 1

    def weights(self, seen: Seen) -> Floats | None:
        """The targets, or None while all are within their bands."""
        wanted = FixedTargets(self.targets).weights(seen)
        return wanted if outside(seen.weights, wanted, self.absolute, self.relative).any() else None


def outside(held: Floats, targets: Floats, absolute: float, relative: float) -> Any:
    """Which weights are out of their bands: (assets,) of booleans. What has no target is out as soon as it is held."""
    band = np.minimum(absolute, relative * targets)
    return np.abs(held - targets) > band + 1e-12


@dataclass(frozen=True, slots=True)
class Momentum:
    """The ``count`` assets that rose most over ``lookback`` days, but for the last ``skip``, in equal parts.

    Source: Jegadeesh and Titman (1993), twelve months less the last one. What has no price at both ends is left out;
    a part that nothing qualifies for is cash.
    """

    count: int = 10
    lookback: int = _TRADING_YEAR
    skip: int = _TRADING_MONTH

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 <= self.skip < self.lookback:
            raise ValueError("momentum: count is 1 or more, and skip at least 0 and less than lookback")

    @property
    def window(self) -> int:
        """The lookback and the day it begins on."""
        return self.lookback + 1

    def weights(self, seen: Seen) -> Floats:
        """Equal parts of the risen."""
        found = np.zeros(len(seen.symbols))
        if len(seen.closes) < self.window:
            return found
        until = len(seen.closes) - self.skip
        rise = indicators.momentum(seen.closes[:until], until - 1)[-1]
        rise = np.where(np.isnan(seen.closes[-1]), np.nan, rise)
        known = np.flatnonzero(~np.isnan(rise))
        best = known[np.argsort(-rise[known], kind="stable")][: self.count]
        found[best] = 1 / self.count
        return found


@dataclass(frozen=True, slots=True)
class MovingAverageCross:
    """Equal parts of every asset whose ``fast`` moving average is above its ``slow`` one; the parts of the others are cash.

    Source: Brock, Lakonishok and LeBaron (1992), variable-length moving averages without a band. A part is one over the
    number of assets that have both averages. ``exponential``: of exponential averages, which are shown four times ``slow``.
    """

    fast: int = 50
    slow: int = 200
    exponential: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.fast < self.slow:
            raise ValueError(
                f"the fast average is of fewer days than the slow one, not {self.fast} and {self.slow}"
            )

    @property
    def window(self) -> int:
        """Days of the slow average, and some more for an exponential one."""
        return self.slow * (4 if self.exponential else 1)

    def weights(self, seen: Seen) -> Floats:
        """Equal parts of what rises."""
        average = indicators.exponential_average if self.exponential else indicators.simple_average
        found = np.zeros(len(seen.symbols))
        if len(seen.closes) < self.slow:
            return found
        fast, slow = (average(seen.closes, window)[-1] for window in (self.fast, self.slow))
        known = ~np.isnan(fast) & ~np.isnan(slow)
        found[known & (fast > slow)] = 1 / max(int(known.sum()), 1)
        return found


_OPTIMIZERS = ("minimum variance", "risk parity", "hierarchical risk parity", "maximum sharpe")


@dataclass(frozen=True, slots=True)
class Optimized:
    """What skfolio makes of the last ``window`` closes, of the assets that have a price on every one of them.

    ``kind`` is one of minimum variance (Markowitz 1952), risk parity (equal risk contributions: Maillard, Roncalli and
    Teïletche 2010), hierarchical risk parity (López de Prado 2016), maximum Sharpe. ``most`` is the largest weight allowed.
    """

    kind: str
    window: int = _TRADING_YEAR + 1
    most: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in _OPTIMIZERS:
            raise ValueError(f"unknown kind {self.kind!r}; there are: {', '.join(_OPTIMIZERS)}")

    def weights(self, seen: Seen) -> Floats | None:
        """Its weights; None where there are not enough closes yet, or no weights satisfy it (no asset rose, say)."""
        known = np.flatnonzero(~np.isnan(seen.closes).any(axis=0))
        if len(seen.closes) < self.window or len(known) < 2:
            return None
        closes = seen.closes[:, known]
        found = np.zeros(len(seen.symbols))
        fitted = _fitted(self.kind, closes[1:] / closes[:-1] - 1, max(self.most, 1 / len(known)))
        if fitted is None:
            return None
        found[known] = np.clip(fitted, 0.0, 1.0)
        found /= max(found.sum(), 1.0)
        return found


def _fitted(kind: str, returns: Floats, most: float) -> Floats | None:
    from skfolio.exceptions import OptimizationError
    from skfolio.optimization import HierarchicalRiskParity, MeanRisk, ObjectiveFunction, RiskBudgeting

    if kind == "maximum sharpe" and (returns.mean(axis=0) <= 0).all():
        return None  # no mixture of what has no reward has the best one
    models: dict[str, Callable[[], Any]] = {
        "minimum variance": lambda: MeanRisk(max_weights=most),
        "maximum sharpe": lambda: MeanRisk(ObjectiveFunction.MAXIMIZE_RATIO, max_weights=most),
        "risk parity": lambda: RiskBudgeting(max_weights=most),
        "hierarchical risk parity": lambda: HierarchicalRiskParity(max_weights=most),
    }
    try:
        return np.asarray(models[kind]().fit(returns).weights_, np.float64)
    except OptimizationError:
        return None


STRATEGIES: dict[str, Callable[..., Strategy]] = {
    "fixed targets": FixedTargets,
    "drift bands": DriftBands,
    "momentum": Momentum,
    "moving average cross": MovingAverageCross,
    **{kind: lambda kind=kind, **more: Optimized(kind, **more) for kind in _OPTIMIZERS},
}
"""Every strategy by the name that people use."""


def strategy(name: str, **parameters: Any) -> Strategy:
    """The strategy of that name.

    Raises:
        ValueError: there is none, or it has no such parameter (the message names those there are), one is missing, or means nothing.
    """
    if name not in STRATEGIES:
        raise ValueError(f"unknown strategy {name!r}; there are: {', '.join(STRATEGIES)}")
    kind: Any = Optimized if name in _OPTIMIZERS else STRATEGIES[name]
    known = {field.name for field in fields(kind)} - ({"kind"} if name in _OPTIMIZERS else set())
    unknown = sorted(parameters.keys() - known)
    if unknown:
        raise ValueError(f"{name} has no parameter {', '.join(unknown)}; it has: {', '.join(sorted(known))}")
    required = sorted(
        field.name
        for field in fields(kind)
        if field.name in known and field.default is MISSING and field.name not in parameters
    )
    if required:
        raise ValueError(f"{name} needs {', '.join(required)}")
    for field in fields(kind):
        if field.name in parameters and not _fits(parameters[field.name], field.type):
            raise ValueError(f"{name}: {field.name} is {_WORDS[field.type]}, not {parameters[field.name]!r}")
    return STRATEGIES[name](**parameters)


_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Mapping[str, float]: "weights by symbol",
}


def _fits(value: Any, kind: Any) -> bool:
    if kind in (int, float):
        return isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    return isinstance(value, bool if kind is bool else Mapping)
