"""Stage ``raw``: what a provider sent, as sent. Append-only; nothing here is ever edited or deleted.

Every record table has the same columns, because ``raw`` does not interpret: a record is its payload,
the payload's hash, whose it is, and the batch that brought it. What a payload *means* is said in
:mod:`manna.contracts.clean`.
"""

from manna.connections import PASTS
from manna.contracts.declaration import Column, Contract, Kind

BATCHES = Contract(
    schema="raw",
    name="batches",
    meaning="One row per answer of a provider that taught us something: who asked, what, when.",
    columns=(
        Column("batch_id", Kind.TEXT, "derived from connection, endpoint, position, cursor and content"),
        Column("book", Kind.TEXT, "the book the connection belongs to"),
        Column("connection_id", Kind.TEXT, "the login at the provider"),
        Column("provider", Kind.TEXT, "who answered", allowed=("plaid", "alpaca", "file")),
        Column("endpoint", Kind.TEXT, "what was asked"),
        Column("request_ids", Kind.TEXT, "the provider's request ids, one per page, comma separated"),
        Column("cursor_before", Kind.TEXT, "the cursor asked from; empty at the first time", nullable=True),
        Column("cursor_after", Kind.TEXT, "the cursor to ask from next time", nullable=True),
        Column(
            "history",
            Kind.TEXT,
            "how much of the past the provider says it has told us by then, where it says so",
            nullable=True,
            allowed=PASTS,
        ),
        Column("row_count", Kind.INTEGER, "records this batch added", minimum=0),
        Column("run_id", Kind.TEXT, "the run that asked"),
        Column("code_version", Kind.TEXT, "the version of Manna that asked"),
        Column("known_at", Kind.MOMENT, "when we learnt it"),
    ),
    key=("batch_id",),
    volatile=("request_ids", "run_id", "code_version", "known_at"),
)

_RECORD = (
    Column("batch_id", Kind.TEXT, "the batch that brought this record (raw.batches)"),
    Column("seq", Kind.INTEGER, "position within the batch", minimum=0),
    Column("book", Kind.TEXT, "the book it belongs to"),
    Column("connection_id", Kind.TEXT, "the login it came through"),
    Column(
        "change",
        Kind.TEXT,
        "what the provider said of it; a snapshot is a full state",
        allowed=("added", "modified", "removed", "snapshot"),
    ),
    Column("source_id", Kind.TEXT, "the provider's own id of the thing"),
    Column("payload", Kind.TEXT, "the record as sent, JSON"),
    Column("payload_sha256", Kind.TEXT, "hash of the payload", pattern="^[0-9a-f]{64}$"),
    Column("known_at", Kind.MOMENT, "when we learnt it"),
)


def _records(name: str, meaning: str) -> Contract:
    return Contract("raw", name, meaning, _RECORD, key=("batch_id", "seq"), volatile=("known_at",))


PLAID_ACCOUNTS = _records("plaid_accounts", "Accounts with their balances, per day received.")
PLAID_TRANSACTIONS = _records("plaid_transactions", "Updates of /transactions/sync, in order of arrival.")
PLAID_SECURITIES = _records("plaid_securities", "Securities named by holdings or investment transactions.")
PLAID_HOLDINGS = _records("plaid_holdings", "Investment holdings, per day received.")
PLAID_INVESTMENT_TRANSACTIONS = _records("plaid_investment_transactions", "Trades, dividends, fees of Plaid.")
PLAID_LIABILITIES = _records("plaid_liabilities", "Terms of cards and loans, per day received.")
PLAID_ITEMS = _records("plaid_items", "How the login itself fares, and when Plaid last heard of its bank.")
ALPACA_ACCOUNT = _records("alpaca_account", "The brokerage account, per day received.")
ALPACA_POSITIONS = _records("alpaca_positions", "The broker's positions, per day received.")
ALPACA_ACTIVITIES = _records("alpaca_activities", "Fills, dividends, transfers, splits and so on.")
ALPACA_ORDERS = _records("alpaca_orders", "Orders as the broker has them.")
ALPACA_ASSETS = _records("alpaca_assets", "The broker's description of each symbol we hold or target.")
ALPACA_BARS = _records("alpaca_bars", "Raw daily bars, one record per symbol and market day.")
ALPACA_CORPORATE_ACTIONS = _records("alpaca_corporate_actions", "What issuers did to our symbols.")
ALPACA_CALENDAR = _records("alpaca_calendar", "Market days with their hours, by the broker's calendar.")

RECORDS = (
    PLAID_ACCOUNTS,
    PLAID_TRANSACTIONS,
    PLAID_SECURITIES,
    PLAID_HOLDINGS,
    PLAID_INVESTMENT_TRANSACTIONS,
    PLAID_LIABILITIES,
    PLAID_ITEMS,
    ALPACA_ACCOUNT,
    ALPACA_POSITIONS,
    ALPACA_ACTIVITIES,
    ALPACA_ORDERS,
    ALPACA_ASSETS,
    ALPACA_BARS,
    ALPACA_CORPORATE_ACTIONS,
    ALPACA_CALENDAR,
)
TABLES = (BATCHES, *RECORDS)
