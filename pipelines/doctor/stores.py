"""The stores: book files, Postgres, its clock, its schema, the lake and the lake's files.

What belongs here: whether each can be used and is whole. What does not: what is in them.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from pipelines.doctor.finding import BROKEN, FINE, WARNING, Finding
from resources.books import BookError
from resources.installation import Installation
from resources.settings import Settings

MOST_NAMED = 10
APART, TOO_FAR_APART = timedelta(seconds=5), timedelta(minutes=2)
"""Between our clock and the database's. Plaid's webhooks are refused when they seem older than five minutes."""
_FILES = """
    SELECT s.schema_name || '.' || t.table_name, f.file_size_bytes,
        CASE WHEN f.path_is_relative THEN
            CASE WHEN t.path_is_relative THEN CASE WHEN s.path_is_relative THEN :root ELSE '' END || s.path ELSE '' END
            || t.path ELSE '' END || f.path
    FROM (
        SELECT table_id, path, path_is_relative, file_size_bytes FROM lake.ducklake_data_file
        UNION ALL SELECT table_id, path, path_is_relative, file_size_bytes FROM lake.ducklake_delete_file
    ) f JOIN (SELECT DISTINCT table_id, schema_id, table_name, path, path_is_relative FROM lake.ducklake_table) t USING (table_id)
    JOIN (SELECT DISTINCT schema_id, schema_name, path, path_is_relative FROM lake.ducklake_schema) s USING (schema_id)
    ORDER BY 1, 3
"""
"""Every file that any snapshot we keep needs, with its size."""


def books(settings: Settings) -> Iterator[Finding]:
    """Whether every book's file can be read."""
    try:
        found = Installation(settings).books
    except BookError as error:
        yield Finding("books", BROKEN, str(error), "correct the file named")
        return
    yield Finding("books", FINE, f"{', '.join(found)} in {settings.books}")


def database(settings: Settings, look: Callable[[Installation], Iterator[Finding]]) -> Iterator[Finding]:
    """Whether the database answers, and then what ``look`` finds in it."""
    from pipelines.services import database as started

    kind = "embedded" if settings.postgres_url is None else "from MANNA_POSTGRES_URL"
    try:
        with started(settings) as manna:
            with manna.ops.engine.connect() as connection:
                version = connection.execute(sa.text("SHOW server_version")).scalar()
            yield Finding("database", FINE, f"PostgreSQL {version}, {kind}")
            if settings.profile == "production" and settings.postgres_url is None:
                words = "the embedded PostgreSQL serves one machine, and its disk is all there is of it"
                yield Finding("database", WARNING, words, "set MANNA_POSTGRES_URL, or keep backups elsewhere")
            yield from look(manna)
    except Exception as error:  # noqa: BLE001  whatever keeps it from being looked at is the finding
        said = str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__]
        yield Finding("database", BROKEN, said[0], "check MANNA_POSTGRES_URL, and what the message names")


def schema(manna: Installation) -> Iterator[Finding]:
    """Whether the schema ``ops`` is at the revision of this program."""
    from alembic.script import ScriptDirectory

    from resources.schema import MIGRATIONS

    wanted = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with manna.ops.engine.connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM ops.alembic_version")).scalar()
    if found == wanted:
        yield Finding("schema", FINE, f"revision {found}")
        return
    words = f"revision {found} is in the database and this program is of revision {wanted}"
    yield Finding("schema", BROKEN, words, "run the version of Manna that made it, or the newer one")


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
    """Whether each of the lake's files is there and as long as the catalogue says; what is not is named.

    What lies there and is in no catalogue does no harm, and is no finding.
    """
    root = manna.settings.lake_dir
    with manna.ops.engine.connect() as connection:
        rows = connection.execute(sa.text(_FILES), {"root": f"{root}/"}).all()
    harmed = [(table, path, why) for table, size, path in rows if (why := _harm(Path(path), size))]
    for table, path, why in harmed[:MOST_NAMED]:
        remedy = "restore the file from a backup; until then nothing that reads this table can run"
        yield Finding("lake files", BROKEN, f"{path} of {table} {why}", remedy)
    if len(harmed) > MOST_NAMED:
        yield Finding("lake files", BROKEN, f"and {len(harmed) - MOST_NAMED} more", "restore a backup")
    if not harmed:
        yield Finding("lake files", FINE, f"{len(rows)} files, all there")


def _harm(file: Path, size: int) -> str | None:
    if not file.is_file():
        return "is missing"
    found = file.stat().st_size
    return None if found == size else f"has {found} bytes instead of {size}"
