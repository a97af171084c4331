"""What an order is and what it goes through: events in, its state and what to do next out.

What belongs here: the state of one order as everything that was ever told about it, and its id. What does not: reading a
broker's payload (:mod:`alpaca`), how much to order (:mod:`sizing`), sending (``pipelines.sending``).

A state only ever learns: each of its parts is a maximum or a union of what was told. So the same events in any order and
any number of times (an answer, a poll and the stream all tell of one fill) come to the same state, and no fill is lost.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

NONE = Decimal(0)
ENDS = ("expired", "canceled", "filled")
"""How an order ends, apart from a rejection; should two be told, the later one here holds."""
_ENDS = ("rejected", *ENDS)
LONGEST_ID = 128
"""Characters of a ``client_order_id``, by Alpaca's API reference."""

Step = Literal["send", "look_up", "wait", "collect", "over"]


class ContradictionError(Exception):
    """The broker tells two things of which only one can be: a person has to look before anything else is sent."""


@dataclass(frozen=True, slots=True)
class Order:
    """A row of ``ops.orders``: the terms on which one attempt at one trade of a plan is made. A limit order."""

    client_order_id: str
    plan_id: str
    book: str
    account_id: str
    symbol: str
    side: str
    attempt: int
    quantity: Decimal
    limit_price: Decimal
    time_in_force: str = "day"

    @property
    def amount(self) -> Decimal:
        """The most a buy may cost, the least a sale may bring."""
        return self.quantity * self.limit_price


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill, or the bust or correction of one. ``quantity`` and ``price`` are positive; of a correction the new ones.

    ``reverses`` is the execution that a bust or a correction takes back.
    """

    execution_id: str
    kind: Literal["fill", "bust", "correct"]
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a broker says of an order: its own id for it, whether it is over and how, how much of it was ever filled."""

    broker_order_id: str
    ended: str | None
    filled: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask per unit, and the market's day they are of."""

    bid: Decimal
    ask: Decimal
    day: date


@dataclass(frozen=True, slots=True)
class OrderState:
    """Everything that is known of one order; never changed, as its ``executions`` are not."""

    sent: bool = False
    refused: bool = False
    broker_order_id: str | None = None
    ended: str | None = None
    told_filled: Decimal = NONE
    executions: Mapping[str, Execution] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """As ``ops.orders.status`` has it. A refusal does not count once the broker has shown the order."""
        if self.ended:
            return self.ended
        if self.broker_order_id:
            return "partly_filled" if self.told_filled or self.executions else "accepted"
        return "rejected" if self.refused else "sent" if self.sent else "intended"

    @property
    def standing(self) -> list[Execution]:
        """Executions that nothing has taken back."""
        gone = {each.reverses for each in self.executions.values() if each.reverses}
        return [e for e in self.executions.values() if e.kind != "bust" and e.execution_id not in gone]

    @property
    def filled(self) -> Decimal:
        """Units filled for good: busts taken away, corrections in place of what they correct."""
        nameless = (e for e in self.executions.values() if e.kind == "bust" and not e.reverses)
        return _units(self.standing) - _units(nameless)

    @property
    def average_price(self) -> Decimal | None:
        """Per unit of what stands; null without any."""
        units = _units(self.standing)
        return sum((e.quantity * e.price for e in self.standing), NONE) / units if units else None

    @property
    def missing(self) -> Decimal:
        """Units that the broker says were ever filled and whose fills have not come in yet.

        Corrections do not count: one that adds units must not stand in for a fill that was lost.
        """
        ever = _units(each for each in self.executions.values() if each.kind == "fill")
        return max(self.told_filled - ever, NONE)

    @property
    def next_step(self) -> Step:
        """What to do: ``look_up`` wherever it may have been sent and nobody knows what became of it."""
        if self.ended or (self.refused and not self.broker_order_id):
            return "collect" if self.missing else "over"
        if self.broker_order_id:
            return "collect" if self.missing else "wait"
        return "look_up" if self.sent else "send"


def was_sent(state: OrderState) -> OrderState:
    """It is about to be sent, or has been: from here on only the broker knows."""
    return replace(state, sent=True)


def was_refused(state: OrderState) -> OrderState:
    """The broker has refused it and shows no such order."""
    return replace(state, sent=True, refused=True)


def was_told(state: OrderState, told: Told) -> OrderState:
    """What the broker says, from whichever side it came.

    Raises:
        ContradictionError: the broker has two orders of this one id.
    """
    if state.broker_order_id not in (None, told.broker_order_id):
        raise ContradictionError(
            f"the broker tells of two orders of one client_order_id: {state.broker_order_id}, {told.broker_order_id}"
        )
    ended = max((state.ended, told.ended), key=lambda end: _ENDS.index(end) if end else -1)
    filled = max(state.told_filled, told.filled)
    return replace(state, sent=True, broker_order_id=told.broker_order_id, ended=ended, told_filled=filled)


def was_executed(state: OrderState, execution: Execution) -> OrderState:
    """A fill, bust or correction; the same one again changes nothing.

    Raises:
        ContradictionError: one execution is told with two quantities or prices.
    """
    known = state.executions.get(execution.execution_id)
    if known is None:
        executions = {**state.executions, execution.execution_id: execution}
        return replace(state, sent=True, executions=executions)
    if (known.kind, known.quantity, known.price, known.reverses) != (
        execution.kind,
        execution.quantity,
        execution.price,
        execution.reverses,
    ):
        raise ContradictionError(f"the broker tells two things of the execution {execution.execution_id}")
    return state


def client_order_id(plan_id: str, symbol: str, attempt: int) -> str:
    """The id under which the broker takes an intention once: the same for the same plan, symbol and attempt.

    A broker keeps an id taken for ever, also after a cancellation, so another attempt has another one.
    """
    named = hashlib.sha256(json.dumps([plan_id, symbol]).encode()).hexdigest()[:32]
    readable = "".join(c for c in symbol if c.isascii() and (c.isalnum() or c in ".-"))[:24]
    return f"manna-{named}-{readable}-{attempt}"


def _units(executions: Iterable[Execution]) -> Decimal:
    return sum((each.quantity for each in executions), NONE)
