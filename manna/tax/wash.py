"""Wash sales: losses that do not count because the same was bought again (26 U.S.C. 1091).

What belongs here: which loss is disallowed, and what becomes of its basis and holding period. What does not: which
lots a sale takes (``manna.ledger.matching``) and any posting: the books keep the loss, this is an overlay for tax reports.

The rules and where they are from:

- A loss is disallowed as far as the same security was acquired within 30 days before or after the sale, the day of
  the sale not counted (Publication 550, "Wash Sales"), in any account of the taxpayer and spouse.
- Losses are matched in the order of the sales, with replacement shares in the order they were acquired, and each
  share replaces one share once (26 CFR 1.1091-1(c), (d), (e)).
- What is sold in the same sale replaces nothing, nor does the rest of the very lot that is being sold (Revenue
  Ruling 56-602), nor what was sold before: it is no longer there to replace anything.
- The disallowed loss is added to the basis of the replacement, whose holding period begins as much earlier as the
  sold shares were held (26 U.S.C. 1091(d), 1223(3)). A replacement in an IRA takes neither basis nor
  holding period: that loss is gone for good (Revenue Ruling 2008-5).
- Sales inside a sheltered account have neither gain nor loss.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from manna.ledger.lots import share

WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Units that came in. ``place``: day and number, by which everything that happened is put in order.

    ``quantity`` is in units of the last day: splits since then are in it. ``replaces``: whether it was bought; what was
    there before, or came from another account of one's own, replaces nothing.
    """

    lot_id: str
    account: str
    security: str
    place: tuple[date, int]
    quantity: Decimal
    replaces: bool = True


@dataclass(frozen=True, slots=True)
class Disposal:
    """What one sale took from one lot. ``units`` is ``quantity`` in units of the last day, as in Acquisition."""

    sale_id: str
    lot_id: str
    account: str
    security: str
    place: tuple[date, int]
    opened: date
    quantity: Decimal
    units: Decimal
    proceeds: Decimal
    cost: Decimal
    currency: str = "USD"


@dataclass(slots=True)
class TaxLine:
    """One line of a tax report: units of one lot that were sold, with one holding period.

    ``adjustment`` is what earlier disallowed losses added to ``cost``; ``disallowed`` (positive) is the part of this loss
    that does not count, ``lost`` the part of that which no basis takes up; ``replaced_by`` says which lots did, and
    how many units of the last day.
    """

    disposal: Disposal
    held_since: date
    quantity: Decimal
    units: Decimal
    proceeds: Decimal
    cost: Decimal
    adjustment: Decimal
    disallowed: Decimal = Decimal(0)
    lost: Decimal = Decimal(0)
    replaced_by: list[tuple[str, Decimal]] = field(default_factory=list)
    open_units: Decimal = Decimal(0)

    @property
    def gain(self) -> Decimal:
        """Proceeds less adjusted basis, before anything is disallowed; negative = loss."""
        return self.proceeds - self.cost - self.adjustment

    @property
    def counted(self) -> Decimal:
        """The gain or loss that counts: column (h) of Form 8949."""
        return self.gain + self.disallowed

    @property
    def window_ends(self) -> date:
        """The last day on which a purchase can still disallow this loss."""
        return self.disposal.place[0] + WINDOW


@dataclass(slots=True)
class Held:
    """Units of one lot that share a holding period; ``adjustment`` is what losses added to their basis."""

    since: date
    units: Decimal
    adjustment: Decimal = Decimal(0)
    is_replacement: bool = False


@dataclass(slots=True)
class _Lot:
    acquisition: Acquisition
    held: list[Held]


@dataclass(frozen=True, slots=True)
class Overlay:
    """The lines in order of the sales, and what is left of each lot, by its id."""

    lines: tuple[TaxLine, ...]
    held: dict[str, tuple[Held, ...]]


def wash_sales(
    acquisitions: Iterable[Acquisition],
    disposals: Iterable[Disposal],
    *,
    sheltered: Collection[str] = (),
    same: Callable[[str], str] = lambda security: security,
    applies: bool = True,
) -> Overlay:
    """Everything that one taxpayer (and spouse) bought and sold, with the losses that do not count.

    Args:
        acquisitions: of all accounts, sheltered ones included. A lot must be acquired before it is sold.
        disposals: of all accounts, one for each lot of a sale.
        sheltered: accounts whose sales have neither gain nor loss, and which make losses of others void for good.
        same: one name for all securities that count as substantially identical.
        applies: whether losses are disallowed at all; if not, the same lines without it.

    Returns:
        See :class:`Overlay`. The sum of all ``counted`` gains, plus the adjustments still held, plus what is ``lost``,
        is the sum of all gains of the books.
    """
    walk = _Walk(frozenset(sheltered), same, applies)
    events: list[tuple[tuple[date, int], int, Acquisition | Disposal]] = []
    events += [(each.place, 0, each) for each in acquisitions]
    events += [(each.place, 1, each) for each in disposals]
    events.sort(key=lambda event: event[:2])
    sale: list[Disposal] = []
    for _, _, event in events:
        if sale and not (isinstance(event, Disposal) and event.sale_id == sale[0].sale_id):
            walk.sell(sale)
            sale = []
        if isinstance(event, Disposal):
            sale.append(event)
        else:
            walk.acquire(event)
    if sale:
        walk.sell(sale)
    return Overlay(tuple(walk.lines), {name: tuple(lot.held) for name, lot in walk.lots.items() if lot.held})


@dataclass(slots=True)
class _Walk:
    """All that happened so far, in order."""

    sheltered: frozenset[str]
    same: Callable[[str], str]
    applies: bool
    lines: list[TaxLine] = field(default_factory=list)
    lots: dict[str, _Lot] = field(default_factory=dict)
    _alike: defaultdict[str, list[_Lot]] = field(default_factory=lambda: defaultdict(list))
    _waiting: defaultdict[str, list[TaxLine]] = field(default_factory=lambda: defaultdict(list))

    def acquire(self, acquisition: Acquisition) -> None:
        lot = _Lot(acquisition, [Held(acquisition.place[0], acquisition.quantity)])
        self.lots[acquisition.lot_id] = lot
        if not (acquisition.replaces and self.applies):
            return
        kind, today = self.same(acquisition.security), acquisition.place[0]
        self._alike[kind] = [
            each for each in self._alike[kind] if each.acquisition.place[0] >= today - WINDOW
        ]
        self._alike[kind].append(lot)
        self._waiting[kind] = [line for line in self._waiting[kind] if line.window_ends >= today]
        for line in self._waiting[kind]:
            self._replace(line, lot)

    def sell(self, sale: Sequence[Disposal]) -> None:
        """All lots of the sale are taken before any loss is matched: what is sold with it replaces nothing."""
        lines = [line for each in sale for line in self._take(each)]
        if sale[0].account in self.sheltered:
            return
        self.lines += lines
        kind, day = self.same(sale[0].security), sale[0].place[0]
        for line in lines if self.applies else ():
            if line.gain >= 0:
                continue
            line.open_units = line.units
            for lot in self._alike[kind]:
                if (
                    lot.acquisition.place[0] >= day - WINDOW
                    and lot.acquisition.lot_id != line.disposal.lot_id
                ):
                    self._replace(line, lot)
            self._waiting[kind].append(line)

    def _take(self, disposal: Disposal) -> list[TaxLine]:
        """The units of one lot, those held longest first, in lines of one holding period each."""
        lot, wanted = self.lots[disposal.lot_id], disposal.units
        lines: list[TaxLine] = []
        proceeds, cost, quantity = disposal.proceeds, disposal.cost, disposal.quantity
        for held in sorted(lot.held, key=lambda each: each.since):
            if wanted <= 0:
                break
            units = min(held.units, wanted)
            last = units == wanted
            part = _split(held, units, disposal.currency)
            line = TaxLine(
                disposal,
                held.since,
                quantity if last else disposal.quantity * units / disposal.units,
                units,
                proceeds if last else share(disposal.proceeds, units, disposal.units, disposal.currency),
                cost if last else share(disposal.cost, units, disposal.units, disposal.currency),
                part,
            )
            proceeds, cost, quantity = proceeds - line.proceeds, cost - line.cost, quantity - line.quantity
            wanted -= units
            lines.append(line)
        lot.held = [held for held in lot.held if held.units]
        return lines

    def _replace(self, line: TaxLine, lot: _Lot) -> None:
        """Matches the units of a loss that are not replaced yet with those of ``lot`` that replace nothing yet."""
        free = [held for held in lot.held if not held.is_replacement]
        for held in free:
            if not line.open_units:
                return
            units = min(held.units, line.open_units)
            left = line.open_units - units
            total = -line.gain
            # From what is left over, so that the parts of a loss sum to it.
            loss = share(total, line.units - left, line.units, line.disposal.currency) - line.disallowed
            line.open_units = left
            line.disallowed += loss
            line.replaced_by.append((lot.acquisition.lot_id, units))
            into = _parted(lot, held, units, line.disposal.currency)
            into.is_replacement = True
            if lot.acquisition.account in self.sheltered:
                line.lost += loss  # neither basis nor holding period moves there: 1091(d) does not apply
                continue
            into.since -= line.disposal.place[0] - line.held_since
            into.adjustment += loss


def _split(held: Held, units: Decimal, currency: str) -> Decimal:
    """Takes ``units`` out of ``held``; returns the adjustment that goes with them."""
    part = held.adjustment if units == held.units else share(held.adjustment, units, held.units, currency)
    held.units -= units
    held.adjustment -= part
    return part


def _parted(lot: _Lot, held: Held, units: Decimal, currency: str) -> Held:
    """``units`` of ``held`` as units of their own."""
    if units == held.units:
        return held
    adjustment = _split(held, units, currency)
    part = Held(held.since, units, adjustment)
    lot.held.insert(lot.held.index(held), part)
    return part
