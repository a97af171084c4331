"""People's journal entries, and the tax forms that make some: their statements in ``ops``.

What belongs here: numbering, adding and reading ``ops.journal_entries``, which is append-only: an entry is taken back by
another one; and the forms of which the books make entries. What does not: what an entry must be
(``manna.ledger.entered``), or entering forms.
"""

import json
from collections.abc import Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from manna.filing.entered_forms import in_force
from manna.ledger.entered import ENTERED, UnknownEntryError, Written, opposite, voided_by, written
from manna.ledger.entry_file import not_there_yet
from manna.ledger.loan_entries import FORMS
from resources.ops_database import OpsDatabase
from resources.ops_tables import JOURNAL_ENTRIES, TAX_FORMS

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('ops.journal_entries/' || :book, 0))")


class Entries(OpsDatabase):
    """The part of ``Ops`` that is about people's entries."""

    def enter(
        self, book: str, entries: Sequence[Written], by: str, at: datetime, *, again: bool = False
    ) -> list[int]:
        """Adds entries to a book, all or none, and returns their numbers; what is there already is not added again.

        Args:
            book: the book.
            entries: without faults (:func:`manna.ledger.entered.faults`).
            by: who enters them.
            at: when.
            again: adds them although entries of the same content are there.
        """
        with self.engine.begin() as connection:
            # Numbers have no gaps, and nobody adds between looking and adding.
            connection.execute(_LOCK, {"book": book})
            there = _read(connection, book, None)
            new = (
                list(entries)
                if again
                else not_there_yet(entries, [written(row).content for row in there.iter_rows(named=True)])
            )
            return _insert(connection, book, new, there.height, by, at)

    def void_entry(self, book: str, number: int, by: str, at: datetime) -> tuple[int, bool]:
        """Takes an entry back by its opposite. Returns the opposite's number, and whether it was added just now.

        Raises:
            UnknownEntryError: there is no such entry, or it takes back another one.
        """
        with self.engine.begin() as connection:
            connection.execute(_LOCK, {"book": book})
            there = _read(connection, book, None)
            done = voided_by(there).get(number)
            if done is not None:
                return done, False
            return _insert(connection, book, [opposite(number, there)], there.height, by, at)[0], True

    def entries(self, book: str, as_known_on: datetime | None = None) -> pl.DataFrame:
        """A book's entries in the order of their numbers, columns of ``entered.ENTERED``."""
        with self.engine.connect() as connection:
            return _read(connection, book, as_known_on)

    def entry(self, book: str, number: int, as_known_on: datetime | None = None) -> dict[str, object]:
        """One entry.

        Raises:
            UnknownEntryError: there is none of that number.
        """
        found = self.entries(book, as_known_on).filter(pl.col("number") == number)
        if found.is_empty():
            raise UnknownEntryError(f"the book {book} has no entry {number}")
        return found.row(0, named=True)

    def mortgage_forms(self, book: str, as_known_on: datetime | None = None) -> pl.DataFrame:
        """The Forms 1098 of a book that count (:func:`in_force`): ``loan_entries.FORMS``."""
        f = TAX_FORMS.c
        query = sa.select(TAX_FORMS).where(f.book == book, f.form == "1098").order_by(f.form_id)
        if as_known_on is not None:
            query = query.where(f.known_at <= as_known_on)
        with self.engine.connect() as connection:
            rows = in_force(map(dict, connection.execute(query).mappings()))
        told = [
            {name: json.dumps(row[name]) if name == "boxes" else row[name] for name in FORMS} for row in rows
        ]
        return pl.DataFrame(told, schema=FORMS)


def _read(connection: sa.Connection, book: str, as_known_on: datetime | None) -> pl.DataFrame:
    j = JOURNAL_ENTRIES.c
    query = sa.select(*(j[name] for name in ENTERED)).where(j.book == book).order_by(j.number)
    if as_known_on is not None:
        query = query.where(j.known_at <= as_known_on)
    rows = [
        row | {"lines": json.dumps(row["lines"], sort_keys=True)}
        for row in map(dict, connection.execute(query).mappings())
    ]
    return pl.DataFrame(rows, schema=ENTERED)


def _insert(
    connection: sa.Connection, book: str, new: Sequence[Written], last: int, by: str, at: datetime
) -> list[int]:
    numbers = list(range(last + 1, last + 1 + len(new)))
    values = [
        {
            "book": book,
            "number": number,
            "date": entry.day,
            "description": entry.description,
            "lines": entry.document,
            "adjusting": entry.adjusting,
            "reverses_on": entry.reverses_on,
            "voids": entry.voids,
            "decided_by": by,
            "known_at": at,
        }
        for number, entry in zip(numbers, new, strict=True)
    ]
    if values:
        connection.execute(sa.insert(JOURNAL_ENTRIES), values)
    return numbers
