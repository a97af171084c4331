"""The kill switch: ``ops.trading_switches``, and the gate through which every order goes.

What belongs here: halting, resuming, and whether trading is halted. What does not: sending or cancelling orders.

Who sends holds the gate shared from looking at the switch until the broker has answered; who halts takes it alone. So when
`manna halt` has returned, nothing is on its way and nothing is sent any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from resources import audit
from resources.ops_tables import TRADING_SWITCHES

_GATE = "hashtextextended('manna.trading_gate', 0)"
_ENTER, _LEAVE = (sa.text(f"SELECT pg_advisory_{what}({_GATE})") for what in ("lock_shared", "unlock_shared"))
_ALONE = sa.text(f"SELECT pg_advisory_xact_lock({_GATE})")
ALL_BOOKS = "all books"


@contextmanager
def gate(connection: sa.Connection) -> Iterator[None]:
    """Nobody halts or resumes until the block ends. It may commit transactions of its own."""
    with connection.begin():
        connection.execute(_ENTER)
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            if connection.in_transaction():
                connection.rollback()
            with connection.begin():
                connection.execute(_LEAVE)


def halted(connection: sa.Connection, book: str) -> str | None:
    """Why nothing of this book is sent; null when it may be. Both its own switch and that of all books count."""
    s = TRADING_SWITCHES.c
    for scope in (None, book):
        query = sa.select(TRADING_SWITCHES).where(s.book.is_(None) if scope is None else s.book == scope)
        last = connection.execute(query.order_by(s.switch_id.desc()).limit(1)).first()
        if last is not None and last.halted:
            return f"trading of {scope or ALL_BOOKS} was halted by {last.decided_by}: {last.reason}"
    return None


def switch(
    connection: sa.Connection, book: str | None, is_halted: bool, reason: str, by: str, at: datetime
) -> None:
    """Halts or resumes one book, or all (None), in the caller's transaction; waits for an order on its way."""
    connection.execute(_ALONE)
    values = {"book": book, "halted": is_halted, "reason": reason, "decided_by": by, "known_at": at}
    connection.execute(sa.insert(TRADING_SWITCHES).values(**values))
    action = "halt" if is_halted else "resume"
    audit.append(
        connection,
        at=at,
        book=book,
        actor=by,
        action=action,
        subject=book or ALL_BOOKS,
        detail={"reason": reason},
    )
