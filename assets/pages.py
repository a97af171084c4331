"""The pages of the months, their tear sheets, and the index over them, as files.

What belongs here: which pages there are, and writing those that are missing or not true any more. What does not: what is on
one (``manna.documents``), or the pages behind the figures (``opened_pages``).

A page is made of facts that have hashes already, and says on its seal which: a night that changed one month of ten
years makes that month's page and those that draw it, and reads the others.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from assets.opened_pages import opened_name, write_opened
from manna.books import Book, document_hash, document_of
from manna.contracts.performance import TEAR_SHEETS
from manna.contracts.reports import PUBLICATIONS
from manna.documents.page import IndexEntry, index_page, month_page
from manna.documents.seal import seal_of
from resources.installation import CODE_VERSION, Installation
from resources.publisher import write_page, write_sealed

OPENED_MONTHS = 3
"""So many months, the newest, have their page on what figures are made of at once; the others by the job `opened_pages`."""
TEAR_SHEET_MONTHS = 3
"""So many months, the newest, have their tear sheet as a page; `manna tearsheet` makes one of any month."""


def write_pages(
    manna: Installation,
    book_id: str,
    snapshot: int,
    statements: Mapping[str, pl.DataFrame],
    records: Sequence[Mapping[str, Any]],
) -> int:
    """Writes the book's pages that are not there, not whole or not true; returns how many files changed.

    Args:
        manna: the installation.
        book_id: whose pages.
        snapshot: of the lake, which ``statements`` and ``records`` are from.
        statements: the book's, by name.
        records: rows of ``reports.publications``, in order of months.
    """
    book, folder = manna.books[book_id], manna.settings.documents_dir / book_id
    written = write_opened(manna, book_id, snapshot, statements, records, OPENED_MONTHS)
    written += _tear_sheets(manna, book_id, snapshot, folder)
    shown = document_hash(document_of(book)), CODE_VERSION
    for number, record in enumerate(records):
        period: date = record["period"]
        name = _tear_sheet_name(period)
        explained = opened_name(period) if record["content_hash"] else ""
        tear_sheet = name if (folder / name).exists() else ""
        # A month's charts go back over the months before, of which each has a hash. Who made it is not on its page.
        drawn = [before["content_hash"] for before in records[: number + 1]]
        told = {column: value for column, value in record.items() if column != "run_id"}
        written += write_sealed(
            folder / f"{period:%Y-%m}.html",
            seal_of(shown, told, drawn, explained, tear_sheet),
            partial(_month_page, book, period, statements, record, explained, tear_sheet),
        )
    return written


def write_index(manna: Installation, snapshot: int, examined: str | None) -> bool:
    """Writes the index over all books' pages; ``examined``: where the examined tables are, if anywhere. False: it was so."""
    records, folder = manna.lake.read_at(PUBLICATIONS.address, snapshot), manna.settings.documents_dir
    entries = [
        IndexEntry(
            row["book"],
            manna.books[row["book"]].name,
            row["period"],
            row["status"],
            row["complete_through"],
            row["reason"],
            row["provisional"],
            has_tear_sheet=(folder / row["book"] / _tear_sheet_name(row["period"])).exists(),
        )
        for row in records.iter_rows(named=True)
        if row["book"] in manna.books
    ]
    return write_page(folder / "index.html", index_page(entries, examined))


def _tear_sheets(manna: Installation, book_id: str, snapshot: int, folder: Path) -> int:
    """Writes the pages of the newest tear sheets, before the months' own, which lead to them."""
    rows = manna.lake.read_at(TEAR_SHEETS.address, snapshot, {"book": book_id})
    newest = rows.sort("period", descending=True).head(TEAR_SHEET_MONTHS).select("period", "document")
    return sum(
        write_sealed(
            folder / _tear_sheet_name(period),
            seal_of(CODE_VERSION, document),
            partial(_tear_sheet_page, document),
        )
        for period, document in newest.iter_rows()
    )


def _tear_sheet_page(document: str) -> str:
    # Drawing is imported where something is drawn.
    from manna.documents.tear_sheet import tear_sheet_page

    return tear_sheet_page(json.loads(document))


def _tear_sheet_name(period: date) -> str:
    return f"{period:%Y-%m}-tear-sheet.html"


def _month_page(
    book: Book,
    period: date,
    statements: Mapping[str, pl.DataFrame],
    record: Mapping[str, Any],
    explained: str,
    tear_sheet: str,
) -> str:
    # The month, and what is drawn beside it: the year of months before.
    until = {name: frame.filter(pl.col("period") <= period) for name, frame in statements.items()}
    return month_page(book, period, until, dict(record), explained=explained, tear_sheet=tear_sheet)
