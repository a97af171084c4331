"""What `manna doctor` looks at.

What belongs here: the order, one frame of findings, and the exit code that follows. What does not: looking at the machine
(``machine``), the stores (``stores``), or what runs by itself (``workings``); and mending.
"""

from collections.abc import Iterator

import polars as pl

from manna.alerting.platform import LEAST_FREE, NONE_FREE
from pipelines.doctor import machine, stores, workings
from pipelines.doctor.finding import BROKEN, EXIT_CODES, FINE, Finding
from resources.installation import Installation
from resources.settings import PROJECT, Settings, SettingsError

SCHEMA = {"what": pl.String, "status": pl.String, "finding": pl.String, "remedy": pl.String}


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
    yield from machine.program(PROJECT / "uv.lock")
    yield Finding("profile", FINE, settings.profile)
    yield from machine.variables(settings)
    yield from machine.data_directory(settings)
    yield from machine.disk(settings.data_dir, LEAST_FREE, NONE_FREE)
    yield from machine.permissions(settings)
    yield from stores.books(settings)
    yield from workings.credentials(settings)
    yield from stores.backups(settings)
    yield from stores.database(settings, _in_database)


def _in_database(manna: Installation) -> Iterator[Finding]:
    import dagster as dg  # takes seconds

    schema = list(stores.schema(manna))
    yield from schema
    yield from stores.clock(manna)
    if any(found.status == BROKEN for found in schema):
        return  # what follows reads tables of this version
    yield from stores.lake(manna)
    yield from stores.files(manna)
    yield from workings.tokens(manna)
    yield from workings.connections(manna)
    yield from workings.circuits(manna)
    instance = dg.DagsterInstance.get()
    yield from workings.serving(manna.settings, instance)
    yield from workings.ticks(instance)
