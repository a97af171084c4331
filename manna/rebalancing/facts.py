"""What a plan is made from: one frozen account of what is held, what it is worth and what the taxpayer did and will do.

What belongs here: these records. What does not: where they are from (:mod:`from_books`, :mod:`files`), or what
follows from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from manna.ledger.lots import Lot


@dataclass(frozen=True, slots=True)
class Purchase:
    """Units of ``security`` that some account of the taxpayer or spouse bought, or will probably buy, on ``day``.

    ``lot_id`` is the lot that came of it and is still held; None for what is still to come. ``words`` say what it is.
    """

    security: str
    day: date
    account: str
    words: str
    lot_id: str | None = None


@dataclass(frozen=True, slots=True)
class LossSale:
    """A sale at a loss of the taxpayer or spouse, in any taxed account, that nothing has replaced (wholly) yet."""

    security: str
    day: date
    account: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a plan of one account depends on. Money is in ``currency``, units are positive.

    ``lots``: of the traded account, per security in the order in which the broker would sell them; ``opened`` is the day
    from which their holding period counts, and losses disallowed before are in their cost.
    ``elsewhere``, ``cash_elsewhere``: units and money of the other managed accounts, which are weighed but not traded.
    ``unsettled``: part of ``cash`` that comes from sales that have not settled. ``bills``: what falls due in the account.
    ``cash_flow``: money that is about to come (positive) or to be taken out (negative).
    ``bought``: of the last 30 days and still held; ``due``: within the next 30; both in all accounts of taxpayer and
    spouse, sheltered ones included. ``sheltered``: the traded account itself is, so that nothing is taxed.
    ``same``: one name for all securities that count as substantially identical.
    """

    book: str
    account_id: str
    currency: str
    day: date
    cash: Decimal
    lots: tuple[Lot, ...]
    prices: Mapping[str, Decimal]
    price_days: Mapping[str, date] = field(default_factory=dict)
    elsewhere: Mapping[str, Decimal] = field(default_factory=dict)
    cash_elsewhere: Decimal = Decimal(0)
    unsettled: Decimal = Decimal(0)
    bills: Decimal = Decimal(0)
    cash_flow: Decimal = Decimal(0)
    bought: tuple[Purchase, ...] = ()
    due: tuple[Purchase, ...] = ()
    sold_at_loss: tuple[LossSale, ...] = ()
    sheltered: bool = False
    last_traded: date | None = None
    same: Callable[[str], str] = str

    @property
    def positions(self) -> dict[str, Decimal]:
        """Units by security in the traded account."""
        held: dict[str, Decimal] = {}
        for lot in self.lots:
            held[lot.security_id] = held.get(lot.security_id, Decimal(0)) + lot.remaining
        return held
