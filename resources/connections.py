"""How connections fare: the statements on ``ops.connections`` and ``ops.connection_events``.

What belongs here: adding a connection, moving it from one status to the next, and writing each change down.
What does not: which status follows from what (``manna.connections``).

A status changes in one transaction with its event, under a lock of the row: a pull and a webhook may come at
once. An unlinked connection stays so until it is linked again.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from manna.cleaning.identity import Status
from manna.connections import (
    BROKEN,
    ENDED,
    Change,
    Health,
    as_it_stood,
    expiry,
    has_ended,
    status_after_answer,
)
from manna.webhooks import NOTES
from resources import audit
from resources.ops_database import OpsDatabase
from resources.ops_tables import CONNECTION_EVENTS, CONNECTIONS, WEBHOOKS


class Connections(OpsDatabase):
    """The part of ``Ops`` that is about connections."""

    def connections(
        self, *, provider: str | None = None, book: str | None = None, as_known_on: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Connections with every column, oldest first; those that have ended too."""
        query = sa.select(CONNECTIONS).order_by(CONNECTIONS.c.linked_at, CONNECTIONS.c.connection_id)
        if provider is not None:
            query = query.where(CONNECTIONS.c.provider == provider)
        if book is not None:
            query = query.where(CONNECTIONS.c.book == book)
        with self.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        if as_known_on is None:
            return rows
        return as_it_stood(rows, self.connection_statuses(), as_known_on)

    def live_connections(
        self, *, provider: str | None = None, book: str | None = None, as_known_on: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Connections through which somebody still asks."""
        rows = self.connections(provider=provider, book=book, as_known_on=as_known_on)
        return [row for row in rows if not has_ended(row)]

    def add_connection(self, values: Mapping[str, Any]) -> bool:
        """Adds a connection; False (and nothing changed) when the provider's id is linked and works.

        One that was unlinked or does not work begins anew with the new token, and goes on where it was.
        """
        # Asked of RETURNING: the row count of an insert is not to be relied on.
        query = insert(CONNECTIONS).values(**values).on_conflict_do_nothing()
        with self.engine.begin() as connection:
            added = connection.execute(query.returning(CONNECTIONS.c.status)).scalar_one_or_none()
            if added is not None:
                _note(connection, values["connection_id"], values["linked_at"], added, "linked")
                return True
            row = _locked(connection, values["connection_id"])
            if row is None or row["status"] not in BROKEN | ENDED:
                return False
            _update(connection, row["connection_id"], token=values["token"], products=values["products"])
            return _move(connection, row, Change("new", "linked again"), values["linked_at"])

    def connection_status(
        self,
        connection_id: str,
        status: str,
        reason: str,
        at: datetime,
        *,
        expires_at: datetime | None = None,
        webhook_id: int | None = None,
    ) -> bool:
        """Moves a connection to a status and writes the change down with its reason.

        Args:
            connection_id: which one.
            status: one of ``CONNECTION_STATUSES``.
            reason: the error, or who did what; what to do about it where something is to be done.
            at: when.
            expires_at: when the access ends, with ``pending_expiration``. Kept as it was when null, but
                forgotten by a connection that becomes healthy.
            webhook_id: the event of ``ops.webhooks`` that says so, if one does. Each has its effect once: when
                it is told again, or after a later one, nothing happens.

        Returns:
            Whether the status changed. It stays as it is when it is that already (the reason is renewed), when
            the connection was unlinked, and when there is no such connection.
        """
        with self.engine.begin() as connection:
            row = _locked(connection, connection_id)
            if webhook_id is not None and not _claimed(connection, webhook_id, at):
                return False
            if row is None or row["status"] == "unlinked":
                return False
            ends = expires_at or (None if status == "healthy" else row["expires_at"])
            return _move(connection, row, Change(status, reason, ends), at)

    def connection_noted(self, connection_id: str, reason: str, at: datetime, webhook_id: int) -> bool:
        """Writes down what an event of ``ops.webhooks`` says of a connection, whose status stays as it is.

        Returns:
            Whether it was: not twice, not after a later event, and not of one that has ended.
        """
        with self.engine.begin() as connection:
            row = _locked(connection, connection_id)
            if not _claimed(connection, webhook_id, at) or row is None or row["status"] in ENDED:
                return False
            _note(connection, connection_id, at, row["status"], reason)
            return True

    def connection_answered(
        self,
        connection_id: str,
        at: datetime,
        complete_through: date | None,
        *,
        history: str | None = None,
        health: Health | None = None,
    ) -> bool:
        """Remembers that a connection answered, and what follows from it for its status.

        Args:
            connection_id: which one.
            at: when.
            complete_through: the day up to which every row is known now; null leaves it where it was.
            history: how much of the past has been told; null leaves it as it was.
            health: what the provider says of the login.

        Returns:
            Whether the status changed. A connection that ended meanwhile stays as it is.
        """
        with self.engine.begin() as connection:
            row = _locked(connection, connection_id)
            if row is None or has_ended(row):
                return False
            told = {"complete_through": complete_through, "history": history}
            told = {name: value for name, value in told.items() if value is not None}
            ends = expiry(row["expires_at"], health.expires_at if health else None, at)
            _update(connection, connection_id, last_success_at=at, **told)
            return _move(connection, row, status_after_answer(health, ends, at), at)

    def reseal_tokens(
        self, resealed: Callable[[bytes], bytes | None], by: str, at: datetime
    ) -> tuple[int, int]:
        """Seals every token anew, in one transaction: a crash in the middle leaves each as it was.

        Those of connections that were unlinked stay: nobody reads them again, and their key may be lost.

        Args:
            resealed: gives a token's new bytes, null where they are to stay.
            by: who wanted it, for the audit log.
            at: when.

        Returns:
            How many tokens changed, and how many there are of connections that were not unlinked. Whatever ``resealed`` raises leaves all of them as
            they were.
        """
        c = CONNECTIONS.c
        with self.engine.begin() as connection:
            query = sa.select(c.connection_id, c.token).where(c.status != "unlinked").with_for_update()
            rows = connection.execute(query.order_by(c.connection_id)).all()
            changed = {row.connection_id: new for row in rows if (new := resealed(bytes(row.token)))}
            for connection_id, token in changed.items():
                _update(connection, connection_id, token=token)
            if changed:
                detail = {"tokens": len(changed)}
                audit.append(
                    connection, at=at, book=None, actor=by, action="reseal", subject="tokens", detail=detail
                )
        return len(changed), len(rows)

    def connection_events(self, connection_id: str) -> list[dict[str, Any]]:
        """The life of a connection: at, status, reason; oldest first."""
        e = CONNECTION_EVENTS.c
        query = sa.select(e.at, e.status, e.reason).where(e.connection_id == connection_id)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query.order_by(e.event_id)).mappings()]

    def connection_statuses(self, as_known_on: datetime | None = None) -> list[Status]:
        """Every change of status of every connection, oldest first."""
        e = CONNECTION_EVENTS.c
        query = sa.select(e.connection_id, e.status, e.at).order_by(e.event_id)
        if as_known_on is not None:
            query = query.where(e.at <= as_known_on)
        with self.engine.connect() as connection:
            return [Status(*row) for row in connection.execute(query)]


def _locked(connection: sa.Connection, connection_id: str) -> dict[str, Any] | None:
    query = sa.select(CONNECTIONS).where(CONNECTIONS.c.connection_id == connection_id).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def _claimed(connection: sa.Connection, webhook_id: int, at: datetime) -> bool:
    """Whether the event is to have its effect now: it has had none, and no later status of its login has."""
    later = WEBHOOKS.alias()
    overtaken = sa.exists().where(
        later.c.item_id == WEBHOOKS.c.item_id,
        later.c.issued_at > WEBHOOKS.c.issued_at,
        later.c.applied_at.is_not(None),
        later.c.kind.not_in([f"ITEM:{code}" for code in NOTES]),  # those say nothing of the status
    )
    claim = (
        sa.update(WEBHOOKS)
        .where(WEBHOOKS.c.webhook_id == webhook_id, WEBHOOKS.c.applied_at.is_(None), ~overtaken)
        .values(applied_at=at)
        .returning(WEBHOOKS.c.webhook_id)
    )
    return connection.execute(claim).first() is not None


def _move(connection: sa.Connection, row: Mapping[str, Any], change: Change, at: datetime) -> bool:
    error = None if change.status in ("new", "healthy") else change.reason
    _update(connection, row["connection_id"], status=change.status, error=error, expires_at=change.expires_at)
    if row["status"] == change.status:
        return False
    _note(connection, row["connection_id"], at, change.status, change.reason)
    return True


def _update(connection: sa.Connection, connection_id: str, **values: Any) -> None:
    connection.execute(
        sa.update(CONNECTIONS).where(CONNECTIONS.c.connection_id == connection_id).values(**values)
    )


def _note(connection: sa.Connection, connection_id: str, at: datetime, status: str, reason: str) -> None:
    values = {"connection_id": connection_id, "at": at, "status": status, "reason": reason}
    connection.execute(sa.insert(CONNECTION_EVENTS).values(**values))
