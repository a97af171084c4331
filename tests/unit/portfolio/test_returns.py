"""Returns: published examples by source, and what must hold of any portfolio."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.portfolio.returns import (
    Flow,
    Value,
    modified_dietz,
    money_weighted,
    per_year,
    roots,
    time_weighted,
)

DAY = date(2024, 1, 1)


def on(number: int) -> date:
    return DAY + timedelta(days=number)


def values(**at: float) -> list[Value]:
    return [Value(on(int(name[1:])), amount) for name, amount in at.items()]


class TestMoneyWeighted:
    def test_the_example_of_spreadsheets(self) -> None:
        """Microsoft, "XIRR function": five flows, 37.34 %."""
        days = [date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15), date(2009, 4, 1)]
        amounts = [-10_000, 2_750, 4_250, 3_250, 2_750]
        [rate] = roots([Flow(*pair) for pair in zip(days, amounts, strict=True)])
        assert rate == pytest.approx(0.373362535, abs=1e-8)

    def test_a_year_at_ten_per_cent(self) -> None:
        assert money_weighted([Value(date(2023, 1, 1), 100), Value(date(2024, 1, 1), 110)], []) == (
            pytest.approx(0.1),
        )

    def test_several_rates_are_all_named(self) -> None:
        """Pump problem (Lorie and Savage 1955): -1,600, 10,000, -10,000 has 25 % and 400 %."""
        years = [date(2021, 1, 1), date(2022, 1, 1), date(2023, 1, 1)]
        found = roots([Flow(*pair) for pair in zip(years, (-1_600, 10_000, -10_000), strict=True)])
        assert found == (pytest.approx(0.25), pytest.approx(4.0))

    @pytest.mark.parametrize("amounts", [(100, 200), (-1, -5), (0, 0), (-100, 230, -200)])
    def test_no_rate_is_no_rate(self, amounts: tuple[float, ...]) -> None:
        assert roots([Flow(on(365 * number), amount) for number, amount in enumerate(amounts)]) == ()

    def test_nearly_everything_lost(self) -> None:
        [rate] = money_weighted([Value(on(0), 1e6), Value(on(365), 10)], [])
        assert rate == pytest.approx(-0.99999)


class TestTimeWeighted:
    def test_flows_do_not_matter_where_values_are_known(self) -> None:
        """CFA Institute, Quantitative Methods: one share at 200, a second at 225 a year later, both sold at 235, 5 paid each year.

        15 % and 6.67 % in the two years, 9.39 % money-weighted. The first dividend is taken out, the others are in the last value.
        """
        begin, middle, end = date(2021, 1, 1), date(2022, 1, 1), date(2023, 1, 1)
        before = [Value(begin, 200), Value(middle, 450), Value(end, 480)]
        chain = time_weighted(before, [Flow(middle, 225 - 5)])
        assert [link.rate for link in chain.links] == [pytest.approx(0.15), pytest.approx(480 / 450 - 1)]
        assert chain.annual == pytest.approx((1.15 * 480 / 450) ** 0.5 - 1)
        [money] = money_weighted(before, [Flow(middle, 220)])
        assert money == pytest.approx(0.0939, abs=5e-5)

    def test_timing_says_on_what_a_flow_earned(self) -> None:
        known, flows = values(d0=100, d1=220), [Flow(on(1), 100)]
        assert time_weighted(known, flows, "end").rate == pytest.approx(0.2)
        assert time_weighted(known, flows, "start").rate == pytest.approx(0.1)

    def test_a_flow_between_values_makes_an_estimate_that_says_so(self) -> None:
        chain = time_weighted(values(d0=100, d10=160), [Flow(on(5), 50)])
        assert chain.rate == pytest.approx(10 / (100 + 0.5 * 50))
        assert len(chain.estimated) == 1

    def test_what_is_put_into_nothing_is_its_own_valuation(self) -> None:
        chain = time_weighted(values(d9=110), [Flow(on(0), 100)])
        assert (chain.rate, chain.links[0].begin) == (pytest.approx(0.1), on(0))

    @pytest.mark.parametrize("empty", [0.0, -50.0])
    def test_nothing_to_earn_on_breaks_the_chain(self, empty: float) -> None:
        chain = time_weighted(values(d0=100, d1=empty, d2=100, d3=110), [Flow(on(1), empty - 100)])
        assert chain.rate is None
        assert chain.annual is None
        assert [link.begin for link in chain.breaks] == [on(1)]
        assert chain.links[2].rate == pytest.approx(0.1)

    def test_all_is_lost_is_a_return(self) -> None:
        assert time_weighted(values(d0=100, d1=0), []).rate == -1

    def test_one_day_says_nothing(self) -> None:
        with pytest.raises(ValueError, match="two days"):
            time_weighted(values(d0=100), [])

    def test_a_day_has_one_value(self) -> None:
        with pytest.raises(ValueError, match="two values of 2024-01-01"):
            time_weighted([Value(on(0), 1), Value(on(0), 2)], [])


class TestModifiedDietz:
    def test_the_published_example(self) -> None:
        """Wikipedia, "Modified Dietz method", example: 100 to 300, 50 put in at half time: 120 %."""
        rate = modified_dietz(Value(date(2015, 1, 1), 100), Value(date(2017, 1, 1), 300), [])
        assert rate == pytest.approx(2.0)
        half = modified_dietz(Value(on(0), 100), Value(on(2), 300), [Flow(on(1), 50)])
        assert half == pytest.approx(1.2)

    def test_no_capital_no_rate(self) -> None:
        assert modified_dietz(Value(on(0), 100), Value(on(2), 5), [Flow(on(1), -300)]) is None

    def test_no_time_no_rate(self) -> None:
        with pytest.raises(ValueError, match="no time"):
            modified_dietz(Value(on(1), 1), Value(on(1), 1), [])


def test_under_a_year_nothing_is_annual() -> None:
    """GIPS 2020, 2.A.6."""
    assert per_year(0.1, DAY, on(364)) is None
    assert per_year(0.21, DAY, on(730)) == pytest.approx(0.1)
    assert per_year(None, DAY, on(730)) is None


@settings(deadline=None)
@given(
    st.lists(st.floats(-0.3, 0.3), min_size=2, max_size=12),
    st.lists(st.floats(-20, 80), min_size=12, max_size=12),
    st.sampled_from(["start", "end"]),
)
def test_a_known_growth_is_found_again(rates: list[float], moved: list[float], timing: str) -> None:
    """A portfolio that earns known rates, with any flows: the chain is their product, whatever moved."""
    worth, known, flows = 1_000.0, [Value(on(0), 1_000.0)], []
    for number, (rate, flow) in enumerate(zip(rates, moved, strict=False), start=1):
        worth = (worth + flow) * (1 + rate) if timing == "start" else worth * (1 + rate) + flow
        flows.append(Flow(on(number), flow))
        known.append(Value(on(number), worth))
    chain = time_weighted(known, flows, timing)  # type: ignore[arg-type]
    assert chain.rate == pytest.approx(math.prod(1 + rate for rate in rates) - 1, abs=1e-9)
    assert not chain.estimated


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.5, 2.0), st.lists(st.floats(1, 1000), min_size=1, max_size=8))
def test_a_constant_rate_is_found_again(rate: float, deposits: list[float]) -> None:
    flows = [Flow(on(40 * number), amount) for number, amount in enumerate(deposits)]
    end = on(40 * len(deposits) + 200)
    worth = sum(flow.amount * (1 + rate) ** ((end - flow.day).days / 365) for flow in flows)
    assert money_weighted([Value(end, worth)], flows) == (pytest.approx(rate, abs=1e-8),)
