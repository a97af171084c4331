"""What `manna report` and `manna status` read.

What belongs here: finding a published statement, and how connections fare. What does not: how it is shown, or queries of
the lake (``pipelines.querying``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from manna.books import Book
from manna.contracts.reports import GENERAL_LEDGER, ON_DEMAND, STATEMENTS
from manna.documents.spans import Span
from pipelines.tax_years import tax_year_of
from resources.installation import Installation

if TYPE_CHECKING:
    from manna.documents.cover import Cover
    from manna.documents.tables import Table

COMPARISON = "income_comparison"
"""The income statement of several spans, each beside the one before."""


class ReportError(Exception):
    """There is no such report. One line that says which there are."""


@dataclass(frozen=True, slots=True)
class Report:
    """One published statement. ``frame`` has all columns of its table, ``period`` is the month it is kept under."""

    name: str
    cover: "Cover"
    period: date
    frame: pl.DataFrame

    @property
    def title(self) -> str:
        """One line: whose, what, when, and what a reader must know of it."""
        through = self.cover.complete_through
        said = [f", complete through {through}" if through else ""]
        said += [f", {warning[0].lower()}{warning[1:]}" for warning in self.cover.warnings]
        return f"{self.cover.book.name}: {self.name.replace('_', ' ')} {self.cover.span.text}{''.join(said)}"

    @property
    def tables(self) -> "list[Table]":
        """As an accountant sets it, a table per currency (and span, where there are several)."""
        from manna.documents.statements import statement_tables
        from manna.documents.tables import currencies

        found = currencies([self.frame], self.cover.book.currency)
        return statement_tables(self.name, self.frame, Span("month", self.period), found, self.cover.day)


def find_report(manna: Installation, name: str, book: str, period: str) -> Report:
    """The published statement ``name`` of a book and month, quarter or year.

    A statement is kept by month. Of a quarter or a year it is its last month's (of a year that is not over, the last
    one published), with the year to date; the income statement of a quarter or a year is in ``income_comparison``,
    which has lines per span. A tax report of a closed year has what became known of it since, and says so.

    Raises:
        ReportError: unknown name, book or period, or nothing published for it.
    """
    from manna.documents.cover import cover
    from manna.documents.statements import why_empty

    names = [contract.name for contract in (*STATEMENTS, *ON_DEMAND)]
    if name not in names:
        raise ReportError(f"unknown report {name!r}; there are: {', '.join(names)}")
    require_book(manna, book)
    span = read_span(period)
    records = manna.lake.read("reports.publications", {"book": book}).sort("period").to_dicts()
    month = last_month(span, records)
    record = next((row for row in records if row["period"] == month), None)
    if record is None or record["content_hash"] is None:
        why = f": {record['reason']}" if record else ""
        raise ReportError(f"nothing is published for {book} {period}{why}; run `manna run nightly_close`")
    if span.kind != "month" and name == "income_statement" and COMPARISON in names:
        name = COMPARISON
    front = cover(manna.books[book], name.replace("_", " ").capitalize(), span, records)
    found = _found(manna, name, manna.books[book], span, month, front)
    if found.frame.is_empty():
        said = why_empty(name, manna.books[book])
        return replace(found, cover=replace(found.cover, warnings=(*found.cover.warnings, said)))
    return found


def _found(manna: Installation, name: str, book: Book, span: Span, month: date, front: "Cover") -> Report:
    if name == GENERAL_LEDGER.name:
        return Report(name, front, month, ledger_of(manna.lake.read, book, span, front.day))
    now = tax_year_of(manna.lake.read, book, span)
    if name in now.frames:
        return Report(name, now.on(front), span.months[-1], now.frames[name])
    frame = manna.lake.read(f"reports.{name}", {"book": book.id, "period": month}).sort("line")
    return Report(name, front, month, of_span(frame, span, month))


def ledger_of(
    read: Callable[[str, Mapping[str, Any]], pl.DataFrame], book: Book, span: Span, until: date
) -> pl.DataFrame:
    """The general ledger of a book and span; ``read`` gives a table's rows."""
    from manna.statements import general_ledger

    postings, journal = (read(table, {"book": book.id}) for table in ("ledger.postings", "ledger.journal"))
    return general_ledger(book, postings, journal, span.first, until)


def require_book(manna: Installation, book: str) -> None:
    """Raises :class:`ReportError` where there is no such book."""
    if book not in manna.books:
        raise ReportError(f"unknown book {book!r}; there are: {', '.join(manna.books)}")


def read_month(text: str) -> date:
    """The first day of a month written as ``YYYY-MM``.

    Raises:
        ReportError: it is none.
    """
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise ReportError(f"{text!r} is no month; write it as YYYY-MM, e.g. 2026-03") from error


def published_statement(manna: Installation, name: str, book: str, period: str) -> tuple[pl.DataFrame, str]:
    """The lines of :func:`find_report` and its title.

    Raises:
        ReportError: see there.
    """
    report = find_report(manna, name, book, period)
    return report.frame.drop("book", "period", "line", strict=False), report.title


def read_span(text: str) -> Span:
    """A month, a quarter or a year.

    Raises:
        ReportError: it is none of these.
    """
    try:
        return Span.parse(text)
    except ValueError as error:
        raise ReportError(f"{text!r} is no month, quarter or year; write 2026-03, 2026-Q1 or 2026") from error


def of_span(frame: pl.DataFrame, span: Span, month: date) -> pl.DataFrame:
    """Of a statement with lines per span, those of ``span``; of a year that is not over those of the year to date."""
    if "span" not in frame.columns or span.kind == "month":
        return frame
    return frame.filter(pl.col("span") == (span.kind if month == span.months[-1] else "year_to_date"))


def last_month(span: Span, records: Sequence[Mapping[str, Any]]) -> date:
    """The month whose statement is that of the span: its last, or of a year that is not over the last published."""
    if span.kind != "year":
        return span.months[-1]
    published = [row["period"] for row in records if row["period"] in span.months and row["content_hash"]]
    return max(published, default=span.months[-1])


CONNECTION_SCHEMA = {
    "connection": pl.String,
    "book": pl.String,
    "institution": pl.String,
    "status": pl.String,
    "history": pl.String,
    "complete_through": pl.Date,
    "error": pl.String,
    "connection_id": pl.String,
}


def connections(manna: Installation) -> pl.DataFrame:
    """How each connection fares: columns of :data:`CONNECTION_SCHEMA`, by book and institution.

    ``connection`` is the short id that commands take. ``history`` says how much of the past has been told.
    ``complete_through`` is that of the account of which least is known; before a login's first accounts are
    in, the day it last answered.
    """
    rows = manna.ops.connections()
    short = short_ids([row["connection_id"] for row in rows])
    listed = manna.lake.read("clean.coverage").filter("listed")
    reach = dict(listed.group_by("connection_id").agg(pl.col("complete_through").min()).iter_rows())
    told = [
        {
            **row,
            "connection": short[row["connection_id"]],
            "history": None if row["history"] == "unknown" else row["history"],
            "complete_through": reach.get(row["connection_id"], row["complete_through"]),
        }
        for row in rows
    ]
    values = [tuple(row[name] for name in CONNECTION_SCHEMA) for row in told]
    return pl.DataFrame(values, schema=CONNECTION_SCHEMA, orient="row").sort("book", "institution")


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Each id's shortest beginning, of at least eight characters, that no other id has."""
    return {
        name: next(
            (
                name[:length]
                for length in range(8, len(name))
                if sum(other.startswith(name[:length]) for other in ids) == 1
            ),
            name,
        )
        for name in ids
    }


def accounts(manna: Installation) -> pl.DataFrame:
    """Every account with its latest balance, and up to which day it is known (`manna status`)."""
    rows = manna.lake.query(
        "SELECT a.book, a.institution, a.name, coalesce(a.subtype, a.type) AS type, b.current AS balance, "
        "a.currency, a.connection_id, c.complete_through, c.listed, c.provisional FROM clean.accounts a "
        "LEFT JOIN clean.coverage c ON c.account_id = a.account_id "
        "LEFT JOIN (SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY as_of DESC) AS n "
        "FROM clean.balances WHERE current IS NOT NULL) b ON b.account_id = a.account_id AND b.n = 1 ORDER BY 1, 2, 3"
    )
    healths = connections(manna).select("connection_id", "status", "error")
    return rows.join(healths, on="connection_id", how="left", maintain_order="left")
