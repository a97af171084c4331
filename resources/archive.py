"""A sealed archive: files in one file, encrypted piece by piece, with a manifest of their hashes.

What belongs here: writing one, whole or not at all, and reading it back. What does not: what a backup consists of
(``resources.backup``).

It is an ordinary ZIP whose members are numbered pieces and ``manifest``, each sealed by the vault. Only who has the key
learns a name or a size. A file that was cut short has no directory at its end; a piece that was changed does not open;
pieces that were exchanged have other hashes than the manifest says.
"""

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile

from manna.bundling.archive import UNREADABLE
from resources.vault import SealedError, Vault

FORMAT = 1
MANIFEST = "manifest"
PIECE_BYTES = 4_000_000
"""So much is in memory at once (and a few times that while it is sealed), however large a file is."""


class ArchiveError(Exception):
    """The archive cannot be written or read. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive: ``pieces`` are the numbers of the first and, exclusive, of the last of its pieces."""

    name: str
    size: int
    sha256: str
    pieces: tuple[int, int]


def discard_unfinished(folder: Path) -> None:
    """Removes what writers that were killed have left. One at work holds a lock on its draft."""
    for draft in folder.glob(".*.unfinished"):
        # Another installation's backup into the same folder may end, and its draft go, while we look.
        with suppress(FileNotFoundError), draft.open("rb") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            draft.unlink(missing_ok=True)


class ArchiveWriter:
    """Writes ``target``, which appears under its name when the block has ended well and the disk has it; not before.

    with ArchiveWriter(target, vault) as archive: archive.add(...); archive.facts["made_at"] = ...
    """

    def __init__(self, target: Path, vault: Vault) -> None:
        self._target, self._vault = target, vault
        self._draft = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
        self._entries: list[Entry] = []
        self._pieces = 0
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> "ArchiveWriter":
        self._file = os.fdopen(os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        fcntl.flock(self._file, fcntl.LOCK_EX)  # until this process ends, however it ends
        self._zip = ZipFile(self._file, "w", ZIP_STORED)
        return self

    def add(self, name: str, source: BinaryIO) -> str:
        """Adds what ``source`` has left, under ``name``; returns its SHA-256."""
        digest, size, first = hashlib.sha256(), 0, self._pieces
        while piece := source.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            self._zip.writestr(str(self._pieces), self._vault.seal_bytes(zlib.compress(piece, 1)))
            self._pieces += 1
        self._entries.append(Entry(name, size, digest.hexdigest(), (first, self._pieces)))
        return digest.hexdigest()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._discard()

    def _finish(self) -> None:
        manifest = {"format": FORMAT, **self.facts, "files": [asdict(one) for one in self._entries]}
        sealed = self._vault.seal_bytes(zlib.compress(json.dumps(manifest).encode(), 1))
        self._zip.writestr(MANIFEST, sealed)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        # Before its lock goes: else another installation takes it for what a killed one left.
        self._draft.replace(self._target)
        _sync_folder(self._target.parent)

    def _discard(self) -> None:
        """What is still a draft goes; what cannot be written to a full disk any more does not matter."""
        self._draft.unlink(missing_ok=True)
        for closing in (self._zip, self._file):
            with suppress(OSError, ValueError):
                closing.close()


class Archive:
    """An archive that is there, opened with the key that sealed it."""

    def __init__(self, file: Path, vault: Vault) -> None:
        """Raises :class:`ArchiveError`: there is none, it is damaged, or sealed with another key."""
        self._path, self._vault = file, vault
        with ExitStack() as opened:
            try:
                self._zip = opened.enter_context(ZipFile(file))
                sealed = self._zip.read(MANIFEST)
            except FileNotFoundError:
                raise ArchiveError(f"there is no {file}") from None
            except OSError as error:
                raise ArchiveError(f"cannot read {file}: {error.strerror}") from error
            except UNREADABLE:
                raise self._damaged() from None
            self.manifest = self._opened(sealed)
            opened.pop_all()  # it stays open: nothing was wrong
        entries = [Entry(**{**one, "pieces": tuple(one["pieces"])}) for one in self.manifest["files"]]
        self.files = {entry.name: entry for entry in entries}

    def _opened(self, sealed: bytes) -> dict[str, Any]:
        try:
            manifest: dict[str, Any] = json.loads(zlib.decompress(self._vault.open_bytes(sealed)))
        except SealedError:  # the checksum of the ZIP was right: it is whole, and sealed with something else
            raise ArchiveError(
                f"{self._path} was sealed with another key; give the one it was made with: MANNA_KEY, or --key-file FILE"
            ) from None
        if manifest["format"] != FORMAT:
            raise ArchiveError(
                f"{self._path} was made by a newer version of Manna; restore it with that version"
            )
        return manifest

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def verify(self) -> None:
        """Raises :class:`ArchiveError` unless every file in it hashes to what the manifest says."""
        for name in self.files:
            for _ in self._content(name):
                pass

    def extract(self, name: str, target: Path) -> None:
        """Writes one of its files to ``target``, which nobody else may read."""
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in self._content(name):
                file.write(piece)

    def _content(self, name: str) -> Iterator[bytes]:
        entry, digest = self.files[name], hashlib.sha256()
        for number in range(*entry.pieces):
            try:
                piece = zlib.decompress(self._vault.open_bytes(self._zip.read(str(number))))
            except (*UNREADABLE, SealedError):
                raise self._damaged(name) from None
            digest.update(piece)
            yield piece
        if digest.hexdigest() != entry.sha256:
            raise self._damaged(name)

    def _damaged(self, name: str = "") -> ArchiveError:
        where = f" ({name} in it)" if name else ""
        return ArchiveError(f"{self._path} is damaged or not a backup{where}; take another one")


def _sync_folder(folder: Path) -> None:
    """The name is on the disk too, not just the content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
