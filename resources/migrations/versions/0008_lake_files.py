"""The hash of each of the lake's files, so that one which changed is seen."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "lake_files",
        sa.Column("name", sa.Text, primary_key=True, comment="of the file: a UUID of DuckLake's"),
        sa.Column("sha256", sa.Text, nullable=False),
        schema="ops",
        comment="append-only: what each file of the lake held when its run ended",
    )


def downgrade() -> None:
    op.drop_table("lake_files", schema="ops")
