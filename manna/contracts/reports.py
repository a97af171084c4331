"""Stage ``reports``: monthly statements as tables, one row per line, and the record of publication.

What belongs here: the statements and the record. What does not: the schedules that go with them
(:mod:`schedules`).

Amounts in statements are *presented* amounts: income, expenses, assets, liabilities and equity are all
shown as positive in their usual direction (a debit-normal account by its debit balance, a credit-normal
one by its credit balance). The trial balance alone keeps debit and credit columns.
"""

from manna.contracts.declaration import Column, Contract, Kind
from manna.contracts.schedules import (
    ACCOUNT,
    BUDGET,
    CURRENCY,
    DIVIDENDS_AND_INTEREST,
    GENERAL_LEDGER,
    LEVEL,
    ON_DEMAND,
    REALIZED_GAINS,
    SCHEDULES,
    SECTION,
    SPENDING,
    TAX_LINES,
    TO_DATE,
    TRANSLATION,
    monthly,
)

__all__ = [
    "ALLOCATION", "BALANCE_SHEET", "BUDGET", "CASH_FLOW", "CASH_FLOW_INDIRECT", "CHANGES_IN_EQUITY",
    "DIVIDENDS_AND_INTEREST", "EARLIER_RESULTS", "GENERAL_LEDGER", "INCOME_COMPARISON", "INCOME_STATEMENT", "NET_WORTH", "ON_DEMAND",
    "PUBLICATIONS", "REALIZED_GAINS", "SPANS", "SPENDING", "STATEMENTS", "TABLES", "TAX_LINES", "TRANSLATION",
    "TRIAL_BALANCE",
]  # fmt: skip

EARLIER_RESULTS = {"household": "Results of earlier years", "proprietor": "Retained earnings"}
"""The line of equity that holds what the years before came to, by the kind of book: the ledger makes no closing entries."""

INCOME_STATEMENT = monthly(
    "income_statement",
    "Income and expenses of a month, with the month before and the year to date.",
    SECTION,
    ACCOUNT,
    LEVEL,
    Column("amount", Kind.MONEY, "the month"),
    Column("previous", Kind.MONEY, "the month before"),
    TO_DATE,
    CURRENCY,
)

SPANS = ("month", "quarter", "year", "year_to_date")
"""The spans of the comparative income statement, each ending with the period's month."""

INCOME_COMPARISON = monthly(
    "income_comparison",
    "Income and expenses of the month, of three months, of twelve and of the year so far, each beside the span before "
    "it. All end with the month: in March the quarter is the first of the year, in December the year is the calendar's.",
    Column("span", Kind.TEXT, "which span", allowed=SPANS),
    Column("since", Kind.DATE, "its first day"),
    Column("until", Kind.DATE, "its last day, or the last known one"),
    SECTION,
    ACCOUNT,
    LEVEL,
    Column("amount", Kind.MONEY, "the span"),
    Column("previous", Kind.MONEY, "as many months before it; of year_to_date the same months a year before"),
    Column("change", Kind.MONEY, "amount - previous"),
    Column(
        "change_ratio",
        Kind.RATIO,
        "change / previous without its sign; null where there is nothing to compare with",
        nullable=True,
    ),
    CURRENCY,
)

BALANCE_SHEET = monthly(
    "balance_sheet",
    "Assets, liabilities and equity at the month's end (or at the last known day of an open month): at cost; a "
    "household's also at current value, with what is unrealized apart.",
    SECTION,
    ACCOUNT,
    LEVEL,
    Column("amount", Kind.MONEY, "at cost"),
    Column("previous", Kind.MONEY, "at cost, at the end of the month before"),
    Column("unrealized", Kind.MONEY, "current value less cost; null in a firm's book", nullable=True),
    Column("value", Kind.MONEY, "current value: amount + unrealized; null in a firm's book", nullable=True),
    CURRENCY,
)

CHANGES_IN_EQUITY = monthly(
    "changes_in_equity",
    "What made equity more or less: net income, contributions, draws, unrealized gains, openings, adjustments of "
    "earlier periods. A household's equity is at current value, a firm's at cost.",
    SECTION,
    ACCOUNT,
    LEVEL,
    Column("amount", Kind.MONEY, "the month; positive = more equity"),
    TO_DATE,
    CURRENCY,
)

CASH_FLOW = monthly(
    "cash_flow",
    "Where cash came from and went to, by the direct method; ends at the balance sheet's cash.",
    SECTION,
    ACCOUNT,
    LEVEL,
    Column("amount", Kind.MONEY, "the month; positive = cash in"),
    TO_DATE,
    CURRENCY,
)

CASH_FLOW_INDIRECT = monthly(
    "cash_flow_indirect",
    "From net income to cash; investing and financing as in reports.cash_flow, and what moved no cash apart.",
    SECTION,
    ACCOUNT,
    LEVEL,
    Column("amount", Kind.MONEY, "the month; positive = cash in"),
    TO_DATE,
    CURRENCY,
)

TRIAL_BALANCE = monthly(
    "trial_balance",
    "Every account's balance at the month's end, before and after adjusting entries: income and expenses of the "
    "calendar year, the results of earlier years in equity. Debits equal credits.",
    ACCOUNT,
    LEVEL,
    Column(
        "unadjusted_debit", Kind.MONEY, "debit balance or zero, without the adjusting entries of the year"
    ),
    Column("unadjusted_credit", Kind.MONEY, "credit balance or zero, without them"),
    Column("debit", Kind.MONEY, "debit balance or zero"),
    Column("credit", Kind.MONEY, "credit balance or zero"),
    CURRENCY,
)

NET_WORTH = monthly(
    "net_worth",
    "What is owned less what is owed, securities at market, at each month's end up to this one.",
    Column("as_of", Kind.DATE, "day of the figures"),
    Column("assets_at_cost", Kind.MONEY, "ledger assets"),
    Column("unrealized", Kind.MONEY, "market value less ledger cost of all that has a price"),
    Column("liabilities", Kind.MONEY, "owed, positive"),
    Column("net_worth", Kind.MONEY, "assets at cost + unrealized - liabilities"),
    CURRENCY,
)

ALLOCATION = monthly(
    "allocation",
    "What the investments consist of at the month's end.",
    Column("security_id", Kind.TEXT, "clean.securities"),
    Column("name", Kind.TEXT, "its name"),
    Column("quantity", Kind.QUANTITY, "held"),
    Column("value", Kind.MONEY, "at market; at ledger cost where there is no price"),
    Column("cost", Kind.MONEY, "null = basis unknown", nullable=True),
    Column("weight", Kind.RATIO, "share of all investments in this currency"),
    CURRENCY,
)

STATEMENTS = (
    INCOME_STATEMENT,
    INCOME_COMPARISON,
    BALANCE_SHEET,
    CHANGES_IN_EQUITY,
    CASH_FLOW,
    CASH_FLOW_INDIRECT,
    TRIAL_BALANCE,
    NET_WORTH,
    ALLOCATION,
    *SCHEDULES,
)

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
