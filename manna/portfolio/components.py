"""What each position earned each day: the parts of a change in value, from postings and valuations.

What belongs here: one row per position and day, in the position's currency. What does not: currencies, scopes and
rates of return (:mod:`performance`).

The ledger carries a position at cost; ``change`` is what its postings of the day add to that. Of this change income,
fees and realized gains are known from the accounts on the other side of the entry, and what is left is a flow: money
or securities that came from elsewhere, be it another position. What the value changed beyond ``change`` is unrealized.
So the parts sum to the change in value by construction, and flows between positions cancel out in any sum of them.
"""

from collections.abc import Iterable

import polars as pl

from manna.contracts.declaration import Kind
from manna.ledger import chart
from manna.money import round_money_expr

POSITION = ["account_id", "security_id", "currency"]
MONEY = Kind.MONEY.polars
PARTS = ("flows", "income", "fees", "realized", "unrealized")
AMOUNTS = ("opening", *PARTS, "joined", "closing")
"""``joined`` is the part of the flows that came in at the day's end, by getting its first price: it earned nothing."""

_INVESTING = ("investment", "brokerage")
_ROLES = {
    "income": (chart.DIVIDENDS, chart.INTEREST, chart.MARGIN_INTEREST),
    "fees": (chart.BROKERAGE_FEES,),
    "realized": (chart.CAPITAL_GAINS,),
}
_PAID_IN = (chart.RETIREMENT_CONTRIBUTIONS,)
"""Shares that were bought with money from outside: what was paid is the flow, whatever they close at."""


def components(
    postings: pl.DataFrame,
    journal: pl.DataFrame,
    trades: pl.DataFrame,
    valuations: pl.DataFrame,
    accounts: pl.DataFrame,
) -> pl.DataFrame:
    """Every position on every day on which it was held, moved, or earned something.

    A position without a price is not measured: what happens to it is left out, and on the first day it has a price it
    comes in at its value, as a flow. Securities that come or go without money (openings, transfers in kind) are flows
    at market, at the price of their day or the last one before; exchanges of one security for another in one account
    are flows between the two, at cost.

    Args:
        postings: ``ledger.postings`` of one book.
        journal: ``ledger.journal``, for the source of each entry.
        trades: ``clean.trades``, for what dividends were paid on.
        valuations: ``portfolio.valuations`` of that book; its last day is the last one measured.
        accounts: ``clean.accounts``, for which are investment accounts.

    Returns:
        account_id, security_id, currency, date, :data:`AMOUNTS`, ``unpriced`` and ``price_date``.
    """
    last = valuations["date"].max()
    investing = accounts.filter(pl.col("type").is_in(_INVESTING))["account_id"].unique()
    lines = postings.filter(pl.col("date") <= last, pl.col("account_id").is_in(investing.implode()))
    lines = lines.with_columns(security_id=_position("security_id"))
    rest = postings.join(lines.select("entry_id").unique(), on="entry_id", how="semi").join(
        lines.select("posting_id"), on="posting_id", how="anti"
    )
    entries = _results(lines, rest)
    subjects = _subjects(lines, journal, trades)
    changed = lines.group_by([*POSITION, "date"]).agg(change=pl.col("amount").sum())
    earned = entries.join(subjects, on=["entry_id", "currency"]).group_by([*POSITION, "date"])
    moved = changed.join(
        earned.agg(pl.col("income", "fees", "realized").sum()),
        on=[*POSITION, "date"],
        how="full",
        coalesce=True,
    ).join(_beyond_cost(lines, rest, valuations), on=[*POSITION, "date"], how="left")
    sums = pl.col("change", "income", "fees", "realized", "beyond").fill_null(0).cast(MONEY)
    return _measured(moved.with_columns(sums), valuations)


def _position(security: str) -> pl.Expr:
    return pl.coalesce(security, pl.concat_str(pl.lit("CUR:"), "currency"))


def _results(lines: pl.DataFrame, rest: pl.DataFrame) -> pl.DataFrame:
    """Per entry and currency: income, fees (negative) and realized gains, from the lines that are no positions."""
    role = pl.lit(None, pl.String)
    for name, accounts in _ROLES.items():
        its = [account for each in accounts for account in (each, chart.SHELTERED.get(each, each))]
        role = pl.when(pl.col("account").is_in(its)).then(pl.lit(name)).otherwise(role)
    told = rest.with_columns(role=pl.when(_sold(lines)).then(pl.lit("realized")).otherwise(role))
    sums = [(-pl.col("amount")).filter(pl.col("role") == name).sum().alias(name) for name in _ROLES]
    return told.filter(pl.col("role").is_not_null()).group_by("entry_id", "currency").agg(sums)


def _sold(lines: pl.DataFrame) -> pl.Expr:
    """What goes of a lot of unknown basis is realized against what the ledger carried; what arrives is a flow."""
    arrives = lines.filter(pl.col("quantity") > 0)["entry_id"].unique()
    return (pl.col("account") == chart.UNKNOWN_BASIS) & ~pl.col("entry_id").is_in(arrives.implode())


def _subjects(lines: pl.DataFrame, journal: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """Which position the results of an entry are of: what the trade is about, else the first security, else money."""
    about = journal.select("entry_id", trade_id="source_id").join(
        trades.select("trade_id", about="security_id").drop_nulls(), on="trade_id"
    )
    is_money = pl.col("security_id").str.starts_with("CUR:")
    first = lines.sort(is_money, "posting_id").unique(
        ["entry_id", "currency"], keep="first", maintain_order=True
    )
    found = first.join(about.select("entry_id", "about"), on="entry_id", how="left")
    money = pl.concat_str(pl.lit("CUR:"), "currency")
    named = pl.when(pl.col("about").str.starts_with("CUR:")).then(money).otherwise("about")
    return found.select(
        "entry_id", "currency", "account_id", "date", security_id=pl.coalesce(named, "security_id")
    )


def in_kind(lines: pl.DataFrame, rest: pl.DataFrame) -> pl.DataFrame:
    """Lines of securities that came or went without money: openings, transfers in kind; not contributions or exchanges."""
    with_money = lines.filter(pl.col("security_id").str.starts_with("CUR:"))["entry_id"].unique()
    results = [a for its in _ROLES.values() for a in its]
    outside = rest.filter(
        ~pl.col("account").is_in([*_PAID_IN, *results, *chart.SHELTERED.values()]) & ~_sold(lines)
    )
    moved = lines.filter((pl.col("quantity") != 0) & ~pl.col("security_id").str.starts_with("CUR:"))
    moved = moved.filter(~pl.col("entry_id").is_in(with_money.implode()))
    moved = moved.join(outside.select("entry_id").unique(), on="entry_id", how="semi")
    # An exchange: several securities of one account pass through the way, and leave nothing on it.
    way = (
        outside.filter(pl.col("account") == chart.IN_TRANSIT)
        .group_by("entry_id")
        .agg(way=pl.col("amount").sum())
    )
    passing = moved.join(way, on="entry_id").unique("entry_id").select("entry_id", "way")
    passing = passing.join(
        moved.select("entry_id", "account_id", "date", "security_id").unique(), on="entry_id"
    )
    exchanged = passing.group_by("account_id", "date").agg(
        pl.col("way").sum(), pl.col("security_id").n_unique().alias("several"), "entry_id"
    )
    exchanged = (
        exchanged.filter((pl.col("way") == 0) & (pl.col("several") > 1))
        .select("entry_id")
        .explode("entry_id")
    )
    return moved.join(exchanged, on="entry_id", how="anti")


def _beyond_cost(lines: pl.DataFrame, rest: pl.DataFrame, valuations: pl.DataFrame) -> pl.DataFrame:
    """What moved in kind at market less what the ledger moved: ``beyond``, by position and day."""
    moved = in_kind(lines, rest)
    prices = valuations.filter(pl.col("price").is_not_null()).select(
        "security_id", "currency", "date", "price"
    )
    prices = prices.unique(["security_id", "currency", "date"], keep="any").sort("date")
    moved = moved.select(*POSITION, "date", "amount", "quantity").sort("date")
    priced = moved.join_asof(prices, on="date", by=["security_id", "currency"], check_sortedness=False)
    beyond = (worth("quantity", moved["currency"].unique()) - pl.col("amount")).fill_null(0)
    return priced.group_by([*POSITION, "date"]).agg(beyond=beyond.sum())


def worth(quantity: str, currencies: Iterable[str]) -> pl.Expr:
    """That column x ``price`` as money, without loss before it is rounded."""
    exact = pl.col(quantity).cast(pl.Decimal(38, 18)) * pl.col("price")
    found = pl.lit(None).cast(pl.Decimal(38, 18))
    for currency in sorted(currencies):
        found = (
            pl.when(pl.col("currency") == currency).then(round_money_expr(exact, currency)).otherwise(found)
        )
    return found.cast(MONEY)


def _measured(moved: pl.DataFrame, valuations: pl.DataFrame) -> pl.DataFrame:
    """With the values before and after each day; parts of what has no value on one of them are left out."""
    key = [*POSITION, "date"]
    after = valuations.select(*key, "value", "price_date", after=pl.lit(True))
    before = valuations.select(
        *POSITION, pl.col("date").dt.offset_by("1d"), value_before="value", before=pl.lit(True)
    ).filter(pl.col("date") <= valuations["date"].max())
    rows = after.join(before, on=key, how="full", coalesce=True).join(
        moved, on=key, how="full", coalesce=True
    )
    rows = rows.with_columns(
        pl.col("change", "income", "fees", "realized", "beyond").fill_null(0),
        is_lost=pl.col("before").is_not_null() & pl.col("value_before").is_null(),
        unpriced=pl.col("after").is_not_null() & pl.col("value").is_null(),
        opening=pl.col("value_before").fill_null(0),
        closing=pl.col("value").fill_null(0),
    )
    measured = ~(pl.col("is_lost") | pl.col("unpriced"))
    own = pl.col("change") - pl.col("income") - pl.col("fees") - pl.col("realized") + pl.col("beyond")
    worth = pl.col("closing") - pl.col("opening")
    rows = rows.with_columns(
        flows=pl.when(measured).then(own).otherwise(worth),
        joined=pl.when(measured).then(0).otherwise(worth),
        **{name: pl.when(measured).then(name).otherwise(0) for name in ("income", "fees", "realized")},
        unrealized=pl.when(measured).then(worth - pl.col("change") - pl.col("beyond")).otherwise(0),
    )
    amounts = [pl.col(name).cast(MONEY) for name in AMOUNTS]
    return rows.select(*key, *amounts, "unpriced", "price_date").sort(key)
