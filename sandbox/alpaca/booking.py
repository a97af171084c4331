"""Booking an activity from outside: what a broker does and no client can cause.

Here belongs what such an activity must be, and how it is written down. A transfer in kind, both sides of a
merger or of a change of symbol, a spin-off; and a later word that cancels or corrects what was told before.
"""

from decimal import Decimal
from typing import Any

from sandbox.alpaca.activities import KINDS
from sandbox.alpaca.book import MOVING, Activity, Booked
from sandbox.alpaca.wire import (
    NEW_YORK,
    NOT_FOUND,
    UNPROCESSABLE,
    AlpacaError,
    decimal,
    identifier,
    instant,
    number,
)
from sandbox.alpaca.world import AlpacaWorld
from sandbox.state import Document

_FIELDS = frozenset(
    [
        "activity_type",
        "activity_sub_type",
        "symbol",
        "qty",
        "net_amount",
        "description",
        "status",
        "previous_id",
        "group_id",
    ]
)
_STATUSES = ("executed", "correct", "canceled")


def book_activity(world: AlpacaWorld, request: Document) -> Document:
    """Books an activity now; its document on the wire.

    `previous_id` (an activity's id, or the part of it after the colons) names one that has no effect any more;
    with the type FILL it is a fill, and what is booked is its bust.

    Raises AlpacaError (422, or 404 for an activity or symbol there is not) when it cannot be.
    """
    unknown = sorted(set(request) - _FIELDS)
    if unknown:
        raise AlpacaError(422, UNPROCESSABLE, f"unknown fields: {', '.join(unknown)}")
    named = _named(world, request.get("previous_id"))
    key = identifier("booked", len(world.booked()))
    now = world.now()
    local = now.astimezone(NEW_YORK)
    identity = {"id": f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::{key}"}
    if request.get("activity_type") == "FILL":
        if named is None or named.document["activity_type"] != "FILL":
            raise AlpacaError(422, UNPROCESSABLE, "previous_id must name a fill")
        bust = {"execution_type": "trade_bust", "previous_id": named.key, "transaction_time": instant(now)}
        document, cost = named.document | identity | bust, Decimal(0)
    else:
        document, cost = _document(world, request)
        document |= identity | {"date": local.date().isoformat(), "created_at": instant(now)}
        document |= {"previous_id": named.key} if named else {}
    world.book_activity(Booked(Activity(now, document), cost))
    return document


def _named(world: AlpacaWorld, previous_id: Any) -> Activity | None:
    if previous_id is None:
        return None
    for activity in world.book().activities:
        if previous_id in (activity.document["id"], activity.key):
            return activity
    raise AlpacaError(404, NOT_FOUND, f"activity not found for {previous_id}")


def _document(world: AlpacaWorld, request: Document) -> tuple[dict[str, Any], Decimal]:
    """What is said of a non-trade activity, and what shares that arrive by it cost."""
    kind, status = request.get("activity_type"), request.get("status", "executed")
    if kind not in KINDS or status not in _STATUSES:
        raise AlpacaError(422, UNPROCESSABLE, f"there is no such activity_type or status: {kind}, {status}")
    document: dict[str, Any] = {"activity_type": kind, "status": status, "currency": "USD"}
    for name in ("activity_sub_type", "description", "group_id", "symbol"):
        if request.get(name):
            document[name] = str(request[name])
    document["net_amount"] = number(decimal(request.get("net_amount", "0"), "net_amount"))
    if request.get("qty") is None:
        return document, Decimal(0)
    qty, symbol = decimal(request["qty"], "qty"), document.get("symbol")
    if symbol not in world.market.symbols:
        raise AlpacaError(404, NOT_FOUND, f"asset not found for {symbol}")
    if kind in MOVING and status != "canceled" and world.book().qty(symbol) + qty < 0:
        raise AlpacaError(422, UNPROCESSABLE, f"less than {number(-qty)} {symbol} are held")
    document["qty"] = number(qty)
    return document, max(qty, Decimal(0)) * world.price(symbol, world.now())
