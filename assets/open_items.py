"""What a reader of a month's statements must know: what is open in it, counted.

What belongs here: reading and counting for many months at once. What does not: the words
(``manna.statements.open_items``), or what is done about it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from assets.clean import open_rows
from manna.ledger.chart import TRANSFERS
from manna.standing import Standing
from manna.statements import open_items
from resources.installation import Installation
from resources.lake import LakeTransaction

READ_ONCE = (
    "ledger.postings",
    "ledger.reconciliation",
    "ledger.adjustments",
    "portfolio.valuations",
    "clean.findings",
)
"""What the statements of a book and their open items are both made from."""

_UNCATEGORIZED = ("Expenses:Uncategorized", "Income:Uncategorized")


def open_items_by_month(
    manna: Installation,
    transaction: LakeTransaction,
    book_id: str,
    tables: Mapping[str, pl.DataFrame],
    periods: Sequence[date],
    day: date,
    stands: Standing,
    translation: pl.DataFrame,
) -> dict[date, str]:
    """What a reader must know, per month; ``tables``: the book's rows of ``READ_ONCE``."""
    month = pl.col("date").dt.truncate("1mo")
    booked = tables["ledger.postings"].filter(pl.col("date") <= day)
    uncategorized = _by_month(booked.filter(pl.col("account").is_in(_UNCATEGORIZED)), month)
    unpaired = _by_month(booked.filter(pl.col("account") == TRANSFERS), month)
    suggested = _by_month(_suggested(transaction, book_id).filter(pl.col("date") <= day), month)
    reconciliation = tables["ledger.reconciliation"]
    unreconciled = _by_month(
        reconciliation.filter(pl.col("basis") == "difference", pl.col("as_of") <= day),
        pl.col("as_of").dt.truncate("1mo"),
        pl.col("account_id").n_unique(),
    )
    no_rate = translation.filter(pl.col("rate").is_null(), level="line")
    untranslated = _by_month(no_rate, pl.col("period"), pl.col("currency").n_unique())
    # What is held counts on the day the month's figures stand on.
    ends = {period: min(last_day(period), day) for period in periods}
    held = tables["portfolio.valuations"].filter(pl.col("date").is_in(list(ends.values())))
    basis_unknown = _by_month(held.filter(pl.col("cost").is_null()), month)
    unpriced = _by_month(held.filter(pl.col("value").is_null()), month)
    adjusted = adjustments_of_earlier_periods(tables["ledger.adjustments"])
    quarantined = open_rows(manna, transaction, book_id).height
    return {
        period: open_items(
            uncategorized=uncategorized.get(period, 0),
            suggested=suggested.get(period, 0),
            unpaired=unpaired.get(period, 0),
            untranslated=untranslated.get(period, 0),
            unproven=unproven_accounts(reconciliation, last),
            # A row that cannot be read has no day: it is open until it is settled.
            quarantined=quarantined if last == day else 0,
            unreconciled=unreconciled.get(period, 0),
            basis_unknown=basis_unknown.get(period, 0),
            unpriced=unpriced.get(period, 0),
            unlisted=stands.unlisted if last == day else 0,
            adjustments=adjusted.get(period, 0),
        )
        for period, last in ends.items()
    }


def _by_month(rows: pl.DataFrame, month: pl.Expr, how_many: pl.Expr | None = None) -> dict[date, int]:
    """How many rows (or what ``how_many`` says) there are of each month."""
    return dict(
        rows.group_by(month.alias("month")).agg(pl.len() if how_many is None else how_many).iter_rows()
    )


def _suggested(transaction: LakeTransaction, book_id: str) -> pl.DataFrame:
    """``date`` of every booked row whose category is a suggestion that nobody has confirmed."""
    return transaction.query(
        "SELECT t.date FROM clean.transactions t JOIN categorized.transactions c USING (transaction_id) "
        "WHERE t.book = ? AND NOT t.pending AND NOT t.removed AND NOT c.certain AND c.transfer_id IS NULL "
        "AND c.category NOT LIKE '%:Uncategorized'",
        [book_id],
    )


def adjustments_of_earlier_periods(adjustments: pl.DataFrame) -> dict[date, int]:
    """How many entries of each month belong to an earlier one, which was closed when they became known.

    They are in the month's income statement as in any other, and its reader cannot see it from the figures.
    """
    booked = pl.col("date").dt.month_start()
    return _by_month(adjustments.filter(pl.col("tax_date") < booked), booked)


def unproven_accounts(reconciliation: pl.DataFrame, day: date) -> int:
    """Accounts whose balance nothing confirms by ``day``: their opening was made from a balance of theirs.

    A balance that was told later, and agrees, proves the days between the two; not those before the first.
    """
    confirmed = reconciliation.filter(pl.col("as_of") <= day, pl.col("basis") != "plugged")
    return reconciliation["account_id"].n_unique() - confirmed["account_id"].n_unique()


def last_day(period: date) -> date:
    return (period + timedelta(days=31)).replace(day=1) - timedelta(days=1)
