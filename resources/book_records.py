"""What was said of whole books: ``ops.book_files``, ``ops.closings`` and ``ops.tax_forms``.

What belongs here: writing it down, and reading it as known on a moment. All three are append-only. What does not:
reading a book's YAML (``books``), what a closing does to the books (``manna.ledger.closing``), or how a tax form is
compared (``manna.tax.tie_out``).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from manna.books import Book, document_hash, document_of
from manna.filing.entered_forms import in_force
from resources.ops_database import OpsDatabase
from resources.ops_tables import BOOK_FILES, CLOSINGS, TAX_FORMS


class BookRecords(OpsDatabase):
    """The part of ``Ops`` that is about whole books."""

    def note_books(self, books: Mapping[str, Book], at: datetime) -> int:
        """Writes down every book whose file says something else than its last version, or is gone.

        Returns:
            How many versions are new. The same files again add nothing.
        """
        if not self._changed(books):
            return 0
        with self.engine.begin() as connection:
            # Two runs may read a new file at once; whoever comes second finds that it is known.
            connection.execute(sa.text("LOCK TABLE ops.book_files IN SHARE ROW EXCLUSIVE MODE"))
            changed = self._changed(books, connection)
            rows = [
                {"book": book, "sha256": document_hash(document), "document": document, "known_at": at}
                for book, document in changed.items()
            ]
            if rows:
                connection.execute(sa.insert(BOOK_FILES), rows)
            return len(rows)

    def book_files(self, as_known_on: datetime | None = None) -> dict[str, Any]:
        """The last version of every book's document, by book; without those whose file was gone by then."""
        with self.engine.connect() as connection:
            last = _last_files(connection, as_known_on)
        return {book: row["document"] for book, row in last.items() if row["document"] is not None}

    def _changed(self, books: Mapping[str, Book], connection: sa.Connection | None = None) -> dict[str, Any]:
        if connection is None:
            with self.engine.connect() as opened:
                return self._changed(books, opened)
        known = {book: row["sha256"] for book, row in _last_files(connection, None).items()}
        said: dict[str, Any] = {book.id: document_of(book) for book in books.values()}
        said |= {book: None for book in known if book not in said}
        return {
            book: document for book, document in said.items() if document_hash(document) != known.get(book)
        }

    def add_closing(self, values: Mapping[str, Any]) -> None:
        """Writes down that a period was closed, reopened, or its tax year filed: all columns but the id."""
        with self.engine.begin() as connection:
            connection.execute(sa.insert(CLOSINGS).values(**values))

    def closings(self, book: str, as_known_on: datetime | None = None) -> list[dict[str, Any]]:
        """What was closed, reopened and filed of a book, oldest first."""
        c = CLOSINGS.c
        query = sa.select(CLOSINGS).where(c.book == book).order_by(c.closing_id)
        if as_known_on is not None:
            query = query.where(c.known_at <= as_known_on)
        with self.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        # In UTC, as the lake has them: what a closing has kept is found by its moment.
        return [{**row, "known_at": row["known_at"].astimezone(UTC)} for row in rows]

    def add_tax_form(self, values: Mapping[str, Any]) -> None:
        """Writes a tax form's figures down: all columns but the id. A correction is one more row."""
        with self.engine.begin() as connection:
            connection.execute(sa.insert(TAX_FORMS).values(**values))

    def tax_forms(
        self, book: str, year: int | None = None, as_known_on: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Forms of a book (and year) that count (:func:`in_force`), by year, form, issuer and account."""
        f = TAX_FORMS.c
        query = sa.select(TAX_FORMS).where(f.book == book).order_by(f.form_id)
        if year is not None:
            query = query.where(f.year == year)
        if as_known_on is not None:
            query = query.where(f.known_at <= as_known_on)
        with self.engine.connect() as connection:
            return [dict(row) for row in in_force(map(dict, connection.execute(query).mappings()))]


def _last_files(connection: sa.Connection, as_known_on: datetime | None) -> dict[str, dict[str, Any]]:
    query = sa.select(BOOK_FILES).order_by(BOOK_FILES.c.file_id)
    if as_known_on is not None:
        query = query.where(BOOK_FILES.c.known_at <= as_known_on)
    return {row["book"]: dict(row) for row in connection.execute(query).mappings()}
