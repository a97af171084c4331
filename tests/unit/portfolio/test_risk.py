"""Risk figures against empyrical-reloaded on the same series, to 1e-10; and what it does not say."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.portfolio import risk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at its import: deprecations of its own
    import empyrical

FREE = 0.0001
RANDOM = np.random.default_rng(42)
MARKET = RANDOM.normal(0.0004, 0.01, 1500)
SERIES = {
    "ordinary": 0.8 * MARKET + RANDOM.normal(0.0001, 0.006, 1500),
    "with gaps": np.where(RANDOM.random(1500) < 0.1, np.nan, RANDOM.normal(0, 0.02, 1500)),
    "only losses": -np.abs(RANDOM.normal(0, 0.01, 300)),
    "short": np.array([0.01, -0.02, 0.015]),
    "fat tails": RANDOM.standard_t(3, 900) * 0.01,
}
FIGURES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "annual return": (risk.annual_return, empyrical.annual_return),
    "volatility": (risk.volatility, empyrical.annual_volatility),
    "sharpe": (lambda r: risk.sharpe(r, FREE), lambda r: empyrical.sharpe_ratio(r, FREE)),
    "sortino": (lambda r: risk.sortino(r, FREE), lambda r: empyrical.sortino_ratio(r, FREE)),
    "downside": (lambda r: risk.downside(r, FREE), lambda r: empyrical.downside_risk(r, FREE)),
    "max drawdown": (risk.max_drawdown, empyrical.max_drawdown),
    "calmar": (risk.calmar, empyrical.calmar_ratio),
}
AGAINST: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "beta": (risk.beta, empyrical.beta),
    "alpha": (lambda r, m: risk.alpha(r, m, FREE), lambda r, m: empyrical.alpha(r, m, FREE)),
    "information ratio": (
        lambda r, m: risk.information_ratio(r, m) / np.sqrt(252),
        empyrical.excess_sharpe,
    ),
    "tracking error": (risk.tracking_error, lambda r, m: empyrical.annual_volatility(r - m)),
}


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("series", SERIES)
def test_it_equals_empyrical(name: str, series: str) -> None:
    ours, theirs = FIGURES[name]
    close(ours(SERIES[series]), theirs(SERIES[series]))


@pytest.mark.parametrize("name", AGAINST)
@pytest.mark.parametrize("series", SERIES)
def test_it_equals_empyrical_against_a_benchmark(name: str, series: str) -> None:
    ours, theirs = AGAINST[name]
    returns = SERIES[series]
    close(ours(returns, MARKET[: len(returns)]), theirs(returns, MARKET[: len(returns)]))


@pytest.mark.parametrize("series", [name for name in SERIES if name != "with gaps"])
@pytest.mark.parametrize("tail", [0.01, 0.05, 0.5])
def test_the_tail_equals_empyrical(series: str, tail: float) -> None:
    returns = SERIES[series]
    close(risk.value_at_risk(returns, tail), empyrical.value_at_risk(returns, tail))
    close(risk.expected_shortfall(returns, tail), empyrical.conditional_value_at_risk(returns, tail))


def test_the_tail_leaves_missing_days_out() -> None:
    known = SERIES["with gaps"][~np.isnan(SERIES["with gaps"])]
    close(risk.value_at_risk(SERIES["with gaps"]), empyrical.value_at_risk(known))
    close(risk.expected_shortfall(SERIES["with gaps"]), empyrical.conditional_value_at_risk(known))


def test_rolling_equals_empyrical() -> None:
    import pandas as pd

    returns = SERIES["ordinary"][:200]
    rolled = risk.rolling(risk.volatility, returns, 63)
    assert np.isnan(rolled[:62]).all()
    close(rolled[62:], empyrical.roll_annual_volatility(pd.Series(returns), 63))
    close(
        risk.rolling(risk.sharpe, returns, 63)[62:],
        empyrical.roll_sharpe_ratio(pd.Series(returns), 63),
    )
    assert np.isnan(risk.rolling(risk.sharpe, returns[:5], 63)).all()
    with pytest.raises(ValueError, match="window"):
        risk.rolling(risk.sharpe, returns, 1)


@pytest.mark.parametrize("name", [*FIGURES, "value at risk", "expected shortfall"])
def test_many_series_at_once_say_what_each_says_alone(name: str) -> None:
    more = {"value at risk": risk.value_at_risk, "expected shortfall": risk.expected_shortfall}
    ours = more.get(name) or FIGURES[name][0]
    together = np.column_stack(
        [SERIES["ordinary"][:800], SERIES["with gaps"][:800], SERIES["fat tails"][:800]]
    )
    close(ours(together), [ours(one) for one in together.T])


def test_parametric_tails() -> None:
    """Standard normal: 5 % VaR -1.6449, CVaR -2.0627 (Hull, Options, Futures, and Other Derivatives, ch. 22)."""
    returns = np.array([-1.0, 1.0]) * np.sqrt(0.5)  # mean 0, standard deviation 1
    close(round(risk.parametric_value_at_risk(returns), 4), -1.6449)
    close(round(risk.parametric_expected_shortfall(returns), 4), -2.0627)


def test_a_fall_has_its_days() -> None:
    fall = risk.deepest(np.array([0.1, -0.2, -0.1, 0.3, 0.2, -0.05]))
    assert (fall.peak, fall.trough, fall.recovered) == (0, 2, 4)
    assert fall.depth == pytest.approx(0.8 * 0.9 - 1)
    lost_at_once = risk.deepest(np.array([-0.5, 0.1]))
    assert (lost_at_once.peak, lost_at_once.trough, lost_at_once.recovered) == (-1, 0, None)
    assert risk.deepest(np.array([0.1, 0.1])).depth == 0
    with pytest.raises(ValueError, match="no returns"):
        risk.deepest(np.array([]))


def test_concentration_and_stress() -> None:
    assert 1 / risk.concentration(np.array([0.25] * 4)) == pytest.approx(4)
    assert risk.stress({"a": 0.6, "b": 0.4}, {"a": -0.5, "b": 0.1}) == pytest.approx(-0.26)
    with pytest.raises(ValueError, match="not held: c"):
        risk.stress({"a": 1.0}, {"c": -0.5})


def test_correlation() -> None:
    both = np.column_stack([MARKET, -MARKET, SERIES["ordinary"]])
    close(risk.correlation(both)[0], [1, -1, np.corrcoef(MARKET, SERIES["ordinary"])[0, 1]])
    gaps = np.column_stack([MARKET, SERIES["with gaps"]])
    known = ~np.isnan(SERIES["with gaps"])
    close(risk.correlation(gaps)[0, 1], np.corrcoef(MARKET[known], SERIES["with gaps"][known])[0, 1])


@pytest.mark.parametrize(
    "measure",
    [
        risk.annual_return,
        risk.volatility,
        risk.sharpe,
        risk.sortino,
        risk.downside,
        risk.max_drawdown,
        risk.calmar,
    ],
)
@pytest.mark.parametrize("returns", [np.array([np.nan, np.nan]), np.array([0.0, 0.0])], ids=["none", "still"])
def test_where_nothing_can_be_said_nothing_is_invented(measure: Callable[..., Any], returns: Any) -> None:
    """NaN or zero, without a warning."""
    assert np.nan_to_num(measure(returns)) == 0


def test_what_does_not_vary_has_no_ratio() -> None:
    still = np.zeros(5)
    for found in (
        risk.sharpe(still, FREE),
        risk.beta(MARKET[:5], still),
        risk.information_ratio(still, still),
    ):
        assert np.isnan(found)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-0.9, 2), min_size=2, max_size=60))
def test_drawdowns_of_any_series(rates: list[float]) -> None:
    returns = np.array(rates)
    fall = risk.deepest(returns)
    worth = np.concatenate([[1.0], risk.growth(returns)])
    assert -1 <= fall.depth <= 0
    assert fall.depth == pytest.approx(risk.max_drawdown(returns), abs=1e-12)
    assert worth[fall.trough + 1] / worth[fall.peak + 1] - 1 == pytest.approx(fall.depth)
    assert worth[fall.peak + 1] == worth[: fall.trough + 2].max()
