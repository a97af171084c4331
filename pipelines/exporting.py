"""What `manna export` reads.

What belongs here: one snapshot of a book's ledger. What does not: the languages (``manna.exporting``), or writing the file
(``pipelines.files``).
"""

from collections.abc import Iterator

from manna.exporting import export
from resources.installation import Installation


class ExportError(Exception):
    """The book cannot be exported. One line that says why."""


def lines_of(manna: Installation, dialect: str, book: str) -> Iterator[str]:
    """The book as lines of a file in ``dialect``, all from one snapshot of the lake.

    Raises:
        ExportError: nothing is booked yet.
    """
    snapshot, scope = manna.lake.snapshot(), {"book": book}
    journal = manna.lake.read_at("ledger.journal", snapshot, scope)
    if journal.is_empty():
        raise ExportError(f"nothing is booked in {book} yet; run `manna run nightly_close`")
    postings = manna.lake.read_at("ledger.postings", snapshot, scope)
    securities = manna.lake.read_at("clean.securities", snapshot)
    return export(dialect, manna.books[book], journal, postings, securities)
