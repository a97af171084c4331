"""The tax reports of a year with what became known of it after it was closed.

What belongs here: a closed year's schedules made again, each adjusting entry in the year that it belongs to. What does
not: the schedules (:mod:`schedules`, :mod:`realized_gains`), or the months as they were published, which stay as they are.
"""

from datetime import date

import polars as pl

from manna.books import Book
from manna.ledger.closing import with_tax_dates
from manna.statements.balances import monthly_balances
from manna.statements.realized_gains import realized_gains
from manna.statements.schedules import dividends_and_interest, tax_lines
from manna.statements.sources import Sources

BY_TAX_DATE = ("tax_lines", "dividends_and_interest", "realized_gains")
"""Statements of which a year is that of a tax return."""


def booked_since(adjustments: pl.DataFrame, year: int) -> pl.DataFrame:
    """Rows of ``ledger.adjustments`` that belong to ``year`` and are booked in a later one."""
    return adjustments.filter(pl.col("tax_date").dt.year() == year, pl.col("date").dt.year() > year)


def tax_year(book: Book, year: int, postings: pl.DataFrame, sources: Sources) -> dict[str, pl.DataFrame]:
    """The statements :data:`BY_TAX_DATE` of a year that is over, each entry in the month that it belongs to for tax.

    What was booked in that year and belongs to an earlier one stays apart, as it was published.

    Args:
        postings: all ``ledger.postings`` of the book.
        sources: with its taxable gains and adjustments.

    Returns:
        By name, rows of December, with the year in ``year_to_date``; of a year without late facts those that are published.
    """
    late = booked_since(sources.adjustments, year)
    rest = sources.adjustments.join(late, on="entry_id", how="anti")
    december, last = date(year, 12, 1), date(year, 12, 31)
    dated = with_tax_dates(postings, late).with_columns(date="tax_date").drop("tax_date", "adjusts")
    own = dated.filter(pl.col("book") == book.id, pl.col("date") <= last)
    balances = monthly_balances(book, own, [december], last)
    return {
        "tax_lines": tax_lines(book, balances, own, rest),
        "dividends_and_interest": dividends_and_interest(book, balances, own, rest),
        "realized_gains": realized_gains(book, balances, sources.gains),
    }
