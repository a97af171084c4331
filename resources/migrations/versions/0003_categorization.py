"""Pairs that are no transfer; versions of the model, and which one is in use."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "transfer_decisions",
        sa.Column("decision_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False, comment="of the row that leaves"),
        sa.Column("out_id", sa.Text, nullable=False),
        sa.Column("in_id", sa.Text, nullable=False),
        sa.Column("is_transfer", sa.Boolean, nullable=False, comment="false: a person says it is none"),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        schema="ops",
        comment="append-only: pairs that look like a transfer and are none (or are one again)",
    )
    op.create_table(
        "models",
        sa.Column("model_id", sa.Text, primary_key=True, comment="hash of book, training data and code"),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("trained_at", MOMENT, nullable=False),
        sa.Column("code_version", sa.Text, nullable=False),
        sa.Column("data_sha256", sa.Text, nullable=False, comment="hash of the decisions it learnt from"),
        sa.Column("snapshot", sa.BigInteger, nullable=False, comment="of the lake, when it was trained"),
        sa.Column("file_sha256", sa.Text, nullable=False, comment="a file of another hash is never loaded"),
        sa.Column("metrics", JSONB, nullable=False),
        schema="ops",
        comment="every model that was trained; its file is named by its id",
    )
    op.create_table(
        "model_uses",
        sa.Column("use_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("model_id", sa.Text, sa.ForeignKey("ops.models.model_id"), comment="null: none is in use"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        schema="ops",
        comment="append-only: the last row of a book names the model in use",
    )


def downgrade() -> None:
    for name in ("model_uses", "models", "transfer_decisions"):
        op.drop_table(name, schema="ops")
