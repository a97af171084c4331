"""What is in a folder while runs write to it.

What belongs here: finding files. What does not: who may read them (``resources.closed_files``), or what they mean.
"""

import os
from collections.abc import Iterator
from pathlib import Path


def files_under(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file below ``folder`` with its size in bytes, in the order of the names of each folder; drafts and locks too.

    What a run removes or replaces while we look is passed over, and a folder that is not there has nothing in it:
    ``Path.rglob`` ends with an error there.

    Raises:
        OSError: a folder that is there cannot be read.
    """
    for place, folders, names in os.walk(folder, onerror=_unless_gone):
        folders.sort()
        for name in sorted(names):
            file = Path(place, name)
            try:
                size = file.stat().st_size
            except FileNotFoundError:
                continue
            yield file, size


def is_draft(file: Path, folder: Path) -> bool:
    """Whether its name, or that of a folder between it and ``folder``, begins with a dot: drafts and locks do."""
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
