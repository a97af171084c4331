"""The engine that every part of ``Ops`` speaks through.

What belongs here: reaching the database. What does not: a statement (``ops`` and its parts).
"""

from functools import cached_property

import sqlalchemy as sa


class OpsDatabase:
    """One engine per process."""

    def __init__(self, url: str) -> None:
        """``url`` is a SQLAlchemy URL with the psycopg driver written into it."""
        self._url = url

    @cached_property
    def engine(self) -> sa.Engine:
        """The engine; made at first use. Connections are not kept: a run is short."""
        return sa.create_engine(self._url, poolclass=sa.NullPool)
