"""Which lots a sale takes, by the method its owner may choose: one engine for the books and for `manna lots`.

What belongs here: the order in which lots are taken, and the average of a pool. What does not: the arithmetic of one
lot (:mod:`lots`), which method a sale has (:mod:`instructions`), or where the trades come from.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from manna.contracts.ledger import LOT_METHODS as METHODS
from manna.ledger.lots import Lot, Taken, fifo, held, share

__all__ = ["METHODS", "MatchingError", "averaged", "take"]


class MatchingError(ValueError):
    """A sale that cannot be matched with lots. The message says what to do."""


def take(
    lots: Sequence[Lot], quantity: Decimal, method: str, named: Mapping[str, Decimal] | None = None
) -> tuple[list[Lot], list[Taken]]:
    """Takes ``quantity`` units from ``lots`` by ``method``.

    Args:
        lots: open lots of one account and security, oldest first.
        quantity: units to take, positive, at most what is held.
        method: ``fifo`` (the default of IRS Publication 550, "Identifying stock or bonds sold"), ``lifo``, ``hifo``
            (dearest per unit first, the older of two equals), ``specific`` (the lots ``named``), or ``average``
            (every unit of the pool costs the same, the oldest leave first: 26 CFR 1.1012-1(e)).
        named: units of each lot that a specific identification names.

    Returns:
        The lots that stay open, oldest first, and what was taken from each, in the order it was taken.

    Raises:
        MatchingError: a specific identification names no lot, an unknown one, one that holds less, or other units
            than are sold.
    """
    if method == "fifo":
        return fifo(lots, quantity)
    if method == "specific":
        return _named(lots, quantity, named or {})
    pool = averaged(lots) if method == "average" else list(lots)
    order = list(pool)
    if method == "lifo":
        order.reverse()
    if method == "hifo":
        # Sorting is stable, so the older of two equals comes first. A lot of unknown basis is taken last.
        order.sort(key=lambda lot: (lot.cost is None, -lot.carrying / (lot.remaining or 1)))
    left, taken = fifo(order, quantity)
    return _in_order(pool, left, taken), taken


def averaged(lots: Sequence[Lot]) -> list[Lot]:
    """``lots`` with their cost spread evenly over their units; the last one gets what rounding left over.

    A pool with a lot of unknown basis has no average: it stays as it is.
    """
    units, total = held(lots), sum((lot.carrying for lot in lots), Decimal(0))
    if not units or any(lot.cost is None for lot in lots):
        return list(lots)
    even = [share(total, lot.remaining, units, lot.currency) for lot in lots]
    even[-1] += total - sum(even, Decimal(0))
    return [lot.carried_at(carrying) for lot, carrying in zip(lots, even, strict=True)]


def _named(
    lots: Sequence[Lot], quantity: Decimal, named: Mapping[str, Decimal]
) -> tuple[list[Lot], list[Taken]]:
    if not named:
        raise MatchingError("names no lot; method specific needs one for every sale")
    open_, taken = {lot.lot_id: lot for lot in lots}, list[Taken]()
    for name, units in named.items():
        if name not in open_:
            raise MatchingError(f"names lot {name}, which is not open")
        if open_[name].remaining < units:
            raise MatchingError(f"takes {units} of lot {name}, which holds {open_[name].remaining}")
        taken += fifo([open_[name]], units)[1]
    if sum(named.values(), Decimal(0)) != quantity:
        raise MatchingError(f"names {sum(named.values(), Decimal(0))} units, but {quantity} are sold")
    return _in_order(lots, [each.left for each in taken if each.left.remaining], taken), taken


def _in_order(lots: Sequence[Lot], left: Sequence[Lot], taken: Sequence[Taken]) -> list[Lot]:
    """What stays open, in the order of ``lots``."""
    stays = {lot.lot_id: lot for lot in left}
    gone = {each.left.lot_id for each in taken} - stays.keys()
    return [stays.get(lot.lot_id, lot) for lot in lots if lot.lot_id not in gone]
