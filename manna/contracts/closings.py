"""Closed periods, in stage ``ledger``: what was reported when they were closed, and what has been adjusted since."""

from manna.contracts.declaration import Column, Contract, Kind
from manna.contracts.ledger import GAINS, JOURNAL, POSTINGS

ADJUSTMENTS = Contract(
    "ledger",
    "adjustments",
    "Entries that bring what became known after a closing into the open period, with the day they belong to.",
    (
        Column("entry_id", Kind.TEXT, "the adjusting entry (ledger.journal)"),
        Column("book", Kind.TEXT, "the book"),
        Column("date", Kind.DATE, "the day it is booked on: the first open one when it became known"),
        Column("tax_date", Kind.DATE, "the day it belongs to, for tax reports"),
        Column(
            "adjusts", Kind.TEXT, "the entry of the closed period that is corrected, or was missing there"
        ),
    ),
    key=("entry_id",),
)

_CLOSED_AT = Column("known_at", Kind.MOMENT, "when the period was closed (ops.closings)")

CLOSED_JOURNAL = Contract(
    "ledger",
    "closed_journal",
    "Entries as they were when their period was closed. Append-only: what was reported is a fact.",
    (*JOURNAL.columns, _CLOSED_AT),
    key=("known_at", "entry_id"),
)

CLOSED_POSTINGS = Contract(
    "ledger",
    "closed_postings",
    "Postings as they were when their period was closed. Append-only.",
    (
        *POSTINGS.columns,
        Column("tax_date", Kind.DATE, "the day it belongs to; another than date for an adjusting entry"),
        Column("adjusts", Kind.TEXT, "the entry it belongs to: its own, or that which it adjusts"),
        _CLOSED_AT,
    ),
    key=("known_at", "posting_id"),
)

FILED_GAINS = Contract(
    "ledger",
    "filed_gains",
    "Realized gains of a tax year as they were filed. Append-only.",
    (*GAINS.columns, Column("known_at", Kind.MOMENT, "when the year was filed (ops.closings)")),
    key=("known_at", "gain_id"),
)

REPORTED = (CLOSED_JOURNAL, CLOSED_POSTINGS, FILED_GAINS)
"""What closings keep. Facts, written by a person's command, as ``raw`` is by a provider's answer."""

TABLES = (ADJUSTMENTS, *REPORTED)
