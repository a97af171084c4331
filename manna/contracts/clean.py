"""Stage ``clean``: typed, validated, deduplicated current state, and the quarantine.

Signs, said once: every ``amount`` and ``balance`` here already has the *ledger's* sign, positive = debit.
So money that comes into a bank account is positive, money spent on a card is negative, and what is owed
on a card or a loan is a negative balance. The turn from Plaid's sign is made in
:func:`manna.money.ledger_sign` alone.
"""

from datetime import date
from decimal import Decimal

from manna.contracts.declaration import Column, Contract, Kind

EARLIEST = date(1970, 1, 1)
CURRENCY = "^[A-Z0-9]{3,12}$"

SOURCE = (
    Column("batch_id", Kind.TEXT, "the batch that brought the current version (raw.batches)"),
    Column("payload_sha256", Kind.TEXT, "hash of the payload it was read from"),
    Column("known_at", Kind.MOMENT, "when we learnt the current version"),
)
VOLATILE = ("known_at",)
_SUPERSEDED_BY = Column(
    "superseded_by",
    Kind.TEXT,
    "the row of a later login that took this one's place; it is removed then, without a removed_on",
    nullable=True,
)
_UNLISTED = Column(
    "unlisted",
    Kind.BOOLEAN,
    "a later login that covers its day does not list it as it was: the bank changed or removed it meanwhile; where "
    "that is doubtful it is not removed all the same",
)
_FIRST_KNOWN = Column("first_known_on", Kind.DATE, "the day we first heard of it, in the book's time zone")

ACCOUNTS = Contract(
    "clean",
    "accounts",
    "Every account of every book.",
    (
        Column("account_id", Kind.TEXT, "Manna's id of the account: the provider's, of the first login"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("connection_id", Kind.TEXT, "the login it comes through; of several the latest"),
        Column("provider", Kind.TEXT, "where it comes from", allowed=("plaid", "alpaca", "file")),
        Column("institution", Kind.TEXT, "the bank or broker"),
        Column("name", Kind.TEXT, "the name the institution gives"),
        Column("mask", Kind.TEXT, "last digits of the number", nullable=True),
        Column(
            "type",
            Kind.TEXT,
            "the provider's type",
            allowed=("depository", "credit", "loan", "investment", "brokerage", "payroll", "other"),
        ),
        Column("subtype", Kind.TEXT, "the provider's subtype", nullable=True),
        Column("currency", Kind.TEXT, "the account's currency", pattern=CURRENCY),
        *SOURCE,
    ),
    key=("account_id",),
    volatile=VOLATILE,
)

BALANCES = Contract(
    "clean",
    "balances",
    "What the provider said an account held, per day of the book's time zone on which it said so.",
    (
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("as_of", Kind.DATE, "the day we were told", minimum=EARLIEST),
        Column(
            "current",
            Kind.MONEY,
            "balance, positive = asset, negative = owed; null: not stated",
            nullable=True,
        ),
        Column("available", Kind.MONEY, "what can be spent", nullable=True),
        Column("credit_limit", Kind.MONEY, "limit of a card or line", nullable=True),
        Column("currency", Kind.TEXT, "of all amounts in the row", pattern=CURRENCY),
        *SOURCE,
    ),
    key=("account_id", "as_of"),
    volatile=VOLATILE,
)

TRANSACTIONS = Contract(
    "clean",
    "transactions",
    "Bank and card transactions, current state; removed ones stay as tombstones.",
    (
        Column("transaction_id", Kind.TEXT, "the provider's id"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("date", Kind.DATE, "day it posted (pending: occurred)", minimum=EARLIEST),
        Column("authorized_date", Kind.DATE, "day it was authorised", nullable=True),
        Column("amount", Kind.MONEY, "ledger's sign: positive = money into the account"),
        Column("currency", Kind.TEXT, "ISO 4217, or an unofficial code", pattern=CURRENCY),
        Column("description", Kind.TEXT, "the institution's text"),
        Column("merchant", Kind.TEXT, "the provider's idea of the merchant", nullable=True),
        Column("pending", Kind.BOOLEAN, "not yet posted: a memo, never journalled"),
        Column("pending_transaction_id", Kind.TEXT, "the pending row this one replaces", nullable=True),
        Column("removed", Kind.BOOLEAN, "the provider took it back"),
        Column("removed_on", Kind.DATE, "the day we heard of that, in the book's time zone", nullable=True),
        _SUPERSEDED_BY,
        _UNLISTED,
        Column("plaid_primary", Kind.TEXT, "personal finance category, primary", nullable=True),
        Column("plaid_detailed", Kind.TEXT, "personal finance category, detailed", nullable=True),
        Column("plaid_confidence", Kind.TEXT, "Plaid's confidence level", nullable=True),
        _FIRST_KNOWN,
        *SOURCE,
    ),
    key=("transaction_id",),
    volatile=VOLATILE,
    version=2,
)

SECURITIES = Contract(
    "clean",
    "securities",
    "Whatever is or was held, by symbol where it has one.",
    (
        Column("security_id", Kind.TEXT, "symbol; else the provider's id"),
        Column("name", Kind.TEXT, "its name", nullable=True),
        Column("type", Kind.TEXT, "equity, etf, mutual fund, cash, fixed income, ...", nullable=True),
        Column("symbol", Kind.TEXT, "ticker, where it has one", nullable=True),
        Column("is_cash", Kind.BOOLEAN, "money under another name (CUR:USD, sweep)"),
        Column("currency", Kind.TEXT, "the currency it is priced in", pattern=CURRENCY),
        Column("close_price", Kind.PRICE, "the institution's last price", nullable=True),
        Column("close_price_as_of", Kind.DATE, "the day of that price", nullable=True),
        *SOURCE,
    ),
    key=("security_id",),
    volatile=VOLATILE,
)

HOLDINGS = Contract(
    "clean",
    "holdings",
    "What the institution said an account holds, per day it said so.",
    (
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("security_id", Kind.TEXT, "the security", references="clean.securities"),
        Column("as_of", Kind.DATE, "the day we were told", minimum=EARLIEST),
        Column("quantity", Kind.QUANTITY, "negative = short"),
        Column("price", Kind.PRICE, "the institution's price", minimum=Decimal(0)),
        Column("price_as_of", Kind.DATE, "the day of that price", nullable=True),
        Column("value", Kind.MONEY, "the institution's value"),
        Column("cost_basis", Kind.MONEY, "total cost; unknown is null, never zero", nullable=True),
        Column("currency", Kind.TEXT, "of price, value and cost", pattern=CURRENCY),
        Column(
            "tax_lots", Kind.TEXT, "the institution's lots, as sent (JSON), where it lists any", nullable=True
        ),
        *SOURCE,
    ),
    key=("account_id", "security_id", "as_of"),
    volatile=VOLATILE,
)

TRADE_KINDS = (
    "buy",
    "reinvestment",
    "sell",
    "dividend",
    "return_of_capital",
    "interest",
    "fee",
    "contribution",
    "deposit",
    "withdrawal",
    "split",
    "transfer",
    "merger",
    "spin_off",
    "symbol_change",
    "reorganization",
    "other",
)

TRADES = Contract(
    "clean",
    "trades",
    "Everything that happened in investment accounts, from every broker in one shape; what was reversed "
    "stays as a tombstone.",
    (
        Column("trade_id", Kind.TEXT, "the provider's id"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("security_id", Kind.TEXT, "null for pure cash", nullable=True, references="clean.securities"),
        Column("date", Kind.DATE, "trade date", minimum=EARLIEST),
        Column("moment", Kind.MOMENT, "when it executed, where the broker says so", nullable=True),
        Column("kind", Kind.TEXT, "what it was", allowed=TRADE_KINDS),
        Column("quantity", Kind.QUANTITY, "change of the position; a split's is the shares added"),
        Column("price", Kind.PRICE, "per unit, where there is one", nullable=True),
        Column("amount", Kind.MONEY, "change of the account's cash, fees included; positive = in"),
        Column("fees", Kind.MONEY, "part of amount, as a positive number", minimum=Decimal(0)),
        Column("currency", Kind.TEXT, "of price, amount and fees", pattern=CURRENCY),
        Column("description", Kind.TEXT, "the broker's text"),
        Column("removed", Kind.BOOLEAN, "the broker took it back: it never was"),
        Column("removed_on", Kind.DATE, "the day we heard of that, in the book's time zone", nullable=True),
        _SUPERSEDED_BY,
        _UNLISTED,
        _FIRST_KNOWN,
        *SOURCE,
    ),
    key=("trade_id",),
    volatile=VOLATILE,
    version=2,
)

LIABILITIES = Contract(
    "clean",
    "liabilities",
    "Terms of cards and loans, latest known.",
    (
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("kind", Kind.TEXT, "what it is", allowed=("credit", "mortgage", "student")),
        Column("interest_rate", Kind.RATIO, "percent a year", nullable=True),
        Column("minimum_payment", Kind.MONEY, "next payment due, positive", nullable=True),
        Column("next_payment_due", Kind.DATE, "the day it is due", nullable=True),
        Column("last_payment", Kind.MONEY, "the last payment, positive", nullable=True),
        Column("last_payment_date", Kind.DATE, "its day", nullable=True),
        Column("overdue", Kind.BOOLEAN, "whether a payment is overdue", nullable=True),
        *SOURCE,
    ),
    key=("account_id",),
    volatile=VOLATILE,
)

LOAN_TERMS = Contract(
    "clean",
    "loan_terms",
    "What a lender said of a loan, per day it said so.",
    (
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("as_of", Kind.DATE, "the day we were told", minimum=EARLIEST),
        Column("interest_rate", Kind.RATIO, "percent a year", nullable=True),
        Column("is_fixed", Kind.BOOLEAN, "the rate does not change; null: not said", nullable=True),
        Column("original_principal", Kind.MONEY, "what was lent", nullable=True),
        Column("term_months", Kind.INTEGER, "over how many months it is repaid", nullable=True, minimum=1),
        Column("interest_paid", Kind.MONEY, "since 1 January", nullable=True),
        Column("principal_paid", Kind.MONEY, "since 1 January", nullable=True),
        Column("escrow", Kind.MONEY, "what the lender holds for taxes and insurance", nullable=True),
        *SOURCE,
    ),
    key=("account_id", "as_of"),
    volatile=VOLATILE,
)

ORDERS = Contract(
    "clean",
    "orders",
    "Orders at the broker, latest known state.",
    (
        Column("order_id", Kind.TEXT, "the broker's id"),
        Column("client_order_id", Kind.TEXT, "the id given when it was sent"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("symbol", Kind.TEXT, "what is traded"),
        Column("side", Kind.TEXT, "direction", allowed=("buy", "sell")),
        Column("status", Kind.TEXT, "the broker's status"),
        Column("quantity", Kind.QUANTITY, "ordered; null for an order by notional", nullable=True),
        Column("filled_quantity", Kind.QUANTITY, "filled so far", minimum=Decimal(0)),
        Column("filled_price", Kind.PRICE, "average price of the fills", nullable=True),
        Column("submitted_at", Kind.MOMENT, "when the broker got it", nullable=True),
        *SOURCE,
    ),
    key=("order_id",),
    volatile=VOLATILE,
)

QUARANTINE = Contract(
    "clean",
    "quarantine",
    "Rows that broke a contract: kept with every reason, used nowhere, until they pass.",
    (
        Column("table_name", Kind.TEXT, "the clean table that refused the row"),
        Column("source_id", Kind.TEXT, "the provider's id of the row"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("reasons", Kind.TEXT, "every reason, separated by '; '"),
        Column("payload", Kind.TEXT, "the record as sent"),
        *SOURCE,
    ),
    key=("table_name", "book", "source_id", "batch_id"),
    volatile=VOLATILE,
)

TABLES = (
    ACCOUNTS, BALANCES, TRANSACTIONS, SECURITIES, HOLDINGS, TRADES, LIABILITIES, LOAN_TERMS, ORDERS, QUARANTINE,
)  # fmt: skip
