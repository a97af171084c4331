"""What `manna export` reads and writes.

What belongs here: one snapshot of a book's ledger, and a file that is whole or not there. What does not: the
languages (``manna.exporting``).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from manna.exporting import export
from resources.installation import Installation


class ExportError(Exception):
    """The book cannot be written there. One line that says why."""


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


def write(lines: Iterator[str], path: Path) -> None:
    """Makes ``path`` hold ``lines``: it is written beside and takes its place when it is whole.

    Raises:
        ExportError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as file:
            beside = Path(file.name)
            try:
                file.writelines(f"{line}\n" for line in lines)
                file.close()
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
