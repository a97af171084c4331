"""The audit log ``ops.audit_log``: who did what to a plan, an order or a switch; append-only and hash-chained.

What belongs here: appending an entry inside the caller's transaction, and reading the chain. What does not: how an entry
is hashed (``manna.trading.chain``). The database itself refuses to change or delete a row (migration 0005).
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from manna.trading.chain import BEFORE_THE_FIRST, Broken, Entry, entry_hash, first_broken
from resources.ops_tables import AUDIT_LOG

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('ops.audit_log', 0))")


def append(
    connection: sa.Connection,
    *,
    at: datetime,
    book: str | None,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
) -> int:
    """Adds an entry in the caller's transaction, and returns its number: 1, 2, 3 and on, without gaps.

    Writers wait for each other from here to the end of their transactions: append last, and do not call anybody while
    the transaction is open.

    Args:
        connection: with an open transaction; what is rolled back was never in the log.
        at: when it was done, aware.
        book: null for all books.
        actor: who did it: a person's name, or ``executor``.
        action: what was done, such as ``approve``, ``send``, ``halt``.
        subject: the plan, order or switch.
        detail: JSON without floats; amounts as text.

    Raises:
        TypeError: ``detail`` is not such JSON.
    """
    connection.execute(_LOCK)
    last = connection.execute(
        sa.select(AUDIT_LOG.c.number, AUDIT_LOG.c.sha256).order_by(AUDIT_LOG.c.number.desc()).limit(1)
    ).first()
    number, previous = (last.number + 1, last.sha256) if last else (1, BEFORE_THE_FIRST)
    entry = Entry(number, at, book, actor, action, subject, dict(detail))
    values = asdict(entry) | {"previous_sha256": previous, "sha256": entry_hash(entry, previous)}
    connection.execute(sa.insert(AUDIT_LOG).values(**values))
    return int(number)


def rows(connection: sa.Connection) -> Iterator[tuple[Entry, str, str]]:
    """Every entry in order, with the hash it names as the one before and its own."""
    for row in connection.execute(sa.select(AUDIT_LOG).order_by(AUDIT_LOG.c.number)):
        entry = Entry(row.number, row.at, row.book, row.actor, row.action, row.subject, row.detail)
        yield entry, row.previous_sha256, row.sha256


def verify(connection: sa.Connection) -> tuple[int, str, Broken | None]:
    """How many entries there are, the hash of the last, and the first one that breaks the chain (None: whole)."""
    found = list(rows(connection))
    return len(found), found[-1][2] if found else BEFORE_THE_FIRST, first_broken(found)


def holds(connection: sa.Connection, sha256: str) -> bool:
    """Whether an entry of this hash is in the log: one noted earlier shows that nothing before it was made anew."""
    return (
        connection.execute(sa.select(AUDIT_LOG.c.number).where(AUDIT_LOG.c.sha256 == sha256)).first()
        is not None
    )
