"""Plans of trades, orders, fills, the kill switch and the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)
NAMES = ("rebalance_plans", "plan_events", "orders", "order_events", "fills", "trading_switches", "audit_log")


def upgrade() -> None:
    op.create_table(
        "rebalance_plans",
        sa.Column("plan_id", sa.Text, primary_key=True, comment="derived from the document"),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False, comment="the account its trades are made in"),
        sa.Column("document", JSONB, nullable=False, comment="the plan and everything it was made from"),
        sa.Column("sha256", sa.Text, nullable=False, comment="of the document"),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("planned_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        schema="ops",
        comment="append-only: every plan of trades as it was made",
    )
    op.create_table(
        "plan_events",
        sa.Column("event_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("plan_id", sa.Text, sa.ForeignKey("ops.rebalance_plans.plan_id"), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("detail", JSONB, comment="of a finish: the outcome"),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "action in ('approve', 'cancel', 'void', 'execute', 'finish')", name="plan_events_action"
        ),
        schema="ops",
        comment="append-only: the life of each plan",
    )
    op.create_table(
        "orders",
        sa.Column(
            "client_order_id", sa.Text, primary_key=True, comment="derived from plan, symbol and attempt"
        ),
        sa.Column("plan_id", sa.Text, sa.ForeignKey("ops.rebalance_plans.plan_id"), nullable=False),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column(
            "attempt", sa.Integer, nullable=False, comment="0, 1, ...: a new one only after the last is over"
        ),
        sa.Column("quantity", sa.Numeric(28, 9), nullable=False),
        sa.Column("limit_price", sa.Numeric(28, 9), nullable=False),
        sa.Column("time_in_force", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="intended"),
        sa.Column("broker_order_id", sa.Text, comment="null: the broker has not answered yet"),
        sa.Column("filled_quantity", sa.Numeric(28, 9), nullable=False, server_default="0"),
        sa.Column("intended_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.UniqueConstraint("plan_id", "symbol", "attempt", name="orders_intention"),
        sa.CheckConstraint("side in ('buy', 'sell')", name="orders_side"),
        sa.CheckConstraint("quantity > 0 and limit_price > 0", name="orders_positive"),
        sa.CheckConstraint(
            "status in ('intended', 'sent', 'accepted', 'filled', 'partly_filled', 'canceled', 'rejected', 'expired')",
            name="orders_status",
        ),
        schema="ops",
        comment="an order is a row here before it is sent",
    )
    op.create_table(
        "order_events",
        sa.Column("event_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("client_order_id", sa.Text, sa.ForeignKey("ops.orders.client_order_id"), nullable=False),
        sa.Column("status", sa.Text, nullable=False, comment="from then on"),
        sa.Column("source", sa.Text, nullable=False, comment="who told: we, an answer, a poll, the stream"),
        sa.Column("detail", JSONB, comment="what the broker said, or why we did it"),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("source in ('us', 'answer', 'poll', 'stream')", name="order_events_source"),
        schema="ops",
        comment="append-only: the life of each order",
    )
    op.create_table(
        "fills",
        sa.Column(
            "execution_id", sa.Text, primary_key=True, comment="the broker's: the same fill told twice is one"
        ),
        sa.Column("client_order_id", sa.Text, sa.ForeignKey("ops.orders.client_order_id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reverses", sa.Text, comment="the execution that a bust or a correction takes back"),
        sa.Column("quantity", sa.Numeric(28, 9), nullable=False),
        sa.Column("price", sa.Numeric(28, 9), nullable=False),
        sa.Column("executed_at", MOMENT, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        sa.CheckConstraint("kind in ('fill', 'bust', 'correct')", name="fills_kind"),
        schema="ops",
        comment="append-only: what was executed, busted and corrected",
    )
    op.create_table(
        "trading_switches",
        sa.Column("switch_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, comment="null: all books"),
        sa.Column("halted", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        schema="ops",
        comment="append-only: the kill switch; the last row of a book, and of all books, counts",
    )
    op.create_table(
        "audit_log",
        sa.Column(
            "number",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="1, 2, 3, ... without gaps",
        ),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("book", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False, comment="the plan, order or switch"),
        sa.Column("detail", JSONB, nullable=False),
        sa.Column("previous_sha256", sa.Text, nullable=False, comment="of the row before"),
        sa.Column("sha256", sa.Text, nullable=False, unique=True, comment="of this row and previous_sha256"),
        schema="ops",
        comment="append-only, each row hashed with the one before; the database refuses changes",
    )
    op.create_index("rebalance_plans_book", "rebalance_plans", ["book", "known_at"], schema="ops")
    op.create_index("plan_events_plan", "plan_events", ["plan_id", "event_id"], schema="ops")
    op.create_index("order_events_order", "order_events", ["client_order_id", "event_id"], schema="ops")
    op.create_index("fills_order", "fills", ["client_order_id"], schema="ops")
    op.execute("""
        CREATE FUNCTION ops.refuse_changes() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME; END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_changes()
    """)


def downgrade() -> None:
    for name in reversed(NAMES):
        op.drop_table(name, schema="ops")
    op.execute("DROP FUNCTION ops.refuse_changes()")
