"""Stage ``portfolio``: what is held, what it is worth, and how far it is from its targets."""

from decimal import Decimal

from manna.contracts.declaration import Column, Contract, Kind

VALUATIONS = Contract(
    "portfolio",
    "valuations",
    "Every position of every investment account on every day, by the currency of its cost; cash included.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column("account_id", Kind.TEXT, "clean.accounts"),
        Column("security_id", Kind.TEXT, "clean.securities; CUR:USD and the like for cash"),
        Column("date", Kind.DATE, "calendar day"),
        Column("quantity", Kind.QUANTITY, "held at the end of the day"),
        Column("price", Kind.PRICE, "raw price", nullable=True),
        Column("price_date", Kind.DATE, "the day of that price; older than date = stale", nullable=True),
        Column(
            "price_source", Kind.TEXT, "where it is from", allowed=("bar", "institution", "par", "missing")
        ),
        Column("value", Kind.MONEY, "quantity x price, rounded; null without a price", nullable=True),
        Column("cost", Kind.MONEY, "remaining cost; null = basis unknown", nullable=True),
        Column("currency", Kind.TEXT, "of price, value and cost"),
    ),
    key=("account_id", "security_id", "currency", "date"),
)

DRIFT = Contract(
    "portfolio",
    "drift",
    "Each book's weights against its targets, today.",
    (
        Column("book", Kind.TEXT, "the book"),
        Column(
            "security_id",
            Kind.TEXT,
            "a target or a holding of the managed accounts, with its sleeve (Stocks/VTI); CASH is money",
        ),
        Column(
            "kind",
            Kind.TEXT,
            "what is traded, money, or what is made of parts",
            allowed=("part", "cash", "sleeve"),
        ),
        Column("date", Kind.DATE, "day of the valuation"),
        Column(
            "quantity", Kind.QUANTITY, "held; of CASH its amount; null of several securities", nullable=True
        ),
        Column("value", Kind.MONEY, "market value; null without a price", nullable=True),
        Column(
            "weight", Kind.RATIO, "share of the managed accounts; null if any has no price", nullable=True
        ),
        Column("target", Kind.RATIO, "wanted share", minimum=Decimal(0), maximum=Decimal(1)),
        Column("drift", Kind.RATIO, "weight - target; null as weight", nullable=True),
        Column("band", Kind.RATIO, "allowed drift either way"),
        Column("breached", Kind.BOOLEAN, "drift beyond band"),
        Column("currency", Kind.TEXT, "of value"),
    ),
    key=("book", "security_id"),
)

REBALANCE_PLAN = Contract(
    "portfolio",
    "rebalance_plan",
    "The trades of each book's last plan (ops.rebalance_plans). A proposal: nothing here is an order.",
    (
        Column("plan_id", Kind.TEXT, "ops.rebalance_plans; derived from content: same facts, same plan"),
        Column("book", Kind.TEXT, "the book"),
        Column("account_id", Kind.TEXT, "where the trade would be made"),
        Column("symbol", Kind.TEXT, "what is traded"),
        Column("side", Kind.TEXT, "direction", allowed=("buy", "sell")),
        Column("quantity", Kind.QUANTITY, "units", minimum=Decimal(0)),
        Column("price", Kind.PRICE, "the price it is planned at"),
        Column("notional", Kind.MONEY, "quantity x price, positive", minimum=Decimal(0)),
        Column("currency", Kind.TEXT, "of price and notional"),
        Column("tax", Kind.MONEY, "expected tax on what is known of its gain; negative = saved"),
        Column("weight_before", Kind.RATIO, "share of its part before"),
        Column("weight_after", Kind.RATIO, "share if all trades fill at the planned price"),
        Column("target", Kind.RATIO, "wanted share"),
        Column("reason", Kind.TEXT, "why, in words"),
        Column("planned_on", Kind.DATE, "day of the prices"),
    ),
    key=("plan_id", "symbol"),
)

BACKTESTS = Contract(
    "portfolio",
    "backtests",
    "What each strategy of a book's file would have come to on the lake's own bars: one row per set of parameters.",
    (
        Column("backtest", Kind.TEXT, "book, name and swept parameters; the partition"),
        Column("book", Kind.TEXT, "the book"),
        Column("name", Kind.TEXT, "as the book's file calls it"),
        Column("strategy", Kind.TEXT, "manna.portfolio.strategies"),
        Column("parameters", Kind.TEXT, "of the strategy (JSON)"),
        Column("first", Kind.DATE, "first day"),
        Column("last", Kind.DATE, "last day"),
        Column("currency", Kind.TEXT, "of all money"),
        Column("final_value", Kind.MONEY, "at the last close"),
        Column("total_return", Kind.RATIO, "of the whole span"),
        Column(
            "annual_return", Kind.RATIO, "compound rate per year; null for less than a year", nullable=True
        ),
        Column("volatility", Kind.RATIO, "standard deviation per year", nullable=True),
        Column("sharpe", Kind.RATIO, "mean return over standard deviation, per year", nullable=True),
        Column("sortino", Kind.RATIO, "mean return over downside deviation, per year", nullable=True),
        Column("calmar", Kind.RATIO, "annual_return over the depth of the deepest fall", nullable=True),
        Column("max_drawdown", Kind.RATIO, "deepest fall, zero or negative"),
        Column("value_at_risk", Kind.RATIO, "return that one day in twenty falls short of", nullable=True),
        Column("contributions", Kind.MONEY, "put in after the beginning; negative: taken out"),
        Column("trades", Kind.INTEGER, "rebalancings", minimum=0),
        Column("turnover", Kind.RATIO, "half of what was traded over the value before, per year"),
        Column("costs", Kind.MONEY, "of all trades, slippage included"),
        Column("benchmark", Kind.TEXT, "symbol bought and held", nullable=True),
        Column("benchmark_return", Kind.RATIO, "of the whole span, dividends included", nullable=True),
        Column("benchmark_volatility", Kind.RATIO, "standard deviation per year", nullable=True),
        Column("benchmark_max_drawdown", Kind.RATIO, "deepest fall, zero or negative", nullable=True),
        Column("beta", Kind.RATIO, "against the benchmark", nullable=True),
        Column("alpha", Kind.RATIO, "Jensen's, per year", nullable=True),
        Column("tracking_error", Kind.RATIO, "standard deviation of the difference, per year", nullable=True),
        Column("information_ratio", Kind.RATIO, "mean difference over tracking_error", nullable=True),
        Column("notes", Kind.TEXT, "what could not be told of the market", nullable=True),
    ),
    key=("backtest",),
)

BACKTEST_DAYS = Contract(
    "portfolio",
    "backtest_days",
    "Each backtest day by day.",
    (
        Column("backtest", Kind.TEXT, "portfolio.backtests", references="portfolio.backtests"),
        Column("book", Kind.TEXT, "the book"),
        Column("date", Kind.DATE, "market day"),
        Column("value", Kind.MONEY, "of everything at the close"),
        Column("cash", Kind.MONEY, "part of it that is money"),
        Column(
            "benchmark",
            Kind.MONEY,
            "what the same capital and contributions would be worth there",
            nullable=True,
        ),
        Column("drawdown", Kind.RATIO, "below the highest value so far, zero or negative"),
        Column("currency", Kind.TEXT, "of value, cash and benchmark"),
    ),
    key=("backtest", "date"),
)

TABLES = (VALUATIONS, DRIFT, REBALANCE_PLAN, BACKTESTS, BACKTEST_DAYS)
