"""Daily valuations: quantities from the ledger, prices from the market, else from the institution.

What belongs here: what a position was and what it was worth on a day. What does not: where prices come
from, and what is done with the values (:mod:`drift`, :mod:`manna.statements`).
"""

from datetime import date
from decimal import Decimal

import polars as pl

from manna.contracts.portfolio import VALUATIONS
from manna.money import round_money_expr

BAR_CURRENCY = "USD"
"""Bars are of United States markets: the same ticker in another currency is another listing."""

STALE_AFTER_DAYS = 7
"""A bar that is this much older than the institution's price gives way to it (delisted, halted)."""

SPLIT_BOOKED_WITHIN_DAYS = 7
"""How far from its ex date an institution may book a split that still is that split."""

_POSITION = ["book", "account_id", "security_id", "currency"]
_INVESTMENT_TYPES = ("investment", "brokerage")


def valuations(
    *,
    postings: pl.DataFrame,
    lots: pl.DataFrame,
    accounts: pl.DataFrame,
    securities: pl.DataFrame,
    bars: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    holdings: pl.DataFrame,
    first: date,
    last: date,
) -> pl.DataFrame:
    """Every position that is not zero, on every calendar day from ``first`` to ``last``.

    Quantity and cost are running sums of the ledger; cost is null while the position holds any of a lot
    of unknown basis. Cash of an investment account is the security ``CUR:<currency>`` at par.

    The price is the raw close of the last market day; where there is none, or the institution's is more
    than a week newer, the institution's, from its own day on and never before. A position without a price
    has source ``missing`` and no value. Nothing is converted: a price in another currency than that of
    the position's cost is no price.

    A split counts from its ex date, on which the price changes too, though the institution may have booked
    it some days off (else a position would be worth a multiple or a fraction for those days), and a price
    carried over the ex date is divided by the ratio.

    Args:
        postings: ``ledger.postings`` since the first, of any number of books.
        lots: ``ledger.lots``, for which bases are unknown.
        accounts: ``clean.accounts``, for which are investment accounts: only their cash is a position.
        securities: ``clean.securities``.
        bars: ``clean.bars``, from before ``first`` on.
        corporate_actions: ``clean.corporate_actions``.
        holdings: ``clean.holdings``, for the institution's prices.
        first: first day, inclusive.
        last: last day, inclusive.

    Returns:
        ``portfolio.valuations``, by account, security and day; value in the currency's minor unit.

    Raises:
        ValueError: ``last`` lies before ``first``.
    """
    if last < first:
        raise ValueError(f"no days from {first} to {last}")
    changes = _on_ex_date(_changes(postings, lots, accounts), securities, corporate_actions)
    held = _daily_positions(changes, first, last)
    held = _with_security(held, securities).sort("date")
    splits = _split_factors(corporate_actions)
    in_dollars = (pl.col("priced_in") == BAR_CURRENCY) & (pl.col("currency") == BAR_CURRENCY)
    market = _last_price(held.filter(in_dollars), _market_prices(bars), ["symbol"], splits, "bar")
    told = _last_price(held, _institution_prices(holdings), _POSITION[1:], splits, "institution")
    for prices in (market, told):
        held = held.join(prices, on=[*_POSITION, "date"], how="left")
    return VALUATIONS.conform(_valued(_chosen(held)).sort([*_POSITION, "date"]))


def _changes(postings: pl.DataFrame, lots: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Movements of every position: quantity, cost, and quantity of lots whose basis is unknown."""
    kept = postings.filter(pl.col("account_id").is_not_null())
    investing = accounts.filter(pl.col("type").is_in(_INVESTMENT_TYPES))["account_id"].unique()
    is_security = pl.col("security_id").is_not_null()
    unknown = lots.filter(pl.col("cost").is_null())["lot_id"].unique()
    quantity = pl.col("quantity").fill_null(0)
    cash = kept.filter(~is_security & pl.col("account_id").is_in(investing.implode())).select(
        "book",
        "account_id",
        pl.concat_str(pl.lit("CUR:"), "currency").alias("security_id"),
        "currency",
        "date",
        quantity=pl.col("amount").cast(VALUATIONS.polars_schema["quantity"]),
        cost=pl.col("amount"),
        unknown=pl.lit(0).cast(VALUATIONS.polars_schema["quantity"]),
    )
    securities = kept.filter(is_security).select(
        *_POSITION,
        "date",
        quantity=quantity,
        cost=pl.col("amount"),
        unknown=pl.when(pl.col("lot_id").is_in(unknown.implode())).then(quantity).otherwise(0),
    )
    return pl.concat([cash, securities], how="vertical_relaxed")


def _on_ex_date(
    changes: pl.DataFrame, securities: pl.DataFrame, corporate_actions: pl.DataFrame
) -> pl.DataFrame:
    """Splits booked some days off their ex date, moved to it.

    Such a split is units without cost, near the ex date of a split of the symbol, whose number is what
    that ratio adds to the position held before, but for less than one unit (paid out as cash).
    """
    key = [*_POSITION, "date"]
    splits = _splits(corporate_actions).select("symbol", "ex_date", "ratio")
    symbols = securities.select("security_id", "symbol").unique("security_id")
    free = changes.filter((pl.col("cost") == 0) & (pl.col("quantity") != 0))
    added = free.group_by(key).agg(added=pl.col("quantity").sum()).join(symbols, on="security_id")
    off = (pl.col("ex_date") - pl.col("date")).dt.total_days().abs()
    near = added.join(splits, on="symbol").filter(off.is_between(1, SPLIT_BOOKED_WITHIN_DAYS))
    if near.is_empty():
        return changes
    before = near.join(changes, on=_POSITION, suffix="_before").filter(pl.col("date_before") < pl.col("date"))
    held = before.group_by([*key, "ex_date", "ratio", "added"]).agg(held=pl.col("quantity").sum())
    rest = pl.col("held") * (pl.col("ratio") - 1) - pl.col("added")
    moved = held.filter(rest.abs() < 1).sort("ex_date").unique(key, keep="first", maintain_order=True)
    found = changes.join(moved.select(*key, "ex_date"), on=key, how="left")
    is_split = pl.col("ex_date").is_not_null() & (pl.col("cost") == 0)
    return found.with_columns(date=pl.when(is_split).then("ex_date").otherwise("date")).drop("ex_date")


def _daily_positions(changes: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Running sums on every day; what moved before ``first`` is the first day's opening."""
    moved = changes.filter(pl.col("date") <= last).with_columns(pl.col("date").clip(lower_bound=first))
    moved = moved.group_by([*_POSITION, "date"]).agg(pl.col("quantity", "cost", "unknown").sum())
    days = pl.date_range(first, last, eager=True).alias("date").to_frame()
    grid = moved.select(_POSITION).unique().join(days, how="cross")
    daily = grid.join(moved, on=[*_POSITION, "date"], how="left").sort([*_POSITION, "date"])
    sums = pl.col("quantity", "cost", "unknown").fill_null(0).cum_sum().over(_POSITION)
    return daily.with_columns(sums).filter(pl.col("quantity") != 0)


def _with_security(held: pl.DataFrame, securities: pl.DataFrame) -> pl.DataFrame:
    known = securities.select("security_id", "symbol", "is_cash", priced_in="currency").unique("security_id")
    held = held.join(known, on="security_id", how="left")
    own = pl.col("security_id") == pl.concat_str(pl.lit("CUR:"), "currency")
    sweep = pl.col("is_cash").fill_null(False) & (pl.col("priced_in") == pl.col("currency"))
    return held.with_columns(at_par=own | sweep.fill_null(False))


def _market_prices(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.select("symbol", "date", price="close")


def _institution_prices(holdings: pl.DataFrame) -> pl.DataFrame:
    """One price per position and day of price; told twice, the later word counts."""
    key = ["account_id", "security_id", "currency", "date"]
    day = pl.coalesce("price_as_of", "as_of").alias("date")
    told = holdings.sort("as_of").with_columns(day).unique(key, keep="last", maintain_order=True)
    return told.select(*key, "price")


def _splits(corporate_actions: pl.DataFrame) -> pl.DataFrame:
    return corporate_actions.filter((pl.col("kind") == "split") & (pl.col("ratio") > 0))


def _split_factors(corporate_actions: pl.DataFrame) -> pl.DataFrame:
    """Product of all split ratios up to each ex date: ``symbol, date, factor``."""
    running: dict[str, Decimal] = {}
    rows = []
    splits = _splits(corporate_actions).sort("ex_date").select("symbol", "ex_date", "ratio")
    for symbol, day, ratio in splits.iter_rows():
        running[symbol] = running.get(symbol, Decimal(1)) * ratio
        rows.append((symbol, day, running[symbol]))
    schema = {"symbol": pl.String(), "date": pl.Date(), "factor": pl.Decimal(38, 12)}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(["symbol", "date"], keep="last")


def _last_price(
    held: pl.DataFrame, prices: pl.DataFrame, by: list[str], splits: pl.DataFrame, source: str
) -> pl.DataFrame:
    """The last price up to each day, in the day's shares: columns ``<source>`` and ``<source>_date``."""
    day = f"{source}_date"
    dated = prices.with_columns(pl.col("date").alias(day)).sort("date")
    found = _backward(held, dated, by).filter(pl.col("price").is_not_null())
    then = _backward(
        found.sort(day), splits.rename({"date": day, "factor": "then"}).sort(day), ["symbol"], day
    )
    both = _backward(then.sort("date"), splits.sort("date"), ["symbol"])
    now, then_factor = pl.col("factor").fill_null(1), pl.col("then").fill_null(1)
    price = pl.when(now == then_factor).then("price").otherwise(pl.col("price") * then_factor / now)
    return both.select(*_POSITION, "date", price.round(9, mode="half_to_even").alias(source), day)


def _backward(left: pl.DataFrame, right: pl.DataFrame, by: list[str], on: str = "date") -> pl.DataFrame:
    """As-of join; both sides come sorted by ``on`` (Polars cannot see that within groups, and warns)."""
    return left.join_asof(right, on=on, by=by, strategy="backward", check_sortedness=False)


def _chosen(held: pl.DataFrame) -> pl.DataFrame:
    """One price per position and day, with its day and source."""
    newer = (pl.col("institution_date") - pl.col("bar_date")) > pl.duration(days=STALE_AFTER_DAYS)
    source = (
        pl.when("at_par")
        .then(pl.lit("par"))
        .when(pl.col("bar").is_not_null() & ~newer.fill_null(False))
        .then(pl.lit("bar"))
        .when(pl.col("institution").is_not_null())
        .then(pl.lit("institution"))
        .otherwise(pl.lit("missing"))
    )
    is_from = {name: pl.col("price_source") == name for name in ("par", "bar", "institution")}
    one = pl.lit(1).cast(VALUATIONS.polars_schema["price"])
    price = pl.when(is_from["par"]).then(one).when(is_from["bar"]).then("bar")
    price_date = pl.when(is_from["par"]).then("date").when(is_from["bar"]).then("bar_date")
    return held.with_columns(price_source=source).with_columns(
        price=price.when(is_from["institution"]).then("institution"),
        price_date=price_date.when(is_from["institution"]).then("institution_date"),
    )


def _valued(held: pl.DataFrame) -> pl.DataFrame:
    """Value = quantity x price, multiplied without loss (18 decimals), then rounded as money."""
    exact = pl.col("quantity").cast(pl.Decimal(38, 18)) * pl.col("price")
    value = pl.lit(None).cast(pl.Decimal(38, 18))
    for currency in sorted(held["currency"].unique()):
        value = (
            pl.when(pl.col("currency") == currency).then(round_money_expr(exact, currency)).otherwise(value)
        )
    cost = pl.when(pl.col("unknown") == 0).then("cost")
    return held.with_columns(value=value, cost=cost)
