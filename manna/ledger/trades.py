"""What happened in one investment account, booked: entries, lots and realized gains.

What belongs here: what each kind of trade means in double entry. What does not: the arithmetic of lots
(:mod:`lots`) and what the account held before the feed begins (:mod:`openings`).

A lot of unknown basis is carried at the best value known (:func:`manna.ledger.positions.best_value`, and :mod:`openings`). When
it is sold no gain is invented: the difference between the proceeds and that carrying amount goes to
``Equity:Unknown Basis``, nothing to income, and the row of ledger.gains has neither cost nor gain.
The same holds for a lot bought in another currency than it is sold in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from manna.investment_settings import SpinOff
from manna.ledger import chart
from manna.ledger.carrying import Routes
from manna.ledger.corporate import arrive, leave, returned, spun_off
from manna.ledger.disposals import realized
from manna.ledger.instructions import FIRST_IN_FIRST_OUT, Choice, Instruction, choose
from manna.ledger.journal import Line, balanced, identity
from manna.ledger.lots import Lot, Taken, held, split_lots
from manna.ledger.positions import Positions
from manna.ledger.records import TRADES, Trade
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


@dataclass(frozen=True, slots=True)
class Known:
    """What the trades alone do not tell.

    ``transfer_legs``: ids of trades that are one leg of a transfer of money between own accounts; ``instructions``: which
    lots sales take, where people said so; ``funds``: securities whose basis may be averaged; ``spin_offs``: as declared.
    """

    transfer_legs: frozenset[str] = frozenset()
    instructions: Sequence[Instruction] = ()
    funds: frozenset[str] = frozenset()
    spin_offs: Sequence[SpinOff] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """One account's way through its trades: the lines of each, given all trades before it.

    Lots and gains are kept in ``positions``; ``left`` are lots on their way, by the row that will bring them.
    """

    positions: Positions
    known: Known
    ways: Routes
    left: dict[str, list[Taken]]
    reinvested: set[str] = field(default_factory=set)

    def lines(self, trade: Trade) -> tuple[Line, ...]:
        if trade.trade_id in self.ways.arrivals:
            taken, lines = leave(self.positions, trade)
            self.left[self.ways.arrivals[trade.trade_id]] = taken
            return lines
        if self.left.get(trade.trade_id):
            return arrive(self.positions, trade, self.left.pop(trade.trade_id), self.ways)
        if trade.kind == "split":
            return self._split(trade)
        if trade.kind == "return_of_capital" and not trade.is_cash:
            return returned(self.positions, trade)
        if trade.moved > 0:
            return self._acquire(trade)
        if trade.moved < 0:
            return self._dispose(trade)
        return self._money(trade)

    def _money(self, trade: Trade) -> tuple[Line, ...]:
        if trade.is_cash and trade.kind in _BOUGHT_OR_SOLD:
            # Money for money, e.g. into a sweep: shown, but the account has as much as before.
            return self.positions.cash(trade.amount, trade), self.positions.cash(-trade.amount, trade)
        counter = _MONEY_COUNTERS.get(trade.kind, chart.SUSPENSE)
        if trade.kind == "interest" and trade.amount < 0:
            counter = chart.MARGIN_INTEREST
        counter = self.positions.own.result(counter)
        is_leg = trade.kind in _MONEY_IN_TRANSIT and trade.trade_id in self.known.transfer_legs
        if is_leg or trade.trade_id in self.ways.payments:
            counter = chart.IN_TRANSIT
        return self.positions.cash(trade.amount, trade), Line(counter, -trade.amount, trade.currency)

    def _acquire(self, trade: Trade) -> tuple[Line, ...]:
        if trade.kind == "spin_off" and (lines := spun_off(self.positions, trade, self.known.spin_offs)):
            return lines
        basis = _basis(trade)
        carrying = self.positions.value(trade) if basis is None else basis
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
        self.positions.lots(trade).append(lot)
        if trade.kind == "reinvestment":
            self.reinvested.add(lot.security_id)
        counter = _SECURITIES_COUNTERS.get(trade.kind, chart.SUSPENSE)
        return balanced(
            [self.positions.security(lot, carrying, trade.moved), *self.positions.cash_leg(trade)], counter
        )

    def _dispose(self, trade: Trade) -> tuple[Line, ...]:
        is_sale = trade.kind in _BOUGHT_OR_SOLD
        before = self.positions.lots(trade)
        choice = self._choice(trade, before) if is_sale and self.known.instructions else FIRST_IN_FIRST_OUT
        taken, lines = self.positions.take(trade, choice.method, choice.named)
        lines.extend(self.positions.security(t.left, -t.carrying, -t.quantity) for t in taken)
        lines.extend(self.positions.cash_leg(trade))
        if is_sale:
            gains = realized(trade, taken, method=choice.method, sheltered=self.positions.own.sheltered)
            lines.extend(self.positions.realize(gains, trade.currency))
        return balanced(lines, _SECURITIES_COUNTERS.get(trade.kind, chart.SUSPENSE))

    def _split(self, trade: Trade) -> tuple[Line, ...]:
        before = self.positions.lots(trade)
        if trade.moved > 0 and not held(before):
            return self._acquire(trade)  # of shares nobody told us about: basis unknown
        if trade.moved < 0 and held(before) + trade.moved <= 0:
            return self._dispose(trade)  # more than held, or all of it: reported, or written off
        cash = self.positions.cash_leg(trade)  # in lieu of fractions, where a broker puts it on the same row
        if not trade.moved:
            return balanced(cash, chart.SUSPENSE)
        after = split_lots(before, trade.moved)
        ratio = (held(before) + trade.moved) / held(before)
        self.positions.booked.ratios.append((trade.security_id or "", trade.date, ratio))
        self.positions.booked.positions[trade.position] = after
        lines = [
            self.positions.security(new, Decimal(0), new.remaining - old.remaining)
            for old, new in zip(before, after, strict=True)
        ]
        return balanced([*lines, *cash], chart.SUSPENSE)

    def _choice(self, trade: Trade, pool: Sequence[Lot]) -> Choice:
        security_id = trade.security_id or ""
        may_average = security_id in self.known.funds or security_id in self.reinvested
        choice = choose(trade, self.known.instructions, pool, may_average=may_average)
        self.positions.booked.refused.extend(f"{self.positions.own.path}: {said}" for said in choice.refused)
        return choice


def _basis(trade: Trade) -> Decimal | None:
    """What arriving shares cost, fees included; None when unknown, which zero and less mean too."""
    basis = Decimal(0)
    if trade.kind in _BOUGHT_OR_SOLD:
        basis = -trade.amount
    elif trade.kind == "contribution":
        basis = abs(trade.amount) or round_money(trade.moved * (trade.price or 0), trade.currency)
    return basis if basis > 0 else None
