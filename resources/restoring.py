"""Getting a backup back: into an empty place, checked before anything is written, whole or not at all.

What belongs here: that, and comparing what was restored with what was backed up. What does not: what a backup consists of
(``resources.backup``).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from resources.archive import Archive
from resources.backup import DUMP
from resources.lake import Lake
from resources.postgres import EmbeddedPostgres
from resources.postgres_dump import load, require_empty
from resources.settings import Settings
from resources.table_hashes import lake_hashes, postgres_hashes
from resources.vault import DEMO_KEY, Vault

_LEFT = "; what was loaded is still in the database of MANNA_POSTGRES_URL: drop it and make it anew before you try again"


class RestoreError(Exception):
    """The backup cannot be restored. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the manifest of the backup, and how many tables were compared with it row by row."""

    manifest: dict[str, Any]
    tables: int


def vault_and_key(settings: Settings, key_file: Path | None) -> tuple[Vault, bytes | None]:
    """What opens a backup: the key in ``key_file``, else ``MANNA_KEY``, else that of this data directory's demo.

    The key itself is null where it stays in the environment. None is ever made.

    Raises:
        RestoreError: there is none, or no such file.
        SettingsError: what is given is no key.
    """
    if key_file is None and settings.key is not None:
        return Vault.from_settings(settings), None
    file = key_file or settings.data_dir / DEMO_KEY
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        if key_file is None:
            raise RestoreError(
                "no key: set MANNA_KEY, or give --key-file FILE (a demo's is its demo.key)"
            ) from None
        raise RestoreError(f"cannot read the key in {file}: {error.strerror}") from error
    return Vault(key), key


def restore(file: Path, into: Path, vault: Vault, *, key: bytes | None, postgres_url: str | None) -> Restored:
    """Restores a backup into ``into``, which must be empty or absent, and compares every table with the manifest.

    Args:
        file: the backup.
        into: the data directory to make. It appears when all is in it: a restore that is cut short leaves none. One that is
            there already (a mount, a service's own) has nothing but a folder ``.restoring-…`` in it until then.
        vault: opens it.
        key: the key itself, which a demo's data directory keeps in a file; null when it is in the environment.
        postgres_url: an empty database of a server of one's own; null for an embedded one in ``into``. What fails after it
            was loaded leaves it full, and says so.

    Raises:
        RestoreError: ``into`` is not empty or cannot be written, or a table has other rows than were backed up.
        ArchiveError: the backup is damaged, or sealed with another key. Nothing is left of it.
        DumpError: the database is not empty or does not take the dump.
    """
    _require_empty(into)
    if postgres_url is not None:
        require_empty(postgres_url)
    left = ""
    with Archive(file, vault) as archive:
        try:
            with _aside(into) as folder:
                _extract(archive, folder, key)
                with nullcontext(postgres_url) if postgres_url else EmbeddedPostgres(folder) as url:
                    load(url, folder / DUMP)
                    left = _LEFT if postgres_url else ""
                    (folder / DUMP).unlink()
                    _forget_removed_files(url)
                    tables = _compared(archive.manifest, url, folder / "lake")
        except RestoreError as error:
            raise RestoreError(f"{error}{left}") from error
        except OSError as error:
            raise RestoreError(
                f"cannot restore into {into}: {error.strerror or error}; make room, or name another place{left}"
            ) from error
        return Restored(archive.manifest, tables)


def _compared(manifest: dict[str, Any], url: str, lake_dir: Path) -> int:
    """How many tables a database and its lake have, each with the rows that the manifest says."""
    expected = manifest["tables"]
    with psycopg.connect(url) as connection:
        found = {"postgres": postgres_hashes(connection)}
    lake = Lake(url, lake_dir)
    try:
        found["lake"] = lake_hashes(lake, manifest["lake_snapshot"])
    finally:
        lake.close()
    different = [
        f"{table} ({where})"
        for where in ("lake", "postgres")
        for table in sorted(expected[where].keys() | found[where].keys())
        if expected[where].get(table) != found[where].get(table)
    ]
    if different:
        raise RestoreError(
            f"restored, but not with the rows that were backed up: {', '.join(different)}; take another backup"
        )
    return sum(map(len, expected.values()))


def _forget_removed_files(url: str) -> None:
    """Files that waited for their removal are in no backup: there is nothing left to remove."""
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM lake.ducklake_files_scheduled_for_deletion")


def _require_empty(into: Path) -> None:
    try:
        found = next(into.iterdir(), None) if into.is_dir() else into if into.exists() else None
        if found is not None:
            raise RestoreError(
                f"{into} is not empty; name a folder that is, or one that does not exist yet (there is {found})"
            )
    except OSError as error:
        raise RestoreError(f"cannot use {into}: {error.strerror}") from error


@contextmanager
def _aside(into: Path) -> Iterator[Path]:
    """A folder beside ``into`` that takes its place when the block has ended well, and else is removed.

    Is ``into`` there already, the folder is in it, and what it holds moves up: a mount cannot be replaced, and who may write
    in it may not always write beside it.
    """
    is_there = into.exists()
    if not is_there:
        into.parent.mkdir(parents=True, exist_ok=True)
    prefix, place = (".restoring-", into) if is_there else (f".{into.name}.restoring-", into.parent)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    try:
        yield folder
        if not is_there:
            folder.replace(into)
            return
        for made in list(folder.iterdir()):
            made.replace(into / made.name)
        folder.rmdir()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _extract(archive: Archive, folder: Path, key: bytes | None) -> None:
    for name in archive.files:
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise RestoreError(f"the backup names a file outside its folder ({name}); it is none of Manna's")
        archive.extract(name, target)
    if archive.manifest["demo_key"] and key is not None:
        with os.fdopen(os.open(folder / DEMO_KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
