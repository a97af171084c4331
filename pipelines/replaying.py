"""What `manna alerts test` shows: the alerts of the past, with the thresholds of now.

What belongs here: reading the tables. What does not: going through the days (``manna.alerting.replay``), or how a
table looks (``rendering``).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from assets.book_days import today
from manna.alerting.looking import Past
from manna.alerting.replay import replayed
from manna.books import Book
from manna.categorizing.recurring import payments
from pipelines.asked import UsageError
from resources.installation import Installation

TOLD: dict[str, pl.DataType | type[pl.DataType]] = {
    "opened": pl.Date, "resolved": pl.Date, "severity": pl.String, "kind": pl.String, "book": pl.String,
    "message": pl.String,
}  # fmt: skip


def told(
    manna: Installation, books: Sequence[str], since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """The alerts that would have been open between two days, in the order of their opening.

    Args:
        books: which; none means all.
        since: the first day; null means the first of each book.
        until: the last day; null means today.

    Raises:
        UsageError: the first day is after the last.
    """
    found = []
    for name in books or list(manna.books):
        book = manna.books[name]
        last = until or today(manna, book)
        if since is not None and since > last:
            raise UsageError(f"{since} is after {last}: the first day comes first")
        past = read_past(manna, book)
        first = since or past.transactions["date"].min()
        if isinstance(first, date):
            found += replayed(past, first, last)
    rows = [(one.opened_on, one.resolved_on, one.severity, one.kind, one.book, one.message) for one in found]
    return pl.DataFrame(rows, schema=TOLD, orient="row").sort("opened", maintain_order=True)


def read_past(manna: Installation, book: Book) -> Past:
    """All that is known of one book."""
    lake, scope = manna.lake, {"book": book.id}
    return Past(
        book=book,
        accounts=lake.read("clean.accounts", scope),
        balances=lake.read("clean.balances", scope),
        transactions=payments(
            lake.read("clean.transactions", scope), lake.read("categorized.transactions", scope)
        ),
        postings=lake.read("ledger.postings", scope),
        reconciliation=lake.read("ledger.reconciliation", scope),
        performance=lake.read("portfolio.performance", scope),
        valuations=lake.read("portfolio.valuations", scope),
    )
