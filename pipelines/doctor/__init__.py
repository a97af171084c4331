"""What `manna doctor` looks at.

What belongs here: the order, one frame of findings, and the exit code that follows. What does not: looking at the machine
(``machine``), the stores (``stores``), or what runs by itself (``workings``); and mending.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from manna.alerting.platform import LEAST_FREE, NONE_FREE
from pipelines.doctor import machine, stores, workings
from pipelines.doctor.finding import BROKEN, EXIT_CODES, FINE, Finding, guarded
from resources.installation import Installation
from resources.settings import PROJECT, Settings, SettingsError

if TYPE_CHECKING:
    import dagster as dg

SCHEMA = {"what": pl.String, "status": pl.String, "finding": pl.String, "remedy": pl.String}
_DAGSTER = "check Dagster's storage, which is in the same database, and its folder in the data directory"


def findings() -> pl.DataFrame:
    """Everything looked at, in order: what, status, finding, remedy.

    Nothing raises: what cannot be looked at is a finding too.
    """
    return pl.DataFrame(
        [(f.what, f.status, f.finding, f.remedy) for f in _found()], schema=SCHEMA, orient="row"
    )


def exit_code(found: pl.DataFrame) -> int:
    """That of the worst finding: 0, 1 or 2."""
    return max((EXIT_CODES[status] for status in found["status"]), default=0)


def _found() -> Iterator[Finding]:
    try:
        settings = Settings.load()
    except SettingsError as error:
        yield Finding("settings", BROKEN, str(error), "`manna config show` once they are corrected")
        return
    data, lock = settings.data_dir, PROJECT / "uv.lock"
    named = "see the message"
    yield from guarded("packages", "`uv sync`", lambda: machine.program(lock))
    yield Finding("profile", FINE, settings.profile)
    yield from guarded("settings", named, lambda: machine.variables(settings))
    yield from guarded("data directory", "set MANNA_DATA_DIR", lambda: machine.data_directory(settings))
    yield from guarded("disk", named, lambda: machine.disk(data, LEAST_FREE, NONE_FREE))
    yield from guarded("permissions", named, lambda: machine.permissions(settings))
    yield from guarded(
        "books", "set MANNA_BOOKS_DIR, or correct the file named", lambda: stores.books(settings)
    )
    yield from guarded("credentials", named, lambda: workings.credentials(settings))
    yield from guarded("backups", "set MANNA_BACKUP_DIR", lambda: stores.backups(settings))
    remedy = "check MANNA_POSTGRES_URL, and what the message names"
    yield from guarded("database", remedy, lambda: stores.database(settings, _in_database))


def _in_database(manna: Installation) -> Iterator[Finding]:
    restored = "check what the message names; `manna restore` brings back a backup"
    schema = list(guarded("schema", restored, lambda: stores.schema(manna)))
    yield from schema
    yield from guarded("clock", "see the message", lambda: stores.clock(manna))
    if any(found.status == BROKEN for found in schema):
        return  # what follows reads tables of this version
    where = "check MANNA_DATA_DIR, or MANNA_LAKE_URL and the keys to its bucket"
    yield from guarded("lake", where, lambda: stores.lake(manna))
    yield from guarded("lake files", where, lambda: stores.files(manna))
    yield from guarded("tokens", "`manna key` makes a key for MANNA_KEY", lambda: workings.tokens(manna))
    yield from guarded("connection", restored, lambda: workings.connections(manna))
    yield from guarded("provider", restored, lambda: workings.circuits(manna))
    yield from guarded("daemon", _DAGSTER, lambda: workings.serving(manna.settings, _dagster()))
    yield from guarded("schedules", _DAGSTER, lambda: workings.ticks(_dagster()))


def _dagster() -> "dg.DagsterInstance":
    import dagster as dg  # takes seconds

    return dg.DagsterInstance.get()
