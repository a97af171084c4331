"""Stage ``categorized``: what each transaction was for, who says so, and which ones are transfers."""

from decimal import Decimal

from manna.contracts.declaration import Column, Contract, Kind

SOURCES = ("override", "rule", "transfer", "memory", "model", "plaid", "none")

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
        Column("certain", Kind.BOOLEAN, "sure enough to stand without a person; else it is up for review"),
        Column("reason", Kind.TEXT, "why, in words"),
        Column("merchant", Kind.TEXT, "who was paid, normalized; empty where the text names nobody"),
        Column("transfer_id", Kind.TEXT, "categorized.transfers, where it is one leg", nullable=True),
    ),
    key=("transaction_id",),
)

SPLITS = Contract(
    "categorized",
    "splits",
    "Transactions that a person divided among several categories; they sum to the transaction.",
    (
        Column("transaction_id", Kind.TEXT, "clean.transactions"),
        Column("position", Kind.INTEGER, "from 1", minimum=1),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("category", Kind.TEXT, "account of the book's chart"),
        Column("amount", Kind.MONEY, "this part; ledger's sign: positive = money in"),
        Column("currency", Kind.TEXT, "of the amount"),
    ),
    key=("transaction_id", "position"),
)

TRANSFERS = Contract(
    "categorized",
    "transfers",
    "Two transactions that are one movement of money between accounts of one owner.",
    (
        Column("transfer_id", Kind.TEXT, "derived from both legs"),
        Column("book", Kind.TEXT, "the book of the leg that leaves"),
        Column("in_book", Kind.TEXT, "the book of the leg that arrives; another one: a draw or contribution"),
        Column("out_id", Kind.TEXT, "the leg that leaves: clean.transactions or clean.trades"),
        Column("in_id", Kind.TEXT, "the leg that arrives: clean.transactions or clean.trades"),
        Column("amount", Kind.MONEY, "what left, positive", minimum=Decimal(0)),
        Column("currency", Kind.TEXT, "of the leg that leaves"),
        Column("in_amount", Kind.MONEY, "what arrived, positive", minimum=Decimal(0)),
        Column("in_currency", Kind.TEXT, "of the leg that arrives"),
        Column("days_apart", Kind.INTEGER, "calendar days between the legs", minimum=0, maximum=4),
    ),
    key=("transfer_id",),
)

RECURRING = Contract(
    "categorized",
    "recurring",
    "What comes again and again: subscriptions, bills, paydays, and what is expected next.",
    (
        Column("series_id", Kind.TEXT, "derived from the first transaction of the series"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("merchant", Kind.TEXT, "the normalized merchant"),
        Column("account_id", Kind.TEXT, "the account of the last one"),
        Column(
            "cadence",
            Kind.TEXT,
            "how often",
            allowed=(
                "weekly",
                "fortnightly",
                "semimonthly",
                "monthly",
                "bimonthly",
                "quarterly",
                "semiannual",
                "annual",
            ),
        ),
        Column("amounts", Kind.TEXT, "whether they are nearly the same", allowed=("fixed", "variable")),
        Column("usual_amount", Kind.MONEY, "median; ledger's sign: positive = money in"),
        Column("last_amount", Kind.MONEY, "of the last one"),
        Column("currency", Kind.TEXT, "of all amounts in the row"),
        Column("first_on", Kind.DATE, "day of the first one"),
        Column("last_on", Kind.DATE, "day of the last one"),
        Column("occurrences", Kind.INTEGER, "how many there were", minimum=2),
        Column("next_on", Kind.DATE, "the day after the last one on which the next is expected"),
        Column("next_amount", Kind.MONEY, "what it will probably be"),
        Column(
            "status",
            Kind.TEXT,
            "active; missed: one or two did not come; ended: more did not",
            allowed=("active", "missed", "ended"),
        ),
    ),
    key=("series_id",),
)

INSIGHTS = Contract(
    "categorized",
    "insights",
    "What a person would want to be told of: a price that rose, a bill that did not come, an odd charge.",
    (
        Column("insight_id", Kind.TEXT, "derived from kind and subject"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column(
            "kind",
            Kind.TEXT,
            "what it is",
            allowed=(
                "price_increase",
                "missed",
                "possible_duplicate",
                "unusual_amount",
                "new_merchant",
            ),
        ),
        Column("merchant", Kind.TEXT, "the normalized merchant"),
        Column("date", Kind.DATE, "the day it happened, or was expected"),
        Column("amount", Kind.MONEY, "what is at stake, positive", minimum=Decimal(0)),
        Column("currency", Kind.TEXT, "of the amount"),
        Column("message", Kind.TEXT, "in words"),
        Column("transaction_ids", Kind.TEXT, "the rows it is about, comma separated"),
    ),
    key=("insight_id",),
)

MODEL = Contract(
    "categorized",
    "model",
    "What each version of a book's model answered to decided rows before it was told.",
    (
        Column("model_id", Kind.TEXT, "ops.models"),
        Column("transaction_id", Kind.TEXT, "clean.transactions"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("date", Kind.DATE, "day of the transaction"),
        Column("decided", Kind.TEXT, "what a person decided"),
        Column(
            "answered", Kind.TEXT, "what the model said, having learnt earlier months only", nullable=True
        ),
        Column("probability", Kind.RATIO, "how sure it was", minimum=Decimal(0), maximum=Decimal(1)),
        Column("certain", Kind.BOOLEAN, "whether it would have been posted without a look"),
    ),
    key=("model_id", "transaction_id"),
)

TABLES = (TRANSACTIONS, SPLITS, TRANSFERS, RECURRING, INSIGHTS, MODEL)
