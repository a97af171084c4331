"""From facts and targets to a proposal: the better of the plain and the optimized trades, with the reasons.

What belongs here: when there is a plan at all, which answer is taken, why each trade is made, and what could not be
reached. What does not: sizing (:mod:`greedy`, :mod:`optimizer`) or the document (:mod:`plan_document`).
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext

from manna.rebalancing.facts import Facts
from manna.rebalancing.greedy import from_cash, greedy, harvested, needed, out_of_band
from manna.rebalancing.optimizer import optimized
from manna.rebalancing.parts import EXACT, Node
from manna.rebalancing.problem import NONE, Outcome, Problem, measure, turnover, violations
from manna.rebalancing.targets import CASH, Targets

PLAIN, OPTIMIZED = "greedy", "optimizer"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Trades with their outcome. Without trades ``why_none`` says why; ``unmet``: what stays outside, and why."""

    problem: Problem | None
    trades: dict[str, Decimal]
    before: Outcome | None = None
    after: Outcome | None = None
    plain_score: Decimal | None = None
    made_by: str = PLAIN
    why_none: str = ""
    unmet: tuple[str, ...] = ()


def propose(facts: Facts, targets: Targets) -> Proposal:
    """The trades that bring the account to its targets with the least score, or the reason why there are none.

    None are made inside the bands, during the cool-down, or while a price is missing: to sell and then be unable to buy
    is worse than to wait. If money that is there is enough, nothing is sold.
    """
    waits = reason_to_wait(facts, targets)
    if waits:
        return Proposal(None, {}, why_none=waits)
    plain = Problem(facts, targets)
    if plain.whole <= 0:
        return Proposal(None, {}, why_none="the managed accounts are worth nothing")
    with localcontext(EXACT):
        problem = Problem(facts, targets, harvested(plain))
        before = measure(problem, {})
        if not needed(problem):
            trades, made_by = dict(problem.begun), PLAIN
            if not trades:
                return Proposal(problem, {}, before, before, why_none="every weight is inside its band")
            return _proposal(problem, trades, made_by, before)
        cash_only = from_cash(problem)
        first = greedy(problem) if cash_only is None else cash_only
        best, made_by = first, PLAIN
        # Where money alone is enough nothing is sold, whatever it might save.
        raising = not out_of_band(problem, before)
        second = optimized(problem, raising=raising) if cash_only is None else None
        plain_score = measure(problem, first).score
        if second is not None and not violations(problem, second):
            better = measure(problem, second).score < plain_score
            best, made_by = (second, OPTIMIZED) if better else (first, PLAIN)
        return _proposal(problem, best, made_by, before, plain_score)


def _proposal(
    problem: Problem, trades: dict[str, Decimal], made_by: str, before: Outcome, plain: Decimal | None = None
) -> Proposal:
    after = measure(problem, trades)
    unmet = unreached(problem, trades, after)
    why = "" if trades else "nothing that may be done would help: " + "; ".join(unmet)
    return Proposal(problem, trades, before, after, plain or after.score, made_by, why, unmet)


def reason_to_wait(facts: Facts, targets: Targets) -> str:
    """Why there is no plan whatever the weights are; empty when there may be one."""
    if not targets.weights:
        return "the book has no targets"
    if targets.cool_down and facts.last_traded is not None:
        ends = facts.last_traded + timedelta(days=targets.cool_down)
        if facts.day < ends:
            return f"cooling down until {ends}: the last trade was on {facts.last_traded}"
    missing = unpriced(facts, targets)
    if missing:
        return f"no price for {', '.join(missing)}"
    return ""


def unpriced(facts: Facts, targets: Targets) -> list[str]:
    """What is held, or has a target, and has no positive price. A substitute without one is just not used."""
    stand_ins = {symbol for several in targets.substitutes.values() for symbol in several}
    names = (targets.symbols - stand_ins) | set(facts.positions) | set(facts.elsewhere)
    return sorted(name for name in names if facts.prices.get(name, NONE) <= 0)


def unreached(problem: Problem, trades: dict[str, Decimal], after: Outcome) -> tuple[str, ...]:
    """What stays outside its band (or short of money) after ``trades``, with what is in the way, in plain words."""
    found = []
    for node in problem.nodes:
        share = after.weights[node.name]
        if node.holds(share):
            continue
        side = "above" if share > node.high else "below"
        limit = node.high if share > node.high else node.low
        why = _in_the_way(problem, node, trades, after, high=share > node.high)
        found.append(f"{node.name} stays at {percent(share)}, {side} its {percent(limit)}: {why}")
    if after.spendable < 0:
        short = -after.spendable
        why = "; ".join(dict.fromkeys(w for node in problem.leaves for w in _stops(problem, node, trades)))
        found.append(
            f"{short:,.2f} {problem.facts.currency} are missing for what must stay as cash: {why or 'nothing more may be sold'}"
        )
    return tuple(found)


def _in_the_way(
    problem: Problem, node: Node, trades: dict[str, Decimal], after: Outcome, *, high: bool
) -> str:
    targets = problem.targets
    if node.name == CASH:
        others = problem.leaves
        words = [w for leaf in others for w in (_no_purchase(problem, leaf) if high else _stops(problem, leaf, trades))]  # fmt: skip
    elif high:
        words = _stops(problem, node, trades)
        idle = [w for leaf in problem.leaves if leaf != node for w in _no_purchase(problem, leaf)]
        words = words or [f"what it brings could not be used, for {each}" for each in idle]
    else:
        words = _no_purchase(problem, node)
        if after.spendable < targets.minimum_trade:
            words.append("no money is left to buy with")
    words += _limits(problem, trades, high=high)
    return (
        "; ".join(dict.fromkeys(words))
        or f"what is left is below the minimum trade of {targets.minimum_trade}"
    )


def _stops(problem: Problem, node: Node, trades: dict[str, Decimal]) -> list[str]:
    words = [w for s in node.securities if s in problem.sellable for w in problem.sellable[s].stopped]
    words += [
        f"{s} is held in another account too" for s in node.securities if problem.facts.elsewhere.get(s)
    ]
    return words


def _no_purchase(problem: Problem, node: Node) -> list[str]:
    if any(security not in problem.barred for security in node.securities):
        return []
    return [problem.barred[security] for security in node.securities]


def _limits(problem: Problem, trades: dict[str, Decimal], *, high: bool) -> list[str]:
    """The limits that the trades have reached."""
    targets, prices, words = problem.targets, problem.facts.prices, list[str]()
    sums = [sum((abs(u) * prices[s] for s, u in trades.items() if u * sign > 0), NONE) for sign in (1, -1)]
    limit = turnover(problem)
    if limit is not None and limit - max(sums) < targets.minimum_trade:
        words.append(f"the maximum turnover of {percent(targets.maximum_turnover or NONE)} is reached")
    for security, units in sorted(trades.items()):
        most = targets.maximum_order
        if most is not None and most - abs(units) * prices[security] < targets.minimum_trade:
            words.append(f"the order for {security} is at the maximum of {most:,}")
    if targets.whole_shares and not words:
        words.append("only whole shares are traded")
    return words


def percent(share: Decimal) -> str:
    """``0.123`` as ``12.3 %``."""
    return f"{share * 100:.1f} %"
