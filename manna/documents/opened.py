"""The page behind a month's figures: what each line adds up, and what a bank or broker sent for it.

What belongs here: which lines are shown with how much, and the page. What does not: which postings a line adds up
(``manna.statements.explaining``), and finding the rows and payloads (``assets.opened``).

One page a month, complete in itself. It stays within a browser's patience: of a line at most :data:`MOST_PARTS` postings,
in all at most :data:`MOST_SOURCES` sources; what is left out is counted on the page, with the command that shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from manna.books import Book
from manna.documents.adding_up import sums
from manna.documents.masking import masked, masked_payload
from manna.documents.numerals import accounting
from manna.documents.page import render_page
from manna.documents.spans import Span
from manna.documents.tables import Row, Table

MOST_PARTS, MOST_SOURCES = 150, 600

Key = tuple[str, str]
"""A source: table and id."""


@dataclass(frozen=True, slots=True)
class Part:
    """A posting (or a valuation) that a line adds up."""

    day: date
    description: str
    amount: Decimal
    source: Key | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A line: what it adds up. ``before`` is what stood there when the month began; ``terms`` are lines with signs."""

    anchor: str
    table: str
    label: str
    figure: Decimal
    currency: str
    parts: Sequence[Part] = ()
    terms: Sequence[tuple[int, str, str, str]] = ()
    before: Decimal = Decimal(0)

    @property
    def shown(self) -> Sequence[Part]:
        """The parts on the page."""
        return self.parts[:MOST_PARTS]

    @property
    def left_out(self) -> tuple[int, str]:
        """How many parts are not, and what they come to."""
        rest = self.parts[MOST_PARTS:]
        return len(rest), accounting(sum((part.amount for part in rest), Decimal(0)), self.currency)


@dataclass(frozen=True, slots=True)
class Source:
    """A row that postings are made from, and what was sent for it: per payload its facts and its text."""

    table: str
    id: str
    facts: Mapping[str, Any]
    records: Sequence[tuple[Mapping[str, Any], str]] = field(default=())


def totals(table: Table) -> dict[int, list[tuple[int, str, str, str]]]:
    """Line of each total to the lines it adds up: (sign, anchor, label, figure)."""
    rows, column = table.rows, table.opened[0] if table.opened else 0

    def term(sign: int, row: Row) -> tuple[int, str, str, str]:
        return sign, f"{table.anchor}-{row.line}", row.label, row.cells[column].text

    return {
        line: [term(sign, rows[at]) for sign, at in terms]
        for index, terms in sums(table).items()
        if (line := rows[index].line) is not None
    }


def sources_shown(lines: Sequence[Opened]) -> list[Key]:
    """The sources that have room on the page, in order of their first mention."""
    keys = dict.fromkeys(part.source for line in lines for part in line.shown if part.source)
    return list(keys)[:MOST_SOURCES]


def opened_page(book: Book, period: date, lines: Sequence[Opened], sources: Mapping[Key, Source]) -> str:
    """The document."""
    numbers = {key: number for number, key in enumerate(sources)}
    mentioned = {part.source for line in lines for part in line.shown if part.source}
    return render_page(
        "opened.html.j2",
        book=book,
        period=period,
        month=Span("month", period).text,
        lines=lines,
        numbers=numbers,
        sources=[_told(source) for source in sources.values()],
        unshown=len(mentioned - set(sources)),
        accounting=accounting,
        masked=masked,
    )


def unopened_page(book: Book, period: date) -> str:
    """What stands in its place where it is not written: how to get it, and how to open one line without it."""
    return render_page("unopened.html.j2", book=book, period=period, month=Span("month", period).text)


def _told(source: Source) -> dict[str, Any]:
    """The source as texts, account numbers hidden."""
    return {
        "table": source.table,
        "id": source.id,
        "facts": _texts(source.facts),
        "records": [(_texts(facts), masked_payload(payload)) for facts, payload in source.records],
    }


def _texts(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, masked(str(value))) for name, value in facts.items() if value is not None and value != ""]
