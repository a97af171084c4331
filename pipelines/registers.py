"""What `manna ledger` reads: the general ledger, made when it is asked for.

What belongs here: reading what it is made from, and complaining of what was asked. What does not: how it is shown.
"""

from datetime import timedelta

import polars as pl

from manna.documents.spans import Span
from manna.statements import general_ledger
from pipelines.reporting import ReportError, require_book
from resources.installation import Installation


def register(manna: Installation, book: str, period: str, account: str | None = None) -> pl.DataFrame:
    """``reports.general_ledger`` of a book and a month, quarter or year: as the books stand, published or not.

    Args:
        manna: the installation.
        book: the book.
        period: ``2026-03``, ``2026-Q1`` or ``2026``.
        account: only this account of the chart and all below it.

    Raises:
        ReportError: no such book, period or account, or nothing happened by then.
    """
    require_book(manna, book)
    try:
        span = Span.parse(period)
    except ValueError as error:
        raise ReportError(f"{error}; write 2026-03, 2026-Q1 or 2026") from error
    scope = {"book": book}
    postings, journal = (manna.lake.read(f"ledger.{name}", scope) for name in ("postings", "journal"))
    last = max(postings["date"].to_list(), default=span.first - timedelta(days=1))
    until = max(span.first, min(span.last, last))
    frame = general_ledger(manna.books[book], postings, journal, span.first, until, account)
    if not frame.is_empty():
        return frame
    known = sorted(postings.filter(pl.col("date") <= until)["account"].unique())
    if account is None or not known:
        raise ReportError(f"nothing is booked in {book} up to {until}")
    raise ReportError(f"nothing is on {account!r} by {until}; there are: {', '.join(known)}")
