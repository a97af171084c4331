"""The version of what is stored against the version of this program: Postgres' ``ops`` and the lake's tables.

What belongs here: making them in a new data directory, refusing those of another version, and migrating. What does not:
Dagster's own tables, which Dagster makes and migrates; what a migration says (``migrations``, ``resources.lake_tables``).

Nothing is altered unasked: a new place is made ready at the first start; one that an older version has made is refused
until somebody has run `manna migrate`, which makes a backup first.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from resources.installation import Installation
from resources.lake import STORAGE_LOCK
from resources.lake_tables import LakeStanding, lake_standing, migrate_lake

if TYPE_CHECKING:
    import sqlalchemy as sa

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """What is stored is of another version than this program. One line with the command that helps."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``ops``: the revision of Postgres' tables (null: there are none yet). ``wanted``: this program's."""

    ops: str | None
    wanted: str
    lake: LakeStanding

    @property
    def is_newer(self) -> bool:
        """Whether a newer version has been at work here."""
        return (self.ops is not None and self.ops not in revisions()) or bool(self.lake.newer)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is stored yet (or the making of it was cut short: it stores nothing before it is done)."""
        return self.lake.fresh and self.ops in (None, self.wanted)

    @property
    def pending(self) -> list[str]:
        """What `manna migrate` would do, in words; empty where all is as it should be."""
        known = revisions()
        after = known.index(self.ops) + 1 if self.ops in known else 0
        said = [f"ops {revision}" for revision in known[after:]]
        said += [f"new table {contract.address}" for contract in self.lake.missing]
        said += [
            f"{contract.address} from version {version} to {contract.version}"
            for contract, version in self.lake.older
        ]
        return said


def revisions() -> list[str]:
    """Every revision of ``ops`` that this program knows, in order: each file's name begins with its own."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def standing(url: str) -> Standing:
    """How what is stored stands to this program. Two small queries; nothing is changed."""
    with psycopg.connect(url) as connection:
        [there] = connection.execute("SELECT to_regclass('ops.alembic_version')").fetchone() or (None,)
        row = connection.execute("SELECT version_num FROM ops.alembic_version").fetchone() if there else None
    return Standing(str(row[0]) if row else None, revisions()[-1], lake_standing(url))


def make_ready(manna: Installation) -> None:
    """Makes the tables of a new place; of one that is as it should be nothing is touched.

    Raises:
        SchemaError: an older or a newer version of Manna has made it.
    """
    found = standing(manna.postgres_url)
    require_not_newer(found)
    if not found.pending:
        return
    if found.is_fresh:
        migrate_all(manna)
        return
    raise SchemaError(
        f"{manna.settings.data_dir} was made by an older version of Manna ({len(found.pending)} changes are due); "
        "run `manna migrate`, which makes a backup first"
    )


def require_current(url: str) -> None:
    """Raises :class:`SchemaError` unless what is stored is of this program's version."""
    found = standing(url)
    require_not_newer(found)
    if found.pending:
        raise SchemaError("the data directory is not of this version of Manna; run `manna migrate`")


def require_not_newer(found: Standing) -> None:
    """Raises :class:`SchemaError` where a newer version of Manna has been at work."""
    if found.is_newer:
        what = found.lake.newer[0] if found.lake.newer else f"ops {found.ops}"
        raise SchemaError(
            f"a newer version of Manna has been here ({what}; this one knows ops {found.wanted}): install that version, or "
            "`manna restore` a backup of before into another folder"
        )


def migrate_all(manna: Installation) -> list[str]:
    """Brings everything to this version; says what was done, as :attr:`Standing.pending` does.

    Postgres first, in one transaction; then the lake, in one of its own. Cut short between them, the rest is still pending.
    """
    with manna.lake.locked([STORAGE_LOCK]):  # a backup dumps tables of one version
        found = standing(manna.postgres_url)
        require_not_newer(found)
        if found.pending:
            migrate(manna.ops.engine)
            migrate_lake(manna.lake)
    return found.pending


def migrate(engine: "sa.Engine", revision: str = "head") -> None:
    """Brings the ``ops`` schema to ``revision``; nothing happens when it is there already.

    One migration runs at a time: a second process waits on the advisory lock and then finds the work done. Downgrades
    are for tests of the migrations: they lose what the newer tables hold, and the lake has none.
    """
    # Alembic takes 0.3 s to import and SQLAlchemy 0.4 s: only who migrates should pay for it.
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('manna:ops-ddl', 0))"))
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS ops"))
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS reports"))
        config.attributes["connection"] = connection
        there = sa.inspect(connection).has_table("alembic_version", schema="ops")
        now = connection.scalar(sa.text("SELECT version_num FROM ops.alembic_version")) if there else None
        down = revision == "base" or (revision != "head" and revision < (now or ""))
        (command.downgrade if down else command.upgrade)(config, revision)
