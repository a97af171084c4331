"""Which lots a sale takes, by the method its owner may choose.

What belongs here: the order in which lots are taken, and the average of a pool. What does not: the arithmetic of one
lot (``manna.ledger.lots``) or where the trades come from.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from manna.ledger.lots import Lot, Taken, fifo, held, share

METHODS = ("fifo", "lifo", "hifo", "specific", "average")


class MatchingError(ValueError):
    """A sale that cannot be matched with lots. The message says what to do."""


def take(
    lots: Sequence[Lot], quantity: Decimal, method: str, named: str | None = None
) -> tuple[list[Lot], list[Taken]]:
    """Takes ``quantity`` units from ``lots`` by ``method``.

    Args:
        lots: open lots of one account and security, oldest first.
        quantity: units to take, positive, at most what is held.
        method: ``fifo`` (the default of IRS Publication 550, "Identifying stock or bonds sold"), ``lifo``, ``hifo``
            (dearest per unit first, the older of two equals), ``specific`` (the lot ``named``), or ``average``
            (every unit of the pool costs the same, the oldest leave first: 26 CFR 1.1012-1(e)).
        named: the lot that a specific identification names.

    Returns:
        The lots that stay open, oldest first, and what was taken from each, in the order it was taken.

    Raises:
        MatchingError: a specific identification names no lot, an unknown one, or one that holds less.
    """
    if method == "specific":
        return _named(lots, quantity, named)
    order = averaged(lots) if method == "average" else list(lots)
    if method == "lifo":
        order.reverse()
    if method == "hifo":
        # Sorting is stable, so the older of two equals comes first. A lot of unknown basis is taken last.
        order.sort(key=lambda lot: (lot.cost is None, -(lot.carrying / lot.remaining)))
    return _taken(lots, order, quantity)


def averaged(lots: Sequence[Lot]) -> list[Lot]:
    """``lots`` with their cost spread evenly over their units; the last one gets what rounding left over.

    A pool with a lot of unknown basis has no average: it stays as it is.
    """
    units, total = held(lots), sum((lot.carrying for lot in lots), Decimal(0))
    if not units or any(lot.cost is None for lot in lots):
        return list(lots)
    even = [share(total, lot.remaining, units, lot.currency) for lot in lots]
    even[-1] += total - sum(even, Decimal(0))
    return [replace(lot, carrying=cost) for lot, cost in zip(lots, even, strict=True)]


def _named(lots: Sequence[Lot], quantity: Decimal, named: str | None) -> tuple[list[Lot], list[Taken]]:
    if named is None:
        raise MatchingError("names no lot; method specific needs one for every sale")
    chosen = [lot for lot in lots if lot.lot_id == named]
    if not chosen:
        raise MatchingError(f"names lot {named}, which is not open")
    if chosen[0].remaining < quantity:
        raise MatchingError(f"takes {quantity} of lot {named}, which holds {chosen[0].remaining}")
    return _taken(lots, chosen, quantity)


def _taken(lots: Sequence[Lot], order: list[Lot], quantity: Decimal) -> tuple[list[Lot], list[Taken]]:
    """Takes in ``order`` and puts what stays open back into the order of ``lots``."""
    left, taken = fifo(order, quantity)
    stays = {lot.lot_id: lot for lot in left}
    untouched = {lot.lot_id for lot in lots} - {lot.lot_id for lot in order}
    return [stays.get(lot.lot_id, lot) for lot in lots if lot.lot_id in stays.keys() | untouched], taken
