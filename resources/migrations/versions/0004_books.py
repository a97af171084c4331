"""What people say of the books: their files, entries, instructions on lots, closings and tax forms."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "book_files",
        sa.Column("file_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False, comment="of the document"),
        sa.Column("document", JSONB, nullable=False, comment="the book as its file described it"),
        sa.Column("known_at", MOMENT, nullable=False, comment="when a run first read it so"),
        schema="ops",
        comment="append-only: each version of a book's file; the last one up to a moment held then",
    )
    op.create_table(
        "journal_entries",
        sa.Column("entry_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, comment="1, 2, 3, ... in each book"),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column(
            "lines",
            JSONB,
            nullable=False,
            comment="account, amount (text, positive = debit) and currency each",
        ),
        sa.Column("adjusting", sa.Boolean, nullable=False, comment="of the adjusted trial balance only"),
        sa.Column("reverses_on", sa.Date, comment="the day on which the opposite entry is booked"),
        sa.Column("voids", sa.Integer, comment="the number of the entry that this one takes back"),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        sa.UniqueConstraint("book", "number", name="journal_entries_number"),
        schema="ops",
        comment="append-only: what no feed knows, entered by people",
    )
    op.create_table(
        "lot_instructions",
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
        schema="ops",
        comment="append-only: which lots a sale takes, where it is not the first in; counts if made by settlement",
    )
    op.create_table(
        "closings",
        sa.Column("closing_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("through", sa.Date, nullable=False, comment="the last closed day"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("content_sha256", sa.Text, comment="of the books as they were closed"),
        sa.Column("reason", sa.Text),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        sa.CheckConstraint("action in ('close', 'reopen', 'file')", name="closings_action"),
        schema="ops",
        comment="append-only: periods that were closed, reopened, or whose tax year was filed",
    )
    op.create_table(
        "tax_forms",
        sa.Column("form_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("form", sa.Text, nullable=False, comment="W-2, 1098, 1099-INT, 1099-DIV, 1099-B"),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("boxes", JSONB, nullable=False, comment="box to amount (text)"),
        sa.Column("account_id", sa.Text, comment="the account it is about, where it is about one"),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        schema="ops",
        comment="append-only: figures of tax forms, entered by people; the last of a form and issuer counts",
    )


def downgrade() -> None:
    for name in ("tax_forms", "closings", "lot_instructions", "journal_entries", "book_files"):
        op.drop_table(name, schema="ops")
