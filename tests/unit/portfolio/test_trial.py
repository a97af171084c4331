"""A backtest as somebody asks for it: its days, its span, its figures beside a benchmark."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from manna.portfolio.market import Market
from manna.portfolio.trial import Terms, carried_out, days_table, decision_days, figures, trades_table

DAYS = tuple(date(2024, 1, 1) + timedelta(days=number) for number in range(400))
WHOLE = {"targets": {"A": 1.0}}


def market() -> Market:
    """A rises by one per cent a day, B is flat and pays a hundredth every 100 days."""
    closes = np.column_stack([100 * 1.01 ** np.arange(400), np.full(400, 100.0)])
    dividends = np.zeros((400, 2))
    dividends[100::100, 1] = 1
    return Market(DAYS, ("A", "B"), closes, dividends=dividends)


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("day", ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]),
        ("week", ["2024-01-30"]),
        ("month", ["2024-01-30", "2024-02-01"]),
        ("quarter", ["2024-01-30"]),
        ("year", ["2024-01-30"]),
    ],
)
def test_it_decides_on_the_first_day_of_each_period(every: str, expected: list[str]) -> None:
    """And on the very first: the 30th of January was a Tuesday."""
    days = DAYS[:33]
    assert [str(days[at]) for at in decision_days(days, every, 29)] == expected


def test_weeks_begin_on_mondays() -> None:
    assert [DAYS[at].isoweekday() for at in decision_days(DAYS, "week")] == [1] * 58


def test_a_span_and_what_came_before_it() -> None:
    """Only within the span is anything traded; momentum knows the days before it."""
    terms = Terms(
        "momentum", {"count": 1, "lookback": 30, "skip": 0}, first=DAYS[50], last=DAYS[60], capital=1_000
    )
    found = carried_out(market(), terms)
    assert found.found.days == DAYS[50:61]
    assert found.found.values[:2].tolist() == [1_000, 1_000]
    assert found.found.values[-1] == pytest.approx(1_000 * 1.01**9)


def test_figures_beside_a_benchmark_that_is_not_held() -> None:
    terms = Terms("fixed targets", WHOLE, symbols=("A",), benchmark="B", cost_bps=10, slippage_bps=10)
    found = carried_out(market(), terms)
    said = figures(found)
    assert found.symbols == ("A",)
    assert said["final_value"] == pytest.approx(10_000 / 1.002 * 1.01**398)
    assert said["costs"] == pytest.approx(10_000 - 10_000 / 1.002)
    assert said["benchmark_return"] == pytest.approx(1.01**3 - 1)  # dividends are part of it
    assert said["turnover"] == pytest.approx(0.5 / 1.002 * 252 / 399)
    days = days_table(found)
    assert days["benchmark"][-1] == pytest.approx(10_000 * 1.01**3)
    assert days["drawdown"].min() == pytest.approx(1 / 1.002 - 1)
    assert trades_table(found).rows() == [(DAYS[1], "A", pytest.approx(10_000 / 1.002 / 101), 101.0)]


def test_contributions_are_no_return() -> None:
    """500 at the close of each month's first day, invested the day after; into the benchmark at once."""
    terms = Terms(
        "fixed targets",
        {"targets": {"B": 1.0}},
        contribution=500,
        last=DAYS[62],
        benchmark="B",
        first=DAYS[1],
    )
    found = carried_out(market(), terms)
    said = figures(found)
    assert said["contributions"] == 1_000
    assert said["final_value"] == 11_000
    assert (said["total_return"], said["max_drawdown"]) == (0, 0)
    assert days_table(found)["benchmark"][-1] == 11_000
    flows = {str(day): flow for day, flow in zip(found.found.days, found.found.flows, strict=True) if flow}
    assert flows == {"2024-02-01": 500, "2024-03-01": 500}


def test_what_cannot_be_said_is_null() -> None:
    said = figures(carried_out(market(), Terms("fixed targets", WHOLE, last=DAYS[9])))
    assert (said["annual_return"], said["calmar"], said["beta"]) == (None, None, None)


def test_total_returns_of_one_asset() -> None:
    """A split is no fall; a pause earns nothing; what a delisting pays is the last return."""
    nan = np.nan
    told = Market(
        DAYS[:6],
        ("A",),
        np.array([[nan], [10], [5], [nan], [6], [nan]]),
        np.array([[1.0], [1], [2], [1], [1], [1]]),
        np.array([[0.0], [0], [0.5], [0], [0], [0]]),
        np.array([[nan], [nan], [nan], [nan], [nan], [3.0]]),
    )
    np.testing.assert_allclose(told.total_returns("A"), [nan, 0.1, 0, 0.2, -0.5])


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"strategy": "magic"}, "unknown strategy 'magic'"),
        ({"every": "hour"}, "unknown period 'hour'"),
        ({"capital": 0}, "capital is above zero"),
        ({"cost_bps": -1}, "at least zero"),
        ({"first": DAYS[5], "last": DAYS[4]}, "there are no days from"),
        ({"first": date(2030, 1, 1)}, "prices are from 2024-01-01 to 2025-02-03"),
        ({"benchmark": "SPY"}, "there are no prices of SPY; there are: A, B"),
        ({"symbols": ("C",)}, "there are no prices of C"),
        ({"parameters": {"targets": {"X": 1.0}}}, "targets without prices: X"),
        ({"parameters": {"targets": {"A": 0.7, "B": 0.7}}}, "at most 1 in sum"),
    ],
)
def test_what_cannot_be_tried(terms: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"strategy": "fixed targets", "parameters": WHOLE, **terms}
    with pytest.raises(ValueError, match=said):
        carried_out(market(), Terms(**asked))
