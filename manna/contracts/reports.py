"""Stage ``reports``: monthly statements as tables, one row per line, and the record of publication.

Amounts in statements are *presented* amounts: income, expenses, assets, liabilities and equity are all
shown as positive in their usual direction (a debit-normal account by its debit balance, a credit-normal
one by its credit balance). The trial balance alone keeps debit and credit columns.
"""

from manna.contracts.declaration import Column, Contract, Kind

_HEAD = (
    Column("book", Kind.TEXT, "the book"),
    Column("period", Kind.DATE, "first day of the month"),
    Column("line", Kind.INTEGER, "order of presentation", minimum=0),
)
_KEY = ("book", "period", "line")


def _statement(name: str, meaning: str, *columns: Column) -> Contract:
    return Contract("reports", name, meaning, (*_HEAD, *columns), key=_KEY)


_SECTION = Column("section", Kind.TEXT, "part of the statement")
_ACCOUNT = Column("account", Kind.TEXT, "account of the chart, or the name of a total")
_LEVEL = Column("level", Kind.TEXT, "what the line is", allowed=("line", "subtotal", "total"))
_CURRENCY = Column("currency", Kind.TEXT, "of the amounts")

INCOME_STATEMENT = _statement(
    "income_statement",
    "Income and expenses of a month, with the month before and the year to date.",
    _SECTION,
    _ACCOUNT,
    _LEVEL,
    Column("amount", Kind.MONEY, "the month"),
    Column("previous", Kind.MONEY, "the month before"),
    Column("year_to_date", Kind.MONEY, "since 1 January"),
    _CURRENCY,
)

BALANCE_SHEET = _statement(
    "balance_sheet",
    "Assets, liabilities and equity at the month's end (or at the last known day of an open month).",
    _SECTION,
    _ACCOUNT,
    _LEVEL,
    Column("amount", Kind.MONEY, "at cost"),
    Column("previous", Kind.MONEY, "at the end of the month before"),
    _CURRENCY,
)

CASH_FLOW = _statement(
    "cash_flow",
    "Where cash came from and went to; ends at the balance sheet's cash.",
    _SECTION,
    _ACCOUNT,
    _LEVEL,
    Column("amount", Kind.MONEY, "positive = cash in"),
    _CURRENCY,
)

TRIAL_BALANCE = _statement(
    "trial_balance",
    "Every account's balance at the month's end; debits equal credits.",
    _ACCOUNT,
    _LEVEL,
    Column("debit", Kind.MONEY, "debit balance or zero"),
    Column("credit", Kind.MONEY, "credit balance or zero"),
    _CURRENCY,
)

NET_WORTH = _statement(
    "net_worth",
    "What is owned less what is owed, securities at market, at each month's end up to this one.",
    Column("as_of", Kind.DATE, "day of the figures"),
    Column("assets_at_cost", Kind.MONEY, "ledger assets"),
    Column("unrealized", Kind.MONEY, "market value less ledger cost of all that has a price"),
    Column("liabilities", Kind.MONEY, "owed, positive"),
    Column("net_worth", Kind.MONEY, "assets at cost + unrealized - liabilities"),
    _CURRENCY,
)

ALLOCATION = _statement(
    "allocation",
    "What the investments consist of at the month's end.",
    Column("security_id", Kind.TEXT, "clean.securities"),
    Column("name", Kind.TEXT, "its name"),
    Column("quantity", Kind.QUANTITY, "held"),
    Column("value", Kind.MONEY, "at market; at ledger cost where there is no price"),
    Column("cost", Kind.MONEY, "null = basis unknown", nullable=True),
    Column("weight", Kind.RATIO, "share of all investments in this currency"),
    _CURRENCY,
)

STATEMENTS = (INCOME_STATEMENT, BALANCE_SHEET, CASH_FLOW, TRIAL_BALANCE, NET_WORTH, ALLOCATION)

PUBLICATIONS = Contract(
    "reports",
    "publications",
    "Per book and period: what is published, from which facts, or why the last good version stays.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("period", Kind.DATE, "first day of the month"),
        Column("status", Kind.TEXT, "the latest attempt", allowed=("published", "held")),
        Column("reason", Kind.TEXT, "why it is held, every reason", nullable=True),
        Column(
            "month_hash", Kind.TEXT, "ledger.months hash the published version was made from", nullable=True
        ),
        Column("tried_hash", Kind.TEXT, "ledger.months hash of the latest attempt"),
        Column("content_hash", Kind.TEXT, "of all published statements", nullable=True),
        Column("code_version", Kind.TEXT, "the version of Manna that made it"),
        Column(
            "complete_through", Kind.DATE, "earliest complete-through date of the accounts", nullable=True
        ),
        Column(
            "provisional",
            Kind.BOOLEAN,
            "the past of an account has not been told in full: opening balances may still change",
        ),
        Column("open_items", Kind.TEXT, "what a reader must know, separated by '; '"),
        Column("known_at", Kind.MOMENT, "the moment whose facts it shows"),
        Column("run_id", Kind.TEXT, "the run that published"),
    ),
    key=("book", "period"),
    volatile=("run_id", "known_at", "code_version"),
)

EDITIONS = Contract(
    "reports",
    "editions",
    "Every version of a book's month that was ever published. Append-only: what was reported, and when, is a fact.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("period", Kind.DATE, "first day of the month"),
        Column("number", Kind.INTEGER, "1, 2, 3, ... of this book's month", minimum=1),
        Column("content_hash", Kind.TEXT, "of all its statements"),
        Column("code_version", Kind.TEXT, "the version of Manna that made it"),
        Column("known_at", Kind.MOMENT, "the moment whose facts it shows; it can be rebuilt as known on it"),
        Column("run_id", Kind.TEXT, "the run that published"),
    ),
    key=("book", "period", "number"),
    volatile=("run_id", "known_at", "code_version"),
)

TABLES = (*STATEMENTS, PUBLICATIONS, EDITIONS)
