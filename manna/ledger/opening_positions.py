"""What an investment account held before the feed begins: its opening lots, from the best that is known of them.

What belongs here: opening lots and their entries. What does not: reading what is stated of them (:mod:`stated_lots`),
opening balances (:mod:`openings`) or later trades.

As with balances, positions are plugged from the *first* snapshot alone. Lots come from the institution's list of them,
else from the book's file, else from the pooled cost of the position, else their basis is unknown.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby

from manna.ledger.chart import OPENING_BALANCES, OwnAccount
from manna.ledger.journal import Entry, Line, balanced, identity
from manna.ledger.lots import Lot, share
from manna.ledger.records import Holding, Trade
from manna.ledger.stated_lots import StatedLot, listed_lots
from manna.ledger.walking import book_trades
from manna.money import round_money


@dataclass(frozen=True, slots=True)
class FirstPositions:
    """What an account held on the first day its positions are known; nothing held is knowledge too."""

    as_of: date
    holdings: Mapping[str, Holding]

    def without_cost(self, securities: Collection[str | None]) -> "FirstPositions":
        """The same, but for what these ``securities`` are said to have cost."""
        held = {
            name: replace(holding, cost_basis=None) if name in securities else holding
            for name, holding in self.holdings.items()
        }
        return replace(self, holdings=held)


def first_positions(holdings: Sequence[Holding], days: Sequence[date]) -> FirstPositions | None:
    """The first snapshot of an account's positions; None when there never was one.

    Args:
        holdings: the account's holdings that are not money.
        days: the days on which holdings of any kind, money too, were listed; for an account that never
            lists any the days of its balances, which say that it holds no positions.
    """
    if not days:
        return None
    as_of = min(days)
    return FirstPositions(as_of, {h.security_id: h for h in holdings if h.as_of == as_of})


def opening_lots(
    own: OwnAccount,
    day: date,
    first: FirstPositions,
    trades: Sequence[Trade],
    removed: Sequence[Trade] = (),
    declared: Sequence[StatedLot] = (),
) -> tuple[list[Lot], list[str]]:
    """Lots held before the feed begins: first snapshot's quantity - what trades up to that day moved.

    What was ``removed`` after that snapshot is in it all the same, and is taken off it like the others.

    A split's quantity is the shares it added, so subtracting it walks back over the split and the lot is
    in the units of its own day. A negative result (more bought than held at the snapshot) opens nothing
    and shows as a position difference.

    Lots: those the institution lists of the first snapshot and that are older than the feed; else those ``declared``
    in the book's file. What they leave over is one lot more, taken first, because it may have been sold first.
    Its cost: the institution's pooled cost less that of the other lots still held, where it is known; else
    the basis is unknown and the lot is carried at the institution's value, else at what its first trade
    says it was worth. Costs of the part sold before the snapshot are taken to be the same per unit.

    Returns:
        The lots, and what is declared but cannot be used, in words.
    """
    known = [trade for trade in trades if trade.counted_on <= first.as_of]
    undone = [t for t in removed if t.counted_on <= first.as_of < (t.removed_on or first.as_of)]
    split, held = _split(known), _held_before(first, [*known, *undone])
    lots: list[Lot] = []
    refused: list[str] = []
    for security_id, (quantity, currency) in sorted(held.items()):
        holding = first.holdings.get(security_id)
        listed = () if security_id in split else listed_lots(holding, day)
        stated = listed or [each for each in declared if each.security_id == security_id]
        left = quantity - sum((each.quantity for each in stated), Decimal(0))
        if left < 0:
            if not listed:
                refused.append(
                    f"{own.path}: investments.lots has {(quantity - left).normalize():f} units of {security_id}, but "
                    f"{quantity.normalize():f} were held before {day}; they are not used"
                )
            stated, left = [], quantity
        rest = _undated(own, day, first, security_id, left, currency)
        lots.extend([rest] if left else [])
        lots.extend(each.lot(rest, holding) for each in stated)
    # What the institution says of the cost of a position includes that of what was undone since.
    first = first.without_cost({trade.security_id for trade in undone})
    return _with_cost(own, lots, first, known), refused


def _held_before(first: FirstPositions, moves: Iterable[Trade]) -> dict[str, tuple[Decimal, str]]:
    """Quantity and currency of each security that was held before ``moves`` led to the first snapshot."""
    held = {name: (holding.quantity, holding.currency) for name, holding in first.holdings.items()}
    for trade in moves:
        if trade.moved and trade.security_id is not None:
            quantity, currency = held.get(trade.security_id, (Decimal(0), trade.currency))
            held[trade.security_id] = quantity - trade.moved, currency
    return {name: (quantity, currency) for name, (quantity, currency) in held.items() if quantity > 0}


def _undated(
    own: OwnAccount, day: date, first: FirstPositions, security_id: str, quantity: Decimal, currency: str
) -> Lot:
    """The lot of what nobody states a day or a cost of."""
    return Lot(
        lot_id=identity("clean.holdings", _source_id(own, security_id, first)),
        account_id=own.account_id,
        security_id=security_id,
        opened=day,
        quantity=quantity,
        remaining=quantity,
        cost=None,
        carrying=Decimal(0),
        currency=currency,
        is_opening=True,
        dated=False,
    )


def _split(trades: Sequence[Trade]) -> frozenset[str | None]:
    """Securities that were split: the institution's lots are in the units of after it."""
    return frozenset(trade.security_id for trade in trades if trade.kind == "split")


def _with_cost(own: OwnAccount, lots: list[Lot], first: FirstPositions, known: Sequence[Trade]) -> list[Lot]:
    """``lots`` with the cost of the undated ones, which is known of what is left of them at the snapshot."""
    at_snapshot = book_trades(own, known, lots)
    walked, pools = {lot.lot_id: lot for lot in at_snapshot.lots}, at_snapshot.positions
    return [
        lot
        if lot.dated
        else _priced(lot, walked[lot.lot_id], pools[own.account_id, lot.security_id], first, known)
        for lot in lots
    ]


def _priced(
    lot: Lot, walked: Lot, tracked: Sequence[Lot], first: FirstPositions, known: Sequence[Trade]
) -> Lot:
    """``lot`` with its cost, or its carrying amount alone. ``walked`` is the same lot at the snapshot."""
    holding = first.holdings.get(lot.security_id)
    if holding is None or holding.quantity <= 0:
        return replace(lot, carrying=_first_traded_value(lot, known))
    others = [other.remaining_cost for other in tracked if other.lot_id != lot.lot_id]
    if holding.cost_basis is not None and walked.remaining > 0 and None not in others:
        rest = holding.cost_basis - sum((cost for cost in others if cost is not None), Decimal(0))
        if rest > 0:
            cost = share(rest, walked.quantity, walked.remaining, lot.currency)
            return replace(lot, cost=cost, carrying=cost)
    if holding.value > 0:
        value = share(holding.value, walked.quantity, holding.quantity, lot.currency)
        return replace(lot, carrying=value)
    return replace(lot, carrying=_first_traded_value(lot, known))


def _first_traded_value(lot: Lot, known: Sequence[Trade]) -> Decimal:
    """``lot`` at what the first trade with a value got or paid per unit; zero when there is none."""
    units = lot.quantity
    for trade in known:
        if trade.security_id != lot.security_id or not trade.moved:
            continue
        if trade.kind == "split":
            units += trade.moved
        elif trade.amount and trade.currency == lot.currency:
            return share(abs(trade.amount), units, abs(trade.moved), lot.currency)
        elif trade.price:
            return round_money(units * trade.price, lot.currency)
    return Decimal(0)


def position_openings(own: OwnAccount, day: date, lots: Sequence[Lot], first: FirstPositions) -> list[Entry]:
    """One entry per security, a line for each opening lot at its carrying amount, against ``Equity:Opening Balances``.

    Its source is the row of clean.holdings of the first snapshot; where the account no longer held the
    security on that day there is no such row, which is what the entry is derived from.
    """
    entries = []
    for security_id, its in groupby(lots, key=lambda lot: lot.security_id):
        lines = [
            Line(
                own.securities, lot.carrying, lot.currency, own.account_id, lot.security_id, lot.quantity, lot.lot_id
            )
            for lot in its
        ]  # fmt: skip
        entries.append(
            Entry(
                day, "opening", f"Opening position {security_id}", "clean.holdings",
                _source_id(own, security_id, first), balanced(lines, OPENING_BALANCES),
            )
        )  # fmt: skip
    return entries


def _source_id(own: OwnAccount, security_id: str, first: FirstPositions) -> str:
    return f"{own.account_id}/{security_id}/{first.as_of}"
