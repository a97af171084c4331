"""A world in which plans are executed: the sandbox while its market is open, and a schema `ops` with plans in it.

What belongs here: what the tests of execution share. What does not: a fixture of all integration tests (``conftest``).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import sqlalchemy as sa

from manna.trading.settings import Trading
from pipelines.executing import Execution, Result
from pipelines.sending import Desk
from resources import orders
from resources.broker import Broker
from resources.ops import Ops
from resources.ops_tables import FILLS, ORDERS, PLAN_EVENTS, REBALANCE_PLANS
from sandbox.state import parse_instant
from tests.integration.conftest import KEYS, Bank

OPEN = parse_instant("2026-03-16T15:00:00Z")
"""A Monday morning in New York."""
ACCOUNT = "the-account"
_NUMBERS = count()


class Silence:
    """A stream that tells nothing."""

    def next(self, seconds: float) -> Mapping[str, Any] | None:
        """Nothing, at once."""
        return None


@dataclass
class Told(Silence):
    """A stream that tells what it was given, each thing twice, the last first."""

    messages: list[Mapping[str, Any]] = field(default_factory=list)

    def next(self, seconds: float) -> Mapping[str, Any] | None:
        """The last message that is left."""
        return self.messages.pop() if self.messages else None


@dataclass
class TradingWorld:
    """One account at the sandbox, and the plans made for it."""

    bank: Bank
    ops: Ops
    updates: Any = field(default_factory=Silence)
    trading: Trading = field(default_factory=lambda: Trading(orders_per_day=10**6))
    read_seconds: float = 60.0

    @property
    def broker(self) -> Broker:
        """A client of its own, which gives up after ``read_seconds``."""
        keys = KEYS["alpaca_key_id"], KEYS["alpaca_secret_key"]
        return Broker(self.bank.trading_url, *keys, read_seconds=self.read_seconds)

    def price(self, symbol: str) -> Decimal:
        """The latest price."""
        stocks = self.bank.alpaca()
        day = self.bank.now.date()
        bars = stocks.bars([symbol], day - timedelta(days=10), day).records
        return Decimal(str(json.loads(bars[-1].payload)["c"]))

    def plan(self, *trades: tuple[str, str, str, Decimal], approved: bool = True, **changes: Any) -> str:
        """Inserts a plan of (side, quantity, symbol, price); its id."""
        document = {
            "trades": [
                {
                    "side": side,
                    "quantity": quantity,
                    "symbol": symbol,
                    "security_id": symbol,
                    "price": str(price),
                }
                for side, quantity, symbol, price in trades
            ],
            "collar": "0.01",
            "whole_shares": False,
            "number": next(_NUMBERS),
            **changes.pop("document", {}),
        }
        sha256 = hashlib.sha256(json.dumps(document).encode()).hexdigest()
        values = {
            "plan_id": sha256[:24], "book": "home", "account_id": ACCOUNT, "document": document, "sha256": sha256,
            "expires_at": self.bank.now + timedelta(hours=24), "planned_by": "test", "known_at": self.bank.now, **changes,
        }  # fmt: skip
        with self.ops.engine.begin() as connection:
            connection.execute(sa.insert(REBALANCE_PLANS).values(**values))
        if approved:
            self.event(values["plan_id"], "approve")
        return str(values["plan_id"])

    def event(self, plan_id: str, action: str, by: str = "ana") -> None:
        """Adds to the life of a plan."""
        values = {"plan_id": plan_id, "action": action, "decided_by": by, "known_at": self.bank.now}
        with self.ops.engine.begin() as connection:
            connection.execute(sa.insert(PLAN_EVENTS).values(**values))

    def execute(self, plan_id: str, *, rounds: int = 3, now: Callable[[], datetime] | None = None) -> Result:
        """Executes a plan in this process, without pauses."""
        with self.ops.engine.connect() as connection:
            with connection.begin():
                row = orders.plan(connection, plan_id)
            assert row is not None
            with orders.only_executor(connection, ACCOUNT):
                clock = now or self.bank.clock
                desk = Desk(connection, self.broker, self.updates, clock, seconds=0.0, rounds=rounds)
                return Execution(connection, row, desk, self.trading, clock, "ana").run()

    def positions(self) -> dict[str, Decimal]:
        """Units held at the broker."""
        return {p["symbol"]: Decimal(p["qty"]) for p in self.broker.positions()}

    def at_broker(self, plan_id: str) -> list[Mapping[str, Any]]:
        """The broker's orders that are a plan's, oldest first."""
        names = {row["client_order_id"] for row in self.rows(plan_id)}
        listed = self.broker.orders_since(self.bank.now - timedelta(days=30))
        return [order for order in listed if order["client_order_id"] in names]

    def rows(self, plan_id: str) -> list[dict[str, Any]]:
        """The plan's rows of ``ops.orders``."""
        query = (
            sa.select(ORDERS).where(ORDERS.c.plan_id == plan_id).order_by(ORDERS.c.symbol, ORDERS.c.attempt)
        )
        with self.ops.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def events(self, plan_id: str) -> list[dict[str, Any]]:
        """The plan's life."""
        with self.ops.engine.connect() as connection:
            return orders.plan_events(connection, plan_id)

    def has_finished(self, plan_id: str) -> bool:
        """Whether the plan is over."""
        return any(event["action"] == "finish" for event in self.events(plan_id))

    def fills(self, plan_id: str) -> dict[str, Decimal]:
        """Units of each execution we know of a plan's orders, by its id."""
        query = (
            sa.select(FILLS.c.execution_id, FILLS.c.quantity).join(ORDERS).where(ORDERS.c.plan_id == plan_id)
        )
        with self.ops.engine.connect() as connection:
            return {name: Decimal(quantity) for name, quantity in connection.execute(query)}

    def fills_at_broker(self, plan_id: str) -> dict[str, Decimal]:
        """The same by the broker."""
        ours = {order["id"] for order in self.at_broker(plan_id)}
        found = self.broker.fills_since(self.bank.now - timedelta(days=30))
        return {f["id"].rpartition("::")[2]: Decimal(f["qty"]) for f in found if f["order_id"] in ours}

    def control(self, order: Mapping[str, Any], what: str, **body: str) -> None:
        """The exchange fills, rejects or expires an order."""
        response = self.bank.control.post(f"/orders/{order['id']}/{what}", json=body)
        assert response.status_code == 200, response.text

    def change(self, **changes: Any) -> None:
        """A security stops trading, or the account takes no fractions."""
        assert self.bank.control.post("/alpaca", json=changes).status_code == 204

    def deposit(self, amount: str, kind: str = "CSD") -> None:
        """Money comes into the account, or goes (negative); ``kind``: Alpaca's type of it."""
        body = {"activity_type": kind, "net_amount": amount}
        assert self.bank.control.post("/activities", json=body).status_code == 201


def symbols(orders_: Sequence[Mapping[str, Any]]) -> list[str]:
    """Side and symbol of each order."""
    return [f"{order['side']} {order['symbol']}" for order in orders_]
