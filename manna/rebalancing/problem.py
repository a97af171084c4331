"""One planning problem, and how good a set of trades is: the score that every planner is measured by.

What belongs here: what is weighed against what, and every rule that trades must keep. What does not: finding trades.

Trades are signed units by security, positive = bought. The score of trades, in the book's currency, lower is better:

    drift_price x (money that is not where its target wants it, over all parts and cash)
    + 1 x (money beyond the bands, over all parts and sleeves) + expected tax + costs of trading
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import cached_property

from manna.ledger.lots import Taken, fifo
from manna.money import round_money
from manna.rebalancing.facts import Facts
from manna.rebalancing.guards import Sellable, barred_purchase, may_lose, rate, sellable
from manna.rebalancing.parts import EXACT, Node, nodes, weight
from manna.rebalancing.targets import CASH, Targets

NONE = Decimal(0)
Trades = Mapping[str, Decimal]


@dataclass(frozen=True)
class Problem:
    """Facts and targets, with what follows from them alone. ``begun``: trades that are settled (harvested losses)."""

    facts: Facts
    targets: Targets
    begun: Trades = field(default_factory=dict)

    @cached_property
    def units(self) -> dict[str, Decimal]:
        """Units by security, of all managed accounts."""
        counted = dict(self.facts.positions)
        for security, units in self.facts.elsewhere.items():
            counted[security] = counted.get(security, NONE) + units
        return counted

    @cached_property
    def values(self) -> dict[str, Decimal]:
        """Value by security, exact; all that is held must have a price."""
        with localcontext(EXACT):
            return {name: units * self.facts.prices[name] for name, units in self.units.items()}

    @cached_property
    def cash(self) -> Decimal:
        """Money of all managed accounts that is the portfolio's: bills that fall due are not."""
        facts = self.facts
        return facts.cash + facts.cash_elsewhere + facts.cash_flow - facts.bills

    @cached_property
    def whole(self) -> Decimal:
        """What the portfolio is worth."""
        with localcontext(EXACT):
            return self.cash + sum(self.values.values(), NONE)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All parts; ``whole`` must be positive."""
        with localcontext(EXACT):
            return nodes(self.targets, self.units, self.whole)

    @cached_property
    def leaves(self) -> tuple[Node, ...]:
        """The parts that are traded."""
        return tuple(node for node in self.nodes if not node.sleeve and node.name != CASH)

    def leaf_of(self, security: str) -> Node:
        """The part that a security counts in."""
        return next(node for node in self.leaves if security in node.securities)

    @cached_property
    def spendable(self) -> Decimal:
        """Money that purchases may use; negative: so much is missing in the traded account.

        What is the target of cash (or its floor) stays, and so does what has not settled. What other accounts hold
        cannot be spent here, but it counts as cash that stays.
        """
        facts = self.facts
        wanted = self.targets.weights.get(CASH, NONE)
        assert isinstance(wanted, Decimal)
        kept = max(wanted * self.whole, self.targets.cash_floor)
        here = facts.cash + facts.cash_flow - facts.bills
        own = max(kept - max(facts.cash_elsewhere, NONE), NONE)
        # What has not settled waits, but nothing is sold for it.
        return here - max(own, min(facts.unsettled, here))

    @cached_property
    def sellable(self) -> dict[str, Sellable]:
        """What may be sold, by security held in the traded account."""
        with localcontext(EXACT):
            return {name: sellable(self.facts, self.targets, name) for name in sorted(self.facts.positions)}

    @cached_property
    def barred(self) -> dict[str, str]:
        """Securities that must not be bought, with the reason."""
        named = sorted({security for node in self.leaves for security in node.securities})
        found = {name: barred_purchase(self.facts, self.targets, name) for name in named}
        return {name: reason for name, reason in found.items() if reason}

    def taken(self, security: str, units: Decimal) -> list[Taken]:
        """The lots that a sale of ``units`` takes."""
        found = self.sellable.get(security, Sellable())
        return fifo(found.lots, units)[1]

    def loses(self, security: str, units: Decimal) -> bool:
        """Whether a sale of ``units`` takes any lot that could realize a loss."""
        lots = {id(lot): lot for lot in self.sellable.get(security, Sellable()).lots}
        for lot in lots.values():
            if units <= 0:
                return False
            if may_lose(self.facts, self.targets, lot):
                return True
            units -= lot.remaining
        return False

    def cost(self, notional: Decimal) -> Decimal:
        """Of one trade."""
        costs = self.targets.costs
        return round_money(notional * costs.rate + costs.per_trade, self.facts.currency)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What trades come to. ``weights`` by node; ``cash`` as ``Problem.cash``; ``spendable`` is negative if overspent."""

    values: Mapping[str, Decimal]
    cash: Decimal
    spendable: Decimal
    tax: Decimal
    costs: Decimal
    misplaced: Decimal
    beyond: Decimal
    score: Decimal
    weights: Mapping[str, Decimal]


def measure(problem: Problem, trades: Trades) -> Outcome:
    """The exact outcome if all trades fill at their prices. Buys count at the greater of exact and rounded amounts,
    sells at the lesser, so that no rounding can overspend.
    """
    with localcontext(EXACT):
        return _measured(problem, trades)


def _measured(problem: Problem, trades: Trades) -> Outcome:
    facts, currency = problem.facts, problem.facts.currency
    values, moved, tax, costs = dict(problem.values), NONE, NONE, NONE
    for security, units in trades.items():
        if not units:
            continue
        exact = abs(units) * facts.prices[security]
        stated = round_money(exact, currency)
        values[security] = values.get(security, NONE) + units * facts.prices[security]
        moved += min(exact, stated) if units < 0 else -max(exact, stated)
        costs += problem.cost(exact)
        if units < 0:
            tax += sum((tax_of(problem, each) for each in problem.taken(security, -units)), NONE)
    cash = problem.cash + moved - costs
    whole, misplaced, beyond, weights = problem.whole, NONE, NONE, dict[str, Decimal]()
    for node in problem.nodes:
        share = weight(node, values, cash, whole)
        weights[node.name] = share
        beyond += max(share - node.high, node.low - share, NONE) * whole
        if not node.sleeve:
            own = cash if node.name == CASH else sum((values.get(s, NONE) for s in node.securities), NONE)
            misplaced += abs(own - node.target * whole)
    score = problem.targets.drift_price * misplaced + beyond + tax + costs
    spendable = problem.spendable + moved - costs
    return Outcome(values, cash, spendable, tax, costs, misplaced, beyond, score, weights)


def tax_of(problem: Problem, taken: Taken) -> Decimal:
    """Expected tax on what a sale took from one lot; of unknown basis as if all of it were gain."""
    facts, lot = problem.facts, taken.left
    proceeds = taken.quantity * facts.prices[lot.security_id]
    cost = NONE if lot.cost is None else taken.carrying
    return round_money((proceeds - cost) * rate(facts, problem.targets, lot), facts.currency)


def violations(problem: Problem, trades: Trades) -> list[str]:
    """Every rule that ``trades`` break, in words; empty when they may be proposed."""
    with localcontext(EXACT):
        found = [words for security, units in sorted(trades.items()) for words in _broken(problem, security, units)]  # fmt: skip
        found += _broken_by_all(problem, trades)
    return found


def _broken(problem: Problem, security: str, units: Decimal) -> list[str]:
    facts, targets = problem.facts, problem.targets
    notional, found = abs(units) * facts.prices[security], list[str]()
    if units < 0:
        most = sum((lot.remaining for lot in problem.sellable.get(security, Sellable()).lots), NONE)
        if -units > most:
            found.append(f"sells {-units} of {security}, and {most} may be sold")
    elif security in problem.barred:
        found.append(problem.barred[security])
    if notional < targets.minimum_trade:
        found.append(f"{security}: {notional} is below the minimum trade")
    if targets.maximum_order is not None and notional > targets.maximum_order:
        found.append(f"{security}: {notional} is above the maximum order")
    if targets.whole_shares and units != units.to_integral_value():
        found.append(f"{security}: {units} are not whole shares")
    return found


def _broken_by_all(problem: Problem, trades: Trades) -> list[str]:
    facts, found = problem.facts, list[str]()
    same = facts.same
    losing = {same(s) for s, units in trades.items() if units < 0 and problem.loses(s, -units)}
    found += [
        f"buys {s} while its like is sold at a loss" for s, u in trades.items() if u > 0 and same(s) in losing
    ]
    for sign, words in ((1, "buys"), (-1, "sells")):
        amount = sum((u * sign * facts.prices[s] for s, u in trades.items() if u * sign > 0), NONE)
        limit = turnover(problem)
        if limit is not None and amount > limit + Decimal("0.01"):
            found.append(f"{words} for {amount}: more than the maximum turnover")
    outcome = _measured(problem, trades)
    if outcome.spendable < 0 and any(units > 0 for units in trades.values()):
        found.append(f"spends {-outcome.spendable} more than there is")
    begun = set(problem.begun)
    for node in problem.leaves:
        if begun & set(node.securities):
            continue  # a harvested loss and its substitute differ by a share and the costs
        before, after = (
            sum((v.get(s, NONE) for s in node.securities), NONE) for v in (problem.values, outcome.values)
        )
        goal = node.target * problem.whole
        if abs(after - goal) > max(abs(before - goal), Decimal("0.01")):
            found.append(f"leads {node.name} away from its target")
    return found


def turnover(problem: Problem) -> Decimal | None:
    """The most that may be bought, and the most that may be sold; None: any amount."""
    limit = problem.targets.maximum_turnover
    return None if limit is None else limit * problem.whole
