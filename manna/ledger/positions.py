"""The positions of one account while its trades are walked through: lots, what is taken of them, what they gain.

What belongs here: what every kind of trade does to lots and money. What does not: which kind does what (:mod:`trades`,
:mod:`corporate`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from manna.ledger import chart
from manna.ledger.chart import OwnAccount
from manna.ledger.disposals import Gain, Oversold
from manna.ledger.journal import Entry, Line
from manna.ledger.lots import Lot, Taken, held, share
from manna.ledger.matching import averaged, take
from manna.ledger.records import Holding, Trade
from manna.money import round_money


@dataclass(slots=True)
class Booked:
    """What trades amount to. ``positions`` are the open lots by account and security, oldest first.

    ``refused`` says why instructions on lots do not hold; ``ratios`` what splits made of a unit: security, day, ratio.
    """

    entries: list[Entry] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    oversold: list[Oversold] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ratios: list[tuple[str, date, Decimal]] = field(default_factory=list)
    closed: list[Lot] = field(default_factory=list)
    positions: defaultdict[tuple[str, str], list[Lot]] = field(default_factory=lambda: defaultdict(list))

    @property
    def lots(self) -> list[Lot]:
        """Every lot, open and closed."""
        return [*self.closed, *(lot for lots in self.positions.values() for lot in lots)]


def best_value(trade: Trade, holdings: Sequence[Holding]) -> Decimal:
    """What arriving shares of unknown basis are carried at: the best value known, zero if there is none.

    The trade's own price; else the institution's value, scaled, on the first day on or after the trade
    on which it showed the security (a day that later snapshots do not change).
    """
    if trade.price:
        return round_money(trade.moved * trade.price, trade.currency)
    for holding in holdings:
        if (
            holding.security_id == trade.security_id
            and holding.as_of >= trade.date
            and holding.quantity > 0
            and holding.currency == trade.currency
        ):
            return share(holding.value, trade.moved, holding.quantity, trade.currency)
    return Decimal(0)


@dataclass(frozen=True, slots=True)
class Positions:
    """One account's side of ``booked``; ``holdings`` are what the institution says it holds, by day."""

    own: OwnAccount
    booked: Booked
    holdings: Sequence[Holding]

    def lots(self, trade: Trade) -> list[Lot]:
        """The open lots of what a trade is about."""
        return self.booked.positions[trade.position]

    def value(self, trade: Trade) -> Decimal:
        """See :func:`best_value`."""
        return best_value(trade, self.holdings)

    def take(self, trade: Trade, method: str, named: Mapping[str, Decimal]) -> tuple[list[Taken], list[Line]]:
        """What a disposal takes, and what averaging the pool moves between its lots before that."""
        wanted = -trade.moved
        before = self.booked.positions[trade.position]
        if held(before) < wanted:
            self.booked.oversold.append(
                Oversold(
                    trade.account_id, self.own.path, trade.security_id or "", trade.date, trade.trade_id, wanted,
                    tuple(before),
                )
            )  # fmt: skip
        evened = []
        if method == "average":
            after = averaged(before)
            evened = [
                self.security(new, new.carrying - old.carrying, Decimal(0))
                for old, new in zip(before, after, strict=True)
                if new.carrying != old.carrying
            ]
        self.booked.positions[trade.position], taken = take(before, wanted, method, named)
        self.booked.closed.extend(t.left for t in taken if not t.left.remaining)
        return taken, evened

    def realize(self, gains: Sequence[Gain], currency: str) -> list[Line]:
        """Keeps ``gains``, and returns their posting, where there is one."""
        self.booked.gains.extend(gains)
        gain = sum((g.gain for g in gains if g.gain is not None), Decimal(0))
        return [Line(self.own.result(chart.CAPITAL_GAINS), -gain, currency)] if gain else []

    def cash(self, amount: Decimal, trade: Trade) -> Line:
        """``amount`` of the account's money."""
        return Line(self.own.cash, amount, trade.currency, account_id=self.own.account_id)

    def cash_leg(self, trade: Trade) -> list[Line]:
        """The money side of a trade in securities: none for a contribution that arrives as shares."""
        if not trade.amount or trade.kind == "contribution":
            return []
        return [self.cash(trade.amount, trade)]

    def security(self, lot: Lot, amount: Decimal, quantity: Decimal) -> Line:
        """A change of ``lot``, at cost and in units."""
        return Line(
            self.own.securities,
            amount,
            lot.currency,
            account_id=self.own.account_id,
            security_id=lot.security_id,
            quantity=quantity,
            lot_id=lot.lot_id,
        )
