"""The stores: book files, Postgres, its clock, its schema, the lake and the lake's files.

What belongs here: whether each can be used and is whole. What does not: what is in them.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from pipelines.doctor.finding import BROKEN, FINE, WARNING, Finding
from resources.books import BookError
from resources.installation import Installation
from resources.settings import Settings

MOST_NAMED = 10
APART, TOO_FAR_APART = timedelta(seconds=5), timedelta(minutes=2)
"""Between our clock and the database's. Plaid's webhooks are refused when they seem older than five minutes."""
BACKUP_AGE = timedelta(days=2)
"""One is made every day; a day may fail."""


def books(settings: Settings) -> Iterator[Finding]:
    """Whether every book's file can be read."""
    try:
        found = Installation(settings).books
    except BookError as error:
        yield Finding("books", BROKEN, str(error), "correct the file named")
        return
    yield Finding("books", FINE, f"{', '.join(found)} in {settings.books}")


def database(settings: Settings, look: Callable[[Installation], Iterator[Finding]]) -> Iterator[Finding]:
    """Whether the database answers, and then what ``look`` finds in it, which guards itself."""
    from pipelines.services import database as started

    kind = "embedded" if settings.postgres_url is None else "from MANNA_POSTGRES_URL"
    with started(settings, of_any_version=True) as manna:
        with manna.ops.engine.connect() as connection:
            version = connection.execute(sa.text("SHOW server_version")).scalar()
        yield Finding("database", FINE, f"PostgreSQL {version}, {kind}")
        if settings.profile == "production" and settings.postgres_url is None:
            words = "the embedded PostgreSQL serves one machine, and its disk is all there is of it"
            yield Finding("database", WARNING, words, "set MANNA_POSTGRES_URL, or keep backups elsewhere")
        yield from look(manna)


def schema(manna: Installation) -> Iterator[Finding]:
    """Whether what is stored is of this program's version; a new place is made ready, as by any other command."""
    from resources.schema import SchemaError, make_ready, standing

    try:
        make_ready(manna)
    except SchemaError as error:
        yield Finding("schema", BROKEN, str(error), "see the message")
        return
    yield Finding("schema", FINE, f"ops {standing(manna.postgres_url).ops}, the lake as its contracts say")


def clock(manna: Installation) -> Iterator[Finding]:
    """How far the clocks of this machine and of the database are apart."""
    with manna.ops.engine.connect() as connection:
        before = datetime.now(UTC)
        theirs = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        after = datetime.now(UTC)
    apart = max(before - theirs, theirs - after, timedelta(0))
    status = BROKEN if apart > TOO_FAR_APART else WARNING if apart > APART else FINE
    words = f"{apart.total_seconds():.0f} s from the database's"
    yield Finding("clock", status, words, "" if status == FINE else "set the clocks by NTP: `timedatectl`")


def lake(manna: Installation) -> Iterator[Finding]:
    """Whether the lake opens."""
    yield Finding("lake", FINE, f"snapshot {manna.lake.snapshot()}")


def files(manna: Installation) -> Iterator[Finding]:
    """Whether each of the lake's files is there and as it was written; what is not is named.

    What lies there and is in no catalogue does no harm, and is no finding.
    """
    from resources.lake_files import damaged, lake_files

    harmed = list(damaged(manna))
    for file, why in harmed[:MOST_NAMED]:
        remedy = "restore the file from a backup; until then no run begins"
        yield Finding("lake files", BROKEN, f"{file.path} of {file.address} {why}", remedy)
    if len(harmed) > MOST_NAMED:
        yield Finding("lake files", BROKEN, f"and {len(harmed) - MOST_NAMED} more", "restore a backup")
    if not harmed:
        yield Finding("lake files", FINE, f"{len(lake_files(manna))} files, all as they were written")


def backups(settings: Settings) -> Iterator[Finding]:
    """Whether there is a backup, and not an old one."""
    from resources.backup import backups as made

    folder, found = settings.backups_dir, made(settings.backups_dir)
    if not found:
        status = WARNING if settings.uses_real_providers else FINE
        yield Finding("backups", status, f"none in {folder}", "run `manna backup`")
        return
    is_recent = datetime.now(UTC) - found[0].made_at < BACKUP_AGE
    said = f"{len(found)} in {folder}, the newest of {found[0].made_at:%Y-%m-%d %H:%M} UTC"
    remedy = "" if is_recent else "run `manna backup`; see the job `backup`"
    yield Finding("backups", FINE if is_recent else WARNING, said, remedy)
