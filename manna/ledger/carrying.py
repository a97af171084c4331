"""Lots that move on with their cost and their day: transfers in kind between own accounts, and exchanges.

What belongs here: which row continues which, and what becomes of the lots. What does not: their entries (:mod:`trades`).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from manna.ledger.chart import OwnAccount
from manna.ledger.journal import identity
from manna.ledger.lots import Lot, Taken, scaled, share
from manna.ledger.records import TRADES, Trade

MOST_DAYS = 10
"""A transfer in kind between brokers takes about a week (FINRA Rule 11870); its rows are this far apart at most."""

_EXCHANGES = ("merger", "symbol_change", "reorganization")
_MONEY_OF_EXCHANGES = ("merger", "reorganization")
_BEFORE_TRADING = dt.datetime.min.replace(tzinfo=dt.UTC)
Order = tuple[date, int, dt.datetime, Decimal, str]


@dataclass(frozen=True)
class Routes:
    """Which rows continue which: ``into`` leads from the id of a row that brings shares to the row they left with.

    ``first_days`` says, of each row they left with, on which day it is booked to its lots. ``paid`` is the money of an exchange that came on rows of its own, by the id of the row that brings shares; those
    rows are ``payments``.
    """

    into: Mapping[str, Trade] = field(default_factory=dict)
    paid: Mapping[str, Decimal] = field(default_factory=dict)
    payments: frozenset[str] = frozenset()
    first_days: Mapping[str, date] = field(default_factory=dict)

    @cached_property
    def arrivals(self) -> Mapping[str, str]:
        """Where what leaves arrives: from the id of the one row to that of the other."""
        return {out.trade_id: name for name, out in self.into.items()}

    def order(self, trade: Trade) -> Order:
        """:attr:`Trade.order`, but that what leaves does so before it arrives, and both before the market opens."""
        if trade.trade_id in self.first_days:
            return self.first_days[trade.trade_id], 1, _BEFORE_TRADING, Decimal(1), trade.trade_id
        if trade.trade_id in self.into:
            return trade.date, 1, _BEFORE_TRADING, Decimal(2), trade.trade_id
        return trade.order


def routes(own: Mapping[str, OwnAccount], trades: Iterable[Trade]) -> Routes:
    """Pairs rows of ``trades``, of all accounts of a book.

    A transfer: the same quantity of the same security leaves one account and reaches another within
    :data:`MOST_DAYS`, the nearest first, both sheltered or neither (between the two it is a distribution, and its
    basis another). An exchange: one security leaves an account and another comes in, on one day, as one merger, change
    of symbol or reorganization. Anything else has no pair.
    """
    into: dict[str, Trade] = {}
    paid: dict[str, Decimal] = {}
    payments: set[str] = set()
    moves: defaultdict[tuple[str | None, Decimal], list[Trade]] = defaultdict(list)
    events: defaultdict[tuple[str, date, str], list[Trade]] = defaultdict(list)
    for trade in trades:
        if trade.kind == "transfer" and trade.moved:
            moves[trade.security_id, abs(trade.moved)].append(trade)
        elif trade.kind in _EXCHANGES:
            events[trade.account_id, trade.date, trade.kind].append(trade)
    for legs in moves.values():
        into |= _transfers(own, legs)
    for (_, _, kind), rows in events.items():
        out, come = [t for t in rows if t.moved < 0], [t for t in rows if t.moved > 0]
        if len(out) == 1 == len(come) and out[0].security_id != come[0].security_id:
            into[come[0].trade_id] = out[0]
            if kind in _MONEY_OF_EXCHANGES:
                money = [t for t in rows if not t.moved and t.amount and t.currency == come[0].currency]
                paid[come[0].trade_id] = sum((t.amount for t in money), Decimal(0))
                payments |= {t.trade_id for t in money}
    days = {t.trade_id: t.date for legs in (*moves.values(), *events.values()) for t in legs}
    firsts = {out.trade_id: min(out.date, days[name]) for name, out in into.items()}
    return Routes(into, paid, frozenset(payments), firsts)


def _transfers(own: Mapping[str, OwnAccount], legs: Sequence[Trade]) -> dict[str, Trade]:
    pairs = sorted(
        (
            (abs((come.date - out.date).days), come.date, come.trade_id, out.trade_id, come, out)
            for out in legs
            for come in legs
            if out.moved < 0 < come.moved
            and out.account_id != come.account_id
            and own[out.account_id].sheltered == own[come.account_id].sheltered
            and abs((come.date - out.date).days) <= MOST_DAYS
        ),
        key=lambda pair: pair[:4],
    )
    found: dict[str, Trade] = {}
    used: set[str] = set()
    for *_, come, out in pairs:
        if come.trade_id not in found and out.trade_id not in used:
            found[come.trade_id] = out
            used.add(out.trade_id)
    return found


@dataclass(frozen=True, slots=True)
class Carried:
    """A lot that goes on. ``money`` came with it; ``gain`` of it is recognized, None where that cannot be said."""

    lot: Lot
    money: Decimal
    gain: Decimal | None


def carry(
    taken: Sequence[Taken], trade: Trade, money: Decimal = Decimal(0), value: Decimal | None = None
) -> list[Carried]:
    """The lots that ``trade`` brings, for what was ``taken`` where they left.

    They keep cost and day of acquisition (26 U.S.C. 358, 1223(1)). Of ``money`` received with them, gain is recognized
    as far as there is any, loss never (26 U.S.C. 356(a), (c)): lot by lot the gain is value + money - cost, but no
    less than nothing and no more than the money; the new cost is cost - money + that gain.

    Where whole shares came and the money is less than one of them is worth, it is in lieu of a fraction, which counts as
    received and sold (Revenue Ruling 66-365): its part of the cost leaves with it, and a loss is one.

    Args:
        taken: what left, in order; not empty.
        trade: the row that brings shares.
        money: received in the exchange, positive.
        value: of the shares received, on that day; without it the basis is unknown where there was money.
    """
    gone = sum((each.quantity for each in taken), Decimal(0))
    units, cash, worth, found = trade.moved, money, value or Decimal(0), list[Carried]()
    fraction = _in_lieu(trade.moved, money, value)
    for number, each in enumerate(taken, start=1):
        last, old = number == len(taken), each.left
        quantity = units if last else scaled(each.quantity, trade.moved, gone)
        its_money = cash if last else share(money, each.quantity, gone, old.currency)
        its_worth = worth if last else share(value or Decimal(0), each.quantity, gone, old.currency)
        units, cash, worth = units - quantity, cash - its_money, worth - its_worth
        known = old.cost is not None and (not money or (value is not None and trade.currency == old.currency))
        gain = None
        if known:
            gain = min(max(its_worth + its_money - each.carrying, Decimal(0)), max(its_money, Decimal(0)))
            if fraction:
                gain = its_money - share(each.carrying, fraction, trade.moved + fraction, old.currency)
        carrying = (
            max(each.carrying - its_money + (gain or Decimal(0)), Decimal(0)) if money else each.carrying
        )
        lot = replace(
            old,
            lot_id=identity(TRADES, f"{trade.trade_id}/{old.lot_id}"),
            account_id=trade.account_id,
            security_id=trade.security_id or "",
            quantity=quantity,
            remaining=quantity,
            cost=carrying if known else None,
            carrying=carrying,
            is_opening=False,
            origin=old.origin or old.lot_id,
        )
        found.append(Carried(lot, its_money, gain))
    return found


def _in_lieu(units: Decimal, money: Decimal, value: Decimal | None) -> Decimal:
    """The fraction of a share that ``money`` was paid for; zero where it was paid for something else, or nobody knows."""
    if not value or units != units.to_integral_value() or not 0 < money < value / units:
        return Decimal(0)
    return money * units / value
