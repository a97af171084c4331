"""The market: the same for everybody, and the past does not depend on how far one has looked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.market import (
    Market,
    add_months,
    alpaca_funding,
    next_market_day,
    sessions_between,
)

START = date(2024, 3, 16)
TODAY = date(2026, 3, 16)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(1, START)


def test_reaches_24_months_before_the_world(market: Market) -> None:
    first = add_months(START, -24)
    assert all(market.close(symbol, first) > 0 for symbol in market.symbols)
    assert len(market.symbols) == 20


def test_before_the_history_and_unlisted_are_errors(market: Market) -> None:
    with pytest.raises(LookupError, match="history begins"):
        market.close("VTI", date(2020, 1, 2))
    with pytest.raises(LookupError, match="not listed"):
        market.close("NOPE", TODAY)


@settings(max_examples=20, deadline=None)
@given(looks=st.lists(st.dates(date(2022, 6, 1), date(2027, 6, 1)), max_size=5))
def test_the_past_does_not_depend_on_how_far_one_has_looked(looks: list[date]) -> None:
    straight, wandering = Market(1, START), Market(1, START)
    for day in looks:
        wandering.bar("NVDA", day)
        wandering.bar("BND", day)
    for symbol in ("NVDA", "BND"):
        first = straight.first_day
        assert wandering.bars(symbol, first, TODAY) == straight.bars(symbol, first, TODAY)


def test_another_seed_is_another_market(market: Market) -> None:
    assert Market(2, START).close("VTI", TODAY) != market.close("VTI", TODAY)


def test_one_seed_is_pinned_for_every_machine_and_version(market: Market) -> None:
    closes = {symbol: str(market.close(symbol, TODAY)) for symbol in ("VTI", "NVDA", "KO")}
    assert closes == {"VTI": "282.20", "NVDA": "127.18", "KO": "44.95"}


def test_threads_see_one_market(market: Market) -> None:
    shared = Market(1, START)
    with ThreadPoolExecutor(8) as pool:
        closes = list(pool.map(lambda day: shared.close("VTI", TODAY - timedelta(day)), range(200)))
    assert closes == [market.close("VTI", TODAY - timedelta(day)) for day in range(200)]


def test_bars_are_possible_days(market: Market) -> None:
    for symbol in market.symbols:
        for bar in market.bars(symbol, market.first_day, TODAY):
            assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.low <= bar.vwap <= bar.high
            assert bar.volume > bar.trade_count > 0
            assert all(price == price.quantize(Decimal("0.01")) for price in (bar.open, bar.high, bar.close))


def test_close_of_a_closed_day_is_the_last_one(market: Market) -> None:
    friday, sunday = date(2026, 3, 13), date(2026, 3, 15)
    assert market.is_market_day(friday)
    assert not market.is_market_day(sunday)
    assert market.close("VTI", sunday) == market.close("VTI", friday)


def test_the_split_divides_the_price(market: Market) -> None:
    (split,) = market.splits
    assert (split.symbol, split.new_rate, split.old_rate) == ("NVDA", 4, 1)
    assert split.ex_date == next_market_day(add_months(START, 16))
    before = market.bar("NVDA", split.ex_date - timedelta(1))
    after = market.bar("NVDA", split.ex_date)
    assert Decimal("3.4") < before.close / after.close < Decimal("4.6")
    assert after.volume > 2 * before.volume


def test_dividends_are_quarterly_and_fall_with_the_split(market: Market) -> None:
    dividends = market.dividends("NVDA", START, TODAY)
    assert len(dividends) == 8
    assert all(market.is_market_day(each.ex_date) and each.ex_date < each.pay_date for each in dividends)
    split = market.splits[0].ex_date
    rates = [
        [each.rate for each in dividends if (each.ex_date < split) == before] for before in (True, False)
    ]
    assert min(rates[0]) > 3 * max(rates[1])
    assert market.dividends("GLD", START, TODAY) == []


def test_dividends_of_a_span_are_those_of_its_parts(market: Market) -> None:
    middle = date(2025, 6, 11)  # an ex-date of VTI
    whole = market.dividends("VTI", START, TODAY)
    assert whole == market.dividends("VTI", START, middle) + market.dividends(
        "VTI", middle + timedelta(1), TODAY
    )
    assert middle in [each.ex_date for each in whole]


def test_the_calendar_knows_holidays_and_early_closes() -> None:
    days = {session.day: session for session in sessions_between(date(2025, 11, 26), date(2025, 12, 26))}
    assert date(2025, 11, 27) not in days
    assert days[date(2025, 11, 28)].closes.hour == 18  # 13:00 in New York
    assert date(2025, 12, 25) not in days


def test_the_calendar_crosses_decades() -> None:
    sessions = sessions_between(date(2029, 12, 27), date(2030, 1, 4))
    assert [session.day.day for session in sessions] == [27, 28, 31, 2, 3, 4]


def test_funding_is_monthly_and_only_grows() -> None:
    short, long = alpaca_funding(START, date(2025, 3, 16)), alpaca_funding(START, TODAY)
    assert long[: len(short)] == short
    assert long[0] == (date(2024, 3, 18), Decimal("2000.00"))
    assert {amount for _, amount in long[1:]} == {Decimal("500.00")}
    assert len(long) == 25
    assert all(next_market_day(day) == day for day, _ in long)
    assert alpaca_funding(START, START) == []


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), -12, date(2023, 2, 28)),
        (date(2026, 3, 16), -24, date(2024, 3, 16)),
        (date(2025, 12, 1), 1, date(2026, 1, 1)),
    ],
)
def test_add_months(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected
