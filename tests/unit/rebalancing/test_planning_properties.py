"""What no plan ever does, whatever is held, wanted and forbidden. The oracle of wash sales is the engine of the books."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from rebalancing_examples import DAY, facts, lot, targets

from manna.rebalancing.facts import LossSale, Purchase
from manna.rebalancing.greedy import greedy, harvested, out_of_band
from manna.rebalancing.optimizer import optimized
from manna.rebalancing.planning import propose
from manna.rebalancing.problem import Problem, measure, violations
from manna.tax.wash import Acquisition, Disposal, wash_sales

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")
"""AAA, BBB and CCC have targets, EEE stands in for AAA, DDD is held by chance and counts as one with BBB."""
SAME = {"DDD": "BBB"}
DAYS_AGO = st.sampled_from([3, 29, 30, 31, 200, 365, 366, 2000])
AHEAD = st.sampled_from([1, 30, 31])
UNITS = st.decimals("0.5", 300, places=3)


def same(symbol: str) -> str:
    return SAME.get(symbol, symbol)


@st.composite
def cases(draw):
    """Facts and targets; every purchase of the last 30 days is among the facts, as it is among the taxpayer's."""
    prices = {symbol: draw(st.decimals(1, 400, places=2)) for symbol in SYMBOLS}
    lots, bought = [], []
    for number in range(draw(st.integers(1, 6))):
        symbol, ago = draw(st.sampled_from(SYMBOLS)), draw(DAYS_AGO)
        units, factor = draw(UNITS), draw(st.sampled_from(["0.4", "0.97", "1", "1.004", "1.6", None]))
        cost = (
            None if factor is None else (units * prices[symbol] * Decimal(factor)).quantize(Decimal("0.01"))
        )
        opened, name = DAY - timedelta(days=ago), f"lot{number}"
        lots.append(lot(symbol, units, cost, opened, name))
        if ago <= 30:
            bought.append(Purchase(symbol, opened, "broker", "bought", name))
    for number in range(draw(st.integers(0, 2))):
        day = DAY - timedelta(days=draw(DAYS_AGO))
        bought.append(Purchase(draw(st.sampled_from(SYMBOLS)), day, "ira", "bought", f"ira{number}"))
    due = [Purchase(draw(st.sampled_from(SYMBOLS)), DAY + timedelta(days=draw(AHEAD)), "401k", "payroll") for _ in range(draw(st.integers(0, 1)))]  # fmt: skip
    sold = [LossSale(draw(st.sampled_from(SYMBOLS)), DAY - timedelta(days=draw(DAYS_AGO)), "joint") for _ in range(draw(st.integers(0, 2)))]  # fmt: skip
    of = targets(
        weights=draw(st.sampled_from([
            {"AAA": "0.5", "BBB": "0.3", "CCC": "0.2"},
            {"AAA": "0.6", "BBB": "0.3", "CASH": "0.1"},
            {"S": {"weight": "0.7", "weights": {"AAA": "0.5", "BBB": "0.5"}}, "CCC": "0.3"},
            {"S": {"weight": "0.9", "securities": ["AAA", "BBB"]}, "CCC": "0.1"},
        ])),
        substitutes={"AAA": ["EEE"]},
        band=draw(st.sampled_from(["0", "0.05", "0.2"])),
        relative_band=draw(st.sampled_from([None, "0.25"])),
        minimum_trade=draw(st.sampled_from(["0.01", "50"])),
        maximum_order=draw(st.sampled_from([None, 2000])),
        maximum_turnover=draw(st.sampled_from([None, "0.1"])),
        cash_floor=draw(st.sampled_from([0, 300])),
        whole_shares=draw(st.booleans()),
        restricted=draw(st.sampled_from([[], ["CCC"]])),
        lots=draw(st.sampled_from(["fifo", "best"])),
        harvesting=draw(st.booleans()),
        costs=draw(st.sampled_from([{"rate": 0}, {"rate": "0.001", "per_trade": 1}])),
    )  # fmt: skip
    lots.sort(key=lambda each: each.opened)
    cash = draw(st.decimals(-500, 20000, places=2))
    return facts(cash, lots, prices, bought=tuple(bought), due=tuple(due), sold_at_loss=tuple(sold), same=same, unsettled=draw(st.sampled_from([Decimal(0), Decimal(400)]))), of  # fmt: skip


@given(case=cases())
def test_budget_limits_lots_and_bands_always_hold(case):
    of_facts, of = case
    made = propose(of_facts, of)
    if not made.trades:
        assert made.why_none
        return
    problem = made.problem
    assert violations(problem, made.trades) == []
    assert set(made.trades) == {name for name, units in made.trades.items() if units}
    assert made.after.score <= made.plain_score, "never worse than the plain planner"
    started_inside = problem.spendable >= 0 and not out_of_band(problem, made.before)
    assert not started_inside or made.trades == dict(problem.begun), (
        "inside the bands only losses are harvested"
    )
    if any(units > 0 for units in made.trades.values()):
        assert made.after.cash >= of.cash_floor
        assert made.after.cash >= min(of_facts.unsettled, of_facts.cash), "what has not settled stays"
    for name, units in made.trades.items():
        assert units > 0 or -units <= of_facts.positions[name], "never sells what is not held"


@given(case=cases())
def test_each_planner_keeps_the_rules_and_the_better_one_is_taken(case):
    of_facts, of = case
    plain = Problem(of_facts, of)
    if plain.whole <= 0:
        return
    problem = Problem(of_facts, of, harvested(plain))
    assert violations(problem, problem.begun) == []
    first, second = greedy(problem), optimized(problem)
    assert violations(problem, first) == []
    if second is not None:
        broken = [words for words in violations(problem, second) if not words.startswith("spends")]
        assert broken == [], "but for cents of rounding the optimizer keeps the rules too"
    assert measure(problem, propose(of_facts, of).trades).score <= measure(problem, first).score or not first


@given(case=cases())
def test_no_loss_of_the_taxpayer_becomes_a_wash_sale(case):
    """Everything the facts tell goes through the engine of the books, without and with the plan: what it disallows
    is the same, also when what is due has come.
    """
    of_facts, of = case
    made = propose(of_facts, of)
    assert _disallowed(of_facts, {}, None) == _disallowed(of_facts, made.trades, made.problem)


def _disallowed(of_facts, trades, problem):
    """What is disallowed by the facts' purchases and losses, and then by ``trades`` and what comes after."""
    acquired, sold, number = [], [], 0
    for each in of_facts.lots:
        acquired.append(Acquisition(each.lot_id, "broker", each.security_id, (each.opened, 0), each.quantity))
    for each in of_facts.bought:
        if not each.lot_id.startswith("lot"):
            acquired.append(
                Acquisition(each.lot_id, each.account, each.security, (each.day, 0), Decimal(10**6))
            )
    for number, each in enumerate(of_facts.sold_at_loss):
        # A loss of the past that nothing has replaced: it may be replaced by what comes from now on alone.
        name = f"gone{number}"
        acquired.append(Acquisition(name, each.account, f"past {number}", (each.day - timedelta(days=999), 0), Decimal(10), replaces=False))  # fmt: skip
        sold.append((each, name))
    disposals = []
    for security, units in sorted(trades.items()):
        if units > 0:
            acquired.append(Acquisition(f"new {security}", "broker", security, (DAY, 0), units))
            continue
        for taken in problem.taken(security, -units):
            if taken.left.cost is None:
                continue
            # At the lowest price inside the collar.
            price = of_facts.prices[security] * (1 - of.collar if (of := problem.targets) else 1)
            disposals.append(Disposal(f"sale {security}", taken.left.lot_id, "broker", security, (DAY, 1), taken.left.opened, taken.quantity, taken.quantity, taken.quantity * price, taken.carrying))  # fmt: skip
    for number, each in enumerate(of_facts.due):
        acquired.append(
            Acquisition(f"due{number}", each.account, each.security, (each.day, 0), Decimal(10**6))
        )
    lines = wash_sales(acquired, disposals, same=of_facts.same).lines
    new = sum((line.disallowed for line in lines), Decimal(0))
    bought = defaultdict(Decimal)
    for security, units in trades.items():
        bought[of_facts.same(security)] += max(units, Decimal(0))
    old = [each for each, _ in sold if each.day + timedelta(days=30) >= DAY >= each.day and bought[of_facts.same(each.security)]]  # fmt: skip
    return new, len(old)
