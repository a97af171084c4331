"""Stage ``ledger``: double entry. Amounts are signed, positive = debit, and every entry sums to zero."""

from decimal import Decimal

from manna.contracts.declaration import Column, Contract, Kind

TERMS = ("short", "long", "unknown")
LOT_METHODS = ("fifo", "lifo", "hifo", "specific", "average")
MANUAL, ADJUSTING = "manual", "adjusting"
"""Entries of people; adjusting ones stand in the adjusted trial balance only."""
ENTRY_KINDS = (
    "opening", "transaction", "trade", "balance", "valuation", "margin", "adjustment", MANUAL, ADJUSTING,
)  # fmt: skip

JOURNAL = Contract(
    "ledger",
    "journal",
    "One entry per opening, posted transaction, trade, change of a loan's or a margin loan's balance, and entry of a "
    "person.",
    (
        Column("entry_id", Kind.TEXT, "derived from the source, stable for ever"),
        Column("book", Kind.TEXT, "the book"),
        Column("date", Kind.DATE, "the day it is booked on"),
        Column("kind", Kind.TEXT, "what it records", allowed=ENTRY_KINDS),
        Column("description", Kind.TEXT, "what a person reads"),
        Column("source_table", Kind.TEXT, "where it comes from, e.g. clean.transactions"),
        Column("source_id", Kind.TEXT, "the key of that row"),
    ),
    key=("entry_id",),
)

POSTINGS = Contract(
    "ledger",
    "postings",
    "The lines of the journal. Per entry and currency the amounts sum to zero.",
    (
        Column("posting_id", Kind.TEXT, "entry_id and position"),
        Column("entry_id", Kind.TEXT, "ledger.journal"),
        Column("book", Kind.TEXT, "the book"),
        Column("date", Kind.DATE, "the entry's day"),
        Column(
            "account",
            Kind.TEXT,
            "account of the chart",
            pattern="^(Assets|Liabilities|Equity|Income|Expenses)(:[^:]+)+$",
        ),
        Column(
            "account_id", Kind.TEXT, "clean.accounts, for an account that a provider keeps", nullable=True
        ),
        Column("amount", Kind.MONEY, "positive = debit, at cost"),
        Column("currency", Kind.TEXT, "of amount"),
        Column("security_id", Kind.TEXT, "what is held, for a securities posting", nullable=True),
        Column("quantity", Kind.QUANTITY, "change of the position", nullable=True),
        Column("lot_id", Kind.TEXT, "the lot opened or reduced (ledger.lots)", nullable=True),
    ),
    key=("posting_id",),
)

PURCHASE, INHERITANCE, SPIN_OFF = CAME_BY = ("purchase", "inheritance", "spin_off")
"""How a lot was acquired; a reinvested dividend, a contribution and what is not known count as purchases."""

LOTS = Contract(
    "ledger",
    "lots",
    "Tax lots per account and security.",
    (
        Column("lot_id", Kind.TEXT, "derived from the trade that opened it"),
        Column("book", Kind.TEXT, "the book"),
        Column("account_id", Kind.TEXT, "clean.accounts"),
        Column("security_id", Kind.TEXT, "clean.securities"),
        Column("opened", Kind.DATE, "acquisition date; the feed's first day for an opening lot"),
        Column("quantity", Kind.QUANTITY, "bought, adjusted for later splits"),
        Column("remaining", Kind.QUANTITY, "still held", minimum=Decimal(0)),
        Column("cost", Kind.MONEY, "total cost of quantity; null = basis unknown", nullable=True),
        Column("remaining_cost", Kind.MONEY, "cost of what is still held; null = unknown", nullable=True),
        Column("currency", Kind.TEXT, "of the costs"),
        Column("is_opening", Kind.BOOLEAN, "held before the feed begins"),
        Column("dated", Kind.BOOLEAN, "opened is the day of acquisition, not just the first day it was seen"),
        Column(
            "came_by",
            Kind.TEXT,
            "what was inherited is long-term, and only a purchase replaces what was sold at a loss",
            allowed=CAME_BY,
        ),
        Column("origin", Kind.TEXT, "the lot it continues after a transfer or an exchange; else itself"),
    ),
    key=("lot_id",),
)

GAINS = Contract(
    "ledger",
    "gains",
    "Realized gains, one row per sale and lot.",
    (
        Column("gain_id", Kind.TEXT, "sale and lot"),
        Column("book", Kind.TEXT, "the book"),
        Column("account_id", Kind.TEXT, "clean.accounts"),
        Column("security_id", Kind.TEXT, "clean.securities"),
        Column("entry_id", Kind.TEXT, "the sale (ledger.journal)"),
        Column("lot_id", Kind.TEXT, "ledger.lots"),
        Column("opened", Kind.DATE, "acquired"),
        Column("closed", Kind.DATE, "sold"),
        Column("quantity", Kind.QUANTITY, "sold from this lot", minimum=Decimal(0)),
        Column("proceeds", Kind.MONEY, "after fees"),
        Column("cost", Kind.MONEY, "basis of what was sold; null = unknown", nullable=True),
        Column("gain", Kind.MONEY, "proceeds - cost; null where the basis is unknown", nullable=True),
        Column("term", Kind.TEXT, "held over one year or not", allowed=TERMS),
        Column("currency", Kind.TEXT, "of all amounts"),
        Column("units", Kind.QUANTITY, "quantity in units of today: later splits are in it"),
        Column("method", Kind.TEXT, "how the lot was chosen", allowed=LOT_METHODS),
        Column("sheltered", Kind.BOOLEAN, "in an account whose sales are neither taxed nor deducted"),
    ),
    key=("gain_id",),
)

RECONCILIATION = Contract(
    "ledger",
    "reconciliation",
    "Ledger against provider, per account and snapshot day.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("account_id", Kind.TEXT, "clean.accounts"),
        Column("as_of", Kind.DATE, "the day of the provider's balance"),
        Column("provider_balance", Kind.MONEY, "ledger's sign"),
        Column("ledger_balance", Kind.MONEY, "sum of postings up to that day"),
        Column("difference", Kind.MONEY, "ledger - provider"),
        Column("currency", Kind.TEXT, "of all amounts"),
        Column(
            "basis",
            Kind.TEXT,
            "an opening plugged from this very balance proves nothing and says so",
            allowed=("plugged", "reconciled", "difference"),
        ),
    ),
    key=("account_id", "as_of"),
)

MONTHS = Contract(
    "ledger",
    "months",
    "Per book and month: a hash of all its reports depend on, from which the dirty months follow.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("month", Kind.DATE, "its first day"),
        Column("content_hash", Kind.TEXT, "of postings up to the month's end and its valuations"),
        Column("known_at", Kind.MOMENT, "since when it is so: the moment of the facts it was made from"),
    ),
    key=("book", "month"),
    volatile=("known_at",),
)

TABLES = (JOURNAL, POSTINGS, LOTS, GAINS, RECONCILIATION, MONTHS)
