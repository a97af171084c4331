"""The general ledger of a span, and of one account its register: made when it is asked for.

What belongs here: postings with their running balance and where they come from. It is as long as the postings are, so it
is never stored per month: a late row would write ten years of balances anew.
"""

from datetime import date, timedelta

import polars as pl

from manna.books import Book
from manna.contracts.reports import EARLIER_RESULTS, GENERAL_LEDGER
from manna.statements.income import is_result

_ACCOUNT = ["account", "currency"]


def general_ledger(
    book: Book,
    postings: pl.DataFrame,
    journal: pl.DataFrame,
    since: date,
    until: date,
    account: str | None = None,
) -> pl.DataFrame:
    """Every account that had a balance or moved: what it opened with, its postings, what it closed with.

    Income and expenses open with what they come to since 1 January of the span's first year, as on the trial balance; the
    results of the years before are one line of equity, which no posting moves.

    Args:
        postings: ``ledger.postings`` of the book since the first.
        journal: ``ledger.journal``, at least the entries of the span.
        since: the first day.
        until: the last day.
        account: only this one and all below it: its register.

    Returns:
        ``reports.general_ledger``; balances are running ones, positive = debit.

    Raises:
        ValueError: the span ends before it begins.
    """
    if until < since:
        raise ValueError(f"a span cannot end on {until}, before it begins on {since}")
    own = postings.filter(pl.col("book") == book.id, pl.col("date") <= until)
    chosen = own.filter(_is_of(account)) if account else own
    earlier = is_result() & (pl.col("date") < since.replace(month=1, day=1))
    named = pl.when(earlier).then(pl.lit(EARLIER_RESULTS[book.kind])).otherwise("account").alias("account")
    shown = chosen.filter(~earlier) if account else chosen.with_columns(named)
    before = shown.filter(pl.col("date") < since).group_by(_ACCOUNT).agg(balance=pl.col("amount").sum())
    moved = chosen.filter(pl.col("date") >= since).sort("date", "posting_id")
    opening = _opening(before, moved)
    lines = _running(opening, moved).join(
        _counters(own, moved), on="posting_id", how="left", maintain_order="left"
    ).join(
        journal.select("entry_id", "description", "source_table", "source_id"), on="entry_id", how="left", maintain_order="left"
    )  # fmt: skip
    rows = pl.concat(
        [
            opening.with_columns(level=pl.lit("opening"), date=pl.lit(since - timedelta(days=1)), order=0),
            lines.with_columns(level=pl.lit("line"), order=1),
            _closing(opening, moved).with_columns(level=pl.lit("closing"), date=pl.lit(until), order=2),
        ],
        how="diagonal_relaxed",
    )
    return _presented(book, rows)


def _opening(before: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """The balance of each account that is shown; of one that had none and moved, zero."""
    shown = pl.concat(
        [before.filter(pl.col("balance") != 0), moved.select(*_ACCOUNT, balance=pl.lit(0))],
        how="vertical_relaxed",
    )
    return shown.group_by(_ACCOUNT).agg(pl.col("balance").sum())


def _running(opening: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """``moved`` with the balance after each posting."""
    return moved.join(opening, on=_ACCOUNT, how="left", maintain_order="left").with_columns(
        balance=pl.col("balance") + pl.col("amount").cum_sum().over(_ACCOUNT)
    )


def _closing(opening: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """The balance of each account that is shown, after all that moved."""
    sums = moved.group_by(_ACCOUNT).agg(pl.col("amount").sum())
    closing = opening.join(sums, on=_ACCOUNT, how="left")
    return closing.select(*_ACCOUNT, balance=pl.col("balance") + pl.col("amount").fill_null(0))


def _presented(book: Book, rows: pl.DataFrame) -> pl.DataFrame:
    names = {"opening": "Opening balance", "closing": "Closing balance"}
    amount = pl.col("amount").fill_null(0)
    ordered = rows.sort(
        "account", pl.col("currency") != book.currency, "currency", "order", "date", "posting_id"
    )
    return GENERAL_LEDGER.conform(
        ordered.with_columns(
            description=pl.coalesce("description", pl.col("level").replace_strict(names, default="")),
            book=pl.lit(book.id),
            line=pl.int_range(pl.len()),
            debit=amount.clip(lower_bound=0),
            credit=(-amount).clip(lower_bound=0),
        )
    )


def _counters(postings: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """``posting_id, counter``: the one other account of each posting's entry; none where there are several."""
    whole = postings.join(moved.select("entry_id").unique(), on="entry_id", how="semi")
    others = moved.select("posting_id", "entry_id").join(
        whole.select("entry_id", "account", other="posting_id"), on="entry_id"
    )
    others = others.filter(pl.col("posting_id") != pl.col("other"))
    single = pl.when(pl.col("account").n_unique() == 1).then(pl.col("account").first())
    return others.group_by("posting_id").agg(counter=single)


def _is_of(account: str) -> pl.Expr:
    return (pl.col("account") == account) | pl.col("account").str.starts_with(f"{account}:")
