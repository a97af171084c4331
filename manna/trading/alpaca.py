"""What Alpaca's payloads say of orders, accounts and executions.

What belongs here: reading an order (an answer or a poll), a FILL activity, a message of the stream ``trade_updates``, the
account and what its owner moved in or out. What does not: fetching one (``resources.broker``), or what follows (:mod:`orders`).

Statuses and events: Alpaca's API reference, "Orders lifecycle" and "Websocket streaming". A status that is not one of an
end leaves the order open, also one that we have never heard of.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from manna.cleaning.activities import ACTIVITY_KINDS, NEW_YORK
from manna.trading.orders import Execution, Order, Quote, Told

_ENDS = {
    "filled": "filled",
    "canceled": "canceled",
    "expired": "expired",
    "rejected": "rejected",
    "replaced": "canceled",  # by somebody else: what takes its place is not an order of ours
}
_KINDS: dict[str, Literal["fill", "bust", "correct"]] = {
    "fill": "fill",
    "partial_fill": "fill",
    "trade_bust": "bust",
    "trade_correct": "correct",
}

_MOVED = {code for code, kind in ACTIVITY_KINDS.items() if kind in ("deposit", "withdrawal", "transfer")}
_CLOSES = time(16)


class PayloadError(Exception):
    """A payload cannot be read. Nothing is concluded from it."""


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker shows it. ``left_cost``: what the unfilled part of a buy may cost at its limit, if any."""

    client_order_id: str
    symbol: str
    side: str
    is_open: bool
    told: Told
    left_cost: Decimal | None
    words: str


@dataclass(frozen=True, slots=True)
class Update:
    """A message of the stream: the order as it is now, and the execution it tells of, if any."""

    event: str
    order: BrokerOrder
    execution: Execution | None


@dataclass(frozen=True, slots=True)
class Account:
    """What the account can pay, in its currency; ``blocked`` says why it cannot trade at all.

    ``last_equity`` is of 16:00 in New York on ``last_day``, which is null where the broker does not name it.
    """

    cash: Decimal
    non_marginable: Decimal
    equity: Decimal
    last_equity: Decimal
    last_day: date | None
    blocked: str | None

    @property
    def last_close(self) -> datetime | None:
        """The moment ``last_equity`` is of."""
        return None if self.last_day is None else datetime.combine(self.last_day, _CLOSES, NEW_YORK)


def terms(order: Order) -> dict[str, str]:
    """The body of ``POST /v2/orders``."""
    return {
        "symbol": order.symbol,
        "qty": f"{order.quantity.normalize():f}",
        "side": order.side,
        "type": "limit",
        "time_in_force": order.time_in_force,
        "limit_price": f"{order.limit_price.normalize():f}",
        "client_order_id": order.client_order_id,
    }


def order(payload: Mapping[str, Any]) -> BrokerOrder:
    """An order of ``/v2/orders``, or the one inside a message of the stream.

    Raises:
        PayloadError: it has no id, symbol or status, or a number that is none.
    """
    status = _text(payload, "status")
    filled, limit = _number(payload, "filled_qty"), payload.get("limit_price")
    left = None
    if payload.get("side") == "buy" and limit is not None and payload.get("qty") is not None:
        left = (_number(payload, "qty") - filled) * _number(payload, "limit_price")
    elif payload.get("side") == "buy" and payload.get("notional") is not None:
        left = _number(payload, "notional")
    told = Told(_text(payload, "id"), _ENDS.get(status), filled)
    side, symbol = str(payload.get("side")), _text(payload, "symbol")
    is_open = told.ended is None
    return BrokerOrder(str(payload.get("client_order_id")), symbol, side, is_open, told, left, status)


def activity(payload: Mapping[str, Any]) -> tuple[str, Execution]:
    """A FILL activity: the broker's id of its order, and the execution.

    The id of an activity is its moment and, after the colons, the id of the execution.

    Raises:
        PayloadError: it cannot be read.
    """
    kind = _KINDS.get(str(payload.get("execution_type") or payload.get("type")))
    if kind is None:
        raise PayloadError(
            f"a FILL of an unknown type: {payload.get('execution_type') or payload.get('type')}"
        )
    previous = payload.get("previous_id")
    execution = Execution(
        _key(_text(payload, "id")),
        kind,
        _number(payload, "qty"),
        _number(payload, "price"),
        _moment(payload, "transaction_time"),
        _key(str(previous)) if previous else None,
    )
    return _text(payload, "order_id"), execution


def update(payload: Mapping[str, Any]) -> Update:
    """The ``data`` of a message of ``trade_updates``.

    Raises:
        PayloadError: it cannot be read.
    """
    event, shown = _text(payload, "event"), payload.get("order")
    if not isinstance(shown, Mapping):
        raise PayloadError(f"a trade update {event} without its order")
    kind, execution = _KINDS.get(event), None
    if kind is not None:
        previous = payload.get("previous_execution_id") or payload.get("previous_id")
        execution = Execution(
            _text(payload, "execution_id"),
            kind,
            _number(payload, "qty"),
            _number(payload, "price"),
            _moment(payload, "timestamp"),
            str(previous) if previous else None,
        )
    return Update(event, order(shown), execution)


def account(payload: Mapping[str, Any]) -> Account:
    """``/v2/account``.

    Raises:
        PayloadError: it cannot be read.
    """
    reasons = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
    blocked = next((name.replace("_", " ") for name in reasons if payload.get(name) is True), None)
    if blocked is None and payload.get("status") != "ACTIVE":
        blocked = f"status {payload.get('status')}"
    cash, free = _number(payload, "cash"), _number(payload, "non_marginable_buying_power")
    equity, last_equity = _number(payload, "equity"), _number(payload, "last_equity")
    return Account(cash, free, equity, last_equity, _day(payload.get("balance_asof")), blocked)


def paid_in(activities: Sequence[Mapping[str, Any]], prices: Mapping[str, Decimal]) -> Decimal:
    """What the owner moved into the account (negative: out of it) by these activities, in its currency.

    Deposits, withdrawals, journals and transfers of securities; what is earned or charged is none of them. What was
    cancelled, or taken back by a later one, moved nothing.

    Args:
        activities: of ``/v2/account/activities``.
        prices: per unit by symbol, for securities whose activity says no price.

    Raises:
        PayloadError: one cannot be read, or securities came in that have no price. Those that left without one count as
            worth nothing, so that what is missing looks like a loss.
    """
    gone = {_key(str(each["previous_id"])) for each in activities if each.get("previous_id")}
    whole = Decimal(0)
    for each in activities:
        if each.get("activity_type") not in _MOVED or each.get("status") == "canceled":
            continue
        if _key(_text(each, "id")) in gone:
            continue
        amount = _number({"net_amount": each.get("net_amount") or "0"}, "net_amount")
        if not amount and each.get("qty"):
            units, symbol = _number(each, "qty"), str(each.get("symbol"))
            price = _number(each, "price") if each.get("price") else prices.get(symbol)
            if price is None and units > 0:
                raise PayloadError(f"{symbol} came in today, and nobody says at what price")
            amount = units * (price or Decimal(0))
        whole += amount
    return whole


def quote(payload: Mapping[str, Any]) -> Quote | None:
    """A latest quote; None where one side is missing (zero, as outside of trading hours) or bid is above ask.

    Raises:
        PayloadError: it cannot be read.
    """
    bid, ask = _number(payload, "bp"), _number(payload, "ap")
    return Quote(bid, ask, _moment(payload, "t").astimezone(NEW_YORK).date()) if 0 < bid <= ask else None


def decoded(body: bytes | str) -> Any:
    """JSON with its numbers as they were written.

    Raises:
        PayloadError: it is not JSON.
    """
    try:
        return json.loads(body, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"not JSON: {error}") from error


def moment(text: str) -> datetime:
    """An instant with its offset, to the microsecond; Alpaca writes nanoseconds.

    Raises:
        PayloadError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise PayloadError(f"not a moment: {text!r}") from error
    if found.tzinfo is None:
        raise PayloadError(f"a moment without its offset: {text!r}")
    return found


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _moment(payload: Mapping[str, Any], name: str) -> datetime:
    return moment(_text(payload, name))


def _text(payload: Mapping[str, Any], name: str) -> str:
    found = payload.get(name)
    if not isinstance(found, str) or not found:
        raise PayloadError(f"{name} is missing or no text: {found!r}")
    return found


def _number(payload: Mapping[str, Any], name: str) -> Decimal:
    found = payload.get(name)
    try:
        value = Decimal(str(found))
    except InvalidOperation as error:
        raise PayloadError(f"{name} is no number: {found!r}") from error
    if not value.is_finite():
        raise PayloadError(f"{name} is no number: {found!r}")
    return value


def _key(activity_id: str) -> str:
    return activity_id.rpartition("::")[2]
