"""What must not be sold or bought, and in which order lots may be sold.

What belongs here: wash sales seen from before the trade (26 U.S.C. 1091; the rules are those of ``manna.tax.wash``), the
restricted list, and the order of lots. What does not: how much is traded (:mod:`greedy`, :mod:`optimizer`).

A lot counts as one at a loss if it could be one at any price inside the collar: the order may fill there.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from manna.ledger.lots import Lot, term
from manna.rebalancing.facts import Facts
from manna.rebalancing.targets import Targets
from manna.tax.wash import WINDOW


@dataclass(frozen=True, slots=True)
class Sellable:
    """The lots of one security in the order in which they may be sold, and why no more of it may be."""

    lots: tuple[Lot, ...] = ()
    stopped: tuple[str, ...] = ()


def sellable(facts: Facts, targets: Targets, security: str) -> Sellable:
    """What may be sold of ``security``.

    First in, first out where the broker takes no instruction: then a lot that must not be sold keeps back all that came
    after it. Else by after-tax cost per unit: losses come first, what is taxed highest (short-term gains) last, of
    equals the older; a lot of unknown basis comes after all.
    """
    if security in targets.restricted:
        return Sellable((), (f"{security} is on the restricted list",))
    free, stopped = list[Lot](), list[str]()
    for lot in facts.lots:
        if lot.security_id != security or lot.remaining <= 0:
            continue
        reason = barred_sale(facts, targets, lot)
        if reason is None:
            free.append(lot)
            continue
        if targets.lot_method == "fifo":
            stopped.append(f"{reason}; first in, first out, it keeps back what came after it")
            break
        stopped.append(reason)
    if targets.lot_method == "best":
        free.sort(key=lambda lot: (lot.cost is None, tax_per_unit(facts, targets, lot), lot.opened))
    return Sellable(tuple(free), tuple(dict.fromkeys(stopped)))


def may_lose(facts: Facts, targets: Targets, lot: Lot) -> bool:
    """Whether selling ``lot`` inside the collar could realize a loss that tax would count."""
    if facts.sheltered or lot.cost is None:
        return False
    lowest = facts.prices[lot.security_id] * (1 - targets.collar)
    return lowest * lot.remaining < lot.carrying


def barred_sale(facts: Facts, targets: Targets, lot: Lot) -> str | None:
    """Why ``lot`` must not be sold now; None when it may be.

    What was bought with the lot itself replaces nothing (Revenue Ruling 56-602).
    """
    if not may_lose(facts, targets, lot):
        return None
    kind, own = facts.same(lot.security_id), lot.origin or lot.lot_id
    for purchase in (*facts.bought, *facts.due):
        near = abs(purchase.day - facts.day) <= WINDOW
        if near and facts.same(purchase.security) == kind and purchase.lot_id != own:
            return (
                f"the loss on {lot.security_id} of {lot.opened} would be a wash sale: {purchase.words} on "
                f"{purchase.day} ({purchase.account})"
            )
    return None


def barred_purchase(facts: Facts, targets: Targets, security: str) -> str | None:
    """Why ``security`` must not be bought now; None when it may be."""
    if security in targets.restricted:
        return f"{security} is on the restricted list"
    for sale in facts.sold_at_loss:
        if facts.same(sale.security) == facts.same(security) and _within(sale.day, facts.day):
            return (
                f"{sale.security} was sold at a loss on {sale.day} ({sale.account}): bought before "
                f"{sale.day + WINDOW + timedelta(days=1)}, {security} would void that loss"
            )
    if facts.prices.get(security, Decimal(0)) <= 0:
        return f"{security} has no price"
    return None


def rate(facts: Facts, targets: Targets, lot: Lot) -> Decimal:
    """What a gain on ``lot`` costs, as a share of it. Of unknown term it is the dearer."""
    if facts.sheltered:
        return Decimal(0)
    rates = targets.tax_rates
    by_term = {"long": rates.long_term, "short": rates.short_term}
    return by_term.get(term(lot, facts.day), max(rates.long_term, rates.short_term))


def tax_per_unit(facts: Facts, targets: Targets, lot: Lot) -> Decimal:
    """Expected tax on one unit of ``lot``, negative for a loss; of unknown basis as if all of it were gain."""
    cost = Decimal(0) if lot.cost is None else lot.carrying / lot.remaining
    return (facts.prices[lot.security_id] - cost) * rate(facts, targets, lot)


def _within(sold: date, day: date) -> bool:
    return sold <= day <= sold + WINDOW
