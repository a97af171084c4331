"""Who may read what is published in files: the owner alone, or also the group of a book's folder.

What belongs here: permission bits. What does not: writing (``resources.publisher``), or saying that bits are wrong (`manna doctor`).

With ``MANNA_GROUP_READS`` an operator gives a book's folder and file to a group (``chgrp``), and its members read that book and no
other: they pass through the folders above, and cannot list them.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from resources.settings import Settings


def close_published(settings: Settings, books: Iterable[str]) -> None:
    """Makes the folders of what is published, and gives them and what is in them their bits, where they have others.

    Raises:
        OSError: one of them is not ours.
    """
    group = settings.group_reads
    passing, reading, of_book = (0o711, 0o750, 0o640) if group else (0o700, 0o700, 0o600)
    _close(settings.documents_dir, passing, 0o600)
    _close(settings.documents_dir / "data_docs", 0o700, 0o600)
    for book in books:
        _close(settings.documents_dir / book, reading, of_book)
    _close(settings.published_dir, passing, of_book)


def _close(folder: Path, mode: int, of_files: int) -> None:
    folder.mkdir(mode, parents=True, exist_ok=True)
    for file in folder.iterdir():
        # A draft has its bits from whoever writes it. What another run removes meanwhile is nobody's to read.
        with suppress(FileNotFoundError):
            if not file.name.startswith(".") and file.is_file() and _bits(file) != of_files:
                file.chmod(of_files)
    found = _bits(folder)
    if found & 0o777 != mode:
        folder.chmod(found & 0o7000 | mode)


def _bits(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def close_file(draft: Path, target: Path, *, group: bool | None = None) -> None:
    """Gives ``draft``, which is about to become ``target``, the group of what it replaces (else of its folder), and its bits.

    ``group``: whether that group reads it; null: when it may list the folder.

    Raises:
        OSError: we are no member of that group.
    """
    folder = target.parent.stat()
    wanted = target.stat().st_gid if target.exists() else folder.st_gid
    if draft.stat().st_gid != wanted:
        os.chown(draft, -1, wanted)
    reads = bool(folder.st_mode & stat.S_IRGRP) if group is None else group
    draft.chmod(0o640 if reads else 0o600)
