"""Tax lots: what is taken from them in a given order, what a split does, how long something was held.

What belongs here: arithmetic on lots of one account and security. What does not: the order in which a sale takes
them (:mod:`matching`), which trade does what (:mod:`trades`) and where the first lots come from (:mod:`openings`).

A lot whose basis is unknown has ``cost`` None, never zero. The books still need a number, its ``carrying``
amount: the best value known. For every other lot carrying is what is left of its cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, Context, Decimal, localcontext

from manna.contracts.ledger import INHERITANCE, PURCHASE
from manna.money import round_money

_EXACT = Context(prec=80)
_NINE_DECIMALS = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Lot:
    """What one acquisition brought and what is left of it.

    ``quantity`` is what came in, in today's units (see :func:`split_lots`); ``remaining`` is still held.
    ``cost`` is the basis of ``quantity``, None when unknown; ``carrying`` is what the books carry
    ``remaining`` at. ``dated`` says that ``opened`` is the true day of acquisition and not merely the
    first day on which the lot was seen. ``origin`` is the lot that this one continues, after a transfer between own
    accounts or an exchange; None for one that began here. ``came_by``: one of :data:`manna.contracts.ledger.CAME_BY`.
    """

    lot_id: str
    account_id: str
    security_id: str
    opened: date
    quantity: Decimal
    remaining: Decimal
    cost: Decimal | None
    carrying: Decimal
    currency: str
    is_opening: bool = False
    dated: bool = True
    origin: str | None = None
    came_by: str = PURCHASE

    def carried_at(self, carrying: Decimal) -> "Lot":
        """The same lot with another carrying amount; the difference changes its cost, where that is known."""
        cost = None if self.cost is None else self.cost + carrying - self.carrying
        return replace(self, carrying=carrying, cost=cost)

    @property
    def remaining_cost(self) -> Decimal | None:
        """Basis of what is still held; None when unknown."""
        return None if self.cost is None else self.carrying


@dataclass(frozen=True, slots=True)
class Taken:
    """What a disposal took from one lot: ``quantity`` units at ``carrying``; ``left`` is the lot after."""

    left: Lot
    quantity: Decimal
    carrying: Decimal


def share(amount: Decimal, part: Decimal, whole: Decimal, currency: str) -> Decimal:
    """``amount * part / whole`` in money, computed exactly and rounded once."""
    with localcontext(_EXACT):
        return round_money(amount * part / whole, currency)


def held(lots: Sequence[Lot]) -> Decimal:
    """Units still held in ``lots``."""
    return sum((lot.remaining for lot in lots), Decimal(0))


def fifo(lots: Sequence[Lot], quantity: Decimal) -> tuple[list[Lot], list[Taken]]:
    """Take ``quantity`` units from ``lots``, oldest (first) lot first.

    A lot taken whole gives up all it is carried at; a part of one gives up its share, rounded to the
    currency's minor unit, so that no cent of cost is ever lost or made.

    Args:
        lots: open lots of one account and security, oldest first.
        quantity: units to take, positive.

    Returns:
        The lots that stay open, and what was taken from each. Where less is held than wanted, all of it
        is taken: the caller compares, see :class:`manna.ledger.trades.OversoldError`.
    """
    taken: list[Taken] = []
    wanted = quantity
    for position, lot in enumerate(lots):
        if wanted <= 0:
            return list(lots[position:]), taken
        if lot.remaining > wanted:
            carrying = share(lot.carrying, wanted, lot.remaining, lot.currency)
            left = replace(lot, remaining=lot.remaining - wanted, carrying=lot.carrying - carrying)
            taken.append(Taken(left, wanted, carrying))
            return [left, *lots[position + 1 :]], taken
        left = replace(lot, remaining=Decimal(0), carrying=Decimal(0))
        taken.append(Taken(left, lot.remaining, lot.carrying))
        wanted -= lot.remaining
    return [], taken


def split_lots(lots: Sequence[Lot], added: Decimal) -> list[Lot]:
    """Open lots after a split that adds ``added`` units (negative for a reverse split) to their sum.

    Every lot is multiplied by the same ratio, cut to nine decimals; what the cuts leave over goes to the
    last lot, so that the sum is exact and no lot can become negative. What was sold from a lot before is
    restated too, so ``quantity`` is comparable with ``remaining``. Costs and dates stay.

    Raises:
        ValueError: nothing is held, or nothing would be left.
    """
    before = held(lots)
    after = before + added
    if before <= 0 or after <= 0:
        raise ValueError(f"a split cannot turn {before} units into {after}")
    left = [scaled(lot.remaining, after, before) for lot in lots]
    sold = [scaled(lot.quantity - lot.remaining, after, before) for lot in lots]
    left[-1] += after - sum(left, Decimal(0))
    return [
        replace(lot, remaining=remaining, quantity=remaining + gone)
        for lot, remaining, gone in zip(lots, left, sold, strict=True)
    ]


def scaled(quantity: Decimal, after: Decimal, before: Decimal) -> Decimal:
    """``quantity * after / before``, cut to nine decimals: never more than there is."""
    with localcontext(_EXACT):
        return (quantity * after / before).quantize(_NINE_DECIMALS, rounding=ROUND_DOWN)


def term(lot: Lot, closed: date) -> str:
    """``long`` when held more than one year, else ``short``; ``unknown`` where that cannot be said.

    The holding period begins on the day after the acquisition and includes the day of the sale (IRS
    Publication 550, "Holding Period"). A lot first seen in an opening or a transfer may have been held
    longer than we know: after a year it is long for certain, before that its term is unknown. What was inherited
    is long from the first day (26 U.S.C. 1223(9)).
    """
    if lot.came_by == INHERITANCE or is_long(lot.opened, closed):
        return "long"
    return "short" if lot.dated else "unknown"


def is_long(opened: date, closed: date) -> bool:
    """Whether what was acquired on ``opened`` had been held for more than one year on ``closed``."""
    begins = opened + timedelta(days=1)
    try:
        year_on = begins.replace(year=begins.year + 1)
    except ValueError:  # begins on 29 February
        year_on = date(begins.year + 1, 3, 1)
    return closed >= year_on
