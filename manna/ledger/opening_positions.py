"""What an investment account held before the feed begins: its opening lots, from the best that is known of them.

What belongs here: opening lots and their entries. What does not: opening balances (:mod:`openings`) or later trades.

As with balances, positions are plugged from the *first* snapshot alone. Lots come from the institution's list of them,
else from the book's file, else from the pooled cost of the position, else their basis is unknown.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby

from manna.contracts.ledger import PURCHASE
from manna.ledger.chart import OPENING_BALANCES, OwnAccount
from manna.ledger.journal import Entry, Line, balanced, identity
from manna.ledger.lots import Lot, share
from manna.ledger.records import Holding, Trade
from manna.ledger.walking import book_trades
from manna.money import round_money

_NINE_DECIMALS = Decimal("1e-9")
_A_LITTLE = Decimal("0.000001")
"""Institutions send quantities as floating point numbers."""


@dataclass(frozen=True, slots=True)
class StatedLot:
    """A lot held before the feed begins, as somebody states it; ``cost`` None where unknown. ``name`` tells it apart."""

    name: str
    security_id: str
    opened: date
    quantity: Decimal
    cost: Decimal | None
    came_by: str = PURCHASE

    def lot(self, rest: Lot, holding: Holding | None) -> Lot:
        """As a lot beside ``rest``, what is held of the same beyond it; without a cost carried at today's value."""
        carrying = Decimal(0) if self.cost is None else round_money(self.cost, rest.currency)
        if self.cost is None and holding is not None and holding.quantity > 0:
            carrying = share(holding.value, self.quantity, holding.quantity, rest.currency)
        return replace(
            rest,
            lot_id=identity(
                "clean.holdings", f"{rest.account_id}/{rest.security_id}/{self.opened}/{self.name}"
            ),
            opened=self.opened,
            quantity=self.quantity,
            remaining=self.quantity,
            cost=None if self.cost is None else carrying,
            carrying=carrying,
            dated=True,
            came_by=self.came_by,
        )


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
    moved: dict[str, Decimal] = {security_id: Decimal(0) for security_id in first.holdings}
    currencies = {security_id: holding.currency for security_id, holding in first.holdings.items()}
    for trade in (*known, *undone):
        if trade.moved and trade.security_id is not None:
            moved[trade.security_id] = moved.get(trade.security_id, Decimal(0)) + trade.moved
            currencies.setdefault(trade.security_id, trade.currency)
    lots: list[Lot] = []
    refused: list[str] = []
    for security_id in sorted(moved):
        holding = first.holdings.get(security_id)
        quantity = (holding.quantity if holding else Decimal(0)) - moved[security_id]
        if quantity <= 0:
            continue
        listed = () if security_id in _split(known) else _listed(holding, day)
        stated = listed or [each for each in declared if each.security_id == security_id]
        left = quantity - sum((each.quantity for each in stated), Decimal(0))
        if left < 0:
            if not listed:
                refused.append(
                    f"{own.path}: investments.lots has {(quantity - left).normalize():f} units of {security_id}, but "
                    f"{quantity.normalize():f} were held before {day}; they are not used"
                )
            stated, left = [], quantity
        rest = Lot(
            lot_id=identity("clean.holdings", _source_id(own, security_id, first)),
            account_id=own.account_id,
            security_id=security_id,
            opened=day,
            quantity=left,
            remaining=left,
            cost=None,
            carrying=Decimal(0),
            currency=currencies[security_id],
            is_opening=True,
            dated=False,
        )
        lots.extend([rest] if left else [])
        lots.extend(each.lot(rest, holding) for each in stated)
    at_snapshot = book_trades(own, known, lots)
    walked = {lot.lot_id: lot for lot in at_snapshot.lots}
    # What the institution says of the cost of a position includes that of what was undone since.
    first = first.without_cost({trade.security_id for trade in undone})
    pools = at_snapshot.positions
    return [
        lot
        if lot.dated
        else _priced(lot, walked[lot.lot_id], pools[own.account_id, lot.security_id], first, known)
        for lot in lots
    ], refused


def _split(trades: Sequence[Trade]) -> frozenset[str | None]:
    """Securities that were split: the institution's lots are in the units of after it."""
    return frozenset(trade.security_id for trade in trades if trade.kind == "split")


def _listed(holding: Holding | None, day: date) -> Sequence[StatedLot]:
    """The lots that the institution lists of a position and that are older than the feed.

    Source: Plaid's ``HoldingTaxLot``. Where a lot lacks its day or quantity, or they do not add up to the position,
    the list is not used.
    """
    if holding is None or holding.tax_lots is None:
        return ()
    found, total = [], Decimal(0)
    for number, row in enumerate(json.loads(holding.tax_lots), start=1):
        moment, quantity = row.get("original_purchase_datetime"), _number(row.get("quantity"))
        if not moment or not quantity or quantity <= 0:
            return ()
        total += quantity
        cost, price = _number(row.get("cost_basis")), _number(row.get("purchase_price"))
        if cost is None and price is not None:
            cost = price * quantity
        opened = date.fromisoformat(moment[:10])
        if opened <= day:
            name = row.get("institution_lot_id") or str(number)
            found.append(StatedLot(name, holding.security_id, opened, quantity, cost or None))
    same = abs(total - holding.quantity) < _A_LITTLE
    return sorted(found, key=lambda each: each.opened) if same else ()


def _number(value: object) -> Decimal | None:
    """A number as sent; None where there is none. Nine decimals, as all quantities."""
    return None if value is None else Decimal(str(value)).quantize(_NINE_DECIMALS)


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
