"""What of orders a person has to look at, as ``ops`` has it.

What belongs here: the statements. What does not: when it is worth an alert, and its words (``manna.alerting``).
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources.ops_tables import ORDER_EVENTS, ORDERS, PLAN_EVENTS, REBALANCE_PLANS, TRADING_SWITCHES


def order_problems(connection: sa.Connection, since: datetime, now: datetime) -> list[dict[str, Any]]:
    """Each problem as ``book``, ``kind``, ``subject`` and ``words``.

    Kinds: ``rejected`` (an order, since then), ``unknown`` (sent, and the broker has not said anything), ``problem`` (of
    an outcome, since then), ``unfinished`` (executing, and expired), ``halted``.
    """
    return [
        *_rejected(connection, since),
        *_unknown(connection),
        *_outcomes(connection, since),
        *_unfinished(connection, now),
        *_halted(connection),
    ]


def _rejected(connection: sa.Connection, since: datetime) -> list[dict[str, Any]]:
    o, e = ORDERS.c, ORDER_EVENTS.c
    said = (
        sa.select(e.detail["words"].astext)
        .where(e.client_order_id == o.client_order_id, e.status == "rejected")
        .order_by(e.event_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = sa.select(ORDERS, said.label("said")).where(o.status == "rejected", o.updated_at >= since)
    return [
        _problem(
            row["book"], "rejected", row["client_order_id"], f"{_order(row)} was rejected: {row['said']}"
        )
        for row in map(dict, connection.execute(query.order_by(o.client_order_id)).mappings())
    ]


def _unknown(connection: sa.Connection) -> list[dict[str, Any]]:
    query = sa.select(ORDERS).where(ORDERS.c.status == "sent").order_by(ORDERS.c.client_order_id)
    return [
        _problem(
            row["book"], "unknown", row["client_order_id"], f"nobody knows whether {_order(row)} was taken"
        )
        for row in map(dict, connection.execute(query).mappings())
    ]


def _outcomes(connection: sa.Connection, since: datetime) -> list[dict[str, Any]]:
    p, e = REBALANCE_PLANS.c, PLAN_EVENTS.c
    query = sa.select(p.book, p.plan_id, e.detail).join_from(PLAN_EVENTS, REBALANCE_PLANS)
    found = connection.execute(query.where(e.action == "finish", e.known_at >= since).order_by(e.event_id))
    return [
        _problem(row.book, "problem", f"{row.plan_id} {number}", words)
        for row in found
        for number, words in enumerate((row.detail or {}).get("problems", ()))
    ]


def _unfinished(connection: sa.Connection, now: datetime) -> list[dict[str, Any]]:
    p, e = REBALANCE_PLANS.c, PLAN_EVENTS.c
    begun, over = (sa.select(e.plan_id).where(e.action == action) for action in ("execute", "finish"))
    query = sa.select(p.book, p.plan_id).where(
        p.plan_id.in_(begun), p.plan_id.not_in(over), p.expires_at <= now
    )
    return [
        _problem(
            row.book,
            "unfinished",
            row.plan_id,
            f"plan {row.plan_id} has expired in the middle of its execution",
        )
        for row in connection.execute(query.order_by(p.plan_id))
    ]


def _halted(connection: sa.Connection) -> list[dict[str, Any]]:
    s = TRADING_SWITCHES.c
    last = sa.select(sa.func.max(s.switch_id)).group_by(s.book)
    query = sa.select(TRADING_SWITCHES).where(s.switch_id.in_(last), s.halted).order_by(s.switch_id)
    return [
        _problem(
            row.book or "all", "halted", "switch", f"trading is halted by {row.decided_by}: {row.reason}"
        )
        for row in connection.execute(query)
    ]


def _order(row: dict[str, Any]) -> str:
    return f"the order to {row['side']} {row['quantity'].normalize():f} {row['symbol']}"


def _problem(book: str, kind: str, subject: str, words: str) -> dict[str, Any]:
    return {"book": book, "kind": kind, "subject": subject, "words": words}
