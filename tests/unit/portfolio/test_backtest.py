"""The walk through the past: by hand, against a plain loop over days, and blind to what comes after a decision."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.portfolio.backtest import Backtest, Costs, Strategy, backtest
from manna.portfolio.market import Floats, Market, Seen
from manna.portfolio.strategies import STRATEGIES, DriftBands, FixedTargets, outside, strategy

HALF = FixedTargets({"A": 0.5, "B": 0.5})


def market(closes: Any, **more: Any) -> Market:
    prices = np.asarray(closes, np.float64)
    days = tuple(date(2024, 1, 1) + timedelta(days=number) for number in range(len(prices)))
    events = {
        name: rows if name == "patience" else np.asarray(rows, np.float64) for name, rows in more.items()
    }
    return Market(days, tuple("ABCDEFGHIJ"[: prices.shape[1]]), prices, **events)


class TestByHand:
    def test_half_and_half(self) -> None:
        """1,000 in halves at 10 and 20; the first doubles; halves again at the end."""
        found = backtest(market([[10, 20], [20, 20], [20, 10]]), HALF, [0, 1], capital=1_000, delay=0)
        assert found.values.tolist() == [1_000, 1_500, 1_125]
        assert [trade.units.tolist() for trade in found.trades] == [[50, 25], [-12.5, 12.5]]
        assert found.trades[1].turnover == pytest.approx(250 / 1_500)
        assert found.returns == pytest.approx([0.5, -0.25])

    def test_a_decision_is_traded_the_day_after(self) -> None:
        found = backtest(market([[10, 20], [20, 20], [40, 20]]), HALF, [0], capital=1_000)
        assert found.values.tolist() == [1_000, 1_000, 1_500]

    def test_costs_are_taken_from_what_is_wanted(self) -> None:
        """All in at 1 %: v + 0.01 v = 1,000."""
        all_in = FixedTargets({"A": 1.0})
        found = backtest(
            market([[10.0], [10.0]]), all_in, [0], capital=1_000, delay=0, costs=Costs(0.006, 0.004)
        )
        assert found.values[0] == pytest.approx(1_000 / 1.01)
        assert found.costs == pytest.approx(10 / 1.01)
        assert found.cash == pytest.approx([0, 0], abs=1e-9)

    def test_an_order_may_cost_a_fixed_sum(self) -> None:
        found = backtest(
            market([[10, 20], [10, 20]]), HALF, [0], capital=1_000, delay=0, costs=Costs(per_order=5)
        )
        assert found.values.tolist() == pytest.approx([990, 990])

    def test_whole_shares_leave_cash(self) -> None:
        found = backtest(market([[30, 70], [30, 70]]), HALF, [0], capital=1_000, delay=0, whole=True)
        assert found.trades[0].units.tolist() == [16, 7]
        assert found.cash.tolist() == [30, 30]

    def test_a_split_is_no_fall(self) -> None:
        seen: list[Seen] = []
        split = market([[100.0], [50.0], [60.0]], splits=[[1], [2], [1]])
        found = backtest(split, _Watching(seen, 3), [0, 2], capital=1_000, delay=0)
        assert found.values.tolist() == [1_000, 1_000, 1_200]
        assert seen[-1].closes[:, 0].tolist() == [50, 50, 60]
        assert found.trades[0].units.tolist() == [10]

    def test_whole_shares_are_whole_after_a_split_too(self) -> None:
        split = market([[100.0], [34.0], [34.0]], splits=[[1], [3], [1]])
        found = backtest(split, FixedTargets({"A": 0.9}), [0, 1], capital=1_050, delay=0, whole=True)
        assert found.trades[0].units.tolist() == [9]
        assert found.trades[1].units.tolist() == [1]  # 27 shares are held, 28 wanted

    def test_what_a_split_leaves_of_a_share_is_paid_out(self) -> None:
        """25 shares at 4 become 2 of 40 and half a one: 20 in cash."""
        reverse = market([[4.0], [40.0], [50.0]], splits=[[1], [0.1], [1]])
        found = backtest(reverse, FixedTargets({"A": 1.0}), [0], capital=100, delay=0, whole=True)
        assert found.cash.tolist() == [0, 20, 20]
        assert found.values.tolist() == [100, 100, 120]

    def test_a_dividend_is_cash_on_its_day(self) -> None:
        paying = market([[10.0], [9.0], [9.0]], dividends=[[0], [1], [0]])
        found = backtest(paying, FixedTargets({"A": 1.0}), [0], capital=1_000, delay=0)
        assert found.values.tolist() == [1_000, 1_000, 1_000]
        assert found.cash.tolist() == [0, 100, 100]

    def test_a_dividend_on_the_day_of_a_split_is_per_new_share(self) -> None:
        both = market([[10.0], [5.0]], splits=[[1], [2]], dividends=[[0], [0.5]])
        found = backtest(both, FixedTargets({"A": 1.0}), [0], capital=100, delay=0)
        assert found.cash.tolist() == [0, 10]

    def test_what_is_delisted_is_paid_out(self) -> None:
        """500 in A at 10 are 50 shares; 7.50 are paid for each on the third day."""
        nan = np.nan
        ending = market(
            [[10, 20], [8, 20], [nan, 20], [nan, 20]],
            delistings=[[nan] * 2, [nan] * 2, [7.5, nan], [nan] * 2],
        )
        found = backtest(ending, HALF, [0, 2], capital=1_000, delay=0)
        assert found.values.tolist() == [1_000, 900, 875, 875]
        assert found.delisted == ((date(2024, 1, 3), "A"),)
        assert found.cash[2] == pytest.approx(437.5)  # the target of what is gone stays cash

    def test_a_delisting_may_pay_nothing_and_follows_splits(self) -> None:
        nan = np.nan
        split = market([[10.0], [5.0], [nan]], splits=[[1], [2], [1]], delistings=[[nan], [nan], [3.0]])
        assert backtest(split, FixedTargets({"A": 1.0}), [0], capital=100, delay=0).values.tolist() == [
            100, 100, 60
        ]  # fmt: skip
        worthless = market([[10.0], [nan]], delistings=[[nan], [0.0]])
        assert backtest(worthless, FixedTargets({"A": 1.0}), [0], capital=100, delay=0).values[-1] == 0

    def test_after_long_silence_the_last_price_is_paid(self) -> None:
        silent = market([[10, 20], [8, 20], *[[np.nan, 20]] * 3], patience=2)
        found = backtest(silent, HALF, [0, 2, 3], capital=1_000, delay=0)
        assert found.values.tolist() == [1_000, 900, 900, 900, 900]
        assert found.delisted == ((date(2024, 1, 4), "A"),)  # the second day without a price
        assert found.cash.tolist() == pytest.approx([0, 0, 50, 450, 450])  # of B, 50 too much were sold

    def test_what_comes_back_may_be_bought_again(self) -> None:
        back = market([[10.0], [np.nan], [np.nan], [20.0], [40.0]], patience=2)
        found = backtest(back, FixedTargets({"A": 1.0}), [0, 3], capital=1_000, delay=0)
        assert found.values.tolist() == [1_000, 1_000, 1_000, 1_000, 2_000]
        assert len(found.delisted) == 1

    def test_a_decision_sees_the_trade_before_it_done(self) -> None:
        """Decided on every day, traded on the next: once in balance, nothing is traded a second time."""
        flat = market([[10, 20]] * 5)
        found = backtest(flat, DriftBands({"A": 0.5, "B": 0.5}), [0, 1, 2, 3], capital=1_000)
        assert [trade.day.day for trade in found.trades] == [2]

    def test_a_day_without_a_price_is_a_day_without_a_trade(self) -> None:
        halted = market([[10, 20], [np.nan, 40], [20, 40]])
        found = backtest(halted, HALF, [0, 1], capital=1_000, delay=0)
        assert found.values.tolist() == [1_000, 1_500, 2_000]
        assert found.trades[1].units[0] == 0
        assert found.trades[1].units[1] == pytest.approx(-250 / 40)

    def test_what_cannot_be_sold_leaves_less_for_the_others(self) -> None:
        halted = market([[10, 20], [np.nan, 20], [10, 20]])
        to_b = _Said([[1.0, 0.0], [0.0, 1.0]])
        found = backtest(halted, to_b, [0, 1], capital=1_000, delay=0)
        assert found.cash.tolist() == [0, 0, 0]
        assert len(found.trades) == 1

    def test_money_comes_and_goes(self) -> None:
        moved = np.array([0, 500.0, -200.0])
        found = backtest(
            market([[10.0], [10.0], [20.0]]),
            FixedTargets({"A": 1.0}),
            [0],
            capital=1_000,
            delay=0,
            flows=moved,
        )
        assert found.values.tolist() == [1_000, 1_500, 2_300]
        assert found.returns == pytest.approx([0, 1_000 / 1_500])

    def test_nothing_is_left(self) -> None:
        found = backtest(
            market([[10.0], [10.0], [10.0]]),
            FixedTargets({"A": 1.0}),
            [0, 1, 2],
            capital=100,
            delay=0,
            flows=np.array([0, -100.0, 0]),
        )
        assert found.values.tolist() == [100, 0, 0]
        assert np.isnan(found.returns[1])


@dataclass(frozen=True, slots=True)
class _Watching:
    """Notes what it is shown."""

    seen: list[Seen]
    window: int

    def weights(self, seen: Seen) -> Floats:
        self.seen.append(seen)
        return np.full(len(seen.symbols), 1 / len(seen.symbols))


@dataclass(slots=True)
class _Said:
    """Says what it was told to say, one after the other."""

    told: list[list[float]]
    window: int = 1

    def weights(self, seen: Seen) -> Floats:
        return np.array(self.told.pop(0))


def plainly(prices: Floats, weights: Floats, decisions: list[int], fee: float, capital: float) -> Floats:
    """A loop over days without any cleverness."""
    units, cash, values = np.zeros(prices.shape[1]), capital, np.empty(len(prices))
    for day, close in enumerate(prices):
        worth = float(units @ close) + cash
        if day in decisions:
            left = worth
            for _ in range(100):
                left = worth - fee * float(np.abs(weights * left - units * close).sum())
            moved = weights * left - units * close
            cash -= float(moved.sum()) + fee * float(np.abs(moved).sum())
            units = units + moved / close
            worth = float(units @ close) + cash
        values[day] = worth
    return values


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**31),
    st.integers(2, 60),
    st.integers(1, 6),
    st.floats(0, 0.02),
    st.sets(st.integers(0, 59), min_size=1),
)
def test_it_equals_a_plain_loop(seed: int, days: int, assets: int, fee: float, chosen: set[int]) -> None:
    random = np.random.default_rng(seed)
    prices = 50 * np.exp(np.cumsum(random.normal(0, 0.05, (days, assets)), axis=0))
    wanted = random.dirichlet(np.ones(assets + 1))[:assets]
    decisions = sorted(at for at in chosen if at < days)
    targets = FixedTargets(dict(zip("ABCDEFGHIJ", wanted.tolist(), strict=False)))
    found = backtest(market(prices), targets, decisions, capital=1_000, delay=0, costs=Costs(fee=fee))
    np.testing.assert_allclose(found.values, plainly(prices, wanted, decisions, fee, 1_000), rtol=1e-9)


def test_nothing_after_the_decision_can_be_reached() -> None:
    """Whatever a strategy is given owns its memory, and holds no day after that of the decision."""
    prices = np.arange(1.0, 61.0).reshape(20, 3)
    seen: list[Seen] = []
    given_ = market(prices, splits=np.ones((20, 3)), dividends=np.zeros((20, 3)))
    backtest(given_, _Watching(seen, 4), [2, 9, 15])
    for at, one in zip((2, 9, 15), seen, strict=True):
        assert one.day == given_.days[at]
        assert one.closes.max() == prices[at].max()
        for array in (one.closes, one.weights):
            assert array.base is None
            assert array.flags.owndata


@pytest.mark.parametrize("name", STRATEGIES)
def test_another_future_makes_no_other_past(name: str) -> None:
    """Every strategy decides the same when all that comes after its decision is another."""
    random = np.random.default_rng(5)
    prices = 50 * np.exp(np.cumsum(random.normal(0.001, 0.02, (320, 6)), axis=0))
    other = prices.copy()
    other[290:] = prices[290:] * random.uniform(0.2, 5, (30, 6))
    plain = name in ("fixed targets", "drift bands")
    made = strategy(name, **({"targets": {"A": 0.6, "B": 0.4}} if plain else {}))

    def until(closes: Floats) -> Backtest:
        return backtest(market(closes), made, [260, 280, 300], costs=Costs(fee=0.001))

    one, two = until(prices), until(other)
    assert one.values[:290].tolist() == two.values[:290].tolist()
    assert [t.units.tolist() for t in one.trades if t.day < one.days[290]] == [
        t.units.tolist() for t in two.trades if t.day < one.days[290]
    ]
    assert one.trades


class TestStrategies:
    @pytest.mark.parametrize(
        ("held", "is_out"), [(0.62, False), (0.651, True), (0.549, True), (0.649, False)]
    )
    def test_a_large_target_has_a_band_of_five_points(self, held: float, is_out: bool) -> None:
        """The 5/25 rule: 60 % is left at 55 and 65 %."""
        assert outside(np.array([held]), np.array([0.6]), 0.05, 0.25).tolist() == [is_out]

    @pytest.mark.parametrize(("held", "is_out"), [(0.12, False), (0.126, True), (0.074, True)])
    def test_a_small_target_has_a_band_of_a_quarter(self, held: float, is_out: bool) -> None:
        """10 % is left at 7.5 and 12.5 %."""
        assert outside(np.array([held]), np.array([0.1]), 0.05, 0.25).tolist() == [is_out]

    def test_within_the_bands_nothing_is_traded(self) -> None:
        calm = market([[10, 20], [10.5, 20], [11, 20], [20, 20], [20, 20]])
        found = backtest(calm, DriftBands({"A": 0.5, "B": 0.5}), [0, 1, 2, 3], delay=0)
        assert [trade.day.day for trade in found.trades] == [1, 4]

    def test_momentum_takes_what_rose_most(self) -> None:
        seen = Seen(
            date(2024, 1, 1), ("A", "B", "C"), np.array([[1, 1, np.nan], [2, 3, 9], [9, 1, 9]]), np.zeros(3)
        )
        assert strategy("momentum", count=1, lookback=2, skip=1).weights(seen).tolist() == [0, 1, 0]  # type: ignore[union-attr]
        assert strategy("momentum", count=4, lookback=2, skip=0).weights(seen).tolist() == [0.25, 0.25, 0]  # type: ignore[union-attr]
        assert strategy("momentum", lookback=29).weights(seen).tolist() == [0, 0, 0]  # type: ignore[union-attr]

    def test_a_fast_average_above_the_slow_one_is_held(self) -> None:
        """Two of three rise; the third has too few prices to count."""
        closes = np.array([[1, 4, np.nan], [2, 3, np.nan], [3, 2, 5], [4, 1, 6]], np.float64)
        seen = Seen(date(2024, 1, 1), ("A", "B", "C"), closes, np.zeros(3))
        for parameters in ({}, {"exponential": True}):
            cross = strategy("moving average cross", fast=2, slow=4, **parameters)
            assert cross.weights(seen).tolist() == [0.5, 0, 0]  # type: ignore[union-attr]
        assert strategy("moving average cross").weights(seen).tolist() == [0, 0, 0]  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("name", "parameters", "said"),
        [
            ("moving average cross", {"fast": 9, "slow": 9}, "not 9 and 9"),
            ("momentum", {"skip": 300}, "less than lookback"),
            ("momentum", {"count": 0}, "count is 1 or more"),
        ],
    )
    def test_parameters_that_mean_nothing(self, name: str, parameters: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            strategy(name, **parameters)

    def test_two_uncorrelated_assets_have_known_answers(self) -> None:
        """Minimum variance: by inverse variance, 80 and 20 %; equal risk: by inverse deviation, two thirds and one."""
        calm = np.array([1, -1, 1, -1] * 40) * 0.01
        wild = np.array([1, 1, -1, -1] * 40) * 0.02
        closes = np.vstack([[1, 1], np.cumprod(1 + np.column_stack([calm, wild]), axis=0)])
        seen = Seen(date(2024, 1, 1), ("A", "B"), closes, np.zeros(2))
        for kind, first in (
            ("minimum variance", 0.8),
            ("risk parity", 2 / 3),
            ("hierarchical risk parity", 0.8),
        ):
            found = strategy(kind, window=161).weights(seen)
            assert found is not None
            assert found[0] == pytest.approx(first, abs=2e-3)
            assert found.sum() == pytest.approx(1)

    def test_no_weights_where_there_are_none(self) -> None:
        few = Seen(date(2024, 1, 1), ("A", "B"), np.ones((5, 2)), np.zeros(2))
        assert strategy("risk parity").weights(few) is None
        falling = np.cumprod(np.random.default_rng(3).uniform(0.97, 0.999, (40, 2)), axis=0)
        assert (
            strategy("maximum sharpe", window=40).weights(Seen(few.day, few.symbols, falling, few.weights))
            is None
        )

    @pytest.mark.parametrize(
        ("name", "parameters", "said"),
        [
            ("magic", {}, "unknown strategy 'magic'; there are: fixed targets"),
            ("momentum", {"depth": 1}, "momentum has no parameter depth; it has: count"),
            ("risk parity", {"kind": "x"}, "has no parameter kind"),
            ("drift bands", {}, "drift bands needs targets"),
            ("momentum", {"count": 1.5}, "count is a whole number, not 1.5"),
            ("drift bands", {"targets": 3}, "targets is weights by symbol, not 3"),
            ("moving average cross", {"exponential": 1}, "exponential is true or false, not 1"),
            ("minimum variance", {"most": "x"}, "most is a number, not 'x'"),
        ],
    )
    def test_what_there_is_not(self, name: str, parameters: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            strategy(name, **parameters)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"decisions": [2, 1]}, "rising"),
        ({"decisions": [9]}, "0 to 1"),
        ({"delay": -1}, "before it is decided"),
        ({"strategy": _Said([[0.9, 0.9]])}, "at most 1 in sum, not 1.8"),
        ({"strategy": _Said([[-0.1, 0.9]])}, "at least 0"),
        ({"strategy": _Said([[np.nan, 0.9]])}, "not nan"),
        ({"strategy": _Said([[1.0]])}, "2 weights are wanted"),
        ({"strategy": _Said([], window=0)}, "a day or more"),
    ],
)
def test_what_cannot_be_walked(given_: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"strategy": HALF, "decisions": [0], **given_}
    made: Strategy = asked.pop("strategy")
    with pytest.raises(ValueError, match=said):
        backtest(market([[1, 2], [1, 2]]), made, asked.pop("decisions"), **asked)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"closes": np.zeros((2, 2))}, "not positive"),
        ({"splits": np.zeros((2, 2))}, "split ratio"),
        ({"delistings": np.full((2, 2), -1.0)}, "nothing or more per share"),
        ({"delistings": np.ones((2, 2))}, "A has a price on 2024-01-01, but is delisted by then"),
        ({"patience": 0}, "a day or more"),
        ({"dividends": np.zeros((1, 2))}, r"dividends are \(1, 2\), but there are 2 days of 2 assets"),
        ({"days": (date(2024, 1, 2), date(2024, 1, 2))}, "days must rise"),
    ],
)
def test_what_is_no_market(more: dict[str, Any], said: str) -> None:
    parts: dict[str, Any] = {
        "days": (date(2024, 1, 1), date(2024, 1, 2)),
        "symbols": ("A", "B"),
        "closes": np.ones((2, 2)),
        **more,
    }
    with pytest.raises(ValueError, match=said):
        Market(**parts)
