"""The first tables: connections, overrides, alerts, examinations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "connections",
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
        sa.UniqueConstraint("provider", "external_id", name="connections_external"),
        sa.CheckConstraint(
            "status in ('new', 'healthy', 'degraded', 'login_required', 'revoked')", name="connections_status"
        ),
        schema="ops",
    )
    op.create_table(
        "overrides",
        sa.Column("override_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        schema="ops",
        comment="append-only: the latest decision on a transaction counts",
    )
    op.create_table(
        "alerts",
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
        schema="ops",
    )
    op.create_index(
        "alerts_one_open",
        "alerts",
        ["fingerprint"],
        unique=True,
        schema="ops",
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "examinations",
        sa.Column("suite", sa.Text, primary_key=True),
        sa.Column("content_hash", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("success", sa.Boolean, nullable=False),
        sa.Column("result", JSONB, nullable=False),
        sa.Column("examined_at", MOMENT, nullable=False),
        schema="ops",
        comment="what Great Expectations has examined: the same content is not examined twice",
    )


def downgrade() -> None:
    for name in ("examinations", "alerts", "overrides", "connections"):
        op.drop_table(name, schema="ops")
