"""Contribution and attribution: published examples, and effects that sum to what they explain."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.contracts import CONTRACTS
from manna.contracts.performance import ATTRIBUTION, PERFORMANCE
from manna.portfolio.attribution import brinson_fachler, carino, contributions
from manna.portfolio.benchmark import benchmark, market_days, symbol_returns
from manna.portfolio.contribution import attribution, contributed, parts_of
from manna.portfolio.spans import span_returns

RATES = st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=3)


def test_bacons_example():
    # Bacon (2008), Practical Portfolio Performance Measurement and Attribution, tables 5.1 to 5.5: UK, Japanese, US shares.
    found = brinson_fachler(
        np.array([0.4, 0.3, 0.3]), np.array([0.2, -0.05, 0.06]),
        np.array([0.4, 0.2, 0.4]), np.array([0.1, -0.04, 0.08]),
    )  # fmt: skip
    assert found.allocation == pytest.approx([0.0, -0.0104, -0.0016])
    assert found.selection == pytest.approx([0.04, -0.002, -0.008])
    assert found.interaction == pytest.approx([0.0, -0.001, 0.002])
    total = found.allocation.sum() + found.selection.sum() + found.interaction.sum()
    assert total == pytest.approx(0.083 - 0.064)


def test_what_the_benchmark_does_not_hold_is_allocation():
    found = brinson_fachler(
        np.array([0.5, 0.5]), np.array([0.1, 0.3]), np.array([1.0, 0.0]), np.array([0.1, np.nan])
    )
    assert found.allocation == pytest.approx([0.0, 0.1])
    assert (found.selection.sum(), found.interaction.sum()) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RATES, RATES, st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_linked_effects_sum_to_the_difference_of_the_compounded_returns(periods):
    own, theirs, one, other = (np.array(column) for column in zip(*periods, strict=True))
    weights = np.column_stack([one / 2, one / 2, 1 - one])
    mix = np.column_stack([other, (1 - other) / 3, (1 - other) * 2 / 3])
    found = brinson_fachler(weights, own, mix, theirs)
    rates, mix_rates = (weights * own).sum(1), (mix * theirs).sum(1)
    effects = found.allocation + found.selection + found.interaction
    assert effects.sum(1) == pytest.approx(rates - mix_rates, abs=1e-12)
    whole = np.prod(1 + rates) - np.prod(1 + mix_rates)
    assert carino(effects, rates, mix_rates).sum() == pytest.approx(whole, abs=1e-12)
    assert contributions(weights * own, rates).sum() == pytest.approx(np.prod(1 + rates) - 1, abs=1e-12)


def day(number):
    return date(2026, 3, 2) + timedelta(number)


@pytest.fixture
def bars(frame):
    rows = [("A", 0, 100), ("A", 1, 110), ("A", 2, 57), ("B", 0, 50), ("B", 2, 55)]
    return frame("clean.bars", *({"symbol": s, "date": day(n), "close": c} for s, n, c in rows))


@pytest.fixture
def actions(frame):
    return frame(
        "clean.corporate_actions",
        {"action_id": "s", "symbol": "A", "ex_date": day(2), "ratio": 2},
        {"action_id": "d", "symbol": "B", "ex_date": day(2), "kind": "dividend", "cash": 5},
    )


def test_a_symbols_return_has_its_splits_and_dividends(bars, actions):
    made = symbol_returns(["B", "CASH", "A"], market_days(bars), bars, actions)
    assert np.isnan(made[0, [0, 2]]).all()
    assert made[1:, 2] == pytest.approx([0.1, 57 * 2 / 110 - 1])
    assert made[1:, 0] == pytest.approx([0.0, (55 + 5) / 50 - 1]), "a day without a bar is a return of zero"
    assert made[:, 1].tolist() == [0, 0, 0]


def test_a_benchmark_drifts_until_the_next_month(bars, actions):
    made = benchmark({"A": 0.5, "B": 0.5, "C": 0.0}, market_days(bars), bars, actions)
    assert made is not None
    assert made.symbols == ("A", "B")
    assert made.weights[2] == pytest.approx([0.55 / 1.05, 0.5 / 1.05])
    assert made.rates[1] == pytest.approx(0.05)
    assert benchmark({}, market_days(bars), bars, actions) is None


def performance_of(*segments):
    """(class, [(flows, closing) by day]): days of two classes and their book."""
    rows = []
    for name, moves in segments:
        opening = Decimal(0)
        for number, (flows, closing) in enumerate(moves):
            rows.append((name, day(number), opening, Decimal(flows), Decimal(closing)))
            opening = Decimal(closing)
    each = pl.DataFrame(rows, schema=["name", "date", "opening", "flows", "closing"], orient="row")
    book = (
        each.group_by("date")
        .agg(pl.col("opening", "flows", "closing").sum())
        .with_columns(name=pl.lit("home"))
    )
    both = pl.concat(
        [
            each.with_columns(scope=pl.lit("class")),
            book.select(each.columns).with_columns(scope=pl.lit("book")),
        ]
    )
    at_work = pl.col("opening") + pl.max_horizontal(pl.col("flows"), 0)
    earned = pl.col("closing") - pl.col("opening") - pl.col("flows")
    return PERFORMANCE.conform(both.with_columns(
        at_work=at_work, day_return=(earned.cast(float) / at_work.cast(float)).round(8), unrealized=earned,
        **{name: pl.lit(0) for name in ("income", "fees", "realized", "currency_effect", "unpriced", "stale")},
        book=pl.lit("home"), currency=pl.lit("USD"), reason=pl.lit(None, pl.String),
    ))  # fmt: skip


def test_a_books_attribution_sums_to_its_difference_from_the_benchmark(bars, actions):
    days = performance_of(
        ("shares", [(600, 600), (0, 660), (-60, 620)]), ("bonds", [(400, 400), (0, 396), (60, 460)])
    )
    spans = span_returns(days)
    mix = benchmark({"A": 0.5, "B": 0.5}, market_days(bars), bars, actions)
    classes = pl.DataFrame({"security_id": ["A", "B"], "class": ["shares", "bonds"]})
    made = attribution(spans, days, classes, mix).filter(pl.col("span") == "since inception")
    assert ATTRIBUTION.violations(made).list.len().sum() == 0
    sums = made.select(pl.exclude("book", "span", "since", "until", "class").cast(float).sum()).row(
        0, named=True
    )
    whole = float(
        spans.filter(pl.col("span") == "since inception", pl.col("scope") == "book")["time_weighted"][0]
    )
    assert whole == pytest.approx(1056 / 1000 * (1080 / 1056) - 1)
    assert sums["contribution"] == pytest.approx(whole, abs=2e-8)
    theirs = float(np.prod(1 + mix.rates[1:]) - 1)
    assert sums["benchmark_contribution"] == pytest.approx(theirs, abs=2e-8)
    explained = sums["allocation"] + sums["selection"] + sums["interaction"]
    assert explained == pytest.approx(whole - theirs, abs=5e-8)
    parts = contributed(parts_of(days, "class"))
    assert sum(parts.values()) == pytest.approx(whole, abs=1e-12)


def test_without_a_benchmark_or_before_its_first_price_nothing_is_explained(bars, actions):
    days = performance_of(("shares", [(600, 600), (0, 660)]))
    classes = pl.DataFrame({"security_id": ["A"], "class": ["shares"]})
    assert attribution(span_returns(days), days, classes, None).is_empty()
    late = bars.with_columns(pl.col("date").dt.offset_by("9d"))
    mix = benchmark({"A": 1.0}, market_days(late), late, CONTRACTS["clean.corporate_actions"].empty())
    assert attribution(span_returns(days), days, classes, mix).is_empty()
