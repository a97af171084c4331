"""From deposits and fills to cash, positions and account activities.

Here belongs the arithmetic of the account. It knows no orders and no clock: what happened comes in, what
it amounts to comes out, and dividends, splits, interest and fees follow from what was held.

Cash moves in whole cents: a fill costs quantity x price rounded half up. Cost basis is the average cost,
as Alpaca keeps it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.alpaca.wire import NEW_YORK, identifier, instant, new_york, number
from sandbox.market import Market, add_months, next_market_day

CENT = Decimal("0.01")
SHARE = Decimal("0.000000001")
INTEREST_A_YEAR = Decimal("0.032")
FEE_RATE = Decimal("0.0000278")  # the regulatory fee on sales, per dollar
MOVING = frozenset({"ACATS", "FOPT", "JNLS", "MA", "NC", "REORG", "SPIN", "SPLIT"})
"""The types of activities whose quantity changes a position."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Cash that arrived from the bank."""

    at: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; `cum_qty` and `leaves_qty` are the order's, after it."""

    at: datetime
    order_id: str
    execution_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal

    @property
    def amount(self) -> Decimal:
        """What was paid or received, in USD, to the cent, without sign."""
        return (self.qty * self.price).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Position:
    """Shares held and what they cost in all, in USD."""

    qty: Decimal
    cost: Decimal


NOTHING = Position(Decimal(0), Decimal(0))
NO_EFFECT = (Decimal(0), "", NOTHING)


@dataclass(frozen=True, slots=True)
class Activity:
    """An account activity: when it came to be, and its document on the wire."""

    at: datetime
    document: dict[str, Any]

    @property
    def key(self) -> str:
        """What a later activity that takes this one back calls it."""
        return str(self.document["id"]).rpartition("::")[2]


@dataclass(frozen=True, slots=True)
class Booked:
    """An activity that was booked from outside; `cost` is what shares that arrive by it cost, in USD."""

    activity: Activity
    cost: Decimal


@dataclass(slots=True)
class Book:
    """The account after some events: cash in USD, positions by symbol, activities in order of time."""

    cash: Decimal = Decimal(0)
    positions: dict[str, Position] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)

    def qty(self, symbol: str) -> Decimal:
        """Shares held, zero if none."""
        position = self.positions.get(symbol)
        return position.qty if position else Decimal(0)


def replay(
    market: Market,
    deposits: Iterable[Deposit],
    fills: Iterable[Fill],
    until: datetime,
    booked: Iterable[Booked] = (),
) -> Book:
    """The account at `until`, after the deposits and fills up to then and all that follows from them.

    What one of the `booked` activities names as its `previous_id` stays listed; what it did is undone when
    that one is booked.
    """
    replayed = _Replay(market, until)
    for each in booked:
        replayed.expect(each.activity.at, 5, replayed.booked, each)
    for deposit in deposits:
        replayed.expect(deposit.at, 0, replayed.deposit, deposit)
    fills = list(fills)
    for fill in fills:
        replayed.expect(fill.at, 0, replayed.fill, fill)
    if fills:
        replayed.expect_corporate_actions(fills)
    return replayed.run()


class _Replay:
    """The events that are still to come, and the book they are written in."""

    def __init__(self, market: Market, until: datetime) -> None:
        self._market = market
        self._until = until
        self._last_day = until.astimezone(NEW_YORK).date()
        self._book = Book()
        self._events: list[tuple[datetime, int, int, Any, tuple[Any, ...]]] = []
        self._entitled: dict[tuple[str, date], Decimal] = {}
        self._effects: dict[str, tuple[Decimal, str, Position]] = {}

    def expect(self, at: datetime, rank: int, happen: Any, *arguments: Any) -> None:
        """Let `happen(*arguments)` take place at `at`; of events at one instant the lower rank is first."""
        if at <= self._until:
            self._events.append((at, rank, len(self._events), happen, arguments))

    def expect_corporate_actions(self, fills: list[Fill]) -> None:
        """Dividends, splits, fees and interest that may concern whoever made these fills."""
        first = min(fill.at for fill in fills).astimezone(NEW_YORK).date()
        symbols = sorted({fill.symbol for fill in fills})
        for symbol in symbols:
            for dividend in self._market.dividends(symbol, first, self._last_day):
                key = (symbol, dividend.ex_date)
                self.expect(new_york(dividend.ex_date, 0), 1, self.entitle, key)
                self.expect(
                    new_york(dividend.pay_date, 6), 1, self.dividend, key, dividend.pay_date, dividend.rate
                )
        for split in self._market.splits:
            if split.symbol in symbols:
                ratio = Decimal(split.new_rate) / Decimal(split.old_rate)
                self.expect(new_york(split.ex_date, 0), 2, self.split, split.symbol, split.ex_date, ratio)
        for fill in fills:
            if fill.side == "sell":
                day = fill.at.astimezone(NEW_YORK).date()
                self.expect(new_york(day, 21), 3, self.fee, fill, day)
        month = add_months(first.replace(day=1), 1)
        while month <= self._last_day:
            day = next_market_day(month)
            self.expect(new_york(day, 7), 4, self.interest, day)
            month = add_months(month, 1)

    def run(self) -> Book:
        """Let everything happen in order."""
        for at, _, _, happen, arguments in sorted(self._events, key=lambda event: event[:3]):
            happen(at, *arguments)
        return self._book

    def deposit(self, at: datetime, deposit: Deposit) -> None:
        self._note(at, at.astimezone(NEW_YORK).date(), "CSD", deposit.amount, description="ACH deposit")

    def booked(self, at: datetime, booked: Booked) -> None:
        document = booked.activity.document
        self._book.activities.append(booked.activity)
        cash, symbol, did = self._effects.pop(document.get("previous_id", ""), NO_EFFECT)
        self._move("", -cash, symbol, Position(-did.qty, -did.cost))
        if document["activity_type"] == "FILL" or document["status"] == "canceled":
            return
        qty, cost = Decimal(0), Decimal(0)
        if document["activity_type"] in MOVING and document.get("qty"):
            qty, symbol = Decimal(document["qty"]), document["symbol"]
            held = self._book.positions.get(symbol, NOTHING)
            cost = booked.cost if qty > 0 else held.cost * qty / held.qty
        self._move(booked.activity.key, Decimal(document["net_amount"]), symbol, Position(qty, cost))

    def fill(self, at: datetime, fill: Fill) -> None:
        held = self._book.positions.get(fill.symbol, NOTHING)
        self._book.activities.append(Activity(at, _fill_document(fill)))
        if fill.side == "buy":
            cash, did = -fill.amount, Position(fill.qty, fill.amount)
        else:
            left = held.qty - fill.qty
            cost = held.cost * left / held.qty if left else Decimal(0)
            cash, did = fill.amount, Position(-fill.qty, cost - held.cost)
        self._move(fill.execution_id, cash, fill.symbol, did)

    def entitle(self, at: datetime, key: tuple[str, date]) -> None:
        self._entitled[key] = self._book.qty(key[0])

    def dividend(self, at: datetime, key: tuple[str, date], pay_date: date, rate: Decimal) -> None:
        qty = self._entitled[key]
        amount = (qty * rate).quantize(CENT, ROUND_HALF_UP)
        if amount:
            details = {"symbol": key[0], "qty": number(qty), "per_share_amount": number(rate)}
            self._note(at, pay_date, "DIV", amount, sub_type="CDIV", **details)

    def split(self, at: datetime, symbol: str, ex_date: date, ratio: Decimal) -> None:
        held = self._book.positions.get(symbol)
        if held:
            qty = (held.qty * ratio).quantize(SHARE, ROUND_DOWN)
            # The quantity of a split is what was added to the position.
            details = {"symbol": symbol, "qty": number(qty - held.qty)}
            description = f"{symbol} forward split {number(ratio)}:1"
            key = self._note(
                at, ex_date, "SPLIT", Decimal(0), sub_type="FSPLIT", description=description, **details
            )
            self._move(key, Decimal(0), symbol, Position(qty - held.qty, Decimal(0)))

    def fee(self, at: datetime, fill: Fill, day: date) -> None:
        fee = (fill.amount * FEE_RATE).quantize(CENT, ROUND_CEILING)
        description = f"REG fee for proceed of {number(fill.qty)} shares of {fill.symbol}"
        self._note(at, day, "FEE", -fee, sub_type="REG", description=description, salt=fill.execution_id)

    def interest(self, at: datetime, day: date) -> None:
        amount = (self._book.cash * INTEREST_A_YEAR / 12).quantize(CENT, ROUND_DOWN)
        if amount > 0:
            self._note(at, day, "INT", amount, sub_type="SWP", description="interest on cash")

    def _move(self, key: str, cash: Decimal, symbol: str, did: Position) -> None:
        """What an activity does to cash and to a position; it can be undone by its key."""
        self._effects[key] = cash, symbol, did
        self._book.cash += cash
        held = self._book.positions.pop(symbol, NOTHING)
        if held.qty + did.qty:
            self._book.positions[symbol] = Position(held.qty + did.qty, held.cost + did.cost)

    def _note(
        self,
        at: datetime,
        day: date,
        kind: str,
        amount: Decimal,
        sub_type: str | None = None,
        description: str = "",
        salt: str = "",
        **details: str,
    ) -> str:
        """Lists an activity and moves its cash; the key to undo it by."""
        key = identifier("activity", kind, day, details.get("symbol", ""), salt)
        document = {
            "id": f"{day:%Y%m%d}000000000::{key}",
            "activity_type": kind,
            **({"activity_sub_type": sub_type} if sub_type else {}),
            "date": day.isoformat(),
            "created_at": instant(at),
            "net_amount": number(amount),
            "description": description,
            "status": "executed",
            "currency": "USD",
            **details,
        }
        self._book.activities.append(Activity(at, document))
        self._move(key, amount, "", NOTHING)
        return key


def _fill_document(fill: Fill) -> dict[str, Any]:
    local = fill.at.astimezone(NEW_YORK)
    done = not fill.leaves_qty
    return {
        "id": f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::{fill.execution_id}",
        "activity_type": "FILL",
        "transaction_time": instant(fill.at),
        "type": "fill" if done else "partial_fill",
        "price": number(fill.price),
        "qty": number(fill.qty),
        "side": fill.side,
        "symbol": fill.symbol,
        "leaves_qty": number(fill.leaves_qty),
        "order_id": fill.order_id,
        "cum_qty": number(fill.cum_qty),
        "order_status": "filled" if done else "partially_filled",
    }


def shares_for(amount: Decimal, price: Decimal) -> Decimal:
    """The most shares, to nine decimals, that `amount` USD buys at `price`."""
    return (amount / price).quantize(SHARE, ROUND_DOWN)
