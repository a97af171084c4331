"""Risk of what the book holds: by market day, with what is missing left out, and nothing said of too little."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from manna.books import Book
from manna.contracts.performance import PERFORMANCE, RISK
from manna.portfolio import risk
from manna.portfolio.benchmark import Benchmark
from manna.portfolio.exposure import by_market_day, exposure, month_ends

FIRST = date(2024, 1, 5)
"""A Friday."""
BOOK = Book(id="home", name="Home", performance={"scenarios": {"Crash": {"shares": "-0.5", "gold": "0.1"}}})


def days(rates, scope="book", name="home"):
    """A day on which 100 come in, then one of each of ``rates`` (None: broken)."""
    rows, worth = [], 100.0
    for number, rate in enumerate([0.0, *rates]):
        before, worth = (0.0 if number == 0 else worth), worth * (1 + (rate or 0))
        rows.append({"date": FIRST + timedelta(number), "opening": before, "closing": worth, "at_work": before or 100,
                     "flows": 0.0 if number else 100.0, "day_return": rate, "reason": "x" if rate is None else None})  # fmt: skip
    amounts = ("opening", "closing", "at_work", "flows", "day_return")
    frame = pl.DataFrame(rows, schema_overrides=dict.fromkeys(amounts, pl.Float64))
    nothing = ("income", "fees", "realized", "unrealized", "currency_effect", "unpriced", "stale")
    return PERFORMANCE.conform(frame.with_columns(
        pl.col(amounts).round(4), book=pl.lit("home"), scope=pl.lit(scope), name=pl.lit(name), currency=pl.lit("USD"),
        **{each: pl.lit(0) for each in nothing},
    ))  # fmt: skip


def weekdays(count):
    found = [FIRST + timedelta(n) for n in range(count)]
    return pl.Series([day for day in found if day.weekday() < 5])


def test_a_weekend_is_part_of_the_market_day_after_it():
    made = by_market_day(days([0.1, 0.1, 0.2, 0.0]), weekdays(5))
    assert made.days == (FIRST, FIRST + timedelta(3), FIRST + timedelta(4))
    assert np.isnan(made.rates[0, 0]), "on its first day it only came in"
    assert made.rates[1:, 0] == pytest.approx([1.1 * 1.1 * 1.2 - 1, 0.0], abs=1e-4)


def test_days_after_the_last_market_day_belong_to_it_and_a_broken_day_is_missing():
    made = by_market_day(
        days([0.1, None, 0.2]), pl.Series([FIRST, FIRST + timedelta(1), FIRST + timedelta(3)])
    )
    assert made.rates[1, 0] == pytest.approx(0.1, abs=1e-5)
    assert np.isnan(made.rates[2, 0])
    assert by_market_day(days([]).clear(), weekdays(3)).days == ()


@pytest.fixture(scope="module")
def measured():
    rates = np.random.default_rng(7).normal(0.0005, 0.01, (400, 2)).round(8)
    frame = pl.concat([
        days(rates[:, 0]), days(rates[:, 0], "class", "shares"), days(rates[:, 0], "holding", "VTI"),
        days(rates[:5, 1], "holding", "NEW"),
    ])  # fmt: skip
    series = by_market_day(frame, pl.Series([FIRST + timedelta(n) for n in range(401)]))
    mix = Benchmark(series.days, ("A",), rates[[0, *range(400)], 1], np.ones((401, 1)), np.zeros((401, 1)))
    return series, exposure(BOOK, frame, series, mix), mix


def figure(table, measure, scope="book", name="home", other=""):
    found = table.filter(scope=scope, name=name, measure=measure, other=other)["value"]
    return float(found[-1]) if len(found) and found[-1] is not None else None


def test_the_figures_are_those_of_their_definitions(measured):
    series, table, mix = measured
    assert RISK.violations(table).list.len().sum() == 0
    rates = series.of("book", "home")[1:]
    for measure in ("volatility", "sharpe", "sortino", "max_drawdown", "value_at_risk", "expected_shortfall",
                    "parametric_value_at_risk", "parametric_expected_shortfall", "calmar"):  # fmt: skip
        assert figure(table, measure) == pytest.approx(float(getattr(risk, measure)(rates)), abs=1e-7), (
            measure
        )
    for measure in ("beta", "alpha", "tracking_error", "information_ratio"):
        expected = float(getattr(risk, measure)(rates, mix.rates[1:]))
        assert figure(table, measure) == pytest.approx(expected, abs=1e-7), measure
    fall = risk.deepest(series.of("book", "home"))
    [row] = table.filter(scope="book", measure="max_drawdown").to_dicts()
    assert (row["peak"], row["trough"]) == (series.days[fall.peak], series.days[fall.trough])


def test_of_too_little_nothing_is_said(measured):
    _, table, _ = measured
    assert figure(table, "volatility", "holding", "NEW") is None
    assert figure(table, "max_drawdown", "holding", "NEW") is not None
    assert table.filter(measure="correlation", name="NEW").is_empty()
    short = days([0.01] * 30)
    found = exposure(
        BOOK, short, by_market_day(short, pl.Series([FIRST + timedelta(n) for n in range(31)])), None
    )
    assert figure(found, "volatility") is not None
    assert figure(found, "annual_return") is None, "less than a year"
    assert figure(found, "beta") is None


def test_rolling_figures_stand_at_the_ends_of_months(measured):
    series, table, mix = measured
    ends = [series.days[at] for at in month_ends(series.days)]
    rolling = table.filter(measure="rolling_beta")
    assert set(rolling["date"]) <= set(ends)
    assert rolling.height == 12, "after the first 63 market days"
    last = risk.beta(series.of("book", "home")[-63:], mix.rates[-63:])
    assert figure(table, "rolling_beta") == pytest.approx(float(last), abs=1e-7)


def test_a_scenario_moves_what_is_held_and_concentration_is_that_of_one_class(measured):
    _, table, _ = measured
    assert figure(table, "stress", other="Crash") == -0.5
    assert figure(table, "concentration", other="classes") == 1


def test_correlation_of_series_with_gaps_is_of_the_periods_both_have():
    rates = np.random.default_rng(3).normal(0, 0.01, (50, 4))
    rates[:20, 1], rates[30:, 2], rates[:, 3] = np.nan, np.nan, 0.0
    found = risk.correlation(rates)
    both = ~np.isnan(rates[:, 1]) & ~np.isnan(rates[:, 2])
    assert found[1, 2] == pytest.approx(np.corrcoef(rates[both, 1], rates[both, 2])[0, 1], abs=1e-12)
    assert found[0, 1] == pytest.approx(np.corrcoef(rates[20:, 0], rates[20:, 1])[0, 1], abs=1e-12)
    assert np.isnan(found[0, 3]), "nothing varies"


def test_a_books_settings_are_complained_about():
    from manna.books import complaints

    said = complaints(
        {
            "id": "x",
            "name": "X",
            "performance": {"benchmark": {"VTI": "0.5"}, "classes": {"a": ["V"], "b": ["V"]}},
        }
    )
    assert any("in several classes: V" in each for each in said)
    assert any(
        "sum to 0.5, not 1" in each
        for each in complaints({"id": "x", "name": "X", "performance": {"benchmark": {"VTI": "0.5"}}})
    )
