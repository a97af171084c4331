"""What happened in one investment account, booked: entries, lots and realized gains.

What belongs here: what each kind of trade means in double entry. What does not: the arithmetic of lots
(:mod:`lots`) and what the account held before the feed begins (:mod:`openings`).

A lot of unknown basis is carried at the best value known (:func:`best_value`, and :mod:`openings`). When
it is sold no gain is invented: the difference between the proceeds and that carrying amount goes to
``Equity:Unknown Basis``, nothing to income, and the row of ledger.gains has neither cost nor gain.
The same holds for a lot bought in another currency than it is sold in.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from manna.ledger import chart
from manna.ledger.basis import return_capital
from manna.ledger.chart import OwnAccount
from manna.ledger.disposals import Gain, Oversold, realized
from manna.ledger.instructions import FIRST_IN_FIRST_OUT, Choice, Instruction, choose
from manna.ledger.journal import Entry, Line, balanced, identity
from manna.ledger.lots import Lot, Taken, held, share, split_lots
from manna.ledger.matching import averaged, take
from manna.ledger.records import TRADES, Holding, Trade
from manna.money import round_money

_BOUGHT_OR_SOLD = ("buy", "reinvestment", "sell")
_MONEY_COUNTERS = {
    "dividend": chart.DIVIDENDS,
    "interest": chart.INTEREST,
    "fee": chart.BROKERAGE_FEES,
    "contribution": chart.TRANSFERS,
    "deposit": chart.TRANSFERS,
    "withdrawal": chart.TRANSFERS,
    "transfer": chart.TRANSFERS,
}
_MONEY_IN_TRANSIT = ("contribution", "deposit", "withdrawal", "transfer")
_SECURITIES_COUNTERS = {
    "buy": chart.UNKNOWN_BASIS,
    "reinvestment": chart.UNKNOWN_BASIS,
    "sell": chart.UNKNOWN_BASIS,
    "contribution": chart.RETIREMENT_CONTRIBUTIONS,
    "deposit": chart.TRANSFERS,
    "withdrawal": chart.TRANSFERS,
    "transfer": chart.TRANSFERS,
}


@dataclass(slots=True)
class Booked:
    """What the trades of an account amount to. ``positions`` are its open lots by security.

    ``refused`` says why instructions on lots do not hold; ``ratios`` what splits made of a unit: security, day, ratio.
    """

    entries: list[Entry] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    oversold: list[Oversold] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ratios: list[tuple[str, date, Decimal]] = field(default_factory=list)
    closed: list[Lot] = field(default_factory=list)
    positions: defaultdict[str, list[Lot]] = field(default_factory=lambda: defaultdict(list))

    @property
    def lots(self) -> list[Lot]:
        """Every lot, open and closed."""
        return [*self.closed, *(lot for lots in self.positions.values() for lot in lots)]


def book_trades(
    own: OwnAccount,
    trades: Sequence[Trade],
    openings: Sequence[Lot] = (),
    *,
    holdings: Sequence[Holding] = (),
    transfer_legs: frozenset[str] = frozenset(),
    instructions: Sequence[Instruction] = (),
    funds: frozenset[str] = frozenset(),
) -> Booked:
    """Walk the trades of one account in the order they happened.

    Args:
        trades: the account's trades, in any order.
        openings: lots held before the first of them.
        holdings: what the institution says the account holds, by day; only to value shares that arrive
            without a price.
        transfer_legs: ids of trades that are one leg of a transfer between own accounts.
        instructions: which lots sales take, where people said so; any book's, about any account.
        funds: securities whose basis may be averaged.

    Returns:
        All entries, lots and gains. Overselling is listed in ``oversold``, not raised, so that every case
        is found; what comes after one is booked as if just what was held had been taken.
    """
    booked = Booked()
    for lot in openings:
        booked.positions[lot.security_id].append(lot)
    walk = _Walk(own, booked, holdings, transfer_legs, instructions, funds)
    for trade in sorted(trades, key=lambda t: t.order):
        lines = walk.lines(trade)
        booked.entries.append(Entry(trade.date, "trade", trade.description, TRADES, trade.trade_id, lines))
    return booked


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
class _Walk:
    """The lines of each trade, given all trades before it; lots and gains are kept in ``booked``."""

    own: OwnAccount
    booked: Booked
    holdings: Sequence[Holding]
    transfer_legs: frozenset[str]
    instructions: Sequence[Instruction]
    funds: frozenset[str]
    reinvested: set[str] = field(default_factory=set)

    def lines(self, trade: Trade) -> tuple[Line, ...]:
        if trade.kind == "split":
            return self._split(trade)
        if trade.kind == "return_of_capital" and not trade.is_cash:
            return self._return_capital(trade)
        if trade.moved > 0:
            return self._acquire(trade)
        if trade.moved < 0:
            return self._dispose(trade)
        return self._money(trade)

    def _money(self, trade: Trade) -> tuple[Line, ...]:
        if trade.is_cash and trade.kind in _BOUGHT_OR_SOLD:
            # Money for money, e.g. into a sweep: shown, but the account has as much as before.
            return self._cash(trade.amount, trade), self._cash(-trade.amount, trade)
        counter = self.own.result(_MONEY_COUNTERS.get(trade.kind, chart.SUSPENSE))
        if trade.kind in _MONEY_IN_TRANSIT and trade.trade_id in self.transfer_legs:
            counter = chart.IN_TRANSIT
        return self._cash(trade.amount, trade), Line(counter, -trade.amount, trade.currency)

    def _acquire(self, trade: Trade) -> tuple[Line, ...]:
        basis = _basis(trade)
        carrying = best_value(trade, self.holdings) if basis is None else basis
        lot = Lot(
            lot_id=identity(TRADES, trade.trade_id),
            account_id=trade.account_id,
            security_id=trade.security_id or "",
            opened=trade.date,
            quantity=trade.moved,
            remaining=trade.moved,
            cost=basis,
            carrying=carrying,
            currency=trade.currency,
            dated=trade.kind in (*_BOUGHT_OR_SOLD, "contribution"),
        )
        self.booked.positions[lot.security_id].append(lot)
        if trade.kind == "reinvestment":
            self.reinvested.add(lot.security_id)
        counter = _SECURITIES_COUNTERS.get(trade.kind, chart.SUSPENSE)
        return balanced([self._security(lot, carrying, trade.moved), *self._cash_leg(trade)], counter)

    def _dispose(self, trade: Trade) -> tuple[Line, ...]:
        is_sale = trade.kind in _BOUGHT_OR_SOLD
        before = self.booked.positions[trade.security_id or ""]
        choice = self._choice(trade, before) if is_sale and self.instructions else FIRST_IN_FIRST_OUT
        taken, lines = self._take(trade, choice.method, choice.named)
        lines.extend(self._security(t.left, -t.carrying, -t.quantity) for t in taken)
        lines.extend(self._cash_leg(trade))
        if is_sale:
            gains = realized(trade, taken, method=choice.method, sheltered=self.own.sheltered)
            lines.extend(self._realize(gains, trade.currency))
        return balanced(lines, _SECURITIES_COUNTERS.get(trade.kind, chart.SUSPENSE))

    def _split(self, trade: Trade) -> tuple[Line, ...]:
        before = self.booked.positions[trade.security_id or ""]
        if trade.moved > 0 and not held(before):
            return self._acquire(trade)  # of shares nobody told us about: basis unknown
        if trade.moved < 0 and held(before) + trade.moved <= 0:
            return self._dispose(trade)  # more than held, or all of it: reported, or written off
        cash = self._cash_leg(trade)  # in lieu of fractions, where a broker puts it on the same row
        if not trade.moved:
            return balanced(cash, chart.SUSPENSE)
        after = split_lots(before, trade.moved)
        ratio = (held(before) + trade.moved) / held(before)
        self.booked.ratios.append((trade.security_id or "", trade.date, ratio))
        self.booked.positions[trade.security_id or ""] = after
        lines = [
            self._security(new, Decimal(0), new.remaining - old.remaining)
            for old, new in zip(before, after, strict=True)
        ]
        return balanced([*lines, *cash], chart.SUSPENSE)

    def _return_capital(self, trade: Trade) -> tuple[Line, ...]:
        """Cuts the basis, lot by lot; what is more than that is gain. Of what nobody holds it is in suspense."""
        security_id = trade.security_id or ""
        lots = [lot for lot in self.booked.positions[security_id] if lot.currency == trade.currency]
        lines, gains = self._cash_leg(trade), []
        if len(lots) < len(self.booked.positions[security_id]) or not lots or trade.amount <= 0:
            return balanced(lines, chart.SUSPENSE)
        returned = return_capital(lots, trade.amount)
        for each in returned:
            lines.append(self._security(each.left, -each.cut, Decimal(0)))
            if each.excess:
                known = Decimal(0) if each.left.cost is not None else None
                figures = (Decimal(0), each.excess, known, trade.currency)
                gains.append(
                    Gain(
                        identity(TRADES, trade.trade_id),
                        each.left,
                        trade.date,
                        *figures,
                        sheltered=self.own.sheltered,
                    )
                )
        self.booked.positions[security_id] = [each.left for each in returned]
        return balanced([*lines, *self._realize(gains, trade.currency)], chart.UNKNOWN_BASIS)

    def _choice(self, trade: Trade, pool: Sequence[Lot]) -> Choice:
        security_id = trade.security_id or ""
        may_average = security_id in self.funds or security_id in self.reinvested
        choice = choose(trade, self.instructions, pool, may_average=may_average)
        self.booked.refused.extend(f"{self.own.path}: {said}" for said in choice.refused)
        return choice

    def _take(
        self, trade: Trade, method: str, named: Mapping[str, Decimal]
    ) -> tuple[list[Taken], list[Line]]:
        """What a disposal takes, and what averaging the pool moves between its lots before that."""
        security_id, wanted = trade.security_id or "", -trade.moved
        before = self.booked.positions[security_id]
        if held(before) < wanted:
            self.booked.oversold.append(
                Oversold(
                    trade.account_id, self.own.path, security_id, trade.date, trade.trade_id, wanted,
                    tuple(before),
                )
            )  # fmt: skip
        evened = []
        if method == "average":
            after = averaged(before)
            evened = [
                self._security(new, new.carrying - old.carrying, Decimal(0))
                for old, new in zip(before, after, strict=True)
                if new.carrying != old.carrying
            ]
        self.booked.positions[security_id], taken = take(before, wanted, method, named)
        self.booked.closed.extend(t.left for t in taken if not t.left.remaining)
        return taken, evened

    def _realize(self, gains: Sequence[Gain], currency: str) -> list[Line]:
        self.booked.gains.extend(gains)
        gain = sum((g.gain for g in gains if g.gain is not None), Decimal(0))
        return [Line(self.own.result(chart.CAPITAL_GAINS), -gain, currency)] if gain else []

    def _cash(self, amount: Decimal, trade: Trade) -> Line:
        return Line(self.own.cash, amount, trade.currency, account_id=self.own.account_id)

    def _cash_leg(self, trade: Trade) -> list[Line]:
        """The money side of a trade in securities: none for a contribution that arrives as shares."""
        if not trade.amount or trade.kind == "contribution":
            return []
        return [self._cash(trade.amount, trade)]

    def _security(self, lot: Lot, amount: Decimal, quantity: Decimal) -> Line:
        return Line(
            self.own.securities,
            amount,
            lot.currency,
            account_id=self.own.account_id,
            security_id=lot.security_id,
            quantity=quantity,
            lot_id=lot.lot_id,
        )


def _basis(trade: Trade) -> Decimal | None:
    """What arriving shares cost, fees included; None when unknown, which zero and less mean too."""
    basis = Decimal(0)
    if trade.kind in _BOUGHT_OR_SOLD:
        basis = -trade.amount
    elif trade.kind == "contribution":
        basis = abs(trade.amount) or round_money(trade.moved * (trade.price or 0), trade.currency)
    return basis if basis > 0 else None
