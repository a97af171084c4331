"""What the investments earned day by day: the book, its accounts, its classes of assets, its holdings.

What belongs here: one table of days, with the parts of each change in value and the day's time-weighted return. What
does not: what a position earned (:mod:`components`), longer spans (:mod:`spans`), or risk (:mod:`exposure`).

A flow moves at its day: what comes in, before anything is earned that day, so that a purchase earns from its own day
on; what goes out, after it; and a position that gets its first price, at the day's end, for it is not known to have
earned anything. A day's return is what was earned over the opening value and what came in. Where that is
not above zero, or the opening value is below it, there is no return: the chain is broken there, and says so.

Source: GIPS 2020, 2.A.2 and glossary "time-weighted return"; the split of a day's flows is that of Portfolio
Performance's manual ("True time-weighted rate of return").
"""

from datetime import date

import polars as pl

from manna.books import Book
from manna.contracts.performance import PERFORMANCE
from manna.portfolio.components import AMOUNTS, MONEY, PARTS, components
from manna.portfolio.in_transit import ON_THE_WAY, in_transit

STALE_AFTER_DAYS = 7
"""A price that is this much older than its day is counted as stale."""

UNCLASSED, CASH = "other", "cash"
_RATE = pl.Decimal(38, 12)
_MOST = 1e9
"""A return beyond this is no return: next to nothing was at work."""
_AT_THE_DAY = ("flows", "income", "fees", "realized", "joined", "closing")
_AMOUNTS = ("opening", *PARTS, "currency_effect", "closing")


def performance(
    book: Book,
    *,
    postings: pl.DataFrame,
    journal: pl.DataFrame,
    trades: pl.DataFrame,
    transfers: pl.DataFrame,
    valuations: pl.DataFrame,
    accounts: pl.DataFrame,
    securities: pl.DataFrame,
) -> pl.DataFrame:
    """``portfolio.performance`` of one book, all days anew.

    Transfers between own investment accounts are flows of each account and none of the book; money and securities that
    are on their way are the book's on those days. Amounts in another currency are at the rates of the book's file; a
    position whose currency has no rate is left out like one without a price.

    Args:
        book: for its currency, rates and classes of assets.
        postings, journal, trades, valuations, accounts: see :func:`manna.portfolio.components.components`.
        transfers: ``categorized.transfers``.
        securities: ``clean.securities``, for their types.
    """
    if valuations.is_empty():
        return PERFORMANCE.empty()
    rates = exchange_rates(book, valuations)
    valuations = _with_rates_only(book, valuations, rates)
    found = components(postings, journal, trades, valuations, accounts)
    way = in_transit(postings, journal, transfers, valuations, accounts)
    daily = _translated(book, pl.concat([found, way]), rates)
    classes = asset_classes(book, securities)
    daily = daily.join(classes, on="security_id", how="left").with_columns(
        pl.when(pl.col("security_id").str.starts_with("CUR:"))
        .then(pl.lit(CASH))
        .otherwise(pl.col("class").fill_null(UNCLASSED))
        .alias("class")
    )
    at_home = daily.filter(pl.col("account_id") != ON_THE_WAY)
    scopes = [
        _summed(daily, "book", pl.lit(book.id)),
        _summed(at_home, "account", pl.col("account_id")),
        _summed(daily, "class", pl.col("class")),
        _summed(daily, "holding", pl.col("security_id")),
    ]
    made = with_returns(pl.concat(scopes)).with_columns(book=pl.lit(book.id), currency=pl.lit(book.currency))
    return PERFORMANCE.conform(made.sort("scope", "name", "date"))


def asset_classes(book: Book, securities: pl.DataFrame) -> pl.DataFrame:
    """``security_id, class``: as the book says, else money, else the provider's type."""
    said = book.performance.class_of()
    rows = securities.select("security_id", "symbol", "name", "type", "is_cash").unique("security_id")
    named = pl.coalesce(
        pl.col(column).replace_strict(said, default=None, return_dtype=pl.String)
        for column in ("symbol", "name", "security_id")
    )
    money = pl.when("is_cash").then(pl.lit(CASH))
    return rows.select("security_id", pl.coalesce(named, money, "type", pl.lit(UNCLASSED)).alias("class"))


def exchange_rates(book: Book, valuations: pl.DataFrame) -> pl.DataFrame:
    """``currency, date, rate`` of the book's currency, of every currency that has one; also of the day before the first."""
    foreign = sorted(set(valuations["currency"].unique()) - {book.currency})
    first, last = valuations["date"].min(), valuations["date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    days = pl.date_range(first, last, eager=True).dt.offset_by("-1d").append(pl.Series([last]))
    rows = [(currency, day, book.rate(currency, day)[0]) for currency in foreign for day in days]
    schema = {"currency": pl.String(), "date": pl.Date(), "rate": _RATE}
    return pl.DataFrame(rows, schema=schema, orient="row").drop_nulls()


def _with_rates_only(book: Book, valuations: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Without a rate a value cannot be summed: it is unknown."""
    if rates.is_empty() and valuations["currency"].unique().to_list() == [book.currency]:
        return valuations
    rated = valuations.join(rates, on=["currency", "date"], how="left", maintain_order="left")
    own = (pl.col("currency") == book.currency) | pl.col("rate").is_not_null()
    return rated.with_columns(value=pl.when(own).then("value")).drop("rate")


def _translated(book: Book, daily: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """In the book's currency: a day's parts at its own rate, and what the change of rate did to the opening value.

    What has no rate is nothing here, and counted as unpriced.

    Source: Bacon (2008), chapter 6: the change of the rate on the opening value is the currency's, the rest the market's.
    """
    nothing = pl.lit(0).cast(MONEY)
    if rates.is_empty():
        own_money = pl.when(pl.col("currency") == book.currency).then(pl.col(AMOUNTS)).otherwise(nothing)
        return daily.with_columns(own_money, currency_effect=nothing)
    own = pl.lit(1).cast(_RATE)
    dated = daily.join(rates, on=["currency", "date"], how="left", maintain_order="left")
    before = rates.with_columns(pl.col("date").dt.offset_by("1d")).rename({"rate": "rate_before"})
    dated = dated.join(before, on=["currency", "date"], how="left", maintain_order="left")
    is_own = pl.col("currency") == book.currency
    dated = dated.with_columns(
        rate=pl.when(is_own).then(own).otherwise(pl.col("rate").fill_null(0)),
        was=pl.when(is_own).then(own).otherwise(pl.coalesce("rate_before", "rate").fill_null(0)),
    )

    def at(name: str, rate: str) -> pl.Expr:
        exact = pl.col(name).cast(pl.Decimal(38, 12)) * pl.col(rate)
        return exact.round(4, mode="half_to_even").cast(MONEY)

    worth = dated.with_columns(
        *(at(name, "rate").alias(f"_{name}") for name in _AT_THE_DAY),
        _opening=at("opening", "was"),
        currency_effect=at("opening", "rate") - at("opening", "was"),
    )
    rest = pl.col("_closing") - pl.sum_horizontal(
        "_opening", "_flows", "_income", "_fees", "_realized", "currency_effect"
    )
    same = {name: pl.col(f"_{name}") for name in ("opening", *_AT_THE_DAY)}
    return worth.with_columns(unrealized=rest.cast(MONEY), **same).select(
        *daily.columns, pl.col("currency_effect").cast(MONEY)
    )


def _summed(daily: pl.DataFrame, scope: str, name: pl.Expr) -> pl.DataFrame:
    stale = (pl.col("date") - pl.col("price_date")) > pl.duration(days=STALE_AFTER_DAYS)
    return (
        daily.group_by(name.alias("name"), "date")
        .agg(
            pl.col(*_AMOUNTS, "joined").sum(),
            unpriced=pl.col("unpriced").fill_null(False).sum(),
            stale=stale.fill_null(False).sum(),
        )
        .with_columns(scope=pl.lit(scope))
    )


def with_returns(days: pl.DataFrame) -> pl.DataFrame:
    """``days`` with at_work, day_return and reason; days on which nothing was there and nothing moved are left out."""
    moving = pl.any_horizontal(pl.col(name) != 0 for name in _AMOUNTS)
    came = pl.max_horizontal(pl.col("flows") - pl.col("joined"), pl.lit(0).cast(MONEY))
    found = days.filter(moving).with_columns(
        at_work=(pl.col("opening") + came).cast(MONEY),
        earned=pl.col("closing") - pl.col("opening") - pl.col("flows"),
    )
    is_nothing = (pl.col("earned") == 0) & (pl.col("opening") == 0)
    broken = (
        pl.when(pl.col("opening") < 0)
        .then(pl.lit("the opening value is below zero"))
        .when(is_nothing)
        .then(None)
        .when(pl.col("at_work") <= 0)
        .then(pl.lit("nothing was at work"))
        .when(rate().abs() > _MOST)
        .then(pl.lit("next to nothing was at work"))
    )
    found = found.with_columns(reason=broken)
    known = pl.when(is_nothing).then(0.0).otherwise(rate())
    return found.with_columns(day_return=pl.when(pl.col("reason").is_null()).then(known).round(8)).drop(
        "earned", "joined"
    )


def rate() -> pl.Expr:
    """A day's return without the rounding of its column."""
    earned = pl.col("closing") - pl.col("opening") - pl.col("flows")
    return earned.cast(pl.Float64) / pl.col("at_work").cast(pl.Float64)


def exact_return() -> pl.Expr:
    """``day_return``, unrounded: null where the chain is broken."""
    known = pl.when(pl.col("day_return") == 0).then(0.0).otherwise(rate())
    return pl.when(pl.col("day_return").is_not_null()).then(known)
