"""Bringing Postgres' own schemas to this version of the program.

What belongs here: running the Alembic migrations of ``ops``. What does not: the lake's tables, which
follow from the contracts (``Lake.migrate``), and Dagster's, which Dagster makes.
"""

from pathlib import Path

import sqlalchemy as sa

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Upgrades the ``ops`` schema to ``revision``; nothing happens when it is there already.

    One migration runs at a time: a second process waits on the advisory lock and then finds the work done.
    """
    # Alembic takes 0.3 s to import; commands that only read should not pay for it at import time.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('manna:ops-ddl', 0))"))
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS ops"))
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS reports"))
        config.attributes["connection"] = connection
        if revision == "base" or revision.startswith("-"):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
