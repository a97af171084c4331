"""What `manna doctor` looks at.

What belongs here: one function per thing that can be wrong, each with its remedy. What does not: mending.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from manna.connections import BROKEN
from resources.books import BookError
from resources.installation import CODE_VERSION, Installation
from resources.settings import Settings, SettingsError

SCHEMA = {"what": pl.String, "status": pl.String, "finding": pl.String, "remedy": pl.String}
LEAST_FREE_BYTES = 1_000_000_000
BACKUP_AGE = timedelta(days=2)
"""One is made every day; a day may fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``status``: fine, warning or broken."""

    what: str
    status: str
    finding: str
    remedy: str = ""


def findings() -> pl.DataFrame:
    """Everything looked at, in order: what, status, finding, remedy.

    Nothing raises: what cannot be looked at is a finding too.
    """
    try:
        settings = Settings.load()
    except SettingsError as error:
        return _frame([Finding("settings", "broken", str(error), "correct the environment or .env")])
    found = [Finding("manna", "fine", f"{CODE_VERSION} on Python {sys.version.split()[0]}")]
    for look in (_data_directory, _books, _credentials, _database):
        found += look(settings)
    return _frame(found)


def _frame(found: list[Finding]) -> pl.DataFrame:
    rows = [(f.what, f.status, f.finding, f.remedy) for f in found]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _data_directory(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield Finding("data directory", "broken", f"cannot write to {folder}", "set MANNA_DATA_DIR")
        return
    yield Finding("data directory", "fine", str(folder))
    free = shutil.disk_usage(existing).free
    status = "fine" if free >= LEAST_FREE_BYTES else "warning"
    yield Finding("disk", status, f"{free / 1e9:.1f} GB free", "" if status == "fine" else "make room")


def _books(settings: Settings) -> Iterator[Finding]:
    try:
        books = Installation(settings).books
    except BookError as error:
        yield Finding("books", "broken", str(error), "correct the file named")
        return
    yield Finding("books", "fine", f"{', '.join(books)} in {settings.books}")


def _credentials(settings: Settings) -> Iterator[Finding]:
    if not settings.uses_real_providers:
        yield Finding("credentials", "fine", "none set: the sandbox stands in for Plaid and Alpaca")
        return
    try:
        Installation(settings).vault  # noqa: B018  opening it is the check
    except SettingsError as error:
        yield Finding("credentials", "broken", str(error), "`manna key` makes a key for MANNA_KEY")
        return
    yield Finding("credentials", "fine", "real providers, tokens sealed under MANNA_KEY")


def _newest_backup(settings: Settings) -> Finding:
    from resources.backup import backups

    made, folder = backups(settings.backups_dir), settings.backups_dir
    if not made:
        real = settings.uses_real_providers
        return Finding("backups", "warning" if real else "fine", f"none in {folder}", "run `manna backup`")
    age = datetime.now(UTC) - made[0].made_at
    status = "fine" if age < BACKUP_AGE else "warning"
    said = f"{len(made)} in {folder}, the newest of {made[0].made_at:%Y-%m-%d %H:%M} UTC"
    return Finding(
        "backups", status, said, "" if status == "fine" else "run `manna backup`; see the job `backup`"
    )


def _database(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy.exc import OperationalError

    from pipelines.services import ServiceError, database
    from resources.lake import LakeError
    from resources.postgres import PostgresError
    from resources.schema import SchemaError

    kind = "embedded" if settings.postgres_url is None else "from MANNA_POSTGRES_URL"
    try:
        with database(settings) as manna:
            yield Finding("database", "fine", f"{kind}, answers")
            yield Finding("lake", "fine", f"snapshot {manna.lake.snapshot()}")
            yield _newest_backup(settings)
            unwell = BROKEN | {"pending_expiration"}
            broken = [c for c in manna.ops.connections() if c["status"] in unwell]
            for connection in broken:
                yield Finding(
                    "connection",
                    "warning",
                    f"{connection['institution']}: {connection['status']}",
                    str(connection["error"]),
                )
    except OperationalError as error:
        yield Finding(
            "database", "broken", str(error.orig).strip().splitlines()[0], "check MANNA_POSTGRES_URL"
        )
    except SchemaError as error:
        yield Finding("schema", "broken", str(error), "see the message")
    except (PostgresError, LakeError, ServiceError, SettingsError) as error:
        yield Finding("database", "broken", str(error), "see the message")
