"""Technical indicators: worked examples that others have published, warm-up, missing prices, and no look ahead."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from manna.portfolio import indicators
from manna.portfolio.indicators import Floats

# StockCharts ChartSchool, "Moving Averages - Simple and Exponential" (cs-movavg.xls): Intel, 10 days
INTEL = [22.27, 22.19, 22.08, 22.17, 22.18, 22.13, 22.23, 22.43, 22.24, 22.29, 22.15, 22.39, 22.38, 22.61, 23.36, 24.05, 23.75, 23.83, 23.95, 23.63, 23.82, 23.87, 23.65, 23.19, 23.10, 23.33, 22.68, 23.10, 22.40, 22.17]  # fmt: skip
INTEL_SIMPLE = [22.22, 22.21, 22.23, 22.26, 22.31, 22.42, 22.61, 22.77, 22.91, 23.08, 23.21, 23.38, 23.53, 23.65, 23.71, 23.69, 23.61, 23.51, 23.43, 23.28, 23.13]  # fmt: skip
INTEL_EXPONENTIAL = [22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.80, 22.97, 23.13, 23.28, 23.34, 23.43, 23.51, 23.54, 23.47, 23.40, 23.39, 23.26, 23.23, 23.08, 22.92]  # fmt: skip

# StockCharts ChartSchool, "Relative Strength Index" (cs-rsi.xls): QQQQ, 14 days
QQQQ = [44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314]  # fmt: skip
QQQQ_RSI = [70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46, 41.87, 45.46, 37.30, 33.08, 37.77]  # fmt: skip

# investexcel.net, "How to Calculate MACD in Excel": Apple, 12, 26 and 9 days
APPLE = [459.99, 448.85, 446.06, 450.81, 442.80, 448.97, 444.57, 441.40, 430.47, 420.05, 431.14, 425.66, 430.58, 431.72, 437.87, 428.43, 428.35, 432.50, 443.66, 455.72, 454.49, 452.08, 452.73, 461.91, 463.58, 461.14, 452.08, 442.66, 428.91, 429.79, 431.99, 427.72, 423.20, 426.21]  # fmt: skip
APPLE_MACD = [8.275269504, 7.703378381, 6.416074757, 4.237519783, 2.552583325, 1.378885719, 0.102981491, -1.258401953, -2.070558190]  # fmt: skip

# StockCharts ChartSchool, "Bollinger Bands" (cs-bollinger.xls): SPY, 20 days, 2 deviations: middle, upper, lower
SPY = [86.16, 89.09, 88.78, 90.32, 89.07, 91.15, 89.44, 89.18, 86.93, 87.68, 86.96, 89.43, 89.32, 88.72, 87.45, 87.26, 89.50, 87.90, 89.13, 90.70, 92.90, 92.98, 91.80, 92.66]  # fmt: skip
SPY_BANDS = [(88.71, 91.29, 86.12), (89.05, 91.95, 86.14), (89.24, 92.61, 85.87), (89.39, 92.93, 85.85), (89.51, 93.31, 85.70)]  # fmt: skip

# StockCharts ChartSchool, "Average True Range" (cs-atr.xls): QQQ, 14 days: high, low, close
QQQ = [(48.70, 47.79, 48.16), (48.72, 48.14, 48.61), (48.90, 48.39, 48.75), (48.87, 48.37, 48.63), (48.82, 48.24, 48.74), (49.05, 48.64, 49.03), (49.20, 48.94, 49.07), (49.35, 48.86, 49.32), (49.92, 49.50, 49.91), (50.19, 49.87, 50.13), (50.12, 49.20, 49.53), (49.66, 48.90, 49.50), (49.88, 49.43, 49.75), (50.19, 49.73, 50.03), (50.36, 49.26, 50.31), (50.57, 50.09, 50.52), (50.65, 50.30, 50.41), (50.43, 49.21, 49.34), (49.63, 48.98, 49.37), (50.33, 49.61, 50.23), (50.29, 49.20, 49.24), (50.17, 49.43, 49.93), (49.32, 48.08, 48.43), (48.50, 47.64, 48.18), (48.32, 41.55, 46.57), (46.80, 44.28, 45.41), (47.80, 47.31, 47.77), (48.39, 47.20, 47.72), (48.66, 47.90, 48.62), (48.79, 47.73, 47.85)]  # fmt: skip
QQQ_ATR = [
    0.55,
    0.59,
    0.59,
    0.57,
    0.61,
    0.62,
    0.64,
    0.67,
    0.69,
    0.77,
    0.78,
    1.21,
    1.30,
    1.38,
    1.37,
    1.34,
    1.32,
]

CENT = 0.0101
"""The examples were worked out with more decimals than they show, of prices too."""


def begun(figures: Floats, warm_up: int) -> list[float]:
    """What follows the warm-up, which is NaN."""
    assert np.isnan(figures[:warm_up]).all()
    assert not np.isnan(figures[warm_up:]).any()
    return list(figures[warm_up:].tolist())


class TestPublished:
    def test_simple_average(self) -> None:
        assert begun(indicators.simple_average(np.array(INTEL), 10), 9) == pytest.approx(
            INTEL_SIMPLE, abs=CENT
        )

    def test_exponential_average(self) -> None:
        assert begun(indicators.exponential_average(np.array(INTEL), 10), 9) == pytest.approx(
            INTEL_EXPONENTIAL, abs=CENT
        )

    def test_rsi(self) -> None:
        assert begun(indicators.rsi(np.array(QQQQ)), 14) == pytest.approx(QQQQ_RSI, abs=CENT)

    def test_macd(self) -> None:
        found = indicators.macd(np.array(APPLE))
        assert begun(found.line, 25) == pytest.approx(APPLE_MACD, abs=1e-8)
        assert begun(found.signal, 33) == pytest.approx([3.037525869], abs=1e-8)
        assert found.histogram[-1] == pytest.approx(-2.070558190 - 3.037525869, abs=1e-8)

    def test_bollinger(self) -> None:
        found = indicators.bollinger(np.array(SPY))
        for line, place in ((found.middle, 0), (found.upper, 1), (found.lower, 2)):
            assert begun(line, 19) == pytest.approx([bands[place] for bands in SPY_BANDS], abs=CENT)

    def test_average_true_range(self) -> None:
        high, low, close = np.array(QQQ).T
        assert begun(indicators.average_true_range(high, low, close), 13) == pytest.approx(QQQ_ATR, abs=CENT)

    def test_momentum(self) -> None:
        """Jegadeesh and Titman's measure is the plain change: 110 of 100 is a tenth."""
        assert indicators.momentum(np.array([100.0, 105, 110]), 2)[2] == pytest.approx(0.1)


EVERY: dict[str, Callable[[Floats], Any]] = {
    "simple average": lambda prices: indicators.simple_average(prices, 4),
    "exponential average": lambda prices: indicators.exponential_average(prices, 4),
    "momentum": lambda prices: indicators.momentum(prices, 4),
    "rsi": lambda prices: indicators.rsi(prices, 4),
    "macd": lambda prices: indicators.macd(prices, 3, 6, 2).histogram,
    "bollinger": lambda prices: indicators.bollinger(prices, 4).upper,
    "average true range": lambda prices: indicators.average_true_range(prices + 1, prices - 1, prices, 4),
}


@pytest.mark.parametrize("name", EVERY)
class TestEvery:
    def test_assets_are_worked_out_apart(self, name: str) -> None:
        prices = 50 + np.cumsum(np.random.default_rng(3).normal(size=(40, 3)), axis=0)
        prices[5:9, 1] = np.nan
        together = EVERY[name](prices)
        for asset in range(3):
            np.testing.assert_array_equal(together[:, asset], EVERY[name](prices[:, asset]))

    def test_no_day_knows_a_later_one(self, name: str) -> None:
        prices = 50 + np.cumsum(np.random.default_rng(4).normal(size=(40, 2)), axis=0)
        other = prices.copy()
        other[25:] = 7
        other[30, 0] = np.nan
        np.testing.assert_array_equal(EVERY[name](prices)[:25], EVERY[name](other)[:25])

    def test_a_missing_price_says_nothing_and_is_got_over(self, name: str) -> None:
        prices = 50 + np.cumsum(np.random.default_rng(5).normal(size=40))
        prices[20] = np.nan
        found = EVERY[name](prices)
        assert np.isnan(found[20])
        assert not np.isnan(found[26:]).any()

    def test_an_asset_may_begin_late(self, name: str) -> None:
        prices = 50 + np.cumsum(np.random.default_rng(6).normal(size=40))
        late = np.concatenate([np.full(7, np.nan), prices])
        np.testing.assert_array_equal(EVERY[name](late)[7:], EVERY[name](prices))
        assert np.isnan(EVERY[name](late)[:7]).all()

    def test_too_few_days_say_nothing(self, name: str) -> None:
        found = EVERY[name](np.array([1.0, 2.0]))
        assert found.shape == (2,)
        assert np.isnan(found).all()
        assert EVERY[name](np.zeros((0, 3))).shape == (0, 3)


def test_rsi_at_its_ends() -> None:
    rising, flat = np.arange(1.0, 9), np.full(8, 3.0)
    assert indicators.rsi(rising, 3)[-1] == 100
    assert indicators.rsi(rising[::-1].copy(), 3)[-1] == 0
    assert indicators.rsi(flat, 3)[-1] == 50


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda prices: indicators.simple_average(prices, 0), "a day or more, not 0"),
        (lambda prices: indicators.momentum(prices, 0), "a day or more, not 0"),
        (lambda prices: indicators.rsi(prices, -1), "a day or more, not -1"),
        (lambda prices: indicators.macd(prices, 26, 12), "not 26 and 12"),
        (lambda prices: indicators.average_true_range(prices, prices, prices[1:]), "have shapes"),
    ],
)
def test_what_is_no_window(call: Callable[[Floats], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(np.ones(5))
