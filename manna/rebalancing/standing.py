"""How a plan stands: its life as its events tell it, what makes it void, and who may still decide.

What belongs here: pure functions of a plan, its events and the world as it is. What does not: reading or writing any of
them (``resources.plans``, ``assets.rebalancing``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from manna.rebalancing.facts import Facts
from manna.rebalancing.guards import barred_purchase, barred_sale
from manna.rebalancing.parts import ratio
from manna.rebalancing.plan_document import BUY, PlanDocument, PlannedTrade, sha256_of
from manna.rebalancing.targets import CASH, Targets
from manna.trading.orders import Quote

PROPOSED, APPROVED, EXECUTING, FINISHED = "proposed", "approved", "executing", "finished"
CANCELLED, VOID, EXPIRED = "cancelled", "void", "expired"
OPEN = (PROPOSED, APPROVED)
"""A plan that may still come to something."""

Event = Mapping[str, Any]
"""A row of ops.plan_events: action, decided_by, reason, known_at."""


@dataclass(frozen=True, slots=True)
class State:
    """How a plan stands, who has approved it, and the reason where it was cancelled or is void."""

    status: str
    approved_by: tuple[str, ...] = ()
    reason: str | None = None


def state_of(plan: PlanDocument, events: Sequence[Event], now: datetime) -> State:
    """How ``plan`` stands at ``now``, by its events in their order. One person's second approval does not count."""
    names: dict[str, str] = {}
    for event in events:
        action, who = event["action"], str(event["decided_by"])
        if action == "approve":
            names.setdefault(person(who), who)
        if action in ("cancel", "void"):
            status = CANCELLED if action == "cancel" else VOID
            return State(status, tuple(names.values()), event["reason"])
    actions = {event["action"] for event in events}
    approved = tuple(names.values())
    if "finish" in actions:
        return State(FINISHED, approved)
    if "execute" in actions:
        return State(EXECUTING, approved)
    if now >= plan.expires_at:
        return State(EXPIRED, approved, f"it was good until {plan.expires_at:%Y-%m-%d %H:%M} UTC")
    return State(APPROVED if len(approved) >= plan.approvals else PROPOSED, approved)


def came_to(plan: PlanDocument, outcome: Mapping[str, Any]) -> dict[str, Decimal]:
    """The weight of each part and sleeve after what was filled, by the plan's prices and worth.

    Money moves by what was really paid and got; costs and what the market did meanwhile are not in it.

    Args:
        plan: as it was executed.
        outcome: the detail of its event ``finish`` (``manna.trading.execution.outcome``).
    """
    parts, moved = {trade.symbol: trade.part for trade in plan.trades}, dict[str, Decimal]()
    for line in outcome["trades"]:
        units = Decimal(line["filled"]) * (1 if line["side"] == BUY else -1)
        paid = units * Decimal(line["average_price"] or line["planned_price"])
        moved[CASH] = moved.get(CASH, Decimal(0)) - paid
        name = parts[line["symbol"]]
        while name:
            moved[name] = moved.get(name, Decimal(0)) + units * Decimal(line["planned_price"])
            name = name.rpartition("/")[0]
    return {
        weight.name: ratio(weight.before + moved.get(weight.name, Decimal(0)) / plan.worth)
        for weight in plan.weights
    }


def person(name: str) -> str:
    """A name as two are compared: without regard to case and spaces."""
    return "".join(name.split()).casefold()


def against_approving(plan: PlanDocument, state: State, by: str) -> str | None:
    """Why ``by`` cannot approve the plan now; None when they can."""
    if not person(by):
        return "an approval needs a name"
    if state.status not in OPEN:
        return _over(state)
    if person(by) in {person(name) for name in state.approved_by}:
        missing = plan.approvals - len(state.approved_by)
        rest = "; another person has to approve it" if missing > 0 else ""
        return f"{by} has approved it already{rest}"
    return f"it is approved already, by {', '.join(state.approved_by)}" if state.status == APPROVED else None


def against_cancelling(state: State) -> str | None:
    """Why the plan cannot be cancelled now; None when it can."""
    return None if state.status in OPEN else _over(state)


def _over(state: State) -> str:
    reason = f": {state.reason}" if state.reason else ""
    return f"it is {state.status}{reason}"


@dataclass(frozen=True, slots=True)
class World:
    """What a plan's inputs are by now.

    ``facts``: as a plan made now would have them; other plans of the taxpayer are in them as purchases and losses.
    ``targets``: the book's. ``account_sha256``: as in ``Pinned``. ``others``: plans of the same account that are approved
    or executing. ``quotes``: what the market asks and bids by symbol, where the broker says it.
    """

    facts: Facts
    targets: Targets
    account_sha256: str
    others: Sequence[PlanDocument] = ()
    quotes: Mapping[str, Quote] = field(default_factory=dict)


def reasons_void(plan: PlanDocument, world: World) -> list[str]:
    """Everything that has moved since ``plan`` was made, in words; empty while it holds.

    Called when it is approved and again before its first order. Prices may move within the collar, and only those of what
    it trades count: the others are in the weights, not in an order.
    """
    facts, found = world.facts, _moved_prices(plan, world)
    held_now = facts.positions
    for name in sorted({*plan.pinned.positions, *held_now}):
        then, now = (held.get(name, Decimal(0)) for held in (plan.pinned.positions, held_now))
        if then != now:
            found.append(f"{name}: {_plain(now)} held, {_plain(then)} when it was made")
    if facts.cash != plan.pinned.cash:
        found.append(f"cash is {facts.cash:,.2f} {plan.currency}, it was {plan.pinned.cash:,.2f}")
    if world.account_sha256 != plan.pinned.account_sha256:
        found.append("there are new transactions in the account")
    if sha256_of(world.targets.model_dump(mode="json")) != plan.pinned.targets_sha256:
        found.append("the book's targets were changed")
    found += _barred_by_now(plan, world)
    for other in world.others:
        if other.plan_id != plan.plan_id and other.account_id == plan.account_id:
            found.append(f"plan {other.plan_id[:12]} of the same account is approved")
    return found


def _barred_by_now(plan: PlanDocument, world: World) -> list[str]:
    """What the plan trades and must not be traded any more: a purchase or a loss of the taxpayer has come between.

    At planned prices, for those are what the orders' limits are set by, wherever the market is by now.
    """
    planned = {trade.security_id: trade.price for trade in plan.trades}
    facts = replace(world.facts, prices={**world.facts.prices, **planned})
    targets, found = world.targets, list[str | None]()
    for trade in plan.trades:
        if world.facts.prices.get(trade.security_id, Decimal(0)) <= 0:
            continue
        if trade.side == BUY:
            found.append(barred_purchase(facts, targets, trade.security_id))
        taken = {lot.lot_id for lot in trade.lots}
        found += [barred_sale(facts, targets, lot) for lot in facts.lots if lot.lot_id in taken]
    return [reason for reason in dict.fromkeys(found) if reason]


def _moved_prices(plan: PlanDocument, world: World) -> list[str]:
    found = []
    for trade in plan.trades:
        price = _price_now(trade, world)
        if price is None or price <= 0:
            found.append(f"{trade.symbol} has no price any more")
        elif abs(price - trade.price) > plan.collar * trade.price:
            moved = (price / trade.price - 1) * 100
            found.append(
                f"{trade.symbol} moved {moved:+.1f} % to {_plain(price)}, beyond the collar of {plan.collar * 100:.1f} %"
            )
    return found


def _price_now(trade: PlannedTrade, world: World) -> Decimal | None:
    """The last close, or between bid and ask what is nearest to the plan: a wide quote is no proof that it moved.

    A quote of before the planned price's day tells nothing new.
    """
    close, quote = world.facts.prices.get(trade.security_id), world.quotes.get(trade.symbol)
    if close is None or quote is None or quote.day < trade.price_day:
        return close
    return min(max(trade.price, quote.bid), quote.ask)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
