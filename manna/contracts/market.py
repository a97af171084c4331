"""Stage ``clean``, of the market: prices, market days, corporate actions. They belong to no book.

What belongs here: tables of ``clean`` that are the same whoever asks. What does not: anything an account
holds or did (:mod:`clean`).
"""

from decimal import Decimal

from manna.contracts.clean import EARLIEST, SOURCE, VOLATILE
from manna.contracts.declaration import Column, Contract, Kind

ACTION_KINDS = (
    "split",
    "unit_split",
    "stock_dividend",
    "dividend",
    "spin_off",
    "rights_distribution",
    "cash_merger",
    "stock_merger",
    "stock_and_cash_merger",
    "reorganization",
    "redemption",
    "partial_call",
    "name_change",
    "worthless_removal",
)

BARS = Contract(
    "clean",
    "bars",
    "Raw (unadjusted) daily prices.",
    (
        Column("symbol", Kind.TEXT, "ticker"),
        Column("date", Kind.DATE, "market day in New York", minimum=EARLIEST),
        Column("open", Kind.PRICE, "first price", minimum=Decimal(0)),
        Column("high", Kind.PRICE, "highest price", minimum=Decimal(0)),
        Column("low", Kind.PRICE, "lowest price", minimum=Decimal(0)),
        Column("close", Kind.PRICE, "last price", minimum=Decimal("0.000000001")),
        Column("volume", Kind.INTEGER, "shares", minimum=0),
        *SOURCE,
    ),
    key=("symbol", "date"),
    volatile=VOLATILE,
)

MARKET_DAYS = Contract(
    "clean",
    "market_days",
    "The days on which the New York exchanges open, with their hours, by the broker's calendar.",
    (
        Column("date", Kind.DATE, "market day in New York", minimum=EARLIEST),
        Column("opens_at", Kind.MOMENT, "when trading begins"),
        Column("closes_at", Kind.MOMENT, "when trading ends"),
        Column("closes_early", Kind.BOOLEAN, "before four in the afternoon, New York"),
        Column("settles_on", Kind.DATE, "when what is traded that day settles", nullable=True),
        *SOURCE,
    ),
    key=("date",),
    volatile=VOLATILE,
)

CORPORATE_ACTIONS = Contract(
    "clean",
    "corporate_actions",
    "What issuers did to the symbols we hold or follow: splits, dividends, mergers, changes of name.",
    (
        Column(
            "action_id", Kind.TEXT, "the broker's kind and id; kind, symbol and ex date where none is given"
        ),
        Column("symbol", Kind.TEXT, "ticker it happens to, as it was before"),
        Column("kind", Kind.TEXT, "what happens", allowed=ACTION_KINDS),
        Column(
            "ex_date", Kind.DATE, "first day with it: ex, else effective, else process date", minimum=EARLIEST
        ),
        Column("payable_date", Kind.DATE, "the day money or shares are paid", nullable=True),
        Column("new_symbol", Kind.TEXT, "ticker held after it, or received beside it", nullable=True),
        Column(
            "ratio",
            Kind.RATIO,
            "units held after it (or received beside it) per unit before, of new_symbol where there is one",
            nullable=True,
        ),
        Column("cash", Kind.PRICE, "money per share, where it pays any", nullable=True),
        Column(
            "also",
            Kind.TEXT,
            "further securities received, as sent (JSON): of a unit split, of a reorganization",
            nullable=True,
        ),
        *SOURCE,
    ),
    key=("action_id",),
    volatile=VOLATILE,
)

TABLES = (BARS, MARKET_DAYS, CORPORATE_ACTIONS)
