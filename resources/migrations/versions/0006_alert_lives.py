"""Alerts live on: acknowledged, snoozed, reopened, with every step on record."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert_steps",
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("ops.alerts.alert_id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False, comment="after the step"),
        sa.Column("made_by", sa.Text, nullable=False, comment="a person's name, or manna"),
        sa.Column("reason", sa.Text),
        sa.Column("known_at", MOMENT, nullable=False),
        sa.Column(
            "told_at", MOMENT, comment="when people were told of it; null: not yet, or nobody needs to be"
        ),
        sa.CheckConstraint(
            "action in ('opened', 'reopened', 'worsened', 'woken', 'acknowledged', 'snoozed', 'resolved')",
            name="alert_steps_action",
        ),
        schema="ops",
        comment="append-only but for told_at: every step in the life of every alert",
    )
    # Each opening and each end of a condition was a row; from now on they are the steps of one alert: the newest row.
    op.execute(
        """
        WITH steps AS (
            SELECT fingerprint, severity, opened_at AS known_at, notified_at AS told_at, 0 AS is_end FROM ops.alerts
            UNION ALL
            SELECT fingerprint, severity, resolved_at, resolved_at, 1 FROM ops.alerts WHERE resolved_at IS NOT NULL
        ), numbered AS (
            SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY known_at, is_end) AS version FROM steps
        ), kept AS (SELECT fingerprint, max(alert_id) AS alert_id FROM ops.alerts GROUP BY fingerprint)
        INSERT INTO ops.alert_steps (alert_id, version, action, severity, made_by, known_at, told_at)
        SELECT alert_id, version,
            CASE WHEN is_end = 1 THEN 'resolved' WHEN version = 1 THEN 'opened' ELSE 'reopened' END,
            severity, 'manna', known_at, told_at
        FROM numbered JOIN kept USING (fingerprint)
        """
    )
    op.execute(
        "DELETE FROM ops.alerts a USING ops.alerts newer "
        "WHERE newer.fingerprint = a.fingerprint AND newer.alert_id > a.alert_id"
    )
    op.drop_index("alerts_one_open", "alerts", schema="ops")
    op.drop_constraint("alerts_status", "alerts", schema="ops")
    op.create_check_constraint(
        "alerts_status", "alerts", "status in ('open', 'acknowledged', 'snoozed', 'resolved')", schema="ops"
    )
    op.create_unique_constraint("alerts_fingerprint_key", "alerts", ["fingerprint"], schema="ops")
    op.add_column(
        "alerts",
        sa.Column(
            "version", sa.Integer, nullable=False, server_default="1", comment="the number of its last step"
        ),
        schema="ops",
    )
    op.add_column(
        "alerts",
        sa.Column(
            "is_found", sa.Boolean, nullable=False, server_default=sa.true(), comment="when last looked for"
        ),
        schema="ops",
    )
    op.add_column(
        "alerts",
        sa.Column("cause", sa.Text, comment="fingerprint of the condition that this one follows from"),
        schema="ops",
    )
    op.add_column("alerts", sa.Column("snoozed_until", MOMENT), schema="ops")
    op.drop_column("alerts", "notified_at", schema="ops")
    op.alter_column(
        "alerts", "fingerprint", comment="names the condition, for good",
        existing_comment="names the condition: one open alert each", schema="ops",
    )  # fmt: skip
    op.alter_column("alerts", "opened_at", comment="for the last time", existing_comment=None, schema="ops")
    op.create_table_comment(
        "alerts", "one row per condition: how it stands; its steps are in alert_steps", schema="ops"
    )
    op.execute(
        "UPDATE ops.alerts a SET is_found = (status = 'open'), "
        "version = (SELECT max(version) FROM ops.alert_steps s WHERE s.alert_id = a.alert_id)"
    )


def downgrade() -> None:
    op.add_column("alerts", sa.Column("notified_at", MOMENT), schema="ops")
    op.execute(
        "UPDATE ops.alerts a SET notified_at = (SELECT max(told_at) FROM ops.alert_steps s "
        "WHERE s.alert_id = a.alert_id AND action <> 'resolved'), "
        "status = CASE status WHEN 'resolved' THEN 'resolved' ELSE 'open' END"
    )
    op.drop_table_comment("alerts", schema="ops")
    op.alter_column("alerts", "opened_at", comment=None, existing_comment="for the last time", schema="ops")
    op.alter_column(
        "alerts", "fingerprint", comment="names the condition: one open alert each",
        existing_comment="names the condition, for good", schema="ops",
    )  # fmt: skip
    for name in ("version", "is_found", "cause", "snoozed_until"):
        op.drop_column("alerts", name, schema="ops")
    op.drop_constraint("alerts_fingerprint_key", "alerts", schema="ops")
    op.drop_constraint("alerts_status", "alerts", schema="ops")
    op.create_check_constraint("alerts_status", "alerts", "status in ('open', 'resolved')", schema="ops")
    op.create_index(
        "alerts_one_open", "alerts", ["fingerprint"], unique=True,
        postgresql_where=sa.text("status = 'open'"), schema="ops",
    )  # fmt: skip
    op.drop_table("alert_steps", schema="ops")
