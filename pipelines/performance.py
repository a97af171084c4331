"""A tear sheet for the command line: found, or made if its month has none yet, and in any format.

What belongs here: these. What does not: its figures, and how it looks.
"""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from assets.tear_sheets import is_closed, names_of, unvalued_in
from manna.ledger.closing import closed_through
from pipelines.reporting import ReportError, read_month, require_book
from resources.installation import CODE_VERSION, Installation

Document = dict[str, Any]


def find_tear_sheet(manna: Installation, book: str, period: str | None) -> Document:
    """The stored tear sheet of a month (null: the newest), where it is of what the lake holds now or its month is
    closed; else a new one.

    Raises:
        ReportError: there is no such book or month, or the book has no investments.
    """
    require_book(manna, book)
    months = dict(
        manna.lake.read("portfolio.months", {"book": book}).select("month", "content_hash").iter_rows()
    )
    if not months:
        raise ReportError(
            f"{book} has no investments that were ever valued; run `manna run` after linking some"
        )
    month = max(months) if period is None else read_month(period)
    if month not in months:
        first, last = min(months), max(months)
        raise ReportError(f"{book} has no tear sheet of {month:%Y-%m}; it has {first:%Y-%m} to {last:%Y-%m}")
    stored = manna.lake.read("portfolio.tear_sheets", {"book": book, "period": month}).to_dicts()
    closed = is_closed(month, closed_through(manna.ops.closings(book)))
    if stored and (closed or stored[0]["made_from"] == months[month]):
        found: Document = json.loads(stored[0]["document"])
        return found
    return _made(manna, book, month)


def _made(manna: Installation, book: str, month: date) -> Document:
    from manna.portfolio.history import History
    from manna.portfolio.tear_sheet import tear_sheet

    lake, scope = manna.lake, {"book": book}
    securities = lake.read("clean.securities")
    prices = (lake.read("clean.bars"), lake.read("clean.corporate_actions"))
    history = History.of(manna.books[book], lake.read("portfolio.performance", scope), *prices, securities)
    names = names_of(lake.read("clean.accounts", scope), securities)
    made = tear_sheet(history, month, names, unvalued_in(lake, book))
    if made is None:
        raise ReportError(f"nothing of {book} was valued in {month:%Y-%m}")
    return made


def in_format(document: Document, form: str) -> bytes:
    """``document`` as html, pdf or json."""
    if form == "json":
        return f"{json.dumps(document, ensure_ascii=False, indent=2)}\n".encode()
    if form == "html":
        from manna.documents.tear_sheet import tear_sheet_page

        return tear_sheet_page(document).encode()
    from manna.documents.tear_sheet_paper import tear_sheet_pdf

    return tear_sheet_pdf(document, CODE_VERSION)


def tables_of(document: Document) -> Iterator[tuple[str, pl.DataFrame]]:
    """Its tables for a terminal, each with a title; notes come first."""
    from manna.documents.tear_sheet import sheet

    shown = sheet(document)
    if shown.notes:
        yield f"{shown.name}, {shown.month}: notes", pl.DataFrame({"note": list(shown.notes)})
    for table in shown.listings:
        header = [name or " " for name in table.header]
        names = [f"{name} " if name in header[:number] else name for number, name in enumerate(header)]
        yield table.title, pl.DataFrame([dict(zip(names, row, strict=True)) for row in table.rows])
