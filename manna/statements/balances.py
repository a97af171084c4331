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

ROOTS = ("Assets", "Liabilities", "Equity", "Income", "Expenses")
_CASH = r"^Assets:(Cash(:|$)|In Transit(:|$)|(.+:)?Cash$)"

OPERATING, INVESTING, FINANCING = "Operating activities", "Investing activities", "Financing activities"
OPENING = "Opening balances"
SECTION_OF_FLOW = (
    ("Assets:", INVESTING),
    ("Income:", OPERATING),
    ("Expenses:", OPERATING),
    ("Liabilities:Cards", OPERATING),
    ("Liabilities:Payable", OPERATING),
    ("Liabilities:Taxes", OPERATING),
    ("Liabilities:", FINANCING),
    ("Equity:Opening", OPENING),
    ("Equity:Suspense", OPERATING),
    ("Equity:", FINANCING),
)
"""Section of the cash flow statement by the counter account; the first prefix that fits decides."""


@dataclass(frozen=True, slots=True)
class MonthlyBalances:
    """What the six statements of one book are made from; amounts signed, positive = debit.

    Attributes:
        as_of: the last known day; an open month's figures stand on it.
        months: ``period, currency, since, day`` of every statement asked for: ``since`` is the first month
            in which the currency moved, ``day`` the month's end or ``as_of``.
        accounts: ``account, currency, period, amount, previous, year_to_date, opening, closing``, one row
            per account and month from the first posting to the last period.
        flows: ``account, currency, period, section, amount`` of what moved cash, positive = cash in.
        positions: ``account_id, security_id, currency, period, day, quantity, carrying``, as ``accounts``;
            ``carrying`` is what the ledger carries the position at.
    """

    as_of: date
    months: pl.DataFrame
    accounts: pl.DataFrame
    flows: pl.DataFrame
    positions: pl.DataFrame


def is_cash(account: pl.Expr) -> pl.Expr:
    """Whether an account of the chart is cash, by its path.

    Cash is what stands under ``Assets:Cash``, a broker's leaf ``:Cash``, and what is in transit between own
    accounts; the securities that a bank account may have on its leaf ``:Securities`` are not.
    """
    return account.str.contains(_CASH) & ~account.str.ends_with(":Securities")


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
    accounts = _accounts(known, months)
    return MonthlyBalances(
        as_of,
        _presented(book, accounts, wanted, as_of),
        accounts,
        _flows(known),
        _positions(known, months, as_of),
    )


def last_day(period: pl.Expr, as_of: date) -> pl.Expr:
    """The day a month's figures stand on: its end, or ``as_of`` while it is open."""
    return pl.min_horizontal(period.dt.month_end(), pl.lit(as_of))


def _accounts(known: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    key = ["account", "currency"]
    moved = known.group_by([*key, "period"]).agg(pl.col("amount").sum())
    closing = pl.col("amount").cum_sum().over(key)
    return _every_month(moved, key, months).with_columns(
        previous=pl.col("amount").shift(1).over(key).fill_null(0),
        year_to_date=pl.col("amount").cum_sum().over([*key, pl.col("period").dt.year()]),
        opening=closing - pl.col("amount"),
        closing=closing,
    )


def _positions(known: pl.DataFrame, months: pl.DataFrame, as_of: date) -> pl.DataFrame:
    key = ["account_id", "security_id", "currency"]
    held = known.filter(pl.col("security_id").is_not_null() & pl.col("account_id").is_not_null())
    moved = held.group_by([*key, "period"]).agg(pl.col("quantity").sum(), carrying=pl.col("amount").sum())
    return _every_month(moved, key, months).with_columns(
        pl.col("quantity", "carrying").cum_sum().over(key), day=last_day(pl.col("period"), as_of)
    )


def _every_month(moved: pl.DataFrame, key: list[str], months: pl.DataFrame) -> pl.DataFrame:
    """A row per key and month, zero where nothing moved, sorted so that running sums may follow."""
    grid = moved.select(key).unique().join(months, how="cross")
    filled = grid.join(moved, on=[*key, "period"], how="left").sort([*key, "period"])
    return filled.with_columns(pl.exclude(*key, "period").fill_null(0))


def flows_of(known: pl.DataFrame) -> pl.DataFrame:
    """The postings that explain what moved cash, each with its ``section`` of the cash flow statement.

    In an entry that touches cash, the other postings sum to the cash moved, negated: so they explain it
    without a remainder. Where one of them is a security, all of them are investing (the gain is part of
    the proceeds, the fee part of the price), as IAS 7.16 has it.

    Args:
        known: rows of ``ledger.postings``, whole entries.

    Returns:
        Those of them that are not cash in entries that touch it, with ``section``.
    """
    cash = known.filter(is_cash(pl.col("account"))).select("entry_id", "currency")
    counter = known.filter(~is_cash(pl.col("account"))).join(cash, on=["entry_id", "currency"], how="semi")
    traded = counter.filter(pl.col("security_id").is_not_null())["entry_id"].unique()
    section = pl.lit(INVESTING)
    for prefix, name in reversed(SECTION_OF_FLOW):
        section = pl.when(pl.col("account").str.starts_with(prefix)).then(pl.lit(name)).otherwise(section)
    sections = counter.select("account").unique().with_columns(section=section)
    of_trade = pl.col("entry_id").is_in(traded.implode())
    return counter.join(sections, on="account", how="left", maintain_order="left").with_columns(
        section=pl.when(of_trade).then(pl.lit(INVESTING)).otherwise("section")
    )


def _flows(known: pl.DataFrame) -> pl.DataFrame:
    key = ["account", "currency", "period", "section"]
    return flows_of(known).group_by(key).agg(amount=-pl.col("amount").sum())


def _presented(book: Book, accounts: pl.DataFrame, wanted: list[date], as_of: date) -> pl.DataFrame:
    """Each wanted month with the book's own currency and every other that has been used by then."""
    moved = accounts.filter(pl.col("amount") != 0).group_by("currency").agg(since=pl.col("period").min())
    own = pl.DataFrame({"currency": [book.currency]}).join(moved, on="currency", how="left")
    foreign = moved.filter(pl.col("currency") != book.currency)
    months = pl.Series("period", wanted).to_frame().join(pl.concat([own, foreign]), how="cross")
    is_own = pl.col("currency") == book.currency
    months = months.filter(is_own | (pl.col("since") <= pl.col("period")))
    return months.with_columns(day=last_day(pl.col("period"), as_of))
