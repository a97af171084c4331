"""The best trades by the score of :mod:`problem`, as a mixed-integer linear program (HiGHS, through scipy).

What belongs here: the program, and turning its answer into units. What does not: the score or the rules: an answer is
measured and checked by :mod:`problem`, exactly, like any other, and only used if it keeps every rule.

The program works in floats of ten-thousandths of the whole, so its answer is cut to units and may be a hair off; the
planner takes the better of this and the greedy one.
"""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

from manna.rebalancing.guards import may_lose, tax_per_unit
from manna.rebalancing.parts import EXACT, Node
from manna.rebalancing.problem import NONE, Problem, measure, turnover
from manna.rebalancing.targets import CASH

_UNIT, _CENT = Decimal("0.000000001"), Decimal("0.01")
_NODES = 2000
"""Most branches that are looked at: the answer must not depend on how fast a machine is."""


@dataclass(slots=True)
class _Program:
    """Variables with bounds and prices, and rows ``low <= sum <= high`` over them. Money is in shares of the whole."""

    price: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    integral: list[int] = field(default_factory=list)
    rows: list[dict[int, float]] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def variable(self, most: float, price: float = 0.0, *, integral: bool = False) -> int:
        self.price.append(price)
        self.most.append(most)
        self.integral.append(int(integral))
        return len(self.price) - 1

    def row(self, terms: dict[int, float], low: float = -float("inf"), high: float = float("inf")) -> None:
        self.rows.append(terms)
        self.low.append(low)
        self.high.append(high)

    def solved(self) -> Any:
        """The values of the variables, or None."""
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        places = [(number, column, factor) for number, row in enumerate(self.rows) for column, factor in row.items()]  # fmt: skip
        number, column, factor = (np.array(part) for part in zip(*places, strict=True))
        matrix = csr_array((factor, (number, column)), shape=(len(self.rows), len(self.price)))
        found = milp(
            np.array(self.price),
            constraints=LinearConstraint(matrix, np.array(self.low), np.array(self.high)),
            bounds=Bounds(np.zeros(len(self.most)), np.array(self.most)),
            integrality=np.array(self.integral),
            options={"node_limit": _NODES, "mip_rel_gap": 1e-7},
        )
        return found.x


@dataclass(slots=True)
class _Side:
    """The variables of one security's purchase or sale: amounts (one per lot when sold), and whether it is made."""

    amounts: list[int]
    made: int
    losing: list[int] = field(default_factory=list)


def optimized(problem: Problem, *, raising: bool = False) -> dict[str, Decimal] | None:
    """Signed units by security with the least score that the program finds; None when it finds none.

    ``raising``: nothing is out of its band and only money is missing: nothing more than that is sold, nothing bought.
    What is over its target is never sold below it, what is under it never bought beyond: no trade leads away.
    """
    with localcontext(EXACT):
        program, sales, purchases = _Program(), dict[str, _Side](), dict[str, _Side]()
        values = measure(problem, problem.begun).values
        for node in problem.leaves:
            _add_leaf(problem, program, node, values, sales, purchases)
        if raising:
            purchases = {name: side for name, side in purchases.items() if name in problem.begun}
        _add_money(problem, program, sales, purchases, raising=raising)
        _add_bands(problem, program, sales, purchases)
        _add_likes(problem, program, sales, purchases)
    answer = program.solved() if sales or purchases else None
    if answer is None:
        return None
    with localcontext(EXACT):
        return _units(problem, answer, sales, purchases)


def _share(problem: Problem, amount: Decimal) -> float:
    return float(amount / problem.whole)


def _add_leaf(
    problem: Problem,
    program: _Program,
    node: Node,
    values: Any,
    sales: dict[str, _Side],
    purchases: dict[str, _Side],
) -> None:
    own = sum((values.get(s, NONE) for s in node.securities), NONE)
    gap = node.target * problem.whole - own
    begun = problem.begun
    for security in node.securities:
        done = begun.get(security, NONE)
        if (gap < 0 or done < 0) and security in problem.sellable and problem.sellable[security].lots:
            sales[security] = _sale(problem, program, security, -min(done, NONE))
            if gap >= 0:  # only the harvested loss
                most = _share(problem, -done * problem.facts.prices[security]) + 1e-12
                program.row(dict.fromkeys(sales[security].amounts, 1.0), high=most)
        if (gap > 0 or done > 0) and security not in problem.barred:
            purchases[security] = _purchase(problem, program, security, max(done, NONE), gap)
    for security in node.securities:
        if security in sales and security in purchases:
            program.row({sales[security].made: 1.0, purchases[security].made: 1.0}, high=1.0)
    # Trades beyond what is begun go no further than to the target.
    terms = {v: -1.0 for s in node.securities if s in sales for v in sales[s].amounts}
    terms |= {v: 1.0 for s in node.securities if s in purchases for v in purchases[s].amounts}
    if terms:
        base = _share(problem, sum((begun.get(s, NONE) * problem.facts.prices.get(s, NONE) for s in node.securities), NONE))  # fmt: skip
        room = _share(problem, gap)
        program.row(terms, low=base + min(room, 0.0), high=base + max(room, 0.0))


def _sale(problem: Problem, program: _Program, security: str, done: Decimal) -> _Side:
    facts, targets = problem.facts, problem.targets
    price, lots = facts.prices[security], problem.sellable[security].lots
    side, last, total = _Side([], program.variable(1, integral=True)), 0.0, 0.0
    for lot in lots:
        most = _share(problem, lot.remaining * price)
        tax = float(tax_per_unit(facts, targets, lot) / price)
        amount = program.variable(most, tax + float(targets.costs.rate))
        if side.amounts and tax < last:
            # A lot that is cheaper than the one before it must wait until all before it are used up. Where each is
            # dearer than the last they are taken in their order anyway.
            begun = program.variable(1, integral=True)
            program.row({amount: 1.0, begun: -most}, high=0.0)
            program.row({**dict.fromkeys(side.amounts, 1.0), begun: -total}, low=0.0)
        if may_lose(facts, targets, lot):
            side.losing.append(amount)
        side.amounts.append(amount)
        last, total = tax, total + most
    if targets.whole_shares:
        _in_shares(problem, program, side.amounts, price, total)
    _limit(problem, program, side, done * price)
    return side


def _purchase(problem: Problem, program: _Program, security: str, done: Decimal, gap: Decimal) -> _Side:
    price = problem.facts.prices[security]
    most = _share(problem, max(gap, NONE) + done * price)
    side = _Side([], program.variable(1, integral=True))
    side.amounts.append(program.variable(most, float(problem.targets.costs.rate)))
    if problem.targets.whole_shares:
        _in_shares(problem, program, side.amounts, price, most)
    _limit(problem, program, side, done * price)
    return side


def _in_shares(problem: Problem, program: _Program, amounts: list[int], price: Decimal, most: float) -> None:
    """The amounts come to a whole number of shares."""
    count = program.variable(float(most * float(problem.whole) // float(price)), integral=True)
    program.row({**dict.fromkeys(amounts, 1.0), count: -_share(problem, price)}, low=0.0, high=0.0)


def _limit(problem: Problem, program: _Program, side: _Side, done: Decimal) -> None:
    """The least and the most of an order, the costs of making it, and what is begun already."""
    targets = problem.targets
    most = targets.maximum_order or problem.whole * 100
    least = _share(problem, targets.minimum_trade) * (1 + 1e-9)
    program.row({**dict.fromkeys(side.amounts, 1.0), side.made: -least}, low=0.0)
    program.row({**dict.fromkeys(side.amounts, 1.0), side.made: -_share(problem, most)}, high=0.0)
    if done:
        program.row(dict.fromkeys(side.amounts, 1.0), low=_share(problem, done) - 1e-12)
    program.price[side.made] += _share(problem, targets.costs.per_trade)


def _add_money(
    problem: Problem,
    program: _Program,
    sales: dict[str, _Side],
    purchases: dict[str, _Side],
    *,
    raising: bool,
) -> None:
    """What is bought is paid for, and both stay within the turnover; missing money costs as much as a broken band."""
    costs, missing = problem.targets.costs, program.variable(1.0, 1.0)
    terms = {missing: 1.0}
    for sides, sign in ((sales, 1.0), (purchases, -1.0)):
        for side in sides.values():
            terms |= dict.fromkeys(side.amounts, sign - float(costs.rate))
            terms[side.made] = -_share(problem, costs.per_trade)
        limit = turnover(problem)
        if limit is not None and sides:
            program.row(
                {v: 1.0 for side in sides.values() for v in side.amounts}, high=_share(problem, limit)
            )
    # A cent of every trade stays, for the roundings.
    short = -_share(problem, problem.spendable) + _share(problem, _CENT * (len(sales) + len(purchases)))
    program.row(terms, low=short)
    program.row({missing: 1.0}, high=max(short, 0.0))
    if raising:
        program.row({v: 1.0 for side in sales.values() for v in side.amounts}, high=max(short, 0.0))


def _add_bands(
    problem: Problem, program: _Program, sales: dict[str, _Side], purchases: dict[str, _Side]
) -> None:
    """How far each part is from its target, and how far beyond its band."""
    price, values = float(problem.targets.drift_price), problem.values
    for node in problem.nodes:
        if node.name == CASH:
            start = _share(problem, problem.cash)
            terms = {v: 1.0 for side in sales.values() for v in side.amounts}
            terms |= {v: -1.0 for side in purchases.values() for v in side.amounts}
        else:
            start = _share(problem, sum((values.get(s, NONE) for s in node.securities), NONE))
            terms = {v: -1.0 for s in node.securities if s in sales for v in sales[s].amounts}
            terms |= {v: 1.0 for s in node.securities if s in purchases for v in purchases[s].amounts}
        if not terms:
            continue
        beyond, edge = program.variable(10.0, 1.0), _edge(problem, node)
        program.row({**terms, beyond: 1.0}, low=float(node.low) + edge - start)
        program.row({**terms, beyond: -1.0}, high=float(node.high) - edge - start)
        if not node.sleeve:
            away = program.variable(10.0, price)
            program.row({**terms, away: 1.0}, low=float(node.target) - start)
            program.row({**terms, away: -1.0}, high=float(node.target) - start)


def _edge(problem: Problem, node: Node) -> float:
    """How far inside its band a part is kept, so that no rounding leads out of it again."""
    return min(1e-6 + 5 * _share(problem, _CENT), float(node.high - node.low) / 4)


def _add_likes(
    problem: Problem, program: _Program, sales: dict[str, _Side], purchases: dict[str, _Side]
) -> None:
    """What is substantially identical is not bought while any of it is sold at a loss."""
    same = problem.facts.same
    for security, sale in sales.items():
        rivals = [purchases[s] for s in purchases if same(s) == same(security)]
        if not sale.losing or not rivals:
            continue
        losing = program.variable(1, integral=True)
        for amount in sale.losing:
            program.row({amount: 1.0, losing: -program.most[amount]}, high=0.0)
        for rival in rivals:
            program.row({losing: 1.0, rival.made: 1.0}, high=1.0)


def _units(
    problem: Problem, answer: Any, sales: dict[str, _Side], purchases: dict[str, _Side]
) -> dict[str, Decimal]:
    """The answer in units: whole lots to their last digit, all else cut; purchases that rounding overspent shrink."""
    trades = dict[str, Decimal]()
    step = Decimal(1) if problem.targets.whole_shares else _UNIT
    for sides, sign in ((sales, -1), (purchases, 1)):
        for security, side in sides.items():
            amount = sum(float(answer[v]) for v in side.amounts)
            begun, price = abs(problem.begun.get(security, NONE)), problem.facts.prices[security]
            # In whole cents, and a solver's 9.99999 are 10.
            money = (Decimal(repr(amount)) * problem.whole + _CENT / 100).quantize(_CENT, ROUND_DOWN)
            units = max(_cut(money / price, step, problem), begun)
            if sign < 0:
                most = sum((lot.remaining for lot in problem.sellable[security].lots), NONE)
                close = (most - units) * price < Decimal("0.005") and not problem.targets.whole_shares
                units = most if close else min(units, most)
            if units * price >= problem.targets.minimum_trade:
                trades[security] = trades.get(security, NONE) + sign * units
    return {security: units for security, units in trades.items() if units}


def _cut(units: Decimal, step: Decimal, problem: Problem) -> Decimal:
    """Down to ``step``; a solver's 2.9999999 shares are 3."""
    near = units + (Decimal("0.000001") if problem.targets.whole_shares else NONE)
    return near.quantize(step, ROUND_DOWN)
