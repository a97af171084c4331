"""The tables of the Postgres schema ``ops``.

What belongs here: the tables (SQLAlchemy Core). What does not: statements on them (``ops``,
``connections``). The schema is made and changed by the Alembic migrations in ``resources/migrations``; a test
keeps them equal to the tables declared here.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

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

TRANSFER_DECISIONS = sa.Table(
    "transfer_decisions",
    METADATA,
    sa.Column("decision_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False, comment="of the row that leaves"),
    sa.Column("out_id", sa.Text, nullable=False),
    sa.Column("in_id", sa.Text, nullable=False),
    sa.Column("is_transfer", sa.Boolean, nullable=False, comment="false: a person says it is none"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    comment="append-only: pairs that look like a transfer and are none (or are one again)",
)

MODELS = sa.Table(
    "models",
    METADATA,
    sa.Column("model_id", sa.Text, primary_key=True, comment="hash of book, training data and code"),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("trained_at", MOMENT, nullable=False),
    sa.Column("code_version", sa.Text, nullable=False),
    sa.Column("data_sha256", sa.Text, nullable=False, comment="hash of the decisions it learnt from"),
    sa.Column("snapshot", sa.BigInteger, nullable=False, comment="of the lake, when it was trained"),
    sa.Column("file_sha256", sa.Text, nullable=False, comment="a file of another hash is never loaded"),
    sa.Column("metrics", JSONB, nullable=False),
    comment="every model that was trained; its file is named by its id",
)

MODEL_USES = sa.Table(
    "model_uses",
    METADATA,
    sa.Column("use_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("model_id", sa.Text, sa.ForeignKey(MODELS.c.model_id), comment="null: none is in use"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    comment="append-only: the last row of a book names the model in use",
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
    sa.Column("applied_at", MOMENT, comment="when its connection took over the status it tells of"),
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

CIRCUITS = sa.Table(
    "circuits",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True, comment="what is asked: a provider, or a part of one"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, comment="in a row"),
    sa.Column("opened_at", MOMENT, comment="for the last time, by the real clock"),
    sa.Column("reason", sa.Text, comment="of the last failure"),
    sa.CheckConstraint("state in ('closed', 'open', 'half-open')", name="circuits_state"),
    comment="circuit breakers: while one is open its provider is not asked",
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
    sa.Column("fingerprint", sa.Text, nullable=False, unique=True, comment="names the condition, for good"),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="open"),
    sa.Column(
        "version", sa.Integer, nullable=False, server_default="1", comment="the number of its last step"
    ),
    sa.Column(
        "is_found", sa.Boolean, nullable=False, server_default=sa.true(), comment="when last looked for"
    ),
    sa.Column("cause", sa.Text, comment="fingerprint of the condition that this one follows from"),
    sa.Column("opened_at", MOMENT, nullable=False, comment="for the last time"),
    sa.Column("snoozed_until", MOMENT),
    sa.Column("resolved_at", MOMENT),
    sa.CheckConstraint("severity in ('info', 'warning', 'critical')", name="alerts_severity"),
    sa.CheckConstraint("status in ('open', 'acknowledged', 'snoozed', 'resolved')", name="alerts_status"),
    comment="one row per condition: how it stands; its steps are in alert_steps",
)

ALERT_STEPS = sa.Table(
    "alert_steps",
    METADATA,
    sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("ops.alerts.alert_id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False, comment="after the step"),
    sa.Column("made_by", sa.Text, nullable=False, comment="a person's name, or manna"),
    sa.Column("reason", sa.Text),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.Column("told_at", MOMENT, comment="when people were told of it; null: not yet, or nobody needs to be"),
    sa.CheckConstraint(
        "action in ('opened', 'reopened', 'worsened', 'woken', 'acknowledged', 'snoozed', 'resolved')",
        name="alert_steps_action",
    ),
    comment="append-only but for told_at: every step in the life of every alert",
)

EXAMINATIONS = sa.Table(
    "examinations",
    METADATA,
    sa.Column("suite", sa.Text, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("success", sa.Boolean, nullable=False),
    sa.Column("result", JSONB, nullable=False),
    sa.Column("examined_at", MOMENT, nullable=False),
    comment="the last examination of each suite by Great Expectations: the same content is not examined again",
)

BOOK_FILES = sa.Table(
    "book_files",
    METADATA,
    sa.Column("file_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, comment="of the document"),
    sa.Column("document", JSONB, nullable=False, comment="the book as its file described it"),
    sa.Column("known_at", MOMENT, nullable=False, comment="when a run first read it so"),
    comment="append-only: each version of a book's file; the last one up to a moment held then",
)

JOURNAL_ENTRIES = sa.Table(
    "journal_entries",
    METADATA,
    sa.Column("entry_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False, comment="1, 2, 3, ... in each book"),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column(
        "lines", JSONB, nullable=False, comment="account, amount (text, positive = debit) and currency each"
    ),
    sa.Column("adjusting", sa.Boolean, nullable=False, comment="of the adjusted trial balance only"),
    sa.Column("reverses_on", sa.Date, comment="the day on which the opposite entry is booked"),
    sa.Column("voids", sa.Integer, comment="the number of the entry that this one takes back"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.UniqueConstraint("book", "number", name="journal_entries_number"),
    comment="append-only: what no feed knows, entered by people",
)

LOT_INSTRUCTIONS = sa.Table(
    "lot_instructions",
    METADATA,
    sa.Column("instruction_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("security_id", sa.Text, comment="null: all securities of the account"),
    sa.Column("trade_id", sa.Text, comment="one sale; null: all sales from since on"),
    sa.Column("since", sa.Date, comment="first trade day of a standing instruction"),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("lots", JSONB, comment="of specific identification: lot and quantity (text) each"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.CheckConstraint(
        "method in ('fifo', 'lifo', 'hifo', 'specific', 'average')", name="lot_instructions_method"
    ),
    comment="append-only: which lots a sale takes, where it is not the first in; counts if made by settlement",
)

CLOSINGS = sa.Table(
    "closings",
    METADATA,
    sa.Column("closing_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("through", sa.Date, nullable=False, comment="the last closed day"),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("content_sha256", sa.Text, comment="of the books as they were closed"),
    sa.Column("reason", sa.Text),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.CheckConstraint("action in ('close', 'reopen', 'file')", name="closings_action"),
    comment="append-only: periods that were closed, reopened, or whose tax year was filed",
)

TAX_FORMS = sa.Table(
    "tax_forms",
    METADATA,
    sa.Column("form_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("form", sa.Text, nullable=False, comment="W-2, 1098, 1099-INT, 1099-DIV, 1099-B"),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("boxes", JSONB, nullable=False, comment="box to amount (text)"),
    sa.Column("account_id", sa.Text, comment="the account it is about, where it is about one"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    comment="append-only: figures of tax forms, entered by people; the last of a form and issuer counts",
)

REBALANCE_PLANS = sa.Table(
    "rebalance_plans",
    METADATA,
    sa.Column("plan_id", sa.Text, primary_key=True, comment="derived from the document"),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False, comment="the account its trades are made in"),
    sa.Column("document", JSONB, nullable=False, comment="the plan and everything it was made from"),
    sa.Column("sha256", sa.Text, nullable=False, comment="of the document"),
    sa.Column("expires_at", MOMENT, nullable=False),
    sa.Column("planned_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.Index("rebalance_plans_book", "book", "known_at"),
    comment="append-only: every plan of trades as it was made",
)

PLAN_ACTIONS = ("approve", "cancel", "void", "execute", "finish")

PLAN_EVENTS = sa.Table(
    "plan_events",
    METADATA,
    sa.Column("event_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("plan_id", sa.Text, sa.ForeignKey(REBALANCE_PLANS.c.plan_id), nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", JSONB, comment="of a finish: the outcome"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.CheckConstraint(f"action in {PLAN_ACTIONS}", name="plan_events_action"),
    sa.Index("plan_events_plan", "plan_id", "event_id"),
    comment="append-only: the life of each plan",
)

ORDER_STATUSES = (
    "intended",
    "sent",
    "accepted",
    "filled",
    "partly_filled",
    "canceled",
    "rejected",
    "expired",
)

ORDERS = sa.Table(
    "orders",
    METADATA,
    sa.Column("client_order_id", sa.Text, primary_key=True, comment="derived from plan, symbol and attempt"),
    sa.Column("plan_id", sa.Text, sa.ForeignKey(REBALANCE_PLANS.c.plan_id), nullable=False),
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
    sa.CheckConstraint(f"status in {ORDER_STATUSES}", name="orders_status"),
    comment="an order is a row here before it is sent",
)

ORDER_EVENTS = sa.Table(
    "order_events",
    METADATA,
    sa.Column("event_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("client_order_id", sa.Text, sa.ForeignKey(ORDERS.c.client_order_id), nullable=False),
    sa.Column("status", sa.Text, nullable=False, comment="from then on"),
    sa.Column("source", sa.Text, nullable=False, comment="who told: we, an answer, a poll, the stream"),
    sa.Column("detail", JSONB, comment="what the broker said, or why we did it"),
    sa.Column("at", MOMENT, nullable=False),
    sa.CheckConstraint("source in ('us', 'answer', 'poll', 'stream')", name="order_events_source"),
    sa.Index("order_events_order", "client_order_id", "event_id"),
    comment="append-only: the life of each order",
)

FILLS = sa.Table(
    "fills",
    METADATA,
    sa.Column(
        "execution_id", sa.Text, primary_key=True, comment="the broker's: the same fill told twice is one"
    ),
    sa.Column("client_order_id", sa.Text, sa.ForeignKey(ORDERS.c.client_order_id), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reverses", sa.Text, comment="the execution that a bust or a correction takes back"),
    sa.Column("quantity", sa.Numeric(28, 9), nullable=False),
    sa.Column("price", sa.Numeric(28, 9), nullable=False),
    sa.Column("executed_at", MOMENT, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    sa.CheckConstraint("kind in ('fill', 'bust', 'correct')", name="fills_kind"),
    sa.Index("fills_order", "client_order_id"),
    comment="append-only: what was executed, busted and corrected",
)

TRADING_SWITCHES = sa.Table(
    "trading_switches",
    METADATA,
    sa.Column("switch_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("book", sa.Text, comment="null: all books"),
    sa.Column("halted", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("known_at", MOMENT, nullable=False),
    comment="append-only: the kill switch; the last row of a book, and of all books, counts",
)

AUDIT_LOG = sa.Table(
    "audit_log",
    METADATA,
    sa.Column(
        "number", sa.BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3, ... without gaps"
    ),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("book", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="the plan, order or switch"),
    sa.Column("detail", JSONB, nullable=False),
    sa.Column("previous_sha256", sa.Text, nullable=False, comment="of the row before"),
    sa.Column("sha256", sa.Text, nullable=False, unique=True, comment="of this row and previous_sha256"),
    comment="append-only, each row hashed with the one before; the database refuses changes",
)

LAKE_FILES = sa.Table(
    "lake_files",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True, comment="of the file: a UUID of DuckLake's"),
    sa.Column("sha256", sa.Text, nullable=False),
    comment="append-only: what each file of the lake held when its run ended",
)
