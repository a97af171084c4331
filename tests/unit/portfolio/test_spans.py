"""Spans of performance: days linked, internal rates, and what is said where there is none or several."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from manna.contracts.performance import PERFORMANCE, RETURNS
from manna.portfolio.returns import Flow, roots
from manna.portfolio.spans import first_difference, renewed, span_returns


def days(*rows, scope="book", name="home"):
    """(day, flows, closing): the rest follows."""
    made, opening = [], Decimal(0)
    for day, flows, closing in rows:
        flows, closing = Decimal(str(flows)), Decimal(str(closing))
        at_work = opening + max(flows, Decimal(0))
        made.append({
            "book": "home", "scope": scope, "name": name, "date": day, "opening": opening, "flows": flows, "income": 0,
            "fees": 0, "realized": 0, "unrealized": closing - opening - flows, "currency_effect": 0, "closing": closing,
            "at_work": at_work, "day_return": round((closing - opening - flows) / at_work, 8) if at_work > 0 else None,
            "reason": None if at_work > 0 else "nothing was at work", "unpriced": 0, "stale": 0, "currency": "USD",
        })  # fmt: skip
        opening = closing
    zero = {
        name: [Decimal(row[name]) for row in made]
        for name in ("income", "fees", "realized", "currency_effect")
    }
    return PERFORMANCE.conform(
        pl.DataFrame(made, schema_overrides=PERFORMANCE.polars_schema | dict.fromkeys(zero, pl.Int64))
    )


def span(made, kind, since, *columns):
    [row] = made.filter(pl.col("span") == kind, pl.col("since") == since).select(columns).rows()
    return tuple(float(value) if isinstance(value, Decimal) else value for value in row)


def test_days_are_linked_and_a_year_or_more_is_annualized():
    made = span_returns(days(
        (date(2024, 1, 1), 1000, 1100), (date(2024, 6, 30), 0, 1210), (date(2025, 12, 31), 0, 1331),
    ))  # fmt: skip
    assert RETURNS.violations(made).list.len().sum() == 0
    whole = span(
        made, "since inception", date(2024, 1, 1), "time_weighted", "until", "opening", "flows", "closing"
    )
    assert whole == (0.331, date(2025, 12, 31), 0, 1000, 1331)
    annual = span(made, "since inception", date(2024, 1, 1), "time_weighted_annual", "money_weighted_annual")
    assert annual == (pytest.approx(1.331 ** (365 / 730) - 1, abs=1e-8),) * 2
    assert span(made, "month", date(2024, 6, 30), "time_weighted", "time_weighted_annual") == (0.1, None)
    assert set(made["span"]) == {"month", "quarter", "year", "year to date", "since inception"}
    assert span(made, "year", date(2024, 1, 1), "time_weighted") == (0.21,)


def test_the_rate_of_the_money_is_that_of_spreadsheets():
    # Microsoft's example of XIRR: https://support.microsoft.com/office/xirr-function-de1242ec-6477-445b-b11b-a303ad9adc9d
    paid = [(date(2008, 1, 1), -10000), (date(2008, 3, 1), 2750), (date(2008, 10, 30), 4250),
            (date(2009, 2, 15), 3250), (date(2009, 4, 1), 2750)]  # fmt: skip
    [rate] = roots([Flow(*row) for row in paid])
    assert rate == pytest.approx(0.373362535, abs=1e-8)


def test_several_rates_and_none_are_said_and_none_is_chosen():
    first = date(2024, 1, 1)
    year = timedelta(365)
    two = [Flow(first, -100), Flow(first + year, 230), Flow(first + 2 * year, -132)]
    assert roots(two) == pytest.approx((0.1, 0.2))
    assert roots([Flow(first, 100), Flow(first + year, 50)]) == ()
    lost = span_returns(days((first, 1000, 1000), (first + timedelta(5), 0, 0)))
    assert span(lost, "since inception", first, "money_weighted", "note") == (
        None, "no rate solves the money-weighted return",
    )  # fmt: skip


def test_a_broken_day_breaks_its_spans_and_says_when():
    made = span_returns(
        days((date(2024, 1, 1), 0, -5), (date(2024, 2, 1), 105, 100), (date(2024, 2, 2), 0, 110))
    )
    assert span(made, "month", date(2024, 1, 1), "time_weighted", "note")[0] is None
    whole = span(made, "since inception", date(2024, 1, 1), "time_weighted", "note")
    assert whole[0] is None
    assert whole[1].startswith("broken on 2024-01-01: nothing was at work")


def test_only_spans_that_a_day_touches_are_made_again():
    before = days((date(2024, 1, 31), 100, 100), (date(2024, 2, 1), 0, 110), (date(2024, 2, 2), 0, 120))
    after = days((date(2024, 1, 31), 100, 100), (date(2024, 2, 1), 0, 110), (date(2024, 2, 2), 0, 130))
    assert first_difference(before, before) is None
    since = first_difference(before, after)
    assert since == date(2024, 2, 2)
    whole, part = span_returns(after), span_returns(after, since)
    assert part.rows() == whole.filter(pl.col("until") >= since).rows()
    assert span_returns(before.clear()).is_empty()


def test_a_year_to_date_becomes_a_year_and_nothing_else_of_the_past_is_touched():
    old = days((date(2024, 3, 1), 100, 100), (date(2025, 12, 31), 0, 110))
    new = days((date(2024, 3, 1), 100, 100), (date(2025, 12, 31), 0, 110), (date(2026, 1, 1), 0, 121))
    made = renewed(span_returns(old), old, new).sort(RETURNS.key)
    assert made.rows() == span_returns(new).sort(RETURNS.key).rows()
    assert renewed(made, new, new).rows() == made.rows()
    assert renewed(made.clear(), new.clear(), new).sort(RETURNS.key).rows() == made.rows()
