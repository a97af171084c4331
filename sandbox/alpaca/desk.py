"""Orders that clients place: checked, accepted, filled when the market allows, cancelled, expired.

Here belongs the life of an order. Time moves by being looked at: `settle` brings every open order up to
the present, so it is called before anything is read.

A market order fills at once at the latest close while the exchange is open, and otherwise at the open of
the next session. A limit order fills there too if that price is good enough, else at its limit on the
first day whose range reaches it. A buy that waited pays what the open asks, even if that overdraws the
cash it had reserved. Not modelled: an open order is not adjusted when its security splits.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.alpaca.checks import ORDER_FIELDS, check_order
from sandbox.alpaca.funds import check_funds, left_to_fill
from sandbox.alpaca.wire import (
    FORBIDDEN,
    NOT_FOUND,
    OPEN_STATUSES,
    UNPROCESSABLE,
    AlpacaError,
    blank_order,
    decimal,
    identifier,
    instant,
    number,
    order_on_the_wire,
    parsed,
)
from sandbox.alpaca.world import AlpacaWorld
from sandbox.market import Session, next_market_day, sessions_between
from sandbox.state import Document

GTC_DAYS = 90
Listener = Callable[[Document], None]


class Desk:
    """The orders of one account. Everybody in `listeners` is told each trade update, in order."""

    def __init__(self, world: AlpacaWorld) -> None:
        self._world = world
        self.listeners: list[Listener] = []

    def place(self, request: Document) -> Document:
        """Accept an order and fill what can be filled at once. Raises AlpacaError when it is refused."""
        order = self._accept(request)
        self._begin(order)
        return order

    def find(self, order_id: str) -> Document:
        """The order with this id. Raises AlpacaError (404) when there is none."""
        for order in self.all():
            if order["id"] == order_id:
                return order
        raise AlpacaError(404, NOT_FOUND, f"order not found for {order_id}")

    def all(self) -> list[Document]:
        """Every order, the household's own and those placed here, in the order of submission."""
        return sorted(
            [*self._world.scripted_orders(), *self._world.orders.values()],
            key=lambda order: order["sequence"],
        )

    def open(self) -> list[Document]:
        """The orders that may still be filled, in the order of submission."""
        placed = sorted(self._world.orders.values(), key=lambda order: order["sequence"])
        return [order for order in placed if order["status"] in OPEN_STATUSES]

    def settle(self) -> None:
        """Bring every open order up to the present."""
        for order in self.open():
            self._advance(order)

    def cancel(self, order_id: str) -> None:
        """Cancel an open order. Raises AlpacaError when there is none (404) or it is not open (422)."""
        order = self._open_order(order_id)
        self._close(order, "canceled", "canceled_at", self._world.now())

    def reject(self, order_id: str) -> Document:
        """Let the exchange reject an open order."""
        return self._close(self._open_order(order_id), "rejected", "failed_at", self._world.now())

    def expire(self, order_id: str) -> Document:
        """Let an open order expire."""
        return self._close(self._open_order(order_id), "expired", "expired_at", self._world.now())

    def fill(self, order_id: str, qty: Any, price: Any) -> Document:
        """Fill `qty` shares of an open order at `price` (USD); without them, the rest at the latest close."""
        order = self._open_order(order_id)
        now = self._world.now()
        at_price = self._world.price(order["symbol"], now) if price is None else decimal(price, "price")
        if at_price <= 0:
            raise AlpacaError(422, UNPROCESSABLE, "price must be > 0")
        left = left_to_fill(order, at_price)
        shares = left if qty is None else decimal(qty, "qty")
        if not 0 < shares <= left:
            raise AlpacaError(422, UNPROCESSABLE, f"qty must be > 0 and at most {number(left)}")
        self._execute(order, shares, left - shares, at_price, now)
        return order

    def replace(self, order_id: str, changes: Document) -> Document:
        """Replace an open order by one with other terms; the new order. Raises AlpacaError when it cannot be."""
        old = self._open_order(order_id)
        if old["status"] == "accepted" or old["notional"] is not None:
            reason = "accepted" if old["status"] == "accepted" else "notional"
            raise AlpacaError(422, UNPROCESSABLE, f"cannot replace order in {reason} state")
        unknown = sorted(set(changes) - {"qty", "limit_price", "time_in_force", "client_order_id"})
        if unknown:
            raise AlpacaError(422, UNPROCESSABLE, f"cannot replace: {', '.join(unknown)}")
        terms = {name: old[name] for name in ORDER_FIELDS if old.get(name) not in (None, "")}
        terms["qty"] = number(Decimal(old["qty"]) - Decimal(old["filled_qty"]))
        terms.pop("client_order_id")
        terms |= {name: value for name, value in changes.items() if value is not None}
        with self._world.state.transaction():
            new = self._accept(terms, replaces=old)
            old["replaced_by"] = new["id"]
            self._close(old, "replaced", "replaced_at", self._world.now())
        self._begin(new)
        return new

    def _accept(self, request: Document, replaces: Document | None = None) -> Document:
        """Check an order and store it; nobody is told yet."""
        world = self._world
        check_order(request, world.market)
        self._check_tradable(request)
        with world.state.transaction():
            client_order_id = request.get("client_order_id") or identifier("client order", len(world.orders))
            self._check_unique(client_order_id)
            order = self._new_order(request, client_order_id)
            order["replaces"] = replaces["id"] if replaces else None
            check_funds(world, order, [each for each in self.open() if each is not replaces])
            world.save(order)
        return order

    def _check_tradable(self, request: Document) -> None:
        symbol, fraction = request["symbol"], Decimal(str(request.get("qty") or 0)) % 1 != 0
        if self._world.changes(symbol).get("tradable") is False:
            raise AlpacaError(422, UNPROCESSABLE, f"asset {symbol} is not tradable")
        takes = {**self._world.changes(""), **self._world.changes(symbol)}
        if fraction and False in (takes.get("fractionable"), takes.get("fractional_trading")):
            raise AlpacaError(403, FORBIDDEN, f"asset {symbol} is not fractionable")

    def _begin(self, order: Document) -> None:
        self._tell(order["status"], order, self._world.now())
        self._advance(order)

    def _open_order(self, order_id: str) -> Document:
        order = self.find(order_id)
        if order["status"] not in OPEN_STATUSES:
            raise AlpacaError(422, UNPROCESSABLE, f'order is already in "{order["status"]}" state')
        return order

    def _check_unique(self, client_order_id: str) -> None:
        # Alpaca keeps an id taken for ever, also after a cancellation or a rejection.
        if any(order["client_order_id"] == client_order_id for order in self.all()):
            raise AlpacaError(422, 40010001, "client_order_id must be unique")

    def _new_order(self, request: Document, client_order_id: str) -> Document:
        world = self._world
        now = world.now()
        sequence = len(world.orders) + 1
        order = blank_order(
            sequence, request["symbol"], request["side"], request["type"], request["time_in_force"], now
        )
        order["id"] = identifier("order", sequence, client_order_id)
        order["client_order_id"] = client_order_id
        order["extended_hours"] = bool(request.get("extended_hours", False))
        for name in ("qty", "notional", "limit_price"):
            if request.get(name) is not None:
                order[name] = number(decimal(request[name], name))
        session = self._sessions_from(now)[0]
        order["status"] = "new" if session.opens <= now else "accepted"
        expires = session.closes if order["time_in_force"] == "day" else now + timedelta(days=GTC_DAYS)
        order["expires_at"] = instant(expires)
        return order

    def _sessions_from(self, placed: datetime) -> list[Session]:
        """The sessions in which an order placed then can trade, as far as needed: at least one."""
        last = max(self._world.now(), placed).date()
        sessions = sessions_between(placed.date(), next_market_day(last + timedelta(days=1)))
        return [session for session in sessions if session.closes > placed]

    def _advance(self, order: Document) -> None:
        """Take an open order through every session since it was placed."""
        now, placed, expires = self._world.now(), parsed(order["submitted_at"]), parsed(order["expires_at"])
        for session in self._sessions_from(placed):
            begins = max(session.opens, placed)
            if now < begins or expires <= begins:
                break
            if order["status"] == "accepted":
                order |= {"status": "new", "updated_at": instant(begins)}
                self._world.save(order)
                self._tell("new", order, begins)
            trade = self._price(order, session, begins, now)
            if trade:
                self._execute(order, left_to_fill(order, trade[0]), Decimal(0), *trade)
                return
        if now >= expires:
            self._close(order, "expired", "expired_at", expires)

    def _price(
        self, order: Document, session: Session, begins: datetime, now: datetime
    ) -> tuple[Decimal, datetime] | None:
        """At what price and when the order trades in a session, if it has by now."""
        bar = self._world.market.bar(order["symbol"], session.day)
        first = bar.open if begins == session.opens else self._world.price(order["symbol"], begins)
        if order["type"] == "market":
            return first, begins
        limit = Decimal(order["limit_price"])
        buying = order["side"] == "buy"
        if first <= limit if buying else first >= limit:
            return first, begins
        reached = bar.low <= limit if buying else bar.high >= limit
        return (limit, session.closes) if reached and now >= session.closes else None

    def _execute(self, order: Document, qty: Decimal, left: Decimal, price: Decimal, at: datetime) -> None:
        before = Decimal(order["filled_qty"])
        average = Decimal(order["filled_avg_price"] or 0)
        total = before + qty
        execution = identifier(order["id"], "execution", len(order["fills"]))
        fill = {
            "execution_id": execution,
            "at": instant(at),
            "qty": number(qty),
            "price": number(price),
            "leaves_qty": number(left),
        }
        order |= {
            "fills": [*order["fills"], fill],
            "filled_qty": number(total),
            "filled_avg_price": number(
                ((average * before + price * qty) / total).quantize(Decimal("0.000001"))
            ),
            "status": "partially_filled" if left else "filled",
            "filled_at": None if left else instant(at),
            "updated_at": instant(at),
        }
        self._world.save(order)
        held = self._world.book().qty(order["symbol"])
        self._tell(
            "partial_fill" if left else "fill",
            order,
            at,
            execution_id=execution,
            price=number(price),
            qty=number(qty),
            position_qty=number(held),
        )

    def _close(self, order: Document, status: str, stamp: str, at: datetime) -> Document:
        order |= {"status": status, stamp: instant(at), "updated_at": instant(at)}
        self._world.save(order)
        self._tell(status, order, at)
        return order

    def _tell(self, event: str, order: Document, at: datetime, **details: str) -> None:
        with self._world.state.transaction():
            count = (self._world.state.get("alpaca/events") or {"count": 0})["count"] + 1
            self._world.state.put("alpaca/events", {"count": count})
        update = {
            "event": event,
            "event_id": f"{count:026d}",
            "execution_id": identifier(order["id"], event, count),
            "timestamp": instant(at),
            "order": order_on_the_wire(order),
            **details,
        }
        for listener in self.listeners:
            listener(update)
