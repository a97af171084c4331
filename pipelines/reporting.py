"""What `manna report` and `manna sql` read.

What belongs here: finding a published statement, and asking the lake. What does not: how it is shown.
"""

from datetime import date

import duckdb
import polars as pl

from manna.contracts.reports import STATEMENTS
from resources.installation import Installation


class ReportError(Exception):
    """There is no such report. One line that says which there are."""


def published_statement(manna: Installation, name: str, book: str, period: str) -> tuple[pl.DataFrame, str]:
    """The published statement ``name`` of a book and month (``YYYY-MM``), and its title.

    Raises:
        ReportError: unknown name, book or month, or nothing published for it.
    """
    names = [contract.name for contract in STATEMENTS]
    if name not in names:
        raise ReportError(f"unknown report {name!r}; there are: {', '.join(names)}")
    if book not in manna.books:
        raise ReportError(f"unknown book {book!r}; there are: {', '.join(manna.books)}")
    month = _month(period)
    scope = {"book": book, "period": month}
    records = manna.lake.read("reports.publications", scope)
    if records.is_empty() or records["content_hash"][0] is None:
        why = "" if records.is_empty() else f": {records['reason'][0]}"
        raise ReportError(f"nothing is published for {book} {period}{why}; run `manna run nightly_close`")
    record = records.row(0, named=True)
    frame = manna.lake.read(f"reports.{name}", scope).sort("line").drop("book", "period", "line")
    held = f" (held: {record['reason']})" if record["status"] == "held" else ""
    through = f", complete through {record['complete_through']}" if record["complete_through"] else ""
    title = f"{manna.books[book].name}: {name.replace('_', ' ')} {period}{through}{held}"
    return frame, title


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise ReportError(f"{text!r} is no month; write it as YYYY-MM, e.g. 2026-03") from error


def ask(manna: Installation, query: str) -> pl.DataFrame:
    """The answer to one query. It must read: whatever writes belongs to an asset.

    Raises:
        ReportError: it is no single SELECT, or the lake refuses it.
    """
    try:
        statements = duckdb.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise ReportError("only one SELECT at a time; what writes belongs to an asset")
        return manna.lake.query(query)
    except duckdb.Error as error:
        raise ReportError(f"the lake refuses this: {str(error).splitlines()[0]}") from error
