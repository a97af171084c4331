"""Stage ``reports``: the schedules that go with the statements, and what every monthly table has in common.

What belongs here: realized gains, income by payer, tax lines, budget, spending, translation, and the general ledger
(which is made when it is asked for, and never stored). What does not: the statements (:mod:`reports`).
"""

from manna.contracts.declaration import Column, Contract, Kind
from manna.contracts.tax import ACQUIRED_HOW

_HEAD = (
    Column("book", Kind.TEXT, "the book"),
    Column("period", Kind.DATE, "first day of the month"),
    Column("line", Kind.INTEGER, "order of presentation", minimum=0),
)
_KEY = ("book", "period", "line")

SECTION = Column("section", Kind.TEXT, "part of the statement")
ACCOUNT = Column("account", Kind.TEXT, "account of the chart, or the name of a total")
LEVEL = Column("level", Kind.TEXT, "what the line is", allowed=("line", "subtotal", "total"))
CURRENCY = Column("currency", Kind.TEXT, "of the amounts")
_MONTH = Column("amount", Kind.MONEY, "the month")
TO_DATE = Column("year_to_date", Kind.MONEY, "since 1 January")


def monthly(name: str, meaning: str, *columns: Column) -> Contract:
    """The contract of a table of ``reports`` that has lines per book and month."""
    return Contract("reports", name, meaning, (*_HEAD, *columns), key=_KEY)


REALIZED_GAINS = monthly(
    "realized_gains",
    "Sales of the year so far in the columns of Form 8949, as ledger.taxable_gains has them: lines by part and box with "
    "their sums, which are the lines of Schedule D. December's is the year's.",
    Column("section", Kind.TEXT, "Short-term, Long-term, or Term unknown"),
    Column(
        "box",
        Kind.TEXT,
        "of Form 8949 as the 1099-B says, else unassigned; null of a part's sum",
        nullable=True,
    ),
    Column("account", Kind.TEXT, "(a) what was sold, or the name of a sum"),
    LEVEL,
    Column("acquired", Kind.DATE, "(b) null of sums, and where it is not known", nullable=True),
    ACQUIRED_HOW,
    Column("sold", Kind.DATE, "(c) null of sums", nullable=True),
    Column("proceeds", Kind.MONEY, "(d) after fees"),
    Column("basis", Kind.MONEY, "(e) null = unknown; of a sum: of one of its lines", nullable=True),
    Column("code", Kind.TEXT, "(f) W = wash sale, else empty; null of sums", nullable=True),
    Column("adjustment", Kind.MONEY, "(g) the part of a loss that does not count, positive"),
    Column("gain", Kind.MONEY, "(h) proceeds - basis + adjustment; null where the basis is", nullable=True),
    Column("provisional", Kind.BOOLEAN, "a purchase within 30 days could still change it"),
    Column("part_id", Kind.TEXT, "ledger.taxable_gains; null of sums", nullable=True),
    CURRENCY,
)

DIVIDENDS_AND_INTEREST = monthly(
    "dividends_and_interest",
    "Dividends and interest received, by the account that pays them (Schedule B).",
    Column("section", Kind.TEXT, "Dividends or Interest; with a year what belongs to that earlier one"),
    Column("account", Kind.TEXT, "the account that the payer keeps, or the name of a total"),
    LEVEL,
    _MONTH,
    TO_DATE,
    CURRENCY,
)

TAX_LINES = monthly(
    "tax_lines",
    "Income and expenses by line of the tax return, e.g. of Schedule C.",
    Column(
        "section",
        Kind.TEXT,
        "the line of the return; Not on the return where the chart names none; with Adjustments of a year before it what belongs to that earlier one",
    ),
    ACCOUNT,
    LEVEL,
    Column("amount", Kind.MONEY, "the month; income and expenses both positive in their usual direction"),
    TO_DATE,
    CURRENCY,
)

BUDGET = monthly(
    "budget",
    "What the book's file allows a month for a category, beside what it came to. Nothing without a budget.",
    SECTION,
    Column("account", Kind.TEXT, "the category, Without a budget, or the name of a total"),
    LEVEL,
    Column("budget", Kind.MONEY, "the month; zero where there is none"),
    Column("amount", Kind.MONEY, "the category and all below it, the month"),
    Column("difference", Kind.MONEY, "budget - amount"),
    Column("budget_to_date", Kind.MONEY, "of the year's months since the books began"),
    TO_DATE,
    Column("difference_to_date", Kind.MONEY, "budget_to_date - year_to_date"),
    CURRENCY,
)

SPENDING = monthly(
    "spending",
    "Expenses of a month by category and merchant: the largest merchants of each, and the others together.",
    Column("account", Kind.TEXT, "the category, or Total expenses"),
    Column("merchant", Kind.TEXT, "who was paid; null of sums", nullable=True),
    LEVEL,
    _MONTH,
    Column("postings", Kind.INTEGER, "how many", minimum=0),
    CURRENCY,
)

TRANSLATION = monthly(
    "translation",
    "The totals of the statements in the book's currency, where there are several. A convenience: all at the rate of "
    "one day, which is shown; the statements themselves stay in their own currencies.",
    Column("statement", Kind.TEXT, "the table that states the figure"),
    Column("account", Kind.TEXT, "the figure's name there"),
    LEVEL,
    Column("amount", Kind.MONEY, "in its own currency; of a total what the lines come to", nullable=True),
    CURRENCY,
    Column(
        "rate",
        Kind.PRICE,
        "worth of one unit in the book's currency; null = the book's file has none",
        nullable=True,
    ),
    Column("rate_date", Kind.DATE, "the day the rate is of; null of a rate without a day", nullable=True),
    Column("translated", Kind.MONEY, "in the book's currency; null without a rate", nullable=True),
    Column("book_currency", Kind.TEXT, "of translated"),
)

SCHEDULES = (REALIZED_GAINS, DIVIDENDS_AND_INTEREST, TAX_LINES, BUDGET, SPENDING, TRANSLATION)

GENERAL_LEDGER = Contract(
    "reports",
    "general_ledger",
    "Every account's postings of a span with its running balance; of one account alone, its register.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("line", Kind.INTEGER, "order of presentation", minimum=0),
        Column("account", Kind.TEXT, "account of the chart"),
        CURRENCY,
        Column("level", Kind.TEXT, "what the line is", allowed=("opening", "line", "closing")),
        Column("date", Kind.DATE, "the entry's day; of opening and closing the ends of the span"),
        Column("description", Kind.TEXT, "of the entry"),
        Column(
            "counter",
            Kind.TEXT,
            "the other account of the entry; null where there are several",
            nullable=True,
        ),
        Column("debit", Kind.MONEY, "or zero"),
        Column("credit", Kind.MONEY, "or zero"),
        Column("balance", Kind.MONEY, "after it; positive = debit"),
        Column("entry_id", Kind.TEXT, "ledger.journal; null of opening and closing", nullable=True),
        Column("source_table", Kind.TEXT, "where the entry comes from", nullable=True),
        Column("source_id", Kind.TEXT, "the key of that row", nullable=True),
    ),
    key=("book", "line"),
)

ON_DEMAND = (GENERAL_LEDGER,)
"""Tables that are made when somebody asks: as long as the postings, they would double what is stored and published."""
