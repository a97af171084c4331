"""Stage ``categorized``: what each transaction was for, who says so, and which ones are transfers."""

from decimal import Decimal

from manna.contracts.declaration import Column, Contract, Kind

SOURCES = ("override", "transfer", "rule", "plaid", "none")

TRANSACTIONS = Contract(
    "categorized",
    "transactions",
    "One row per live (not removed) transaction: its category with source, confidence and reason.",
    (
        Column("transaction_id", Kind.TEXT, "clean.transactions"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("category", Kind.TEXT, "account of the book's chart, e.g. Expenses:Food:Groceries"),
        Column("source", Kind.TEXT, "who decided", allowed=SOURCES),
        Column("confidence", Kind.RATIO, "0 to 1", minimum=Decimal(0), maximum=Decimal(1)),
        Column("reason", Kind.TEXT, "why, in words"),
        Column("transfer_id", Kind.TEXT, "categorized.transfers, where it is one leg", nullable=True),
    ),
    key=("transaction_id",),
)

TRANSFERS = Contract(
    "categorized",
    "transfers",
    "Two transactions of one book that are one movement of money between own accounts.",
    (
        Column("transfer_id", Kind.TEXT, "derived from both legs"),
        Column("book", Kind.TEXT, "the book both belong to"),
        Column("out_id", Kind.TEXT, "the leg that leaves: clean.transactions or clean.trades"),
        Column("in_id", Kind.TEXT, "the leg that arrives: clean.transactions or clean.trades"),
        Column("amount", Kind.MONEY, "positive", minimum=Decimal(0)),
        Column("currency", Kind.TEXT, "of both legs"),
        Column("days_apart", Kind.INTEGER, "calendar days between the legs", minimum=0, maximum=4),
    ),
    key=("transfer_id",),
)

TABLES = (TRANSACTIONS, TRANSFERS)
