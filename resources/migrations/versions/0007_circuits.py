"""A provider that does not answer is not asked for every login: the state of its circuit breaker."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "circuits",
        sa.Column("name", sa.Text, primary_key=True, comment="what is asked: a provider, or a part of one"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, comment="in a row"),
        sa.Column("opened_at", sa.DateTime(timezone=True), comment="for the last time, by the real clock"),
        sa.Column("reason", sa.Text, comment="of the last failure"),
        sa.CheckConstraint("state in ('closed', 'open', 'half-open')", name="circuits_state"),
        schema="ops",
        comment="circuit breakers: while one is open its provider is not asked",
    )


def downgrade() -> None:
    op.drop_table("circuits", schema="ops")
