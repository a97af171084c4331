"""Backups: everything that cannot be fetched again, as of one moment, in one sealed file.

What belongs here: what a backup consists of, making one while runs go on, and finding those there are. What does not:
the file's format (``resources.archive``), getting it back (``resources.restoring``), when one is made (``assets.operations``).

One transaction of Postgres decides what is in it: ``pg_dump`` works on its exported snapshot, which is the catalogue of the
lake too, and so names the lake's files. Those are never changed, only added; what would delete one (``resources.maintenance``)
and what alters tables wait for the lock that a backup holds. Pages and published databases are copied before that moment,
so that none is newer than the lake; models after it, so that none is missing that the database names.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from pydantic import SecretStr

from resources.archive import Archive, ArchiveError, ArchiveWriter, discard_unfinished
from resources.bucket import Bucket
from resources.folders import files_under, is_draft
from resources.installation import CODE_VERSION, Installation
from resources.lake import STORAGE_LOCK
from resources.lake_files import catalogued
from resources.postgres_dump import dumped
from resources.settings import Settings
from resources.signing import KEY_FILE
from resources.table_hashes import lake_hashes, postgres_hashes
from resources.vault import DEMO_KEY, Vault

DUMP, SETTINGS = "postgres.dump", "settings.json"
_SECRET = {"postgres_url", "notify_urls", "notify_critical_urls"}
"""Settings that may hold a password, beside those that say so. None of them is in a backup."""
_NAME = re.compile(r"manna-(\d{8}T\d{12})Z(-scheduled)?\.backup")


class BackupError(Exception):
    """A backup cannot be made, or there is none. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup in a folder, as its name and size tell. What nobody asked for by hand is ``scheduled``."""

    file: Path
    made_at: datetime
    size: int
    scheduled: bool


def backups(folder: Path) -> list[Backup]:
    """The finished backups in a folder, the newest first. What was cut short has another name."""
    found = []
    for file in folder.glob("manna-*.backup") if folder.is_dir() else ():
        named = _NAME.fullmatch(file.name)
        if named:
            made_at = datetime.strptime(named[1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
            with suppress(FileNotFoundError):  # retention has just deleted it
                found.append(Backup(file, made_at, file.stat().st_size, named[2] is not None))
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def newest_good(folder: Path, vault: Vault) -> Backup | None:
    """The newest backup of which every byte is as it was written; null when there is none."""
    for backup in backups(folder):
        try:
            with Archive(backup.file, vault) as archive:
                archive.verify()
        except ArchiveError:
            continue
        return backup
    return None


def make_backup(manna: Installation, folder: Path, *, scheduled: bool = False) -> Backup:
    """Makes a backup in ``folder``. Runs may go on; a second backup waits for the first.

    Raises:
        BackupError: there is no key, the folder cannot be written, or a file of the lake is missing or not what was written.
            No file is left.
        DumpError: the database cannot be dumped. No file is left.
    """
    settings = manna.settings
    if settings.key is None and not (settings.data_dir / DEMO_KEY).exists():
        # One that is made now would lie beside the data and nowhere else.
        raise BackupError(
            "no key to seal it with: set MANNA_KEY to the one that seals the access tokens (`manna key` makes a new one)"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with manna.lake.locked([STORAGE_LOCK]):
            discard_unfinished(folder)
            made_at = datetime.now(UTC)
            kind = "-scheduled" if scheduled else ""
            file = folder / f"manna-{made_at:%Y%m%dT%H%M%S%f}Z{kind}.backup"
            with ArchiveWriter(file, manna.vault) as archive:
                _fill(archive, manna, made_at)
        return Backup(file, made_at, file.stat().st_size, scheduled)
    except duckdb.Error as error:
        raise BackupError(
            f"the lake cannot be read as it is stored ({str(error).splitlines()[0]}): nothing was written; see `manna doctor`"
        ) from error
    except OSError as error:
        raise BackupError(
            f"cannot write a backup to {folder}: {error.strerror or error}; make room, or name another folder"
        ) from error


def _fill(archive: ArchiveWriter, manna: Installation, made_at: datetime) -> None:
    settings = manna.settings
    for name, file in _derived(settings):
        with _unless_replaced(file) as opened:
            if opened:
                archive.add(name, opened)
    with psycopg.connect(manna.postgres_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        [snapshot] = connection.execute("SELECT pg_export_snapshot()").fetchone() or [""]
        with dumped(manna.postgres_url, snapshot) as process:
            assert process.stdout is not None
            archive.add(DUMP, process.stdout)  # type: ignore[arg-type]  # it reads, which is all that is asked of it
        lake_snapshot = _lake_snapshot(connection)
        for _, path, _, sha256 in catalogued(connection):
            _add_lake_file(archive, manna, path, sha256)
        archive.facts |= {
            "made_at": made_at.isoformat(),
            "code_version": CODE_VERSION,
            "lake_snapshot": lake_snapshot,
            "tables": {
                "lake": lake_hashes(manna.lake, lake_snapshot),
                "postgres": postgres_hashes(connection),
            },
        }
    for name, file in _kept(settings):
        with file.open("rb") as opened:
            archive.add(name, opened)
    archive.add(SETTINGS, io.BytesIO(json.dumps(_public(settings), indent=1).encode()))
    archive.facts["demo_key"] = settings.key is None


def _lake_snapshot(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT max(snapshot_id) FROM lake.ducklake_snapshot").fetchone()
    assert row is not None
    return int(row[0])


def _add_lake_file(archive: ArchiveWriter, manna: Installation, path: str, sha256: str | None) -> None:
    """``sha256``: of what was written, where it is known."""
    files = manna.lake_files
    if isinstance(files, Bucket):
        try:
            content = manna.lake.query("SELECT content FROM read_blob(?)", [f"{files}/{path}"]).item()
        except duckdb.Error:
            raise BackupError(
                f"{files}/{path} cannot be read: nothing was written; bring it back from the bucket's versions"
            ) from None
        archive.add(f"lake/{path}", io.BytesIO(content))
        return
    try:
        with (files / path).open("rb") as opened:
            found = archive.add(f"lake/{path}", opened)
    except FileNotFoundError as error:
        raise BackupError(
            f"the lake's file {error.filename} is missing: nothing was written; take it from an older backup with `manna restore`"
        ) from None
    if sha256 not in (None, found):
        raise BackupError(
            f"the lake's file {files / path} is not what was written (its SHA-256 is another): nothing was written; check the "
            "disk, and take it from an older backup with `manna restore`"
        )


def _derived(settings: Settings) -> Iterator[tuple[str, Path]]:
    """What is made from the lake and replaced whole: pages, published databases."""
    for folder in (settings.documents_dir, settings.published_dir):
        yield from _under(folder, folder.name)


def _kept(settings: Settings) -> Iterator[tuple[str, Path]]:
    """What is written once: models, book files, the key that signs bundles, the demo's credentials."""
    yield from _under(settings.models_dir, "models")
    yield from _under(settings.data_dir / "sandbox", "sandbox")
    yield from ((f"books/{file.name}", file) for file in sorted(settings.books.glob("*.yaml")))
    if (settings.data_dir / KEY_FILE).exists():
        yield KEY_FILE, settings.data_dir / KEY_FILE


def _under(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for file, _ in files_under(folder):
        if not is_draft(file, folder):
            yield f"{name}/{file.relative_to(folder).as_posix()}", file


@contextmanager
def _unless_replaced(file: Path) -> Iterator[io.BufferedReader | None]:
    """The file, opened; null when a run has just put others in its place."""
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        yield None
        return
    with opened:
        yield opened


def _public(settings: Settings) -> dict[str, Any]:
    """The settings without a secret in them, for whoever sets up the machine after this one."""
    secret = {name for name in Settings.model_fields if isinstance(getattr(settings, name), SecretStr)}
    return settings.model_dump(mode="json", exclude=secret | _SECRET)
