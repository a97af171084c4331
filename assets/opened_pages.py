"""The pages behind the figures, as files: which months have theirs, and what stands where one is not written yet.

What belongs here: whether a page is there and still true, and writing those that are not. What does not: what is on such a
page (``assets.opened``), or when it is written (``published``, ``pipelines.schedules``).

A page reads every payload behind a month and takes half a second (measured: 0.56 s of a household's month, 0.23 s of a
firm's, about 1 MB each), so a night that publishes 120 months does not write 120 of them: it writes the newest, and where
another is missing or no longer true a short page says how to get it, so that a link never leads nowhere.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from assets.opened import Opening
from manna.documents.opened import unopened_page
from manna.documents.seal import seal_of, sealed
from resources.installation import Installation
from resources.publisher import is_sealed, write_page


def opened_name(period: date) -> str:
    """The file of the page behind a month's figures, beside that of the month."""
    return f"{period:%Y-%m}-opened.html"


def write_opened(
    manna: Installation,
    book_id: str,
    snapshot: int,
    statements: Mapping[str, pl.DataFrame],
    records: Sequence[Mapping[str, Any]],
    newest: int | None = None,
) -> int:
    """Writes the page behind each published month whose page is not there or not true; returns how many files changed.

    A month whose ledger is another than the one it was published from (it is held, or its turn is yet to come) has no true
    page: what its lines add up is not what they say.

    Args:
        manna: the installation.
        book_id: whose pages.
        snapshot: of the lake, which ``statements`` and ``records`` are from.
        statements: the book's, by name.
        records: rows of ``reports.publications``, in order of months.
        newest: only of so many months, the newest; what another lacks a short page says. Null: of all.
    """
    folder, opening, written = manna.settings.documents_dir / book_id, None, 0
    months = manna.lake.read_at("ledger.months", snapshot, {"book": book_id})
    known = dict(months.select("month", "content_hash").iter_rows())
    for age, record in enumerate(reversed(records)):
        period: date = record["period"]
        file, seal = folder / opened_name(period), _seal(record)
        if not record["content_hash"] or is_sealed(file, seal):
            continue
        if known.get(period) == record["month_hash"] and (newest is None or age < newest):
            opening = opening or Opening(manna, book_id, snapshot)
            page = sealed(opening.page(period, statements), seal)
        else:
            page = unopened_page(manna.books[book_id], period)
        written += write_page(file, page)
    return written


def _seal(record: Mapping[str, Any]) -> str:
    """Of what the page behind a month's figures is made from."""
    return seal_of(record["content_hash"], record["month_hash"], record["code_version"])
