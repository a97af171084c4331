"""Reading the book files.

What belongs here: YAML from a folder into :class:`Book`, with every complaint. What does not: the shape of
a book (``manna.books``).
"""

from pathlib import Path

import yaml

from manna.books import Book, complaints


class BookError(Exception):
    """Book files cannot be used. The message is one line, names each file and fault, and says what to do."""


def read_books(folder: Path) -> dict[str, Book]:
    """Every book of ``folder``, by id, in the order of the file names.

    Raises:
        BookError: no folder, no file, or any fault in any file; all faults are named at once.
    """
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else []
    if not files:
        raise BookError(f"no book files in {folder}; put one YAML file per household or firm there")
    books: dict[str, Book] = {}
    faults: list[str] = []
    for file in files:
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            faults.append(f"{file.name}: not readable YAML: {' '.join(str(error).split())}")
            continue
        found = complaints(document)
        if found:
            faults += [f"{file.name}: {fault}" for fault in found]
            continue
        book = Book.model_validate(document)
        if book.id in books:
            faults.append(f"{file.name}: id {book.id!r} is taken by another file")
        books[book.id] = book
    if faults:
        raise BookError(f"correct the book files in {folder}: " + "; ".join(faults))
    return books
