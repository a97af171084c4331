"""The installation as it was known on a past moment: the same parts, of which nothing can be written to disk.

What belongs here: a lake in memory whose facts are the real one's up to that moment, decisions as known then, the
books as their files were, and a clock that stands there. What does not: making the tables (``pipelines.rebuilding``).

Whatever works on an :class:`Installation` works on its past: the stages that make the tables, and all that reads
them. So a report of the past is made by the very code that made it then.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import duckdb
import polars as pl

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.contracts.closings import REPORTED
from resources.bucket import Bucket
from resources.installation import Installation
from resources.lake import Lake, LakeTransaction

if TYPE_CHECKING:
    from resources.ops import Ops

Result = TypeVar("Result")

FACTS = frozenset(
    {address for address, contract in CONTRACTS.items() if contract.schema == "raw"}
    | {contract.address for contract in REPORTED}
)
"""Append-only tables whose rows carry ``known_at``: what was known then is read, all else is made anew."""


class PastError(Exception):
    """The past cannot be rebuilt. One line that says why, and what to do."""


class PastLake(Lake):
    """The lake at a moment: its facts are there, every other table begins empty, in memory."""

    def __init__(self, postgres_url: str, data_path: Path | Bucket, moment: datetime) -> None:
        """As :class:`Lake`; ``moment`` is the last one whose facts are known."""
        super().__init__(postgres_url, data_path)
        self._moment = moment

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = super()._connect()
        connection.execute("ATTACH ':memory:' AS past")
        connection.execute("USE past")
        for schema in sorted({contract.schema for contract in CONTRACTS.values()}):
            connection.execute(f"CREATE SCHEMA {schema}")
        for address, contract in CONTRACTS.items():
            if address in FACTS:
                # A view takes no parameters; the text is the ISO form of a datetime.
                known = f"known_at <= TIMESTAMPTZ '{self._moment.isoformat()}'"
                connection.execute(f"CREATE VIEW {address} AS SELECT * FROM lake.{address} WHERE {known}")
            else:
                connection.execute(contract.ddl())
        return connection

    def commit(
        self,
        locks: Sequence[str],
        work: Callable[[LakeTransaction], Result],
        *,
        author: str = "manna",
        message: str = "",
    ) -> Result:
        """Runs ``work`` on the tables in memory; nobody else has them, so nothing is locked or repeated."""
        return work(LakeTransaction(self._connection))

    @contextmanager
    def locked(self, names: Sequence[str]) -> Iterator[None]:
        """Nothing: see :meth:`commit`."""
        yield

    def snapshot(self) -> int:
        """There is one state."""
        return 0

    def read_at(self, address: str, snapshot: int, scope: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows."""
        return self.read(address, scope)


class PastOps:
    """``Ops`` at a moment: answers what it can as known then, and refuses everything else.

    A method that takes no ``as_known_on`` would tell of today, or write.
    """

    def __init__(self, ops: "Ops", moment: datetime) -> None:
        self._ops, self._moment = ops, moment

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ops, name)
        if "as_known_on" not in inspect.signature(method).parameters:
            raise PastError(f"ops.{name} cannot be asked of the past")
        return partial(method, as_known_on=self._moment)


class Past(Installation):
    """An installation at a past moment."""

    def __init__(self, present: Installation, moment: datetime) -> None:
        """``present`` stays open and stays the caller's."""
        super().__init__(present.settings.model_copy(update={"fixed_now": moment}))
        self.present, self.moment = present, moment

    @cached_property
    def lake(self) -> Lake:
        """Facts of the real lake up to the moment; all other tables in memory."""
        return PastLake(self.postgres_url, self.lake_files, self.moment)

    @cached_property
    def ops(self) -> "Ops":
        """Decisions and connections as known then."""
        return cast("Ops", PastOps(self.present.ops, self.moment))

    @cached_property
    def books(self) -> dict[str, Book]:
        """Every book as its file was then, by id.

        Raises:
            PastError: no file had been written down by then.
        """
        documents = self.present.ops.book_files(self.moment)
        if not documents:
            raise PastError(
                f"nothing was written down of any book by {self.moment:%Y-%m-%d %H:%M %Z}; "
                "ask for a moment after the first night"
            )
        return {book: Book.model_validate(documents[book]) for book in sorted(documents)}
