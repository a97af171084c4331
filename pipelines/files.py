"""A file that somebody has asked for: whole, or not there.

What belongs here: that. What does not: what is in it.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path


class FileError(Exception):
    """The file cannot be read or written. One line that says why."""


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Makes ``path`` hold ``content`` (or its parts, one by one): it is written beside and takes its place when it is whole.

    Raises:
        FileError: it cannot be written; what was there stays.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            beside = Path(file.name)
            try:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.close()
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}; choose another place") from error


def read_whole(path: Path) -> bytes:
    """What ``path`` holds.

    Raises:
        FileError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
