"""Sizing: one order per symbol, inside the collar, within what the account can pay; and the limits of a book."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.trading.settings import Trading, daily_loss, order_limit
from manna.trading.sizing import Wanted, affordable, budget, limit_price, netted, units

D = Decimal


def test_one_net_order_per_symbol_sells_first() -> None:
    found = netted(
        [
            Wanted("VTI", "buy", D(3), D(200)),
            Wanted("BND", "buy", D(1), D(70)),
            Wanted("VTI", "sell", D(5), D(200)),
            Wanted("VXUS", "buy", D(2), D(60)),
            Wanted("VXUS", "sell", D(2), D(60)),
        ]
    )
    assert found == (Wanted("VTI", "sell", D(2), D(200)), Wanted("BND", "buy", D(1), D(70)))


@pytest.mark.parametrize(
    ("price", "side", "collar", "limit"),
    [
        ("100", "buy", "0.01", "101.00"),
        ("100", "sell", "0.01", "99.00"),
        ("33.33", "buy", "0.01", "33.66"),
        ("33.33", "sell", "0.01", "33.00"),
        ("0.5", "buy", "0.001", "0.5005"),
        ("0.5", "sell", "0.0011", "0.4995"),
        ("0.00001", "sell", "0.01", "0.0001"),
    ],
)
def test_a_limit_is_inside_the_collar_and_of_a_step_that_is_taken(
    price: str, side: str, collar: str, limit: str
) -> None:
    assert limit_price(D(price), side, D(collar)) == D(limit)


def test_units_are_never_rounded_up() -> None:
    assert units(D("1.9999999999"), fractional=True) == D("1.999999999")
    assert units(D("1.9999999999"), fractional=False) == D(1)


def test_the_budget_is_the_lesser_less_what_open_buys_may_cost() -> None:
    assert budget(D(100), D(80), [D(30)]) == D(50)
    assert budget(D(-20), D(80), []) == 0
    assert budget(D(100), D(80), [D(90)]) == 0


amounts = st.decimals(D("0.01"), D(10_000), places=2)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(amounts, amounts, st.booleans()), min_size=1, max_size=6),
    st.decimals(0, 10**6, places=2),
)
def test_buys_never_cost_more_than_there_is_nor_exceed_the_plan(
    drawn: list[tuple[Decimal, Decimal, bool]], money: Decimal
) -> None:
    buys = [Wanted(f"S{n}", "buy", quantity, price) for n, (quantity, price, _) in enumerate(drawn)]
    limits = [limit_price(buy.price, "buy", D("0.01")) for buy in buys]
    found = affordable(buys, limits, money, [part for *_, part in drawn])
    limit_of = {buy.symbol: limit for buy, limit in zip(buys, limits, strict=True)}
    assert sum(buy.quantity * limit_of[buy.symbol] for buy in found) <= money
    wanted = {buy.symbol: buy.quantity for buy in buys}
    assert all(0 < buy.quantity <= wanted[buy.symbol] for buy in found)
    whole = {f"S{n}" for n, (*_, part) in enumerate(drawn) if not part}
    assert all(buy.quantity == int(buy.quantity) for buy in found if buy.symbol in whole)


def test_each_limit_says_why_nothing_more_is_sent() -> None:
    limits = Trading(orders_per_day=2, order_amount=D(100), amount_per_day=D(150), daily_loss=D("0.05"))
    assert order_limit(limits, 1, D(50), D(100)) is None
    assert order_limit(limits, 2, D(0), D(1)) == "2 orders were made today: orders_per_day is 2"
    assert "more than order_amount 100.00" in str(order_limit(limits, 0, D(0), D(101)))
    assert "more than amount_per_day 150.00" in str(order_limit(limits, 0, D(51), D(100)))
    assert daily_loss(limits, D(950), D(1000), D(0)) is None
    assert "lost 5.1%" in str(daily_loss(limits, D(949), D(1000), D(0)))
    assert daily_loss(limits, D(0), D(0), D(0)) is None
    assert daily_loss(limits, D(500), D(1000), D(-500)) is None  # a withdrawal is no loss
    assert "lost 6.0%" in str(daily_loss(limits, D(1440), D(1000), D(500)))  # a deposit hides none
