"""Postings summed once, by account and month: the small tables every statement is made from.

What belongs here: the aggregation of postings and the running sums over months. A statement then costs
as much as there are accounts and months, however many postings there are. What does not: signs as
presented, sections, totals (:mod:`presentation` and the statements themselves).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from manna.books import Book
from manna.statements.flows import classed, flows_of, is_activity, without_cash

ROOTS = ("Assets", "Liabilities", "Equity", "Income", "Expenses")


@dataclass(frozen=True, slots=True)
class MonthlyBalances:
    """What the statements of one book are made from; amounts signed, positive = debit.

    Attributes:
        as_of: the last known day; an open month's figures stand on it.
        months: ``period, currency, since, day`` of every statement asked for: ``since`` is the first month
            in which the currency moved, ``day`` the month's end or ``as_of``.
        accounts: ``account, currency, period, amount, previous, year_to_date, previous_to_date, opening, closing``, one
            row per account and month from the first posting to the last period. ``previous`` and ``previous_to_date`` are
            ``amount`` and ``year_to_date`` of the month before, which in January is of the year before.
        flows: ``account, currency, section, line, period, amount, year_to_date`` of what moved cash, positive = cash in,
            as ``accounts``; ``line`` is what it stands as (:func:`manna.statements.flows.flows_of`).
        uncashed: ``account, currency, is_result, is_activity, period, amount, year_to_date`` of entries that moved none
            (:func:`manna.statements.flows.without_cash`), positive = debit, as ``accounts``.
        positions: ``account_id, security_id, currency, account, period, day, quantity, carrying``, as ``accounts``;
            ``carrying`` is what the ledger carries the position at, on ``account``.
    """

    as_of: date
    months: pl.DataFrame
    accounts: pl.DataFrame
    flows: pl.DataFrame
    uncashed: pl.DataFrame
    positions: pl.DataFrame


def root(account: pl.Expr) -> pl.Expr:
    """The first part of an account's path: Assets, Liabilities, Equity, Income or Expenses."""
    return account.str.split_exact(":", 1).struct.field("field_0")


def monthly_balances(
    book: Book, postings: pl.DataFrame, periods: Sequence[date], as_of: date
) -> MonthlyBalances:
    """Sum a book's postings for the statements of ``periods``.

    Args:
        postings: ``ledger.postings`` from the first one on; other books and days after ``as_of`` are left out.
        periods: first days of months, in any order.
        as_of: the last known day.

    Raises:
        ValueError: a period is not the first day of a month, lies after ``as_of``, or there is none.
    """
    wanted = sorted(set(periods))
    if not wanted or any(p.day != 1 or p > as_of for p in wanted):
        raise ValueError(
            f"periods must be first days of months up to {as_of}: {[p.isoformat() for p in wanted]}"
        )
    known = postings.filter((pl.col("book") == book.id) & (pl.col("date") <= as_of))
    known = known.with_columns(period=pl.col("date").dt.month_start())
    known = known.filter(pl.col("period") <= wanted[-1])
    first = min([wanted[0], *known["period"].unique().to_list()])
    months = pl.date_range(first, wanted[-1], "1mo", eager=True).alias("period").to_frame()
    known = known.select(
        "entry_id", "period", "account", "currency", "amount", "account_id", "security_id", "quantity"
    )
    accounts, known = _accounts(known, months), classed(known)
    return MonthlyBalances(
        as_of,
        _presented(book, accounts, wanted, as_of),
        accounts,
        _flows(known, months),
        _uncashed(known, months),
        _positions(known, months, as_of),
    )


def last_day(period: pl.Expr, as_of: date) -> pl.Expr:
    """The day a month's figures stand on: its end, or ``as_of`` while it is open."""
    return pl.min_horizontal(period.dt.month_end(), pl.lit(as_of))


def _accounts(known: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    key = ["account", "currency"]
    moved = known.group_by([*key, "period"]).agg(pl.col("amount").sum())
    closing = pl.col("amount").cum_sum().over(key)
    return _to_date(_every_month(moved, key, months), key).with_columns(
        previous=pl.col("amount").shift(1).over(key).fill_null(0),
        previous_to_date=pl.col("year_to_date").shift(1).over(key).fill_null(0),
        opening=closing - pl.col("amount"),
        closing=closing,
    )


def _positions(known: pl.DataFrame, months: pl.DataFrame, as_of: date) -> pl.DataFrame:
    key = ["account_id", "security_id", "currency"]
    held = known.filter(pl.col("security_id").is_not_null() & pl.col("account_id").is_not_null())
    moved = held.group_by([*key, "period"]).agg(pl.col("quantity").sum(), carrying=pl.col("amount").sum())
    stands = held.group_by(key).agg(pl.col("account").min())
    return (
        _every_month(moved, key, months)
        .with_columns(
            pl.col("quantity", "carrying").cum_sum().over(key), day=last_day(pl.col("period"), as_of)
        )
        .join(stands, on=key, how="left", maintain_order="left")
    )


def _every_month(moved: pl.DataFrame, key: list[str], months: pl.DataFrame) -> pl.DataFrame:
    """A row per key and month, zero where nothing moved, sorted so that running sums may follow."""
    grid = moved.select(key).unique().join(months, how="cross")
    filled = grid.join(moved, on=[*key, "period"], how="left").sort([*key, "period"])
    return filled.with_columns(pl.exclude(*key, "period").fill_null(0))


def _flows(known: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    key = ["account", "currency", "section", "line"]
    moved = flows_of(known).group_by([*key, "period"]).agg(amount=-pl.col("amount").sum())
    return _to_date(_every_month(moved, key, months), key)


def _uncashed(known: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    entries = without_cash(known)
    key = ["account", "currency", "is_result", "is_activity"]
    marked = entries.with_columns(is_activity=is_activity(entries))
    moved = marked.group_by([*key, "period"]).agg(pl.col("amount").sum())
    return _to_date(_every_month(moved, key, months), key)


def _to_date(moved: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """With ``year_to_date``, of rows in order of months."""
    year = pl.col("period").dt.year()
    return moved.with_columns(year_to_date=pl.col("amount").cum_sum().over([*key, year]))


def _presented(book: Book, accounts: pl.DataFrame, wanted: list[date], as_of: date) -> pl.DataFrame:
    """Each wanted month with the book's own currency and every other that has been used by then."""
    moved = accounts.filter(pl.col("amount") != 0).group_by("currency").agg(since=pl.col("period").min())
    own = pl.DataFrame({"currency": [book.currency]}).join(moved, on="currency", how="left")
    foreign = moved.filter(pl.col("currency") != book.currency)
    months = pl.Series("period", wanted).to_frame().join(pl.concat([own, foreign]), how="cross")
    is_own = pl.col("currency") == book.currency
    months = months.filter(is_own | (pl.col("since") <= pl.col("period")))
    return months.with_columns(day=last_day(pl.col("period"), as_of))
