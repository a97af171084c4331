"""Technical indicators: what traders read off prices.

What belongs here: definitions. What does not: what to do about them (:mod:`strategies`).

Every function takes prices of shape (days, assets) or (days,), oldest first, and gives an array of that shape.
Each day's figure is made from that day and those before it, never from a later one. Where there are not yet enough days
(the warm-up) it is NaN; each function says how many it needs. A missing price is NaN, and so is what depends on it: of
a window, every figure whose window has it in; of smoothed figures (exponential and Wilder's) that day's alone, for they go on
from where they were.

Prices should be in shares of one day (a split is no fall): what :class:`manna.portfolio.market.Seen` shows a strategy is.

Sources: Wilder, New Concepts in Technical Trading Systems (1978); Appel, Technical Analysis (2005); Bollinger on
Bollinger Bands (2001). The tests are worked examples that others have published.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bands:
    """A middle line with one above and one below it, each of the shape of the prices."""

    lower: Floats
    middle: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class Macd:
    """``line``: fast less slow average; ``signal``: average of the line; ``histogram``: line less signal."""

    line: Floats
    signal: Floats
    histogram: Floats


def simple_average(prices: Floats, window: int) -> Floats:
    """Mean of the last ``window`` prices (SMA). Warm-up: ``window`` - 1 days.

    Raises:
        ValueError: the window is less than a day.
    """
    _require(window)
    total = np.zeros_like(prices[window - 1 :])
    for ago in range(window):  # a pass per day: nothing adds up over the years, and NaN stays where it is
        total += _ago(prices, ago, window)
    return _begun(prices, total / window)


def exponential_average(prices: Floats, window: int) -> Floats:
    """Average in which a price ``n`` days old counts (1 - a)^n, a = 2 / (window + 1) (EMA).

    It begins with the simple average of the first ``window`` prices. Warm-up: ``window`` - 1 days.

    Raises:
        ValueError: the window is less than a day.
    """
    return _smoothed(prices, window, 2 / (window + 1))


def momentum(prices: Floats, window: int) -> Floats:
    """Change over the last ``window`` days as a share of the price then (rate of change): 0.1 is ten per cent up.

    Warm-up: ``window`` days.

    Raises:
        ValueError: the window is less than a day.
    """
    _require(window)
    found = np.full(prices.shape, np.nan)
    found[window:] = prices[window:] / prices[: len(prices) - window] - 1
    return found


def rsi(prices: Floats, window: int = 14) -> Floats:
    """Wilder's relative strength index: 100 - 100 / (1 + mean rise / mean fall), 0 to 100, means as Wilder smooths.

    100 where nothing fell, 50 where nothing moved at all. After a missing price the first change is from the last known
    one. Warm-up: ``window`` days.

    Raises:
        ValueError: the window is less than a day.
    """
    change = prices - _before(prices)
    rise, fall = (
        _smoothed(moved, window, 1 / window) for moved in (np.maximum(change, 0), np.maximum(-change, 0))
    )
    moved = rise + fall
    return np.where(
        moved == 0, 50.0, 100 * np.divide(rise, moved, where=moved != 0, out=np.full_like(rise, np.nan))
    )


def macd(prices: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Moving average convergence and divergence: exponential averages, and the exponential average of their difference.

    Warm-up: ``slow`` - 1 days for the line, ``slow`` + ``signal`` - 2 for the signal.

    Raises:
        ValueError: a window is less than a day, or the fast one is no shorter than the slow one.
    """
    if fast >= slow:
        raise ValueError(f"the fast average is of fewer days than the slow one, not {fast} and {slow}")
    line = exponential_average(prices, fast) - exponential_average(prices, slow)
    averaged = exponential_average(line, signal)
    return Macd(line, averaged, line - averaged)


def bollinger(prices: Floats, window: int = 20, width: float = 2.0) -> Bands:
    """The simple average, and ``width`` standard deviations (of the window itself: divided by n) either side of it.

    Warm-up: ``window`` - 1 days.

    Raises:
        ValueError: the window is less than a day.
    """
    middle = simple_average(prices, window)
    known = middle[window - 1 :]
    squares = np.zeros_like(known)
    for ago in range(window):
        squares += (_ago(prices, ago, window) - known) ** 2
    away = width * _begun(prices, np.sqrt(squares / window))
    return Bands(middle - away, middle, middle + away)


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The day's range, reaching to the close before it where that lies outside. On the first day high less low."""
    before = _before(close)
    reach = np.fmax(high, before) - np.fmin(low, before)
    return np.where(np.isnan(high) | np.isnan(low), np.nan, reach)


def average_true_range(high: Floats, low: Floats, close: Floats, window: int = 14) -> Floats:
    """Wilder's average of :func:`true_range`, in money per share (ATR). Warm-up: ``window`` - 1 days.

    Raises:
        ValueError: the window is less than a day, or the three have different shapes.
    """
    if not high.shape == low.shape == close.shape:
        raise ValueError(f"high, low and close have shapes {high.shape}, {low.shape} and {close.shape}")
    return _smoothed(true_range(high, low, close), window, 1 / window)


def _ago(prices: Floats, ago: int, window: int) -> Floats:
    """The prices so many days before the last day of each whole window."""
    return prices[window - 1 - ago : len(prices) - ago] if len(prices) >= window else prices[:0]


def _begun(prices: Floats, figures: Floats) -> Floats:
    """``figures`` at the end of as many days as there are prices, NaN before."""
    found = np.full(prices.shape, np.nan)
    if len(figures):
        found[-len(figures) :] = figures
    return found


def _smoothed(values: Floats, window: int, share: float) -> Floats:
    """Each value counts ``share``, all before it the rest; it begins with the mean of the first ``window`` values."""
    _require(window)
    found = np.full(values.shape, np.nan)
    count = np.zeros(values.shape[1:], np.int64)
    average: Any = np.zeros(values.shape[1:])
    for at, row in enumerate(values):
        known = ~np.isnan(row)
        count = count + known
        part = np.where(count <= window, 1 / np.maximum(count, 1), share)  # a running mean at first
        average = np.where(known, average + part * (row - average), average)
        found[at] = np.where(known & (count >= window), average, np.nan)
    return found


def _before(prices: Floats) -> Floats:
    """The last known price before each day; NaN before the first."""
    days = np.arange(len(prices)).reshape(-1, *[1] * (prices.ndim - 1))
    last = np.maximum.accumulate(np.where(np.isnan(prices), 0, days), axis=0)
    known = np.take_along_axis(prices, last, axis=0)
    return np.concatenate([np.full((1, *prices.shape[1:]), np.nan), known[:-1]])[: len(prices)]


def _require(window: int) -> None:
    if window < 1:
        raise ValueError(f"a window is a day or more, not {window}")
