"""What a disposal comes to: realized gains, lot by lot, or more taken than held.

What belongs here: those two outcomes. What does not: which lots are taken (:mod:`lots`) and what is posted
(:mod:`trades`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from manna.ledger.journal import identity
from manna.ledger.lots import Lot, Taken, held, share, term
from manna.ledger.matching import METHODS
from manna.ledger.records import TRADES, Trade

_SMALLEST = Decimal("1e-9")
_SAME_SPLIT_DAYS, _SAME_SPLIT = 7, Decimal("0.02")


class LedgerError(ValueError):
    """A book that cannot be kept; the message names every reason."""


@dataclass(frozen=True, slots=True)
class Oversold:
    """One trade that takes more than is held. ``lots`` are the open lots before it."""

    account_id: str
    account: str
    security_id: str
    date: date
    trade_id: str
    wanted: Decimal
    lots: tuple[Lot, ...]

    def __str__(self) -> str:
        listed = ", ".join(f"{_units(lot.remaining)} of {lot.opened} (lot {lot.lot_id})" for lot in self.lots)
        return (
            f"{self.account} ({self.account_id}): {self.date} trade {self.trade_id} takes "
            f"{_units(self.wanted)} {self.security_id} but {_units(held(self.lots))} are held: "
            f"{listed or 'no lots'}"
        )


def _units(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


class OversoldError(LedgerError):
    """More was sold than held, judged with the opening positions. ``trades`` lists every case.

    Short positions are not supported: a sale from nothing is reported here too.
    """

    def __init__(self, trades: Sequence[Oversold]) -> None:
        self.trades = tuple(trades)
        super().__init__("; ".join(map(str, self.trades)))


@dataclass(frozen=True, slots=True)
class Gain:
    """One row of ledger.gains: what one sale took from one lot. Proceeds are after fees."""

    entry_id: str
    lot: Lot
    closed: date
    quantity: Decimal
    proceeds: Decimal
    cost: Decimal | None
    currency: str
    method: str = METHODS[0]
    sheltered: bool = False

    @property
    def gain(self) -> Decimal | None:
        """Proceeds less cost; None where the basis is unknown."""
        return None if self.cost is None else self.proceeds - self.cost

    @property
    def term(self) -> str:
        """See :func:`manna.ledger.lots.term`."""
        return term(self.lot, self.closed)


def realized(
    trade: Trade, taken: Sequence[Taken], *, method: str = METHODS[0], sheltered: bool = False
) -> list[Gain]:
    """The sale's proceeds spread over its lots by quantity; the last one gets what rounding left over."""
    entry_id, total = identity(TRADES, trade.trade_id), sum((t.quantity for t in taken), Decimal(0))
    gains, left = [], trade.amount
    for position, t in enumerate(taken, start=1):
        last = position == len(taken)
        proceeds = left if last else share(trade.amount, t.quantity, total, trade.currency)
        left -= proceeds
        known = t.left.cost is not None and t.left.currency == trade.currency
        cost = t.carrying if known else None
        figures = (t.quantity, proceeds, cost, trade.currency)
        gains.append(Gain(entry_id, t.left, trade.date, *figures, method, sheltered))
    return gains


def gain_rows(
    book_id: str, gains: Sequence[Gain], ratios: Iterable[tuple[str, date, Decimal]] = ()
) -> list[Mapping[str, object]]:
    """``gains`` as rows of ledger.gains; ``ratios`` are the splits of all accounts of the book, in any order."""
    splits = _distinct(ratios)
    return [
        {
            "gain_id": f"{gain.entry_id}-{gain.lot.lot_id}",
            "book": book_id,
            "account_id": gain.lot.account_id,
            "security_id": gain.lot.security_id,
            "entry_id": gain.entry_id,
            "lot_id": gain.lot.lot_id,
            "opened": gain.lot.opened,
            "closed": gain.closed,
            "quantity": gain.quantity,
            "proceeds": gain.proceeds,
            "cost": gain.cost,
            "gain": gain.gain,
            "term": gain.term,
            "currency": gain.currency,
            "units": _today(gain, splits.get(gain.lot.security_id, ())),
            "method": gain.method,
            "sheltered": gain.sheltered,
        }
        for gain in gains
    ]


def _today(gain: Gain, splits: Sequence[tuple[date, Decimal]]) -> Decimal:
    """What was sold, in units of today; never nothing, which could not be matched with what replaces it."""
    units = gain.quantity
    for day, ratio in splits:
        if day > gain.closed:
            units *= ratio
    return max(units.quantize(_SMALLEST), _SMALLEST) if gain.quantity else gain.quantity


def _distinct(ratios: Iterable[tuple[str, date, Decimal]]) -> dict[str, list[tuple[date, Decimal]]]:
    """Splits by security, each once: accounts are told of the same split within days of each other."""
    found: dict[str, list[tuple[date, Decimal]]] = {}
    for security_id, day, ratio in sorted(ratios):
        known = found.setdefault(security_id, [])
        if not any(
            (day - other).days <= _SAME_SPLIT_DAYS and abs(ratio / same - 1) < _SAME_SPLIT
            for other, same in known
        ):
            known.append((day, ratio))
    return found
