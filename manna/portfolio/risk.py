"""Risk and reward of a series of returns.

What belongs here: definitions. What does not: where the returns come from (:mod:`returns`), charts, tables.

Every function takes simple returns (0.01 is one per cent) of equal periods, shape (periods,) or (periods, series), and
works along the first axis; it gives a number, or one per series. ``per_year`` is how many periods a year has: 252 for market
days, which is what markets use, not 365. A missing day is NaN: it takes no part in means and deviations, and changes
nothing where returns are compounded; it is never taken for a return of zero in a mean. Where nothing can be said the answer
is NaN. Rates without ``risk_free`` in their name are not in excess of anything; ``risk_free`` is per period.

Sources: Bacon, Practical Portfolio Performance Measurement and Attribution (2008). The figures equal those of
empyrical-reloaded on the same series, which a test shows; where a name means something else there, it is said.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Returns = NDArray[np.float64]
Figure = Any
"""A number, or an array with one per series: numpy's types cannot say which."""

MARKET_DAYS = 252


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall: ``depth`` (-0.2: a fifth was lost) and its places in the series.

    ``peak`` is the last period before the fall (-1: before the first), ``trough`` the lowest one, ``recovered`` the first one
    at the old height again, None if there is none yet.
    """

    depth: float
    peak: int
    trough: int
    recovered: int | None


def growth(returns: Returns) -> Returns:
    """What one unit has become after each period; same shape."""
    return np.asarray(np.cumprod(1 + np.nan_to_num(returns), axis=0), np.float64)


def annual_return(returns: Returns, per_year: float = MARKET_DAYS) -> Figure:
    """Compound rate per year (CAGR). All periods count for the length, missing ones too."""
    with _quiet():
        return np.prod(1 + np.nan_to_num(returns), axis=0) ** (per_year / len(returns)) - 1


def volatility(returns: Returns, per_year: float = MARKET_DAYS) -> Figure:
    """Standard deviation (n - 1) per year: times the root of ``per_year``."""
    with _quiet():
        return _deviation(returns) * np.sqrt(per_year)


def sharpe(returns: Returns, risk_free: float = 0.0, per_year: float = MARKET_DAYS) -> Figure:
    """Mean excess return over its standard deviation, per year (Sharpe 1994)."""
    excess = returns - risk_free
    with _quiet():
        return _ratio(_mean(excess), _deviation(excess)) * np.sqrt(per_year)


def downside(returns: Returns, required: float = 0.0, per_year: float = MARKET_DAYS) -> Figure:
    """Root of the mean square of what falls short of ``required`` (periods that do not count as 0), per year."""
    short = np.minimum(returns - required, 0)
    with _quiet():
        return np.sqrt(_mean(short**2)) * np.sqrt(per_year)


def sortino(returns: Returns, required: float = 0.0, per_year: float = MARKET_DAYS) -> Figure:
    """Mean return above ``required`` per year, over :func:`downside` (Sortino and Price 1994)."""
    with _quiet():
        mean = _mean(returns) - required
        return _ratio(mean * per_year, downside(returns, required, per_year))


def drawdowns(returns: Returns) -> Returns:
    """How far below its highest point so far each period ends: zero or negative; the beginning counts as a point."""
    worth = growth(returns)
    return worth / np.maximum(np.maximum.accumulate(worth, axis=0), 1) - 1


def max_drawdown(returns: Returns) -> Figure:
    """The deepest of :func:`drawdowns`, zero if there is none."""
    return np.asarray(drawdowns(returns)).min(axis=0, initial=0.0)


def deepest(returns: Returns) -> Drawdown:
    """The deepest fall of one series, with its places.

    Raises:
        ValueError: no period.
    """
    if not len(returns):
        raise ValueError("no returns")
    worth = np.concatenate([[1.0], growth(returns)])
    fallen = worth / np.maximum.accumulate(worth) - 1
    trough = int(fallen.argmin())
    peak = int(np.flatnonzero(worth[: trough + 1] == worth[: trough + 1].max())[-1])
    after = np.flatnonzero(worth[trough:] >= worth[peak])
    recovered = None if fallen[trough] == 0 or not len(after) else trough + int(after[0]) - 1
    return Drawdown(float(fallen[trough]), peak - 1, trough - 1, recovered)


def calmar(returns: Returns, per_year: float = MARKET_DAYS) -> Figure:
    """:func:`annual_return` over the depth of :func:`max_drawdown`; NaN without a fall (Young 1991)."""
    fall = max_drawdown(returns)
    with _quiet():
        return np.where(fall < 0, annual_return(returns, per_year) / np.abs(fall), np.nan)[()]


def value_at_risk(returns: Returns, tail: float = 0.05) -> Figure:
    """Historical VaR of one period: the return that ``tail`` of all periods fall short of (a loss is negative).

    Interpolated linearly between two observations.
    """
    with _quiet():
        return np.nanquantile(returns, tail, axis=0, method="linear")


def expected_shortfall(returns: Returns, tail: float = 0.05) -> Figure:
    """Historical CVaR: mean of the lowest floor((n - 1) x tail) + 1 returns of each series."""
    if returns.ndim == 1:
        known = np.sort(returns[~np.isnan(returns)])
        return known[: int((len(known) - 1) * tail) + 1].mean() if len(known) else np.float64(np.nan)
    return np.array([expected_shortfall(one, tail) for one in returns.T])


def parametric_value_at_risk(returns: Returns, tail: float = 0.05) -> Figure:
    """VaR of one period if returns were normal: mean + z(tail) x standard deviation (n - 1)."""
    with _quiet():
        deviation = _deviation(returns)
        return _mean(returns) + NormalDist().inv_cdf(tail) * deviation


def parametric_expected_shortfall(returns: Returns, tail: float = 0.05) -> Figure:
    """CVaR of one period if returns were normal: mean - density(z) / tail x standard deviation (n - 1)."""
    normal = NormalDist()
    with _quiet():
        deviation = _deviation(returns)
        return _mean(returns) - normal.pdf(normal.inv_cdf(tail)) / tail * deviation


def beta(returns: Returns, benchmark: Returns) -> Figure:
    """Covariance with the benchmark over its variance, of the periods that both have."""
    both, market = _paired(returns, benchmark)
    with _quiet():
        market = market - _mean(market)
        return _ratio(_mean(market * both), _mean(market**2))


def alpha(
    returns: Returns, benchmark: Returns, risk_free: float = 0.0, per_year: float = MARKET_DAYS
) -> Figure:
    """Jensen's alpha: mean excess return less beta x the benchmark's, compounded to a year (Jensen 1968)."""
    slope = beta(returns, benchmark)
    both, market = _paired(returns, benchmark)
    with _quiet():
        left = both - risk_free - slope * (market - risk_free)
        return (_mean(left) + 1) ** per_year - 1


def tracking_error(returns: Returns, benchmark: Returns, per_year: float = MARKET_DAYS) -> Figure:
    """Standard deviation (n - 1) of the difference from the benchmark, per year."""
    return volatility(np.subtract(*_paired(returns, benchmark)), per_year)


def information_ratio(returns: Returns, benchmark: Returns, per_year: float = MARKET_DAYS) -> Figure:
    """Mean difference from the benchmark per year over :func:`tracking_error`.

    empyrical's ``excess_sharpe`` is the same per period: this one divided by the root of ``per_year``.
    """
    return sharpe(np.subtract(*_paired(returns, benchmark)), 0.0, per_year)


def correlation(returns: Returns) -> Returns:
    """Correlation of every two series over the periods both have: (series, series)."""
    missing = np.isnan(returns)
    with _quiet():
        if not missing.any():
            return np.atleast_2d(np.corrcoef(returns, rowvar=False))
        # Around each series' own mean, for the sums below lose no digits then; it takes no part in the result.
        there, some = (
            (~missing).astype(np.float64),
            np.where(missing, 0, returns - np.nanmean(returns, axis=0)),
        )
        n, sums, squares = there.T @ there, some.T @ there, (some**2).T @ there
        covariance = some.T @ some - sums * sums.T / n
        spread = squares - sums**2 / n
        return np.asarray(_ratio(covariance, np.sqrt(spread * spread.T)), np.float64)


def concentration(weights: Returns) -> np.float64:
    """Sum of squared weights (Herfindahl and Hirschman): one over it is how many equal holdings it is like."""
    return np.float64((weights**2).sum())


def stress(weights: Mapping[str, float], shocks: Mapping[str, float]) -> float:
    """What one move of everything at once would cost: sum of weight x shock; what has no shock does not move.

    Raises:
        ValueError: a shock of something that is not held, which is a slip of the pen more often than not.
    """
    unknown = sorted(shocks.keys() - weights.keys())
    if unknown:
        raise ValueError(f"a shock of what is not held: {', '.join(unknown)}")
    return sum(weights[name] * shock for name, shock in shocks.items())


def rolling(measure: Callable[[Returns], Figure], returns: Returns, window: int) -> Returns:
    """``measure`` of every ``window`` periods on end of one series; NaN before the first whole window. Same length.

    Raises:
        ValueError: the window has less than two periods.
    """
    if window < 2:
        raise ValueError(f"a window of {window} periods says nothing")
    found = np.full(len(returns), np.nan)
    if len(returns) >= window:
        # A column of a matrix lies scattered in memory, and would be fetched anew for each of its windows.
        windows = np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(returns), window)
        found[window - 1 :] = measure(windows.T)
    return found


def _mean(returns: Returns) -> Figure:
    """Of what is known. Numpy's functions that look for NaN take five times as long, so they are asked where there is one."""
    found = np.mean(returns, axis=0)
    return np.nanmean(returns, axis=0) if np.isnan(found).any() else found


def _deviation(returns: Returns) -> Figure:
    """Standard deviation (n - 1) of what is known, as :func:`_mean`."""
    found = np.std(returns, axis=0, ddof=1)
    return np.nanstd(returns, axis=0, ddof=1) if np.isnan(found).any() else found


def rolling_beta(returns: Returns, benchmark: Returns, window: int) -> Returns:
    """:func:`beta` of every ``window`` periods on end of one series; see :func:`rolling`."""
    found = np.full(len(returns), np.nan)
    if len(returns) >= window:
        own, market = (
            np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(one), window).T
            for one in (returns, benchmark)
        )
        found[window - 1 :] = beta(own, market)
    return found


def _ratio(over: Figure, under: Figure) -> Figure:
    """A quotient, NaN where nothing varies: a return without risk is not infinitely good."""
    return np.where(under != 0, np.divide(over, under), np.nan)[()]


def _paired(returns: Returns, benchmark: Returns) -> tuple[Returns, Returns]:
    """Both with NaN where either has none, in one shape."""
    if benchmark.ndim < returns.ndim:
        benchmark = benchmark[:, None]
    missing = np.isnan(returns) | np.isnan(benchmark)
    if not missing.any():
        return returns, benchmark
    return np.where(missing, np.nan, returns), np.where(missing, np.nan, benchmark)


@contextmanager
def _quiet() -> Iterator[None]:
    """Numpy warns of empty and constant series; here NaN is the answer to them, as the module says."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
