"""The life of connections, decisions on accounts and refused rows, webhooks, budgets of calls."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
FORMER = ("new", "healthy", "degraded", "login_required", "revoked")
STATUSES = (*FORMER[:4], "pending_expiration", "revoked", "unlinked")


def upgrade() -> None:
    history = sa.Column("history", sa.Text, nullable=False, server_default="unknown")
    history.comment = "how much of the past we have"
    op.add_column("connections", history, schema="ops")
    op.add_column(
        "connections",
        sa.Column("expires_at", MOMENT, comment="when the consent ends, where the provider says so"),
        schema="ops",
    )
    op.create_check_constraint(
        "connections_history",
        "connections",
        "history in ('unknown', 'not_ready', 'initial', 'complete')",
        schema="ops",
    )
    _statuses(STATUSES)
    op.add_column("overrides", sa.Column("note", sa.Text), schema="ops")
    op.add_column(
        "overrides",
        sa.Column("splits", JSONB, comment="several categories with their amounts, in place of the one"),
        schema="ops",
    )
    op.create_table(
        "connection_events",
        sa.Column("event_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("connection_id", sa.Text, sa.ForeignKey("ops.connections.connection_id"), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("status", sa.Text, nullable=False, comment="the status from then on"),
        sa.Column("reason", sa.Text, comment="the error, or who did what"),
        schema="ops",
        comment="append-only: the life of each connection, one row per change of status",
    )
    op.create_index(
        "connection_events_connection", "connection_events", ["connection_id", "event_id"], schema="ops"
    )
    op.create_table(
        "account_decisions",
        sa.Column("decision_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False, comment="the provider's id of the later account"),
        sa.Column("same_as", sa.Text, comment="the account it continues; null: it is another one"),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        schema="ops",
        comment="append-only: whether an account of a new login continues one of a former login",
    )
    op.create_table(
        "quarantine_decisions",
        sa.Column("decision_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column(
            "payload_sha256",
            sa.Text,
            nullable=False,
            comment="what was decided on: a new payload is a new row",
        ),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        sa.CheckConstraint("decision in ('discard', 'restore')", name="quarantine_decisions_decision"),
        schema="ops",
        comment="append-only: a refused row that a person has looked at and leaves out for good (or again not)",
    )
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column(
            "signature_sha256", sa.Text, nullable=False, unique=True, comment="a replayed one is known by it"
        ),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("item_id", sa.Text, comment="Plaid's item; null where the event names none"),
        sa.Column("kind", sa.Text, nullable=False, comment="TYPE:CODE"),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("applied_at", MOMENT, comment="when its connection took over the status it tells of"),
        schema="ops",
        comment="events of Plaid whose signature was verified",
    )
    _examinations(
        ["suite"],
        "the last examination of each suite by Great Expectations: the same content is not examined again",
    )
    op.create_table(
        "rate_buckets",
        sa.Column("name", sa.Text, primary_key=True, comment="whose budget: provider and account"),
        sa.Column("tokens", sa.Double, nullable=False, comment="calls that may be made at once"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="by the database's clock"),
        schema="ops",
        comment="a provider's budget of calls per minute, shared by all runs",
    )


def downgrade() -> None:
    _examinations(
        ["suite", "content_hash"],
        "what Great Expectations has examined: the same content is not examined twice",
    )
    for name in (
        "rate_buckets",
        "webhooks",
        "quarantine_decisions",
        "account_decisions",
        "connection_events",
    ):
        op.drop_table(name, schema="ops")
    op.drop_column("overrides", "splits", schema="ops")
    op.drop_column("overrides", "note", schema="ops")
    op.execute("UPDATE ops.connections SET status = 'healthy' WHERE status = 'pending_expiration'")
    op.execute("UPDATE ops.connections SET status = 'revoked' WHERE status = 'unlinked'")
    _statuses(FORMER)
    op.drop_constraint("connections_history", "connections", schema="ops")
    op.drop_column("connections", "expires_at", schema="ops")
    op.drop_column("connections", "history", schema="ops")


def _statuses(allowed: tuple[str, ...]) -> None:
    op.drop_constraint("connections_status", "connections", schema="ops")
    op.create_check_constraint("connections_status", "connections", f"status in {allowed}", schema="ops")


def _examinations(key: list[str], comment: str) -> None:
    """A suite's last examination is kept; what was examined before this version is examined once more."""
    op.execute("DELETE FROM ops.examinations")
    op.drop_constraint("examinations_pkey", "examinations", schema="ops")
    op.create_primary_key("examinations_pkey", "examinations", key, schema="ops")
    op.create_table_comment("examinations", comment, schema="ops")
