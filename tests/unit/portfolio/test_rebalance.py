"""The plan: what it trades, what it never does."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.portfolio import CASH, drift, last_prices, rebalance_plan, unpriced

DAY = date(2026, 11, 20)
PLAN = CONTRACTS["portfolio.rebalance_plan"]


def book(minimum="50", band="0.05", currency="USD", **weights):
    targets = {"weights": weights, "minimum_trade": minimum, "band": band}
    return Book(id="home", name="Home", currency=currency, targets=targets)


def drifted(frame, of, cash, **held):
    """Drift of a book that holds ``symbol=(quantity, price)``."""
    rows = [
        {"security_id": s, "quantity": Decimal(q), "value": round(Decimal(q) * Decimal(p), 2), "date": DAY}
        for s, (q, p) in held.items()
    ]
    money = Decimal(cash)
    rows.append(
        {"security_id": "CUR:USD", "quantity": money, "value": money, "date": DAY, "price_source": "par"}
    )
    valued = frame("portfolio.valuations", *({"currency": of.currency, **row} for row in rows))
    return drift(of, valued, frame("clean.accounts", {"account_id": "broker"}), DAY)


def plan(of, drifts, prices):
    made = rebalance_plan(of, drifts, {s: Decimal(p) for s, p in prices.items()}, "broker", DAY)
    assert PLAN.violations(made).list.len().sum() == 0
    return made


def test_sells_first_then_buys_to_the_targets(frame):
    of = book(VTI="0.6", BND="0.4")
    drifts = drifted(frame, of, 100, VTI=(8, 100), OLD=("1.5", 60), BND=(1, 10))
    made = plan(of, drifts, {"VTI": 100, "OLD": 60, "BND": 10})
    columns = ("symbol", "side", "quantity", "notional", "weight_before", "weight_after", "target")
    assert [
        tuple(f"{v:.9f}" if isinstance(v, Decimal) else v for v in row)
        for row in made.select(columns).iter_rows()
    ] == [
        ("VTI", "sell", "2.000000000", "200.000000000", "0.800000000", "0.600000000", "0.600000000"),
        ("OLD", "sell", "1.500000000", "90.000000000", "0.090000000", "0.000000000", "0.000000000"),
        ("BND", "buy", "39.000000000", "390.000000000", "0.010000000", "0.400000000", "0.400000000"),
    ]
    assert made["reason"][0] == "80.0 % held, 60.0 % wanted: 20.0 % above target"
    assert set(made["planned_on"]) == {DAY}


def test_no_trade_while_every_weight_is_in_its_band(frame):
    of = book(VTI="0.6", BND="0.4")
    assert plan(of, drifted(frame, of, 0, VTI=(64, 1), BND=(36, 1)), {"VTI": 1, "BND": 1}).is_empty()
    assert plan(of, CONTRACTS["portfolio.drift"].empty(), {}).is_empty()


def test_trades_below_the_minimum_are_left_out_and_cash_that_is_a_target_stays(frame):
    of = book(VTI="0.5", BND="0.3", CASH="0.2")
    made = plan(of, drifted(frame, of, 500, VTI=(500, 1), TINY=(10, 1)), {"VTI": 1, "TINY": 1, "BND": 1})
    assert made["symbol"].to_list() == ["BND"], "TINY and the 5 dollars of VTI are not worth a trade"
    assert made["notional"][0] == Decimal(298), "all but the cash that is wanted: 500 - 20 % of 1010"


def test_everything_of_what_has_no_target_is_sold_never_more(frame):
    of = book(VTI="1")
    held = {"OLD": ("1.005555555", 100)}  # worth 100.56 when rounded: more than is held
    made = plan(of, drifted(frame, of, 0, **held), {"OLD": 100, "VTI": 3})
    assert made["quantity"].to_list() == [Decimal("1.005555555"), Decimal("33.516666666")]
    assert made["notional"].to_list() == [Decimal("100.56"), Decimal("100.55")]


def test_what_is_sold_out_is_sold_to_the_last_unit_whatever_the_digits(frame):
    of = book(VTI="1")
    held, price = "859849.109850365", "77809.757031701"  # their product has more than 28 digits
    made = plan(of, drifted(frame, of, 0, OLD=(held, price)), {"OLD": price, "VTI": 3})
    assert made["quantity"][0] == Decimal(held)


def test_a_budget_is_spent_once(frame):
    """Sales too small to make leave less cash than the shortfalls ask for: the largest is served first."""
    of = book(VTI="0.55", BND="0.45")
    held = {"OLD": (40, 1), "OLDER": (40, 1)}
    made = plan(of, drifted(frame, of, 170, **held), {"OLD": 1, "OLDER": 1, "VTI": 1, "BND": 1})
    assert list(made.select("symbol", "notional").iter_rows()) == [("VTI", Decimal("137.5"))]
    richer = plan(of, drifted(frame, of, 200, **held), {"OLD": 1, "OLDER": 1, "VTI": 1, "BND": 1})
    assert list(richer.select("symbol", "notional").iter_rows()) == [("VTI", Decimal(154))]
    of = book("20", VTI="0.55", BND="0.45")
    held = dict.fromkeys(("OLD", "OLDER", "OLDEST"), (19, 1))
    made = plan(of, drifted(frame, of, 200, **held), {**dict.fromkeys(held, 1), "VTI": 1, "BND": 1})
    assert list(made.select("symbol", "notional").iter_rows()) == [
        ("VTI", Decimal("141.35")),
        ("BND", Decimal("58.65")),
    ]


def test_debt_at_the_broker_is_repaid_before_anything_is_bought(frame):
    of = book(VTI="0.5", BND="0.5")
    made = plan(of, drifted(frame, of, -300, VTI=(1000, 1)), {"VTI": 1, "BND": 1})
    bought = made.filter(pl.col("side") == "buy")["notional"].sum()
    assert made.filter(pl.col("side") == "sell")["notional"].sum() == Decimal(650)
    assert bought == Decimal(350)


def test_no_plan_while_a_price_is_missing(frame):
    of = book(VTI="0.6", BND="0.4")
    drifts = drifted(frame, of, 0, VTI=(100, 1))
    assert unpriced(drifts, {"VTI": Decimal(1), "BND": Decimal(0)}) == ["BND"]
    assert plan(of, drifts, {"VTI": 1}).is_empty()
    unknown = drifts.with_columns(weight=pl.lit(None, pl.Decimal(18, 8)))
    assert unpriced(unknown, {"VTI": Decimal(1), "BND": Decimal(1)}) == ["BND", "VTI"]


def test_a_fallen_market_may_leave_nothing_to_plan_with(frame):
    of = book(VTI="1")
    drifts = drifted(frame, of, -90, VTI=(1, 100), OLD=(1, 5))
    assert plan(of, drifts, {"VTI": 50, "OLD": 5}).is_empty()


def test_same_plan_same_id(frame):
    of = book(VTI="1")
    drifts = drifted(frame, of, 1000)
    ids = [plan(of, drifts, {"VTI": price})["plan_id"][0] for price in (10, 10, 11)]
    assert ids[0] == ids[1] != ids[2]


def test_last_prices(frame):
    bars = frame(
        "clean.bars",
        {"symbol": "VTI", "date": DAY, "close": 3},
        {"symbol": "VTI", "date": date(2026, 11, 19), "close": 2},
        {"symbol": "BND", "date": date(2026, 11, 19), "close": 7},
        {"symbol": "VTI", "date": date(2026, 11, 23), "close": 9},
    )
    assert last_prices(bars, DAY) == {"VTI": Decimal(3), "BND": Decimal(7)}
    assert last_prices(CONTRACTS["clean.bars"].empty(), DAY) == {}


SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
PRICES = st.decimals("0.01", 5000, places=4)
QUANTITIES = st.decimals(0, 500, places=9)


@st.composite
def portfolios(draw):
    parts = draw(st.lists(st.integers(0, 10), min_size=4, max_size=4).filter(any))
    names = (*SYMBOLS[:3], CASH)
    whole = sum(parts)
    weights = [round(Decimal(part) / whole, 6) for part in parts]
    weights[weights.index(max(weights))] += 1 - sum(weights)
    held = {s: draw(QUANTITIES) for s in draw(st.sets(st.sampled_from(SYMBOLS)))}
    prices = {s: draw(PRICES) for s in SYMBOLS}
    cash = draw(st.decimals(-2000, 10000, places=2))
    minimum = draw(st.sampled_from(["0.01", "50"]))
    return (
        book(minimum, draw(st.sampled_from(["0", "0.05"])), **dict(zip(names, weights, strict=True))),
        held,
        prices,
        cash,
    )


@settings(max_examples=150, deadline=None)
@given(case=portfolios())
def test_what_no_plan_ever_does(frame, case):
    of, held, prices, cash = case
    drifts = drifted(frame, of, cash, **{s: (q, prices[s]) for s, q in held.items()})
    made = plan(of, drifts, prices)
    budget, stated, after = cash, cash, dict(held)
    sides = made["side"].to_list()
    assert sides == sorted(sides, reverse=True), "sells come before buys"
    for row in made.iter_rows(named=True):
        sign = 1 if row["side"] == "buy" else -1
        assert row["quantity"] * row["price"] >= of.targets.minimum_trade
        budget -= sign * row["quantity"] * row["price"]
        stated -= sign * row["notional"]
        after[row["symbol"]] = after.get(row["symbol"], Decimal(0)) + sign * row["quantity"]
        gap_before, gap_after = (abs(row[w] - row["target"]) for w in ("weight_before", "weight_after"))
        assert gap_after <= gap_before, "a trade never leads away from its target"
    if "buy" in sides:
        assert budget >= 0, "exact cost never exceeds cash and proceeds"
        assert stated >= 0, "nor does the stated one"
    assert all(quantity >= 0 for quantity in after.values()), "never sells more than is held"
    assert made["symbol"].is_unique().all()


@settings(max_examples=50, deadline=None)
@given(case=portfolios())
def test_after_the_plan_there_is_nothing_left_to_plan(frame, case):
    """With a minimum of a cent and a band of one percent of at least 100 dollars, one plan is enough."""
    of, held, prices, cash = case
    held = {**held, "AAA": held.get("AAA", Decimal(0)) + 10000 / prices["AAA"].quantize(Decimal("0.01"))}
    held = {s: q.quantize(Decimal("1e-9")) for s, q in held.items()}
    of = of.model_copy(
        update={
            "targets": of.targets.model_copy(
                update={"minimum_trade": Decimal("0.01"), "band": Decimal("0.01")}
            )
        }
    )
    made = plan(of, drifted(frame, of, cash, **{s: (q, prices[s]) for s, q in held.items()}), prices)
    for row in made.iter_rows(named=True):
        sign = 1 if row["side"] == "buy" else -1
        held[row["symbol"]] = held.get(row["symbol"], Decimal(0)) + sign * row["quantity"]
        cash -= sign * row["notional"]
    again = plan(of, drifted(frame, of, cash, **{s: (q, prices[s]) for s, q in held.items()}), prices)
    assert again.is_empty()


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("KWD", 3)])
def test_budgets_are_spent_in_whole_minor_units(frame, currency, decimals):
    of = book(currency=currency, VTI="1", minimum="1")
    drifts = drifted(frame, of, "1000", VTI=("0.0001", 7)).with_columns(breached=pl.lit(True))
    made = plan(of, drifts, {"VTI": "7"})
    assert made["notional"][0] == round(made["notional"][0], decimals) <= 1000
