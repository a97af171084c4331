"""The trial balance: every account's balance before and after adjustments, and the proof that debits equal credits."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import EARLIER_RESULTS, TRIAL_BALANCE
from manna.statements.balances import ROOTS, MonthlyBalances, root
from manna.statements.income import is_result
from manna.statements.presentation import numbered, total

TOTAL = "Total"
_AMOUNTS = ("unadjusted_debit", "unadjusted_credit", "debit", "credit")


def trial_balance(book: Book, balances: MonthlyBalances, adjusting: pl.DataFrame) -> pl.DataFrame:
    """Every account with a balance at each month's end, on its side, and the total of both sides.

    Of the calendar year: income and expenses are those since 1 January, and what the years before came to stands in equity
    as one line, as if they had been closed into it; the ledger itself makes no closing entries. Unadjusted is the same
    without the adjusting entries of the year: those of the years before are part of what the year began with.

    Args:
        adjusting: postings of the book's adjusting entries (:func:`adjusting_postings`).

    Returns:
        ``reports.trial_balance`` of every month in ``balances.months``.
    """
    months, key = balances.months, ["account", "currency"]
    until = pl.col("period") <= pl.col("of")
    of_year = adjusting.join(months.select(of="period").unique(), how="cross").filter(
        until, pl.col("period").dt.year() == pl.col("of").dt.year()
    )
    adjusted = of_year.group_by(*key, period="of").agg(adjustment=pl.col("amount").sum())
    held = of_the_year(book, balances.accounts.join(months, on=["period", "currency"], how="semi"))
    standing = held.join(adjusted, on=[*key, "period"], how="left")
    before = pl.col("closing") - pl.col("adjustment").fill_null(0)
    ranks = {name: rank for rank, name in enumerate(ROOTS)}
    earlier = pl.col("account") == EARLIER_RESULTS[book.kind]
    section = pl.when(earlier).then(pl.lit("Equity")).otherwise(root(pl.col("account")))
    lines = standing.filter((pl.col("closing") != 0) | (before != 0)).select(
        "period",
        "currency",
        section.replace_strict(ranks, return_dtype=pl.Int64).alias("rank"),
        section.alias("section"),
        "account",
        pl.lit("line").alias("level"),
        unadjusted_debit=before.clip(lower_bound=0),
        unadjusted_credit=(-before).clip(lower_bound=0),
        debit=pl.col("closing").clip(lower_bound=0),
        credit=(-pl.col("closing")).clip(lower_bound=0),
    )
    sums = total(lines, months, len(ROOTS), TOTAL, TOTAL, _AMOUNTS)
    return numbered(TRIAL_BALANCE, book, pl.concat([lines, sums], how="vertical_relaxed"))


def of_the_year(book: Book, accounts: pl.DataFrame) -> pl.DataFrame:
    """``account, currency, period, closing`` of a year's books: results since 1 January, those of before as one line."""
    columns = ["account", "currency", "period", "closing"]
    results = accounts.filter(is_result())
    earlier = results.with_columns(
        pl.col("closing") - pl.col("year_to_date"), account=pl.lit(EARLIER_RESULTS[book.kind])
    )
    earlier = earlier.group_by("account", "currency", "period").agg(pl.col("closing").sum())
    parts = (accounts.filter(~is_result()), results.with_columns(closing="year_to_date"), earlier)
    return pl.concat([part.select(columns) for part in parts], how="vertical_relaxed")


def adjusting_postings(postings: pl.DataFrame, journal: pl.DataFrame) -> pl.DataFrame:
    """The postings of adjusting entries: ``account, currency, period, date, amount`` and all others of a posting.

    Args:
        postings: ``ledger.postings``.
        journal: ``ledger.journal``, or of it the entries of kind ``adjusting`` at least.
    """
    entries = journal.filter(pl.col("kind") == "adjusting")["entry_id"]
    found = postings.filter(pl.col("entry_id").is_in(entries.implode()))
    return found.with_columns(period=pl.col("date").dt.month_start())
