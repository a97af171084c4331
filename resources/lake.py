"""The lake: DuckDB as the engine, Parquet as the data, Postgres as the catalogue (DuckLake).

What belongs here: attaching it, its locks and snapshots, and the one way to write: :meth:`Lake.commit`. What
does not: what is done within a transaction (``resources.lake_transaction``), what the tables mean (``manna.contracts``) or
what is computed from them.

DuckLake has no unique keys: two transactions that insert the same new keys both commit. So whoever reads,
decides and writes holds a Postgres advisory lock all the while, and when a commit conflicts all the same,
the *whole* computation is repeated, never just the commit. Tables are created and altered in ``resources.lake_tables``
alone, because concurrent DDL conflicts too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import polars as pl
import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from resources.bucket import Bucket, BucketError
from resources.duckdb_extensions import extension, quoted
from resources.lake_transaction import (
    PLAIN,
    Change,
    ContractBrokenError,
    LakeError,
    LakeTransaction,
    known,
    scanned,
    sizes,
)

__all__ = [
    "CATALOGUE_SCHEMA",
    "INLINED_ROWS",
    "PAYLOADS_AT_ONCE",
    "STORAGE_LOCK",
    "UNREACHABLE",
    "Change",
    "ContractBrokenError",
    "Lake",
    "LakeError",
    "LakeTransaction",
]

Result = TypeVar("Result")

CATALOGUE_SCHEMA = "lake"
STORAGE_LOCK = "storage"
"""Held by whoever needs files and tables to stay as they are (a backup), and by whoever removes or alters some."""
UNREACHABLE = "cannot open the lake's catalogue in Postgres; is it running? try `manna doctor`"
INLINED_ROWS = 500
"""Writes of at most so many rows live in the catalogue instead of a Parquet file of their own."""

PAYLOADS_AT_ONCE = 20_480
"""Rows of a row group in ``raw``, whose rows are wide: a payload is 1 kB. DuckDB's default is 122,880, which it holds
in memory that is new to the process, and that takes longer than to write them (1.0 s and 0.25 s per 100,000)."""


class Lake:
    """One process's connection to the lake. Not for use by several threads at once."""

    def __init__(self, postgres_url: str, data_path: Path | Bucket) -> None:
        """``postgres_url`` is a libpq URL (no SQLAlchemy driver in it); ``data_path`` holds the Parquet."""
        self._url = postgres_url
        self._data_path = data_path
        self._opened: duckdb.DuckDBPyConnection | None = None

    @property
    def url(self) -> str:
        """libpq URL of the catalogue."""
        return self._url

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return _open(self._url, self._data_path)

    def close(self) -> None:
        """Ends the connection; the next use opens another."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def read(self, address: str, scope: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows in the current snapshot."""
        return LakeTransaction(self._connection).read(address, scope)

    def query(self, sql: str, values: Sequence[Any] = (), *, plain: bool = False) -> pl.DataFrame:
        """Any query over the lake's tables, in the current snapshot (see :meth:`LakeTransaction.query`)."""
        return LakeTransaction(self._connection).query(sql, values, plain=plain)

    def counts(self, addresses: Sequence[str]) -> dict[str, int]:
        """How many rows each of these tables has in the current snapshot."""
        parts = (f"SELECT '{known(address).address}', count(*) FROM {address}" for address in addresses)
        return dict(self.query(" UNION ALL ".join(parts)).rows()) if addresses else {}

    def commit(
        self,
        locks: Sequence[str],
        work: Callable[[LakeTransaction], Result],
        *,
        author: str = "manna",
        message: str = "",
    ) -> Result:
        """Runs ``work`` as one transaction while holding ``locks``, and returns what it returns.

        Args:
            locks: names of advisory locks: a connection's for ``raw``, the tables written after that.
            work: reads, decides and writes through the transaction it is given. It may run more than
                once (a conflict repeats it whole), so it must have no other effect.
            author: who writes, for the snapshot's commit message (the asset).
            message: why (the run).

        Raises:
            LakeError: the commit conflicted again and again.
            Exception: whatever ``work`` raises; nothing is written then.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(duckdb.TransactionException),
            stop=stop_after_attempt(6),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            reraise=True,
        )
        with self.locked(locks):
            try:
                result: Result = attempts(self._once, work, author, message)
                return result
            except duckdb.TransactionException as conflict:
                raise LakeError(
                    f"{author} conflicts with another writer; run it again: {conflict}"
                ) from conflict

    def _once(self, work: Callable[[LakeTransaction], Result], author: str, message: str) -> Result:
        with _transaction(self._connection) as connection:
            result = work(LakeTransaction(connection))
            connection.execute("CALL lake.set_commit_message(?, ?)", [author, message])
        return result

    @contextmanager
    def locked(self, names: Sequence[str]) -> Iterator[None]:
        """Holds the advisory locks ``names`` (in one order everywhere, so that nobody waits in a circle).

        The locks belong to a connection of their own: when this process dies, Postgres frees them.
        """
        try:
            connection = psycopg.connect(self._url)
        except psycopg.OperationalError as error:
            raise LakeError(UNREACHABLE) from error
        with connection, connection.transaction():
            for name in sorted(set(names)):
                connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"manna:{name}"])
            yield

    def snapshot(self) -> int:
        """Id of the current snapshot."""
        row = self._connection.execute("SELECT max(snapshot_id) FROM lake.snapshots()").fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def read_at(self, address: str, snapshot: int, scope: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows as they were in ``snapshot``."""
        table = f"{known(address).address} AT (VERSION => {int(snapshot)})"
        return scanned(self._connection, table, scope, sizes(self._connection).get(address, 0))

    def alter(self, statements: Sequence[str]) -> None:
        """Runs DDL as one transaction. Only ``resources.lake_tables`` calls it, which holds the lock for that."""
        with _transaction(self._connection) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Commits when the block has ended well; else nothing of it has happened."""
    connection.execute("BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.TransactionException):  # a commit that failed has ended it already
            connection.execute("ROLLBACK")
        raise


def _open(postgres_url: str, data_path: Path | Bucket) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the lake attached and in use.

    Extensions are loaded by their path inside the wheel: with an unusable HOME both ``INSTALL`` and
    ``LOAD name`` fail, and nothing may be downloaded at run time.
    """
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # A name that is no table is an error, and never a variable of whoever calls.
            "python_enable_replacements": "false",
        }
    )
    for name in ("postgres_scanner", "ducklake"):
        connection.execute(f"LOAD '{extension(name)}'")
    connection.execute("SET TimeZone = 'UTC'")
    # Nearly all that a night reads are small tables, and a second thread doubles the CPU that each of them takes.
    connection.execute("SET threads = 1")
    connection.execute(PLAIN)
    secret = quoted(psycopg.conninfo.make_conninfo(postgres_url))
    try:
        if isinstance(data_path, Bucket):
            data_path.open_for(connection)
        else:
            data_path.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"ATTACH 'ducklake:postgres:{secret}' AS lake (DATA_PATH '{quoted(str(data_path))}/', "
            f"METADATA_SCHEMA '{CATALOGUE_SCHEMA}', DATA_INLINING_ROW_LIMIT {INLINED_ROWS}, "
            # The catalogue recalls where the data was; a data directory may be moved or restored elsewhere.
            "OVERRIDE_DATA_PATH true)"
        )
    except BucketError as error:
        connection.close()
        raise LakeError(str(error)) from None
    except OSError as error:
        connection.close()
        raise LakeError(
            f"cannot write {data_path}: {error.strerror}; choose another MANNA_DATA_DIR or its owner"
        ) from error
    except duckdb.Error:
        connection.close()
        # DuckDB's message repeats the connection string, and with it the password.
        raise LakeError(UNREACHABLE) from None
    connection.execute("USE lake")
    return connection
