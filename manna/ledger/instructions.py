"""How people say which lots a sale takes, where that is not the first in.

What belongs here: which of their instructions holds for a sale, and why one does not. What does not: taking the lots
(:mod:`matching`), or keeping instructions (``resources``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from manna.ledger.lots import Lot
from manna.ledger.matching import METHODS
from manna.ledger.records import Trade
from manna.ledger.settlement import settlement_day

FUND = "mutual fund"
"""The type of security whose basis may be averaged (26 CFR 1.1012-1(e)(1): shares of a regulated investment company)."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One row of ops.lot_instructions. ``made_on``: the day it was recorded, in the book's time zone.

    ``security_id`` None: all securities of the account. ``trade_id`` names one sale; without one it is a standing
    instruction for all sales from ``since`` on (else from the day it was made). ``lots``: lot and units each.
    """

    instruction_id: int
    account_id: str
    method: str
    made_on: date
    made_by: str
    security_id: str | None = None
    trade_id: str | None = None
    since: date | None = None
    lots: tuple[tuple[str, Decimal], ...] = ()

    @property
    def first_day(self) -> date:
        """The first trade day that a standing instruction is about."""
        return self.since or self.made_on

    def is_about(self, trade: Trade) -> bool:
        """Whether it means this sale, in time or not."""
        if self.trade_id is not None:
            return self.trade_id == trade.trade_id
        securities = (None, trade.security_id)
        return (
            self.account_id == trade.account_id
            and self.security_id in securities
            and trade.date >= self.first_day
        )

    def __str__(self) -> str:
        return f"instruction {self.instruction_id} ({self.method}, by {self.made_by} on {self.made_on})"


@dataclass(frozen=True, slots=True)
class Choice:
    """How one sale takes its lots. ``refused`` says why instructions about it do not hold."""

    method: str = METHODS[0]
    named: dict[str, Decimal] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


FIRST_IN_FIRST_OUT = Choice()


def choose(
    trade: Trade, instructions: Iterable[Instruction], pool: Sequence[Lot], *, may_average: bool
) -> Choice:
    """The method of a sale: the last instruction that was made by its settlement, else first in first out.

    One that names the sale comes before a standing one. What was said later changes nothing (26 CFR 1.1012-1(c)),
    nor does average cost for what is neither a fund nor was bought by reinvesting dividends, nor a lot that is not
    held: such an instruction is refused, and what would hold without it does.

    Args:
        trade: a sale.
        instructions: of its book, about any trade.
        pool: the open lots of its account and security.
        may_average: whether the basis of these shares may be averaged.
    """
    meant = [each for each in instructions if each.is_about(trade)]
    if not meant:
        return FIRST_IN_FIRST_OUT
    refused: list[str] = []
    for each in sorted(meant, key=lambda i: (i.trade_id is not None, i.instruction_id), reverse=True):
        fault = _fault(each, trade, pool, may_average=may_average)
        if fault is None:
            return Choice(each.method, dict(each.lots), tuple(refused))
        refused.append(f"{each} does not hold for the sale {trade.trade_id} of {trade.date}: {fault}")
    return Choice(refused=tuple(refused))


def too_late(made_on: date, traded: date) -> str | None:
    """Why what is said on ``made_on`` cannot hold for a sale of ``traded``; None when it can."""
    settled = settlement_day(traded)
    return f"the sale settled on {settled}, and lots are chosen by then" if made_on > settled else None


def _fault(each: Instruction, trade: Trade, pool: Sequence[Lot], *, may_average: bool) -> str | None:
    late = too_late(each.made_on, trade.date)
    if late is not None:
        return late
    if each.method == "average" and not may_average:
        return "average cost is only for mutual funds and for shares bought by reinvesting dividends"
    if each.method != "specific":
        return None
    held, total = {lot.lot_id: lot.remaining for lot in pool}, Decimal(0)
    for name, units in each.lots:
        if held.get(name, Decimal(0)) < units:
            return f"lot {name} holds {held.get(name, Decimal(0)).normalize():f}, not {units.normalize():f}"
        total += units
    if total != -trade.moved:
        return f"it names {total.normalize():f} units, and {(-trade.moved).normalize():f} are sold"
    return None
