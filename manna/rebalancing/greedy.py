"""The plain planner: largest gap first. What it proposes keeps every rule; :mod:`optimizer` may know better.

What belongs here: sizing trades one after the other, cash flows before sales, and the harvesting of losses. What does
not: the rules themselves (:mod:`problem`, :mod:`guards`).
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal, localcontext

from manna.money import minor_units
from manna.rebalancing.parts import EXACT, Node
from manna.rebalancing.problem import NONE, Outcome, Problem, measure, tax_of, turnover

_UNIT, _CENT = Decimal("0.000000001"), Decimal("0.01")


def needed(problem: Problem) -> bool:
    """Whether anything is to be traded: a part has left its band, or money is missing."""
    outcome = measure(problem, {})
    return problem.spendable < 0 or out_of_band(problem, outcome)


def out_of_band(problem: Problem, outcome: Outcome) -> bool:
    """Whether any part or sleeve, or cash, is outside its band."""
    return any(not node.holds(outcome.weights[node.name]) for node in problem.nodes)


def from_cash(problem: Problem) -> dict[str, Decimal] | None:
    """Purchases from money that is there, if they alone bring everything into its bands; else None."""
    with localcontext(EXACT):
        if problem.spendable < 0:
            return None
        desk = _Desk(problem)
        desk.buy_shortfalls()
        return None if out_of_band(problem, measure(problem, desk.trades)) else desk.trades


def greedy(problem: Problem) -> dict[str, Decimal]:
    """Sales, largest excess first, then purchases, largest shortfall first; signed units by security.

    A part beyond its band is sold down to its target. One inside is sold only as far as money is missing for what is to
    be bought. Purchases use money and proceeds less what stays as cash.
    """
    with localcontext(EXACT):
        desk = _Desk(problem)
        outcome = measure(problem, desk.trades)
        excess = {
            node: own - node.target * problem.whole
            for node in problem.leaves
            if (own := _value(node, outcome.values)) > node.target * problem.whole
        }
        far = {
            node
            for node in excess
            if outcome.weights[node.name] > node.high or _sleeve_is_high(problem, outcome, node)
        }
        for node in sorted(excess, key=lambda node: (node not in far, -excess[node], node.name)):
            missing = (desk.buyable() if out_of_band(problem, outcome) else NONE) - desk.money
            wanted = excess[node] if node in far else min(excess[node], missing)
            if wanted > 0:
                desk.sell_from(node, wanted)
        if out_of_band(problem, outcome):
            desk.buy_shortfalls()
        return desk.trades


def _sleeve_is_high(problem: Problem, outcome: Outcome, leaf: Node) -> bool:
    return any(
        node.sleeve
        and set(leaf.securities) <= set(node.securities)
        and outcome.weights[node.name] > node.high
        for node in problem.nodes
    )


def harvested(problem: Problem) -> dict[str, Decimal]:
    """Losses to realize with a substitute for each, where the book wants that: signed units by security.

    Not while money is missing, and only where the lots that can be sold first lose at least ``minimum_loss`` together, a substitute may be bought, and
    all of it fits into the order and turnover limits. The substitute takes what the sale brings less costs.
    """
    targets = problem.targets
    if not targets.harvesting or problem.facts.sheltered or problem.spendable < 0:
        return {}
    with localcontext(EXACT):
        desk = _Desk(problem)
        for node in problem.leaves:
            for security in node.securities:
                _harvest(desk, security)
        return desk.trades


def _harvest(desk: "_Desk", security: str) -> None:
    problem, facts, targets = desk.problem, desk.problem.facts, desk.problem.targets
    losing = NONE
    for lot in problem.sellable[security].lots if security in problem.sellable else ():
        if lot.cost is None or lot.carrying <= lot.remaining * facts.prices[security]:
            break
        losing += lot.remaining
    loss = sum(
        (t.carrying - t.quantity * facts.prices[security] for t in problem.taken(security, losing)), NONE
    )
    stand_in = next((s for s in targets.substitutes.get(security, ()) if desk.may_buy(s, selling=security)), None)  # fmt: skip
    if loss < targets.minimum_loss or stand_in is None:
        return
    before = desk.copied()
    sold = desk.sell(security, losing * facts.prices[security])
    if sold:
        room = sold - problem.cost(sold) - 3 * _CENT  # for the roundings
        if not desk.buy(stand_in, room - problem.cost(room)):
            desk.restore(before)


def _value(node: Node, values: Mapping[str, Decimal]) -> Decimal:
    return sum((values.get(s, NONE) for s in node.securities), NONE)


class _Desk:
    """Trades made so far, the money left, and the limits that remain."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.trades = problem, dict(problem.begun)
        self.money = measure(problem, self.trades).spendable

    def copied(self) -> tuple[dict[str, Decimal], Decimal]:
        return dict(self.trades), self.money

    def restore(self, state: tuple[dict[str, Decimal], Decimal]) -> None:
        self.trades, self.money = state

    def sell_from(self, node: Node, value: Decimal) -> None:
        """Sells for ``value`` out of a part, what is cheapest in tax first; all of it where nothing is wanted."""
        for security in sorted(node.securities, key=self._first_tax):
            if value > 0:
                value -= self.sell(security, value)

    def sell(self, security: str, value: Decimal) -> Decimal:
        """Sells for at most ``value`` more; returns the amount. Nothing where a rule or limit forbids it."""
        problem, price = self.problem, self.problem.facts.prices.get(security, NONE)
        lots = problem.sellable[security].lots if security in problem.sellable else ()
        done = -self.trades.get(security, NONE)
        if not lots or done < 0:
            return NONE
        most = sum((lot.remaining for lot in lots), NONE)
        left = self._limited(-1, value, done * price)
        units = self._rounded(min(left / price, most - done))
        if left >= (most - done) * price and not problem.targets.whole_shares:
            units = most - done  # to the last digit
        return self._make(security, -units, -done)

    def buy(self, security: str, value: Decimal) -> Decimal:
        """Buys for at most ``value`` more; returns the amount."""
        price, done = self.problem.facts.prices[security], self.trades.get(security, NONE)
        left = self._limited(1, value, done * price)
        cent = Decimal(1).scaleb(-minor_units(self.problem.facts.currency))
        return self._make(security, self._rounded(left.quantize(cent, ROUND_DOWN) / price), done)

    def buy_shortfalls(self) -> None:
        """Buys, largest shortfall first, as far as the money goes."""
        for gap, _, node in self._shortfalls():
            security = self._choice(node)
            if security is not None and self.money > 0:
                costs = self.problem.targets.costs
                money = (self.money - costs.per_trade) / (1 + costs.rate) - (_CENT if costs.rate else NONE)
                self.buy(security, min(gap, money))

    def buyable(self) -> Decimal:
        """What shortfalls sum to that may be bought for."""
        return sum((gap for gap, _, node in self._shortfalls() if self._choice(node)), NONE)

    def may_buy(self, security: str, *, selling: str = "") -> bool:
        """Whether ``security`` may be bought, given what has been (or is about to be) sold at a loss."""
        problem, same = self.problem, self.problem.facts.same
        if security in problem.barred or self.trades.get(security, NONE) < 0:
            return False
        losing = {same(s) for s, units in self.trades.items() if units < 0 and problem.loses(s, -units)}
        return same(security) not in losing | ({same(selling)} if selling else set())

    def _shortfalls(self) -> list[tuple[Decimal, str, Node]]:
        values = measure(self.problem, self.trades).values
        gaps = [(node.target * self.problem.whole - _value(node, values), node.name, node) for node in self.problem.leaves]  # fmt: skip
        return sorted((each for each in gaps if each[0] > 0), key=lambda each: (-each[0], each[1]))

    def _choice(self, node: Node) -> str | None:
        return next((security for security in node.securities if self.may_buy(security)), None)

    def _first_tax(self, security: str) -> Decimal:
        problem = self.problem
        if not (security in problem.sellable and problem.sellable[security].lots):
            return NONE
        lot = problem.sellable[security].lots[0]
        taken = problem.taken(security, lot.remaining)
        value = lot.remaining * problem.facts.prices[security]
        return sum((tax_of(problem, each) for each in taken), NONE) / value

    def _limited(self, sign: int, value: Decimal, done: Decimal) -> Decimal:
        """``value`` within what the order and turnover limits leave."""
        targets, prices = self.problem.targets, self.problem.facts.prices
        if targets.maximum_order is not None:
            value = min(value, targets.maximum_order - done)
        limit = turnover(self.problem)
        if limit is not None:
            used = sum((u * sign * prices[s] for s, u in self.trades.items() if u * sign > 0), NONE)
            value = min(value, limit - used)
        return max(value, NONE)

    def _rounded(self, units: Decimal) -> Decimal:
        return units.quantize(Decimal(1) if self.problem.targets.whole_shares else _UNIT, ROUND_DOWN)

    def _make(self, security: str, more: Decimal, done: Decimal) -> Decimal:
        """Adds ``more`` signed units to those ``done``, unless together they are below the minimum."""
        problem, price = self.problem, self.problem.facts.prices[security]
        together = done + more
        if not more or abs(together) * price < problem.targets.minimum_trade:
            return NONE
        if more < 0 and self._would_wash(security, -together):
            return NONE
        self.trades[security] = together
        self.money = measure(problem, self.trades).spendable
        return abs(more) * price

    def _would_wash(self, security: str, units: Decimal) -> bool:
        """Whether the sale takes a lot at a loss of what is bought in this plan."""
        same = self.problem.facts.same
        bought = {same(s) for s, u in self.trades.items() if u > 0}
        return same(security) in bought and self.problem.loses(security, units)
