"""What stands on the cover of every document: whose it is, of when, how far it can be trusted, and what is open.

What belongs here: saying it once for all formats. What does not: how a format sets it.
"""

import calendar
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from manna.books import Book
from manna.documents import numerals
from manna.documents.spans import Span

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "book": pl.String,
    "period": pl.String,
    "status": pl.String,
    "complete_through": pl.Date,
    "warnings": pl.String,
    "open_items": pl.String,
    "known_at": pl.Datetime("us", "UTC"),
    "code_version": pl.String,
    "content_hash": pl.String,
}
"""The cover as columns, for formats that have rows and nothing else."""


@dataclass(frozen=True, slots=True)
class Cover:
    """``warnings`` say why the figures may change: incomplete, provisional, held; ``open_items`` what to look at."""

    book: Book
    title: str
    span: Span
    status: str
    complete_through: date | None
    warnings: tuple[str, ...]
    open_items: tuple[str, ...]
    known_at: datetime | None
    code_version: str
    content_hash: str

    @property
    def heading(self) -> str:
        """One line for a list of documents: whose, what, when."""
        return f"{self.book.name}: {self.title}, {self.span.label}"

    @property
    def day(self) -> date:
        """The day its figures stand on: the span's last, or the last known one."""
        if self.known_at is None:
            return self.span.last
        return min(self.span.last, self.known_at.astimezone(ZoneInfo(self.book.time_zone)).date())

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """(name, text) in order, for people."""
        return (
            ("Status", self.status.capitalize()),
            ("Complete through", numerals.long_date(self.complete_through)),
            ("As known on", numerals.moment(self.known_at, self.book.time_zone)),
            ("Made by", f"Manna {self.code_version}"),
            ("Content", self.content_hash),
        )

    def beside(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``frame`` with :data:`COLUMNS` on the right of each row; of the same names, the cover's stay."""
        values = {
            "book": self.book.id,
            "period": self.span.text,
            "status": self.status,
            "complete_through": self.complete_through,
            "warnings": "; ".join(self.warnings),
            "open_items": "; ".join(self.open_items),
            "known_at": self.known_at,
            "code_version": self.code_version,
            "content_hash": self.content_hash,
        }
        own = frame.drop(name for name in COLUMNS if name in frame.columns)
        return own.with_columns(pl.lit(values[name], dtype).alias(name) for name, dtype in COLUMNS.items())


def cover(book: Book, title: str, span: Span, publications: Sequence[dict[str, Any]]) -> Cover:
    """The cover of what is published of a book and span.

    Args:
        publications: rows of ``reports.publications`` of the book. A month of the span (since the book began) that has
            none, or of which no version was published, is missing and makes the report incomplete.
    """
    began = min((row["period"] for row in publications), default=span.first)
    own = [row for row in publications if row["period"] in span.months]
    rows = {row["period"]: row for row in own if row.get("content_hash")}
    missing = [month for month in span.months if month not in rows and month >= began]
    held = [row for row in own if row["status"] == "held"]
    short = [
        row
        for month in span.months
        if (row := rows.get(month)) and not _is_whole(month, row["complete_through"])
    ]
    known = [row["complete_through"] for row in rows.values() if row["complete_through"]]
    through = short[0]["complete_through"] if short else max(known, default=None)
    warnings = []
    if missing:
        names = ", ".join(map(numerals.month_name, missing))
        warnings.append(f"Incomplete: nothing is published of {names}")
    if short:
        until = f"to {numerals.long_date(through)}" if through else "to a day that is not known"
        warnings.append(f"Incomplete: figures {until} only")
    if any(row.get("provisional") for row in rows.values()):
        warnings.append(
            "Provisional: a bank has not told all of an account's history; opening balances may change"
        )
    for row in held:
        told = (
            f"{numerals.month_name(row['period'])}, the last good version stands"
            if row["content_hash"]
            else ""
        )
        warnings.append(f"Held: {told or numerals.month_name(row['period'])}: {row['reason']}")
    last = rows[max(rows)] if rows else None
    return Cover(
        book=book,
        title=title,
        span=span,
        status="held" if held else "incomplete" if missing or short else "published",
        complete_through=through,
        warnings=tuple(warnings),
        open_items=_items(rows.values()),
        known_at=max((row["known_at"] for row in rows.values() if row["known_at"]), default=None),
        code_version=str(last["code_version"]) if last else "unknown",
        content_hash=_hash([rows[month]["content_hash"] for month in sorted(rows)]),
    )


def _is_whole(month: date, through: date | None) -> bool:
    return through is not None and through >= month.replace(
        day=calendar.monthrange(month.year, month.month)[1]
    )


def _items(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Open items; of several months, each once with the months in which it was open."""
    months: dict[str, list[date]] = {}
    listed = list(rows)
    for row in listed:
        for item in str(row["open_items"] or "").split("; "):
            if item.strip():
                months.setdefault(item.strip(), []).append(row["period"])
    if len(listed) == 1:
        return tuple(months)
    return tuple(f"{_said(found)}: {item}" for item, found in months.items())


def _said(months: Sequence[date]) -> str:
    """``January to March 2026, May 2026``: neighbours together."""
    runs: list[list[date]] = []
    for month in months:
        if runs and (runs[-1][-1].year, runs[-1][-1].month + 1) == (month.year, month.month):
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(
        numerals.month_name(run[-1])
        if len(run) == 1
        else f"{numerals.MONTHS[run[0].month - 1]} to {numerals.month_name(run[-1])}"
        for run in runs
    )


def _hash(hashes: Sequence[str]) -> str:
    """A month's own hash; of several, the hash of all."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest() if hashes else ""
