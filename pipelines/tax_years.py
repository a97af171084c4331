"""A closed year's tax reports with what became known of it since, for `manna report` and `manna bundle`.

What belongs here: reading what they are made from, and what is said of them on the cover. What does not: making them
(``manna.statements.tax_year``), or the months, which stay as they were published.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from manna.books import Book
from manna.documents.spans import Span

if TYPE_CHECKING:
    from manna.documents.cover import Cover

Read = Callable[[str, Mapping[str, Any]], pl.DataFrame]
"""Gives a table's rows of a scope."""


@dataclass(frozen=True, slots=True)
class TaxYear:
    """``frames`` by name of the statement; ``words`` say why they differ from the published ones. Both empty where none does."""

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    words: str = ""

    def on(self, cover: "Cover") -> "Cover":
        """The cover with these words."""
        return replace(cover, warnings=(*cover.warnings, self.words)) if self.words else cover


def tax_year_of(read: Read, book: Book, span: Span) -> TaxYear:
    """The tax reports of ``span`` as they are known now; empty where it is no year, or nothing of it was booked since."""
    from manna.statements import Sources
    from manna.statements.tax_year import booked_since, tax_year

    if span.kind != "year":
        return TaxYear()
    scope, year = {"book": book.id}, span.first.year
    adjustments = read("ledger.adjustments", scope)
    late = booked_since(adjustments, year).height
    if not late:
        return TaxYear()
    sources = Sources(gains=read("ledger.taxable_gains", scope), adjustments=adjustments)
    frames = tax_year(book, year, read("ledger.postings", scope), sources)
    entries = f"{late} adjustment{'s' if late > 1 else ''} booked after it"
    names = "tax lines, dividends and interest, and realized gains"
    return TaxYear(frames, f"Restated: {names} of {year} include {entries}; the published months do not")
