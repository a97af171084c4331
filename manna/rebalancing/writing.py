"""A proposal written as a document: amounts rounded, reasons in words, inputs pinned.

What belongs here: turning a proposal into a plan that can be stored and read. What does not: finding trades
(:mod:`planning`) or the document's shape (:mod:`plan_document`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from manna.ledger.lots import Taken, term
from manna.money import round_money
from manna.rebalancing.facts import Facts
from manna.rebalancing.parts import EXACT, Node, ratio
from manna.rebalancing.plan_document import (
    BUY,
    SELL,
    Pinned,
    PlanDocument,
    PlannedLot,
    PlannedTrade,
    PlannedWeight,
    sha256_of,
)
from manna.rebalancing.planning import Proposal, percent
from manna.rebalancing.problem import NONE, Problem, tax_of
from manna.rebalancing.targets import Targets

_UNIT = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts are from: the lake's snapshot, and the hash of the account's transactions."""

    snapshot: int | None = None
    account_sha256: str = ""


def plan_document(proposal: Proposal, source: Source, now: datetime) -> PlanDocument | None:
    """The plan of a proposal, made ``now`` (aware); None of one without trades."""
    problem, before, after = proposal.problem, proposal.before, proposal.after
    if not proposal.trades or problem is None or before is None or after is None:
        return None
    facts, targets = problem.facts, problem.targets
    with localcontext(EXACT):
        trades = [_trade(problem, proposal, name) for name in sorted(proposal.trades, key=_order(proposal))]
        plan = PlanDocument(
            plan_id="",
            number=0,
            book=facts.book,
            account_id=facts.account_id,
            institution=targets.institution,
            currency=facts.currency,
            planned_on=facts.day,
            created_at=now,
            expires_at=now + timedelta(hours=targets.expires_after),
            collar=targets.collar,
            whole_shares=targets.whole_shares,
            lot_method=targets.lot_method,
            approvals=targets.approvals,
            automatic=targets.automatic,
            trades=tuple(trades),
            weights=tuple(_weight(node, before.weights, after.weights) for node in problem.nodes),
            worth=round_money(problem.whole, facts.currency),
            cash_after=round_money(after.cash, facts.currency),
            tax=round_money(sum((trade.tax for trade in trades), NONE), facts.currency),
            costs=round_money(after.costs, facts.currency),
            score=round_money(after.score, facts.currency),
            plain_score=round_money(proposal.plain_score or after.score, facts.currency),
            made_by=proposal.made_by,
            unmet=proposal.unmet,
            notes=notes(problem, trades),
            pinned=pinned(facts, targets, source),
        )
    return plan.numbered(0)


def pinned(facts: Facts, targets: Targets, source: Source) -> Pinned:
    """The inputs of a plan, by which it is told later whether they have moved."""
    everything = {name: getattr(facts, name) for name in facts.__slots__ if name != "same"}
    return Pinned(
        snapshot=source.snapshot,
        facts_sha256=sha256_of(_plain(everything)),
        account_sha256=source.account_sha256,
        targets_sha256=sha256_of(targets.model_dump(mode="json")),
        positions={name: units.quantize(_UNIT) for name, units in sorted(facts.positions.items())},
        cash=facts.cash,
        prices=dict(sorted(facts.prices.items())),
    )


def notes(problem: Problem, trades: list[PlannedTrade]) -> tuple[str, ...]:
    """What a reader must know of how the plan was made."""
    facts, targets, found = problem.facts, problem.targets, list[str]()
    sold = [trade for trade in trades if trade.side == SELL]
    if sold and targets.lot_method == "fifo":
        found.append(
            f"{targets.institution} takes no instruction which lots are sold: first in, first out, and the tax is that of these lots"
        )
    if any(lot.cost is None for trade in sold for lot in trade.lots):
        found.append("the basis of some lots is unknown: their tax is not in the sum")
    if facts.sheltered and sold:
        found.append("the account is sheltered: its sales are not taxed")
    for amount, words in (
        (facts.bills, "set aside for bills that fall due in the account"),
        (facts.unsettled, "not used: it comes from sales that have not settled"),
    ):
        if amount:
            found.append(f"{round_money(amount, facts.currency):,} {facts.currency} {words}")
    if facts.cash_flow:
        kind = "coming in" if facts.cash_flow > 0 else "to be taken out"
        found.append(f"{abs(facts.cash_flow):,} {facts.currency} {kind} are counted")
    for trade in trades:
        if trade.price_day < facts.day - timedelta(days=4):
            found.append(f"the price of {trade.symbol} is of {trade.price_day}")
    return tuple(found)


def _order(proposal: Proposal) -> Any:
    """Sales before purchases, the largest first."""
    prices = proposal.problem.facts.prices if proposal.problem else {}
    return lambda name: (proposal.trades[name] > 0, -abs(proposal.trades[name]) * prices[name], name)


def _trade(problem: Problem, proposal: Proposal, security: str) -> PlannedTrade:
    facts, units = problem.facts, proposal.trades[security]
    price, currency = facts.prices[security], facts.currency
    lots = _lots(problem, problem.taken(security, -units)) if units < 0 else ()
    notional = abs(units) * price
    return PlannedTrade(
        symbol=security,
        security_id=security,
        part=problem.leaf_of(security).name,
        side=SELL if units < 0 else BUY,  # type: ignore[arg-type]
        quantity=abs(units).quantize(_UNIT),
        price=price,
        price_day=facts.price_days.get(security, facts.day),
        notional=round_money(notional, currency),
        cost=problem.cost(notional),
        gain=round_money(sum((lot.gain for lot in lots if lot.gain is not None), NONE), currency),
        tax=round_money(sum((lot.tax for lot in lots if lot.tax is not None), NONE), currency),
        reason=_reason(problem, proposal, security),
        lots=lots,
    )


def _lots(problem: Problem, takes: Sequence[Taken]) -> tuple[PlannedLot, ...]:
    """What a sale takes, lot by lot. Proceeds are differences of rounded sums, so that they sum to the trade's."""
    facts, sold, stated, found = problem.facts, NONE, NONE, list[PlannedLot]()
    for taken in takes:
        sold += taken.quantity
        so_far = round_money(sold * facts.prices[taken.left.security_id], facts.currency)
        found.append(_lot(problem, taken, so_far - stated))
        stated = so_far
    return tuple(found)


def _lot(problem: Problem, taken: Taken, proceeds: Decimal) -> PlannedLot:
    facts, lot = problem.facts, taken.left
    known = lot.cost is not None
    return PlannedLot(
        lot_id=lot.lot_id,
        quantity=taken.quantity.quantize(_UNIT),
        held_since=lot.opened if lot.dated else None,
        term=term(lot, facts.day),
        proceeds=proceeds,
        cost=taken.carrying if known else None,
        gain=proceeds - taken.carrying if known else None,
        tax=tax_of(problem, taken) if known else None,
    )


def _reason(problem: Problem, proposal: Proposal, security: str) -> str:
    node = problem.leaf_of(security)
    before = proposal.before.weights[node.name] if proposal.before else NONE
    units, begun = proposal.trades[security], problem.begun.get(security, NONE)
    words = []
    if begun < 0:
        words.append("its loss is harvested")
    if begun > 0:
        words.append("takes the place of what is sold at a loss")
    if units != begun:
        words.append(_drift_words(node, before, security))
        if units < 0 and node.holds(before):
            words.append("sold for the money that is wanted elsewhere")
        if units > 0 and security != node.securities[0] and begun == 0:
            words.append(f"{node.securities[0]} must not be bought: {problem.barred.get(node.securities[0], 'it is sold at a loss')}")  # fmt: skip
    return "; ".join(words)


def _drift_words(node: Node, before: Decimal, security: str) -> str:
    gap = before - node.target
    side = "above" if gap > 0 else "below"
    where = "inside" if node.holds(before) else "outside"
    name = "" if node.name.rpartition("/")[2] == security else f"{node.name}: "
    return (
        f"{name}{percent(before)} held, {percent(node.target)} wanted: {percent(abs(gap))} {side} target, "
        f"{where} its band of {percent(max(node.low, NONE))} to {percent(node.high)}"
    )


def _weight(node: Node, before: Any, after: Any) -> PlannedWeight:
    ends = (ratio(node.target), node.low, node.high)
    return PlannedWeight(node.name, node.sleeve, before[node.name], after[node.name], *ends)


def _plain(value: Any) -> Any:
    """Facts as JSON: records as lists of their fields, numbers without zeros at their end."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in sorted(value.items())}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if hasattr(value, "__slots__"):
        return [_plain(getattr(value, name)) for name in value.__slots__]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
