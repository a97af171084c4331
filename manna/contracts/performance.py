"""Stage ``portfolio``: what the investments earned, with what risk, and why.

What belongs here: the tables of performance. What does not: positions and their values (:mod:`portfolio`).

A *scope* is what is measured: all investments of the book, one account, one class of assets, or one holding in all
accounts. Amounts are in the book's currency; rates are plain numbers, 0.05 is five per cent.
"""

from manna.contracts.declaration import Column, Contract, Kind

SCOPES = ("book", "account", "class", "holding")
SPANS = ("month", "quarter", "year", "year to date", "since inception")

_SCOPE = (
    Column("book", Kind.TEXT, "the book"),
    Column("scope", Kind.TEXT, "what is measured", allowed=SCOPES),
    Column("name", Kind.TEXT, "which: the book, clean.accounts, the class of assets, or clean.securities"),
)
_PARTS = (
    Column("opening", Kind.MONEY, "value before; zero on the first day"),
    Column("flows", Kind.MONEY, "put in (positive) or taken out, in kind at market; none of it is earned"),
    Column("income", Kind.MONEY, "dividends and interest"),
    Column(
        "fees", Kind.MONEY, "fees charged on their own, negative; those of trades are in cost and proceeds"
    ),
    Column("realized", Kind.MONEY, "proceeds less what the ledger carried it at, by sales"),
    Column("unrealized", Kind.MONEY, "change of what is held beyond what the ledger carries it at"),
    Column("currency_effect", Kind.MONEY, "change of exchange rates on the opening value"),
    Column("closing", Kind.MONEY, "value after: opening and all of the above"),
)
_CURRENCY = Column("currency", Kind.TEXT, "of all amounts: the book's")

PERFORMANCE = Contract(
    "portfolio",
    "performance",
    "What each scope was worth, what came in, and what it earned, day by day since its first valuation.",
    (
        *_SCOPE,
        Column("date", Kind.DATE, "calendar day"),
        *_PARTS,
        Column("at_work", Kind.MONEY, "opening value and what came in that day: what the return is over"),
        Column(
            "day_return",
            Kind.RATIO,
            "earned over what was at work; null where the chain is broken",
            nullable=True,
        ),
        Column("reason", Kind.TEXT, "why the chain is broken", nullable=True),
        Column("unpriced", Kind.INTEGER, "positions left out, for want of a price or a rate", minimum=0),
        Column("stale", Kind.INTEGER, "positions at a price more than a week old", minimum=0),
        _CURRENCY,
    ),
    key=("book", "scope", "name", "date"),
)

RETURNS = Contract(
    "portfolio",
    "returns",
    "What each scope returned in each month, quarter and year, in the year to date, and since the beginning.",
    (
        *_SCOPE,
        Column("span", Kind.TEXT, "kind of span", allowed=SPANS),
        Column("since", Kind.DATE, "its first day, or that of the first valuation"),
        Column("until", Kind.DATE, "its last day so far"),
        *_PARTS,
        Column(
            "time_weighted",
            Kind.RATIO,
            "days' returns, linked; null where the chain is broken",
            nullable=True,
        ),
        Column("time_weighted_annual", Kind.RATIO, "per year; null for less than a year", nullable=True),
        Column(
            "money_weighted",
            Kind.RATIO,
            "internal rate of the whole span; null where no rate or several solve it",
            nullable=True,
        ),
        Column(
            "money_weighted_annual",
            Kind.RATIO,
            "that rate per year (XIRR); null for less than a year",
            nullable=True,
        ),
        Column("note", Kind.TEXT, "what a reader must know: broken chains, several rates", nullable=True),
        _CURRENCY,
    ),
    key=("book", "scope", "name", "span", "since"),
)

RISK = Contract(
    "portfolio",
    "risk",
    "Risk of each scope since the beginning, by market day; definitions in manna.portfolio.risk.",
    (
        *_SCOPE,
        Column(
            "measure", Kind.TEXT, "volatility, sharpe, max_drawdown, value_at_risk, correlation, stress, ..."
        ),
        Column("other", Kind.TEXT, "the other side: of a correlation, the scenario of a stress; else empty"),
        Column("date", Kind.DATE, "the last day it is made from"),
        Column("value", Kind.RATIO, "null where nothing can be said", nullable=True),
        Column("peak", Kind.DATE, "of max_drawdown: the last day before the fall", nullable=True),
        Column("trough", Kind.DATE, "its lowest day", nullable=True),
        Column("recovered", Kind.DATE, "the first day at the old height; null: not yet", nullable=True),
    ),
    key=("book", "scope", "name", "measure", "other", "date"),
)

ATTRIBUTION = Contract(
    "portfolio",
    "attribution",
    "Why the book did better or worse than its benchmark: Brinson and Fachler by class, days linked by Carino.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("span", Kind.TEXT, "kind of span", allowed=SPANS),
        Column("since", Kind.DATE, "its first day"),
        Column("until", Kind.DATE, "its last day so far"),
        Column("class", Kind.TEXT, "class of assets"),
        Column("weight", Kind.RATIO, "mean share of the book"),
        Column("benchmark_weight", Kind.RATIO, "mean share of the benchmark"),
        Column("contribution", Kind.RATIO, "part of the book's return"),
        Column("benchmark_contribution", Kind.RATIO, "part of the benchmark's return"),
        Column("allocation", Kind.RATIO, "from holding more or less of the class"),
        Column("selection", Kind.RATIO, "from what was held of the class"),
        Column("interaction", Kind.RATIO, "from both together"),
    ),
    key=("book", "span", "since", "class"),
)

MEASURED = Contract(
    "portfolio",
    "measured",
    "Per book: from what state of everything its performance was made; a night that finds the same makes nothing.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column(
            "state",
            Kind.TEXT,
            "hash of the lake's snapshots of all that is read, of the book's file and of the version",
        ),
        Column("faults", Kind.INTEGER, "what did not tie", minimum=0),
    ),
    key=("book",),
    volatile=("state",),
)

MONTHS = Contract(
    "portfolio",
    "months",
    "Per book and month: a hash of all its tear sheet depends on, from which stale tear sheets follow.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("month", Kind.DATE, "its first day"),
        Column(
            "content_hash",
            Kind.TEXT,
            "of all performance up to the month's end, and of how the book is measured",
        ),
    ),
    key=("book", "month"),
)

TEAR_SHEETS = Contract(
    "portfolio",
    "tear_sheets",
    "How the investments have done, as of each month's end: what pages and PDF are made from.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("period", Kind.DATE, "the month's first day"),
        Column("until", Kind.DATE, "the day its figures stand on"),
        Column("document", Kind.TEXT, "JSON (manna.portfolio.tear_sheet)"),
        Column("made_from", Kind.TEXT, "content_hash of portfolio.months"),
    ),
    key=("book", "period"),
)

TABLES = (PERFORMANCE, RETURNS, RISK, ATTRIBUTION, MEASURED, MONTHS, TEAR_SHEETS)
