"""Orders on their way: written down, sent, looked up, followed until they are over.

What belongs here: the loop between ``ops.orders`` and the broker for orders that are made already. What does not: which
orders are made (``executing``), what follows from what was told (``manna.trading.orders``).

An order is sent only by who has committed that it is about to be (status ``sent``). Found like that after a crash, the
broker is asked for it, twice with a pause, and only then it is sent again, under the same id: the broker takes an id once.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from manna.trading import alpaca
from manna.trading.alpaca import PayloadError, terms
from manna.trading.orders import Order, OrderState, was_executed, was_refused, was_sent, was_told
from resources import orders as stored
from resources.broker import Broker, OrderRefusedError
from resources.providers import ProviderUnavailableError
from resources.switches import gate

_log = logging.getLogger("manna.orders")
TRIES = 4
"""How often one order is sent or looked up before a person has to look."""

MOST_MESSAGES = 200

MaySend = Callable[[], str | None]


class Updates(Protocol):
    """What tells of orders as it happens (:class:`resources.trade_updates.TradeUpdates`)."""

    def next(self, seconds: float) -> Mapping[str, Any] | None:
        """The next message, or None after ``seconds``."""


class Desk:
    """The orders of one plan: where each stands, by ``client_order_id``."""

    def __init__(
        self,
        connection: sa.Connection,
        broker: Broker,
        updates: Updates,
        now: Callable[[], datetime],
        *,
        seconds: float,
        rounds: int,
    ) -> None:
        """Polls every ``seconds``, ``rounds`` times at most for one thing."""
        self.broker = broker
        self._connection, self._updates, self._now = connection, updates, now
        self._seconds, self._rounds = seconds, rounds
        self.orders: dict[str, Order] = {}
        self.states: dict[str, OrderState] = {}
        self.since: datetime | None = None

    def load(self, plan_id: str, since: datetime) -> None:
        """What is known of the plan's orders; the broker is asked for what happened after ``since``."""
        self.since = since
        with self._connection.begin():
            for order, state in stored.orders_of(self._connection, plan_id):
                self.orders[order.client_order_id], self.states[order.client_order_id] = order, state

    def make(self, orders: Sequence[Order]) -> None:
        """Writes new orders down, all or none."""
        with self._connection.begin():
            stored.intend(self._connection, orders, self._now())
        for order in orders:
            self.orders[order.client_order_id], self.states[order.client_order_id] = order, OrderState()

    def attempts(self, symbol: str) -> list[tuple[Order, OrderState]]:
        """What was tried of one trade, first attempt first."""
        own = [order for order in self.orders.values() if order.symbol == symbol]
        return [
            (each, self.states[each.client_order_id]) for each in sorted(own, key=lambda order: order.attempt)
        ]

    def send(self, name: str, may_send: MaySend) -> str | None:
        """Sees to it that the broker has an order, or has refused it; else why it was not sent.

        Args:
            name: its client order id.
            may_send: asked at the gate before each sending; says why not.
        """
        for _ in range(TRIES):
            step = self.states[name].next_step
            if step not in ("send", "look_up"):
                return None
            if step == "look_up" and self._look_up(name):
                return None
            with gate(self._connection):
                reason = may_send()
                if reason is not None:
                    return reason
                self._learn(name, was_sent, "us")
                self._submit(name, again=step == "look_up")
        symbol = self.orders[name].symbol
        return (
            None
            if self._look_up(name)
            else f"nobody knows whether the order of {symbol} was taken: Alpaca does not say"
        )

    def _submit(self, name: str, *, again: bool) -> None:
        """One call. What remains unknown stays ``sent``, and is looked up before anything else."""
        try:
            self.told(name, self.broker.submit(terms(self.orders[name])), "answer")
        except OrderRefusedError as refused:
            # What an order that was taken already has reserved may be why its repetition is refused.
            if refused.is_taken or (again and self._look_up(name)):
                return
            self._learn(name, was_refused, "answer", str(refused))
        except (ProviderUnavailableError, PayloadError) as error:
            _log.warning("nobody knows whether %s was taken: %s", name, error)

    def _look_up(self, name: str) -> bool:
        """Asks the broker for an order, a second time after a pause; whether it has it."""
        for is_last in (False, True):
            found = self.broker.find(name)
            if found is not None:
                self.told(name, found, "poll")
                return True
            if not is_last:
                self.listen(self._seconds)
        return self.states[name].broker_order_id is not None  # the stream may have told of it

    def follow(self, names: Iterable[str], stop: MaySend) -> tuple[list[str], str | None]:
        """Waits until the orders are over and their fills are in; returns those that are not, and why it stopped waiting."""
        wanted, reason = list(names), None
        for number in range(self._rounds):
            self.poll()
            left = [name for name in wanted if self.states[name].next_step != "over"]
            if not left:
                return [], None
            reason = stop()
            if reason is not None:
                return left, reason
            if number < self._rounds - 1:
                self.listen(self._seconds)
        return left, "orders are open still"

    def poll(self) -> None:
        """Asks for every order that is not over, and for fills where some are missing."""
        if all(state.next_step in ("over", "send") for state in self.states.values()):
            return
        assert self.since is not None
        listed = {str(each.get("client_order_id")): each for each in self.broker.orders_since(self.since)}
        for name, state in list(self.states.items()):
            if state.next_step in ("over", "send"):
                continue
            found = listed.get(name) or self.broker.find(name)
            if found is not None:
                self.told(name, found)
        if any(state.missing for state in self.states.values()):
            self.collect()

    def collect(self) -> None:
        """Asks for every fill, bust and correction of these orders."""
        assert self.since is not None
        names = {state.broker_order_id: name for name, state in self.states.items() if state.broker_order_id}
        for payload in self.broker.fills_since(self.since):
            if payload.get("order_id") not in names:
                continue
            broker_order_id, execution = alpaca.activity(payload)
            self._learn(names[broker_order_id], partial(was_executed, execution=execution), "poll")

    def listen(self, seconds: float) -> None:
        """Takes in what the stream tells, until nothing has come for ``seconds``."""
        for _ in range(MOST_MESSAGES):  # an account that is busy elsewhere must not keep us from polling
            message = self._updates.next(seconds)
            if message is None:
                return
            try:
                found = alpaca.update(message)
            except PayloadError as error:
                _log.warning("a message of the stream cannot be read: %s", error)
                continue
            name, execution = found.order.client_order_id, found.execution
            if name not in self.states:
                continue
            self._learn(name, partial(was_told, told=found.order.told), "stream", found.event)
            if execution is not None:
                self._learn(name, partial(was_executed, execution=execution), "stream", found.event)

    def cancel(self, names: Collection[str]) -> None:
        """Asks the broker to cancel those of the orders that it has and that are not over."""
        for name in names:
            state = self.states[name]
            if state.broker_order_id and not state.ended:
                self.broker.cancel(state.broker_order_id)

    def gone(self, broker_order_ids: Collection[str]) -> str | None:
        """Waits until none of these orders is open; else why it stopped waiting."""
        for _ in range(self._rounds if broker_order_ids else 0):
            found = {str(payload.get("id")) for payload in self.broker.open_orders()}
            if not found & set(broker_order_ids):
                return None
            self.listen(self._seconds)
        return "an order that was cancelled is open still" if broker_order_ids else None

    def give_up(self, name: str) -> None:
        """An order that nobody may send any more, and that the broker does not know: it never arrived."""
        step = self.states[name].next_step
        if step == "send" or (step == "look_up" and not self._look_up(name)):
            self._learn(name, was_refused, "us", "it never reached the broker, and may not be sent any more")

    def told(self, name: str, payload: Mapping[str, Any], source: str = "poll") -> None:
        """Takes in an order as the broker shows it."""
        shown = alpaca.order(payload)
        self._learn(name, partial(was_told, told=shown.told), source, shown.words)

    def _learn(
        self, name: str, change: Callable[[OrderState], OrderState], source: str, words: str | None = None
    ) -> None:
        with self._connection.begin():
            self.states[name] = stored.learn(self._connection, name, change, source, self._now(), words)
