"""What people and orders decide, and how connections fare: the Postgres schema ``ops``.

What belongs here: its tables (SQLAlchemy Core) and the few statements on them. What does not: facts from
providers (the lake has those) or a decision about money. The schema is made and changed by the Alembic
migrations in ``resources/migrations``; a test keeps them equal to the tables declared here.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert

SCHEMA = "ops"
METADATA = sa.MetaData(schema=SCHEMA)

MOMENT = sa.DateTime(timezone=True)

CONNECTION_STATUSES = (
    "new",
    "healthy",
    "degraded",
    "login_required",
    "pending_expiration",
    "revoked",
    "unlinked",
)
HISTORIES = ("unknown", "not_ready", "initial", "complete")
"""Plaid loads an account's past in two steps: the last 30 days, then the rest."""

CONNECTIONS = sa.Table(
    "connections",
    METADATA,
    sa.Column("connection_id", sa.Text, primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("institution", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False, comment="Plaid's item id, Alpaca's account"),
    sa.Column("products", JSONB, nullable=False),
    sa.Column("token", sa.LargeBinary, nullable=False, comment="encrypted; see resources/vault.py"),
    sa.Column("status", sa.Text, nullable=False, server_default="new"),
    sa.Column("error", sa.Text, comment="why it is not healthy, and what to do"),
    sa.Column("last_success_at", MOMENT),
    sa.Column("complete_through", sa.Date, comment="we know every row up to this day"),
    sa.Column("linked_at", MOMENT, nullable=False),
    sa.Column(
        "history", sa.Text, nullable=False, server_default="unknown", comment="how much of the past we have"
    ),
    sa.Column("expires_at", MOMENT, comment="when the consent ends, where the provider says so"),
    sa.UniqueConstraint("provider", "external_id", name="connections_external"),
    sa.CheckConstraint(f"status in {CONNECTION_STATUSES}", name="connections_status"),
    sa.CheckConstraint(f"history in {HISTORIES}", name="connections_history"),
)

CONNECTION_EVENTS = sa.Table(
    "connection_events",
    METADATA,
    sa.Column("event_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("connection_id", sa.Text, sa.ForeignKey(CONNECTIONS.c.connection_id), nullable=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("status", sa.Text, nullable=False, comment="the status from then on"),
    sa.Column("reason", sa.Text, comment="the error, or who did what"),
    sa.Index("connection_events_connection", "connection_id", "event_id"),
    comment="append-only: the life of each connection, one row per change of status",
)

ACCOUNT_DECISIONS = sa.Table(
    "account_decisions",
    METADATA,
    sa.Column("decision_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False, comment="the provider's id of the later account"),
    sa.Column("same_as", sa.Text, comment="the account it continues; null: it is another one"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    comment="append-only: whether an account of a new login continues one of a former login",
)

QUARANTINE_DECISIONS = sa.Table(
    "quarantine_decisions",
    METADATA,
    sa.Column("decision_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column(
        "payload_sha256", sa.Text, nullable=False, comment="what was decided on: a new payload is a new row"
    ),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.CheckConstraint("decision in ('discard', 'restore')", name="quarantine_decisions_decision"),
    comment="append-only: a refused row that a person has looked at and leaves out for good (or again not)",
)

WEBHOOKS = sa.Table(
    "webhooks",
    METADATA,
    sa.Column("webhook_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column(
        "signature_sha256", sa.Text, nullable=False, unique=True, comment="a replayed one is known by it"
    ),
    sa.Column("received_at", MOMENT, nullable=False),
    sa.Column("issued_at", MOMENT, nullable=False),
    sa.Column("item_id", sa.Text, comment="Plaid's item; null where the event names none"),
    sa.Column("kind", sa.Text, nullable=False, comment="TYPE:CODE"),
    sa.Column("body", JSONB, nullable=False),
    comment="events of Plaid whose signature was verified",
)

RATE_BUCKETS = sa.Table(
    "rate_buckets",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True, comment="whose budget: provider and account"),
    sa.Column("tokens", sa.Double, nullable=False, comment="calls that may be made at once"),
    sa.Column("updated_at", MOMENT, nullable=False, comment="by the database's clock"),
    comment="a provider's budget of calls per minute, shared by all runs",
)

OVERRIDES = sa.Table(
    "overrides",
    METADATA,
    sa.Column("override_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("splits", JSONB, comment="several categories with their amounts, in place of the one"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    comment="append-only: the latest decision on a transaction counts",
)

ALERTS = sa.Table(
    "alerts",
    METADATA,
    sa.Column("alert_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False, comment="names the condition: one open alert each"),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="open"),
    sa.Column("opened_at", MOMENT, nullable=False),
    sa.Column("resolved_at", MOMENT),
    sa.Column("notified_at", MOMENT),
    sa.CheckConstraint("severity in ('info', 'warning', 'critical')", name="alerts_severity"),
    sa.CheckConstraint("status in ('open', 'resolved')", name="alerts_status"),
    sa.Index("alerts_one_open", "fingerprint", unique=True, postgresql_where=sa.text("status = 'open'")),
)

EXAMINATIONS = sa.Table(
    "examinations",
    METADATA,
    sa.Column("suite", sa.Text, primary_key=True),
    sa.Column("content_hash", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("success", sa.Boolean, nullable=False),
    sa.Column("result", JSONB, nullable=False),
    sa.Column("examined_at", MOMENT, nullable=False),
    comment="what Great Expectations has examined: the same content is not examined twice",
)


class Ops:
    """The ``ops`` schema, reached through one engine per process."""

    def __init__(self, url: str) -> None:
        """``url`` is a SQLAlchemy URL with the psycopg driver written into it."""
        self._url = url

    @cached_property
    def engine(self) -> sa.Engine:
        """The engine; made at first use. Connections are not kept: a run is short."""
        return sa.create_engine(self._url, poolclass=sa.NullPool)

    # -- connections ------------------------------------------------------------------------------

    def connections(self, *, provider: str | None = None, book: str | None = None) -> list[dict[str, Any]]:
        """Connections with every column, oldest first."""
        query = sa.select(CONNECTIONS).order_by(CONNECTIONS.c.linked_at, CONNECTIONS.c.connection_id)
        if provider is not None:
            query = query.where(CONNECTIONS.c.provider == provider)
        if book is not None:
            query = query.where(CONNECTIONS.c.book == book)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def add_connection(self, values: Mapping[str, Any]) -> bool:
        """Adds a connection; False (and nothing changed) when the provider's id is already linked."""
        # Asked of RETURNING: the row count of an insert is not to be relied on.
        query = insert(CONNECTIONS).values(**values).on_conflict_do_nothing()
        with self.engine.begin() as connection:
            return connection.execute(query.returning(CONNECTIONS.c.connection_id)).first() is not None

    def connection_succeeded(self, connection_id: str, at: datetime, complete_through: date) -> None:
        """Marks a connection healthy and complete through a day."""
        self._update_connection(
            connection_id, status="healthy", error=None, last_success_at=at, complete_through=complete_through
        )

    def connection_failed(self, connection_id: str, status: str, error: str) -> None:
        """Marks a connection broken; its complete-through date stays where it was."""
        self._update_connection(connection_id, status=status, error=error)

    def _update_connection(self, connection_id: str, **values: Any) -> None:
        query = sa.update(CONNECTIONS).where(CONNECTIONS.c.connection_id == connection_id).values(**values)
        with self.engine.begin() as connection:
            connection.execute(query)

    # -- people's decisions -----------------------------------------------------------------------

    def decide(self, book: str, transaction_id: str, category: str, by: str, at: datetime) -> None:
        """Records a person's category for a transaction. Never edits an earlier decision."""
        values = {
            "book": book,
            "transaction_id": transaction_id,
            "category": category,
            "decided_by": by,
            "known_at": at,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(OVERRIDES).values(**values))

    def overrides(self, as_known_on: datetime | None = None) -> pl.DataFrame:
        """The latest decision per transaction: transaction_id, category, decided_by."""
        o = OVERRIDES.c
        query = sa.select(o.transaction_id, o.category, o.decided_by).ext(distinct_on(o.transaction_id))
        query = query.order_by(o.transaction_id, o.override_id.desc())
        if as_known_on is not None:
            query = query.where(o.known_at <= as_known_on)
        schema = {"transaction_id": pl.String, "category": pl.String, "decided_by": pl.String}
        with self.engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        return pl.DataFrame(rows, schema=schema, orient="row")

    # -- alerts -----------------------------------------------------------------------------------

    def settle_alerts(self, found: Sequence[Mapping[str, Any]], at: datetime) -> tuple[int, int]:
        """Opens an alert per condition found that has none open; resolves open ones no longer found.

        Idempotent: the same conditions again change nothing. Returns (opened, resolved).
        """
        with self.engine.begin() as connection:
            opened = 0
            # In one order everywhere, so that two who settle at once do not wait for each other.
            for alert in sorted(found, key=lambda alert: alert["fingerprint"]):
                query = insert(ALERTS).values(**alert, opened_at=at)
                query = query.on_conflict_do_nothing(
                    index_elements=["fingerprint"], index_where=sa.text("status = 'open'")
                )
                opened += connection.execute(query.returning(ALERTS.c.alert_id)).first() is not None
            gone = (
                sa.update(ALERTS)
                .where(ALERTS.c.status == "open")
                .where(ALERTS.c.fingerprint.not_in([alert["fingerprint"] for alert in found]))
                .values(status="resolved", resolved_at=at)
            )
            return opened, connection.execute(gone).rowcount

    def alerts(self, *, status: str | None = "open", unsent: bool = False) -> list[dict[str, Any]]:
        """Alerts, most severe first, then newest."""
        rank = sa.case({"critical": 0, "warning": 1}, value=ALERTS.c.severity, else_=2)
        query = sa.select(ALERTS).order_by(rank, ALERTS.c.opened_at.desc(), ALERTS.c.alert_id)
        if status is not None:
            query = query.where(ALERTS.c.status == status)
        if unsent:
            query = query.where(ALERTS.c.notified_at.is_(None))
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def alert_sent(self, alert_id: int, at: datetime) -> None:
        """Remembers that an alert has been delivered."""
        query = sa.update(ALERTS).where(ALERTS.c.alert_id == alert_id).values(notified_at=at)
        with self.engine.begin() as connection:
            connection.execute(query)

    # -- examinations by Great Expectations ----------------------------------------------------------

    def examination(self, suite: str, content_hash: str) -> dict[str, Any] | None:
        """The earlier examination of this very content, if there was one."""
        e = EXAMINATIONS.c
        query = sa.select(EXAMINATIONS).where(e.suite == suite, e.content_hash == content_hash)
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def examined(self, values: Mapping[str, Any]) -> None:
        """Remembers an examination."""
        with self.engine.begin() as connection:
            connection.execute(insert(EXAMINATIONS).values(**values).on_conflict_do_nothing())
