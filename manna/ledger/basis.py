"""What changes the basis of lots without a sale: capital returned, and a part that goes to what was spun off.

What belongs here: that arithmetic on lots of one account and security. What does not: its entries (:mod:`trades`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from manna.ledger.lots import Lot, held, scaled, share


@dataclass(frozen=True, slots=True)
class Returned:
    """What a return of capital does to one lot: ``cut`` from its carrying amount, ``excess`` beyond it."""

    left: Lot
    cut: Decimal
    excess: Decimal


def return_capital(lots: Sequence[Lot], amount: Decimal) -> list[Returned]:
    """Spreads ``amount`` over ``lots`` by units; each lot's share cuts its basis, what is more is gain.

    A nondividend distribution reduces the basis of the stock; when the basis is zero, the rest is a capital gain, by
    the holding period of the stock (IRS Publication 550, "Nondividend Distributions"; 26 U.S.C. 301(c)).
    """
    units, left, found = held(lots), amount, []
    for number, lot in enumerate(lots, start=1):
        part = left if number == len(lots) else share(amount, lot.remaining, units, lot.currency)
        left -= part
        cut = min(part, lot.carrying)
        found.append(Returned(lot.carried_at(lot.carrying - cut), cut, part - cut))
    return found


@dataclass(frozen=True, slots=True)
class SpunOff:
    """A lot of the parent after a spin-off, and the lot of the new security that came of it."""

    parent: Lot
    child: Lot
    moved: Decimal


def spin_off(lots: Sequence[Lot], received: Decimal, part: Decimal, security_id: str) -> list[SpunOff]:
    """Gives each lot of the parent its share of the ``received`` units, with ``part`` of its basis.

    The basis is allocated by market value, and the holding period of the new shares includes that of the old ones
    (26 U.S.C. 358, 1223(1); IRS Publication 551, "Stocks and Bonds"). ``part`` is what the issuer says on Form 8937.

    Returns:
        A pair per lot, in order. ``child`` still has its parent's ``lot_id``; it is for the caller to name it.
    """
    units, left, found = held(lots), received, []
    for number, lot in enumerate(lots, start=1):
        quantity = left if number == len(lots) else scaled(lot.remaining, received, units)
        left -= quantity
        moved = share(lot.carrying, part, Decimal(1), lot.currency)
        child = replace(
            lot,
            security_id=security_id,
            quantity=quantity,
            remaining=quantity,
            carrying=moved,
            cost=None if lot.cost is None else moved,
            is_opening=False,
        )
        found.append(SpunOff(lot.carried_at(lot.carrying - moved), child, moved))
    return found
