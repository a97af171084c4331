"""Orders, their events and fills, and the life of plans, as ``ops`` keeps them.

What belongs here: the statements on ``ops.orders``, ``order_events``, ``fills`` and, of plans, what execution reads and
writes. What does not: what follows from them (``manna.trading``), the kill switch (``switches``), the audit log (``audit``).

Everything takes the caller's connection. The executor has one only, which also holds its lock: when it is lost nothing
more can be written, and so nothing more is sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from manna.trading.orders import ENDS, NONE, Execution, Order, OrderState
from resources import audit
from resources.ops_tables import FILLS, ORDER_EVENTS, ORDERS, PLAN_EVENTS, REBALANCE_PLANS

OVER = (*ENDS, "rejected")
EXECUTOR = "executor"
_TRY = sa.text("SELECT pg_advisory_lock(hashtextextended('manna.execution/' || :account, 0))")
_FREE = sa.text("SELECT pg_advisory_unlock(hashtextextended('manna.execution/' || :account, 0))")


class BusyError(Exception):
    """Another executor works on this account."""


@contextmanager
def only_executor(connection: sa.Connection, account_id: str, seconds: float = 2.0) -> Iterator[None]:
    """Nobody else executes plans of this account until the block ends, or the connection does.

    A little patience: the lock of a process that was killed is free only when the database has noticed.

    Raises:
        BusyError: somebody does already.
    """
    with connection.begin():
        connection.execute(sa.text(f"SET LOCAL lock_timeout = {max(int(seconds * 1000), 1)}"))
        try:
            connection.execute(_TRY, {"account": account_id})
        except sa.exc.OperationalError as error:
            raise BusyError(
                f"another executor works on account {account_id}; wait for it, then run this again"
            ) from error
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            if connection.in_transaction():
                connection.rollback()
            with connection.begin():
                connection.execute(_FREE, {"account": account_id})


# -- plans ------------------------------------------------------------------------------------------


def lock_plans(connection: sa.Connection, book: str) -> None:
    """Nobody else decides on plans of this book until the caller's transaction ends (as in ``plans``)."""
    lock = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('manna.plans/' || :book, 0))")
    connection.execute(lock, {"book": book})


def plan(connection: sa.Connection, plan_id: str) -> dict[str, Any] | None:
    """A row of ``ops.rebalance_plans``, by its id or the beginning of it where that is one plan's; else null."""
    p = REBALANCE_PLANS.c
    query = sa.select(REBALANCE_PLANS).where(p.plan_id.startswith(plan_id, autoescape=True)).limit(2)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return rows[0] if len(rows) == 1 else next((row for row in rows if row["plan_id"] == plan_id), None)


def plans_under_way(connection: sa.Connection) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Plans that are not over, the oldest first, each with its life; also those that have expired."""
    p, e = REBALANCE_PLANS.c, PLAN_EVENTS.c
    over = sa.select(e.plan_id).where(e.action.in_(("cancel", "void", "finish")))
    query = sa.select(REBALANCE_PLANS).where(p.plan_id.not_in(over)).order_by(p.known_at, p.plan_id)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [(row, plan_events(connection, row["plan_id"])) for row in rows]


def plan_events(connection: sa.Connection, plan_id: str) -> list[dict[str, Any]]:
    """A plan's life, oldest first."""
    e = PLAN_EVENTS.c
    query = sa.select(PLAN_EVENTS).where(e.plan_id == plan_id).order_by(e.event_id)
    return [dict(row) for row in connection.execute(query).mappings()]


def add_plan_event(
    connection: sa.Connection,
    row: Mapping[str, Any],
    action: str,
    by: str,
    at: datetime,
    *,
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Adds to the life of the plan ``row``, and to the audit log."""
    values = {
        "plan_id": row["plan_id"],
        "action": action,
        "reason": reason,
        "detail": sa.null() if detail is None else dict(detail),
        "decided_by": by,
        "known_at": at,
    }
    connection.execute(sa.insert(PLAN_EVENTS).values(**values))
    said = {"reason": reason, **(detail or {})}
    audit.append(
        connection, at=at, book=row["book"], actor=by, action=action, subject=row["plan_id"], detail=said
    )


# -- orders -----------------------------------------------------------------------------------------


def intend(connection: sa.Connection, orders: Sequence[Order], at: datetime) -> None:
    """Writes new orders down; they may be sent once the caller's transaction is committed."""
    for order in orders:
        values = {
            name: getattr(order, name)
            for name in (
                "client_order_id", "plan_id", "book", "account_id", "symbol", "side", "attempt", "quantity",
                "limit_price", "time_in_force",
            )
        }  # fmt: skip
        connection.execute(sa.insert(ORDERS).values(**values, intended_at=at, updated_at=at))
        _event(connection, order.client_order_id, "intended", "us", None, at)
    for order in orders:
        said = {
            "plan": order.plan_id, "symbol": order.symbol, "side": order.side, "quantity": f"{order.quantity:f}",
            "limit_price": f"{order.limit_price:f}", "time_in_force": order.time_in_force,
        }  # fmt: skip
        audit.append(
            connection, at=at, book=order.book, actor=EXECUTOR, action="intend", subject=order.client_order_id, detail=said
        )  # fmt: skip


def orders_of(connection: sa.Connection, plan_id: str) -> list[tuple[Order, OrderState]]:
    """A plan's orders and where each stands, by symbol and attempt."""
    query = sa.select(ORDERS).where(ORDERS.c.plan_id == plan_id).order_by(ORDERS.c.symbol, ORDERS.c.attempt)
    return _read(connection, query)


def open_orders(connection: sa.Connection, book: str | None = None) -> list[tuple[Order, OrderState]]:
    """Orders of one book, or of all, that were sent and are not over as far as we know."""
    o = ORDERS.c
    query = sa.select(ORDERS).where(o.status.not_in((*OVER, "intended"))).order_by(o.client_order_id)
    if book is not None:
        query = query.where(o.book == book)
    return _read(connection, query)


def made_since(connection: sa.Connection, book: str, moment: datetime) -> tuple[int, Decimal]:
    """How many orders of a book were made from ``moment`` on, and of what amount at their limits in all."""
    o = ORDERS.c
    amount = sa.func.coalesce(sa.func.sum(o.quantity * o.limit_price), 0)
    query = sa.select(sa.func.count(), amount).where(o.book == book, o.intended_at >= moment)
    count, total = connection.execute(query).one()
    return int(count), Decimal(total)


def learn(
    connection: sa.Connection,
    client_order_id: str,
    change: Callable[[OrderState], OrderState],
    source: str,
    at: datetime,
    words: str | None = None,
) -> OrderState:
    """Writes down what ``change`` adds to an order's state, in the caller's transaction; what was known is not added again.

    Args:
        client_order_id: the order.
        change: one of the functions of :mod:`manna.trading.orders`.
        source: who told: ``us``, ``answer``, ``poll`` or ``stream``.
        at: when we learn it.
        words: what the broker said, or why we did it.

    Raises:
        ContradictionError: it cannot be (``change`` says so); nothing is written.
    """
    locked = sa.select(ORDERS).where(ORDERS.c.client_order_id == client_order_id).with_for_update()
    row = dict(connection.execute(locked).mappings().one())
    before = _state(connection, row)
    after = change(before)
    if after == before:
        return before
    for name in after.executions.keys() - before.executions.keys():
        _fill(connection, client_order_id, after.executions[name], at)
    detail = {"filled": f"{after.told_filled:f}", "words": words, "broker_order_id": after.broker_order_id}
    _event(connection, client_order_id, after.status, source, detail, at)
    values = {
        "status": after.status,
        "broker_order_id": after.broker_order_id,
        "filled_quantity": after.filled,
        "updated_at": at,
    }
    connection.execute(sa.update(ORDERS).where(ORDERS.c.client_order_id == client_order_id).values(**values))
    if (after.status != before.status and after.status in OVER) or after.status == "sent":
        audit.append(
            connection, at=at, book=row["book"], actor=EXECUTOR, action=after.status, subject=client_order_id,
            detail={"filled": f"{after.filled:f}", "words": words, "source": source},
        )  # fmt: skip
    return after


def _read(connection: sa.Connection, query: sa.Select[Any]) -> list[tuple[Order, OrderState]]:
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [(_order(row), _state(connection, row)) for row in rows]


def _order(row: Mapping[str, Any]) -> Order:
    return Order(
        row["client_order_id"], row["plan_id"], row["book"], row["account_id"], row["symbol"], row["side"],
        row["attempt"], row["quantity"], row["limit_price"], row["time_in_force"],
    )  # fmt: skip


def _state(connection: sa.Connection, row: Mapping[str, Any]) -> OrderState:
    e, f, name = ORDER_EVENTS.c, FILLS.c, row["client_order_id"]
    told = sa.func.max(sa.cast(e.detail["filled"].astext, sa.Numeric))
    highest = connection.execute(sa.select(told).where(e.client_order_id == name)).scalar()
    executions = {
        fill.execution_id: Execution(
            fill.execution_id, fill.kind, fill.quantity, fill.price, fill.executed_at, fill.reverses
        )
        for fill in connection.execute(sa.select(FILLS).where(f.client_order_id == name))
    }
    status, shown = row["status"], row["broker_order_id"]
    ended = status if status in ENDS or (status == "rejected" and shown) else None
    return OrderState(
        sent=status != "intended",
        refused=status == "rejected" and not shown,
        broker_order_id=shown,
        ended=ended,
        told_filled=Decimal(highest or NONE),
        executions=executions,
    )


def _fill(connection: sa.Connection, client_order_id: str, execution: Execution, at: datetime) -> None:
    values = {
        "execution_id": execution.execution_id,
        "client_order_id": client_order_id,
        "kind": execution.kind,
        "reverses": execution.reverses,
        "quantity": execution.quantity,
        "price": execution.price,
        "executed_at": execution.executed_at,
        "known_at": at,
    }
    connection.execute(insert(FILLS).values(**values))


def _event(
    connection: sa.Connection, client_order_id: str, status: str, source: str, detail: Any, at: datetime
) -> None:
    values = {
        "client_order_id": client_order_id,
        "status": status,
        "source": source,
        "detail": sa.null() if detail is None else detail,
        "at": at,
    }
    connection.execute(sa.insert(ORDER_EVENTS).values(**values))
