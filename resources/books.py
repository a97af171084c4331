"""Reading the book files.

What belongs here: YAML from a folder into :class:`Book`, with every complaint. What does not: the shape of
a book (``manna.books``).
"""

from pathlib import Path
from typing import Any

import yaml

from manna.books import Book, complaints


class BookError(Exception):
    """Book files cannot be used. The message is one line, names each file and fault, and says what to do."""


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is a fault: of two lists of rules the first must not get lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


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
            document = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        except (yaml.YAMLError, UnicodeDecodeError, OSError, ValueError, RecursionError) as error:
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
    faults += _unshared(books)
    if faults:
        raise BookError(f"correct the book files in {folder}: " + "; ".join(faults))
    return books


def _unshared(books: dict[str, Book]) -> list[str]:
    """Spending that is shared with a book that is no other one of the same taxpayer."""
    return [
        f"book {book.id!r}: what is shared with {setting.book!r} needs another book of the same taxpayer; "
        f"give both the same `taxpayer`"
        for book in books.values()
        for setting in book.shared
        if setting.book not in books
        or setting.book == book.id
        or book.taxpayer is None
        or books[setting.book].taxpayer != book.taxpayer
    ]
