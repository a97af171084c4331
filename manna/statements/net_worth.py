"""Net worth and allocation: the statements that need market values.

What belongs here: how the ledger's cost and the portfolio's valuations meet. What does not: prices
(:mod:`manna.portfolio.valuation`).
"""

import polars as pl

from manna.books import Book
from manna.contracts.reports import ALLOCATION, NET_WORTH
from manna.statements.balance import at_current_value, is_revaluation
from manna.statements.balances import MonthlyBalances, last_day, root

_POSITION = ["account_id", "security_id", "currency"]


def net_worth(book: Book, balances: MonthlyBalances, valuations: pl.DataFrame) -> pl.DataFrame:
    """Net worth at each month's end from the first posting to each period, an open month's as of today.

    ``unrealized`` is market value less the ledger's carrying amount, over every position that has a
    price, and what the book's file says of a household's houses and the like; one without a price stays at its carrying amount, which is said among the open items. So net
    worth is assets at market where there is one, whatever is known about the cost basis.

    Returns:
        ``reports.net_worth``: for each month in ``balances.months`` one row per month end up to it.

    Raises:
        ValueError: the valuations lack a position that the ledger holds (:func:`valued_positions`).
    """
    key = ["currency", "period"]
    by_section = balances.accounts.with_columns(section=root(pl.col("account")))
    owned, owed = (by_section.filter(pl.col("section") == name) for name in ("Assets", "Liabilities"))
    beyond = is_revaluation(book, pl.col("account"))
    gains = valued_positions(balances, valuations).with_columns(gain=pl.col("value") - pl.col("carrying"))
    gains = pl.concat(
        [gains.select(*key, "gain"), owned.filter(beyond).select(*key, gain="closing")],
        how="vertical_relaxed",
    )
    series = pl.concat([by_section.select(key), balances.months.select(key)]).unique()
    for part in (
        owned.filter(~beyond).group_by(key).agg(assets_at_cost=pl.col("closing").sum()),
        owed.group_by(key).agg(liabilities=-pl.col("closing").sum()),
        gains.group_by(key).agg(unrealized=pl.col("gain").sum()),
    ):
        series = series.join(part, on=key, how="left")
    series = series.rename({"period": "month"}).with_columns(
        pl.col("assets_at_cost", "liabilities", "unrealized").fill_null(0),
        as_of=last_day(pl.col("month"), balances.as_of),
    )
    series = series.with_columns(
        net_worth=pl.col("assets_at_cost") + pl.col("unrealized") - pl.col("liabilities")
    )
    rows = balances.months.select("period", "currency", "since").join(series, on="currency")
    in_series = pl.col("month").is_between(pl.col("since"), pl.col("period")).fill_null(False)
    rows = rows.filter(in_series | (pl.col("month") == pl.col("period")))
    ordered = rows.sort("period", pl.col("currency") != book.currency, "currency", "as_of")
    line = pl.int_range(pl.len()).over("period")
    return NET_WORTH.conform(ordered.with_columns(line=line, book=pl.lit(book.id)))


def allocation(
    book: Book, balances: MonthlyBalances, valuations: pl.DataFrame, securities: pl.DataFrame
) -> pl.DataFrame:
    """What the investments of the book consist of at each month's end, all accounts together.

    A position without a price is shown at the ledger's carrying amount, as in net worth. The cost of a
    security is unknown when that of any of its positions is. Weights are shares of the currency's sum
    (zero when that is zero), so they may be negative or above one where something is short.

    Returns:
        ``reports.allocation`` of every month in ``balances.months``, largest value first.
    """
    carried = balances.positions.select(*_POSITION, "day", "carrying")
    held = valuations.rename({"date": "day"}).join(balances.months, on=["day", "currency"])
    held = held.join(carried, on=[*_POSITION, "day"], how="left")
    held = held.with_columns(value=pl.coalesce("value", "carrying", pl.lit(0)))
    cost = pl.when(pl.col("cost").is_null().any()).then(None).otherwise(pl.col("cost").sum())
    rows = held.group_by("period", "currency", "security_id").agg(
        pl.col("quantity", "value").sum(), cost=cost
    )
    names = securities.select("security_id", "name").unique("security_id", keep="first", maintain_order=True)
    rows = rows.join(names, on="security_id", how="left").with_columns(
        name=pl.coalesce("name", _cash_name(), "security_id"),
        weight=_share(pl.col("value"), pl.col("value").sum().over("period", "currency")),
    )
    foreign = pl.col("currency") != book.currency
    ordered = rows.sort(
        "period", foreign, "currency", "value", "security_id", descending=[False, False, False, True, False]
    )
    line = pl.int_range(pl.len()).over("period")
    return ALLOCATION.conform(ordered.with_columns(line=line, book=pl.lit(book.id)))


def unrealized(book: Book, balances: MonthlyBalances, valuations: pl.DataFrame) -> pl.DataFrame:
    """Market value less carrying amount of each account's positions at each month's end; nothing in a firm's book.

    Returns:
        ``account, currency, period, unrealized``, where there is any.

    Raises:
        ValueError: see :func:`valued_positions`.
    """
    valued = valued_positions(balances, valuations).with_columns(gain=pl.col("value") - pl.col("carrying"))
    sums = valued.group_by("account", "currency", "period").agg(unrealized=pl.col("gain").sum())
    return sums.filter(pl.lit(at_current_value(book)), pl.col("unrealized") != 0)


def valued_positions(balances: MonthlyBalances, valuations: pl.DataFrame) -> pl.DataFrame:
    """Every position of the ledger at each month's end beside its market value (null without a price).

    Raises:
        ValueError: a held position has no row in the valuations on such a day. A missing *price* is a
            row with a null value; a missing row means that the valuations were made of other postings or
            other days, and a net worth made of them would silently be at cost.
    """
    market = valuations.select(*_POSITION, "value", day=pl.col("date"), found=pl.lit(True))
    held = balances.positions.filter((pl.col("quantity") != 0) | (pl.col("carrying") != 0))
    valued = held.join(market, on=[*_POSITION, "day"], how="left")
    lost = valued.filter((pl.col("quantity") != 0) & pl.col("found").is_null()).sort("day", *_POSITION)
    if not lost.is_empty():
        row = lost.row(0, named=True)
        raise ValueError(
            f"valuations lack {lost.height} positions of the ledger, "
            f"first {row['security_id']} in {row['account_id']} on {row['day']}"
        )
    return valued


def _share(value: pl.Expr, whole: pl.Expr) -> pl.Expr:
    share = value.cast(pl.Decimal(38, 8)) / whole
    return pl.when(whole != 0).then(share).otherwise(0)


def _cash_name() -> pl.Expr:
    code = pl.col("security_id").str.extract(r"^CUR:(.+)$")
    return pl.concat_str(pl.lit("Cash ("), code, pl.lit(")"))
