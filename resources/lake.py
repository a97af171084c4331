"""The lake: DuckDB as the engine, Parquet as the data, Postgres as the catalogue (DuckLake).

What belongs here: attaching it, reading a table, and the one way to write: :meth:`Lake.commit`. What
does not: what the tables mean (``manna.contracts``) or what is computed from them.

DuckLake has no unique keys: two transactions that insert the same new keys both commit. So whoever reads,
decides and writes holds a Postgres advisory lock all the while, and when a commit conflicts all the same,
the *whole* computation is repeated, never just the commit. Tables are created and altered in ``resources.lake_tables``
alone, because concurrent DDL conflicts too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import polars as pl
import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from manna.contracts import CONTRACTS, Contract
from resources.bucket import Bucket, BucketError
from resources.duckdb_extensions import extension, quoted

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

PLAIN = "SET disabled_optimizers = 'statistics_propagation,join_order'"
"""What reading and writing one table does without: for its statistics DuckLake asks Postgres column by column, which is
most of what a small table takes (an empty one of 15 columns 49 ms instead of 12), and there they decide nothing."""


SMALL = 10_000
"""A table of at most so many rows is read whole, and what is wanted of it taken after that: for a condition DuckLake asks Postgres
for the files twice and for their statistics, which takes longer than the rows (12 ms instead of 6)."""

_SIZES = (
    "SELECT s.schema_name || '.' || t.table_name, r.record_count FROM lake.ducklake_table t "
    "JOIN lake.ducklake_schema s USING (schema_id) JOIN lake.ducklake_table_stats r USING (table_id) "
    "WHERE t.end_snapshot IS NULL"
)


class LakeError(Exception):
    """The lake cannot do what was asked. The message says what to do next."""


class ContractBrokenError(LakeError):
    """Rows that were about to be written break their table's contract. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a write did to one table, in rows."""

    inserted: int = 0
    deleted: int = 0
    total: int = 0

    def __add__(self, other: "Change") -> "Change":
        return Change(self.inserted + other.inserted, self.deleted + other.deleted, self.total + other.total)

    @property
    def is_nothing(self) -> bool:
        """Whether the table already was as wanted."""
        return not (self.inserted or self.deleted)


class LakeTransaction:
    """Reads and writes of one lake transaction; made by :meth:`Lake.commit` only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._inserted = set[str]()

    @cached_property
    def _rows(self) -> dict[str, int]:
        # Not before the transaction has its snapshot (the names in the question are looked up in the lake, which takes it):
        # what has no rows in a later moment had none in this one.
        return _sizes(self._connection)

    def read(self, address: str, scope: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows, as this transaction sees them; ``scope`` names column values to match."""
        contract = _known(address)
        if address not in self._rows and address not in self._inserted:
            return contract.empty()  # nobody ever wrote it, which takes DuckLake four questions to find
        # The name comes from a contract, the values are parameters.
        return _scanned(self._connection, contract.address, scope, self._rows.get(address, 0))

    def query(
        self,
        sql: str,
        values: Sequence[Any] = (),
        *,
        incoming: pl.DataFrame | None = None,
        plain: bool = False,
    ) -> pl.DataFrame:
        """Any query, for what :meth:`read` would fetch too much for. It may name ``incoming`` as a table.

        ``plain`` ones go through one table from its first row to its last (see ``PLAIN``).
        """
        if plain:
            return self._connection.execute(sql, list(values)).pl()
        with self._registered(incoming):
            self._connection.execute("RESET disabled_optimizers")
            try:
                return self._connection.execute(sql, list(values)).pl()
            finally:
                self._connection.execute(PLAIN)

    def append(self, address: str, rows: pl.DataFrame) -> Change:
        """Adds ``rows`` to an append-only table.

        Raises:
            ContractBrokenError: a row breaks the contract, with the reasons.
        """
        contract = _known(address)
        rows = _checked(contract, rows)
        self._insert(contract, rows)
        return Change(inserted=rows.height)

    def replace(self, address: str, rows: pl.DataFrame, scope: Mapping[str, Any] | None = None) -> Change:
        """Makes the table (or the part that matches ``scope``) hold exactly ``rows``.

        Only what differs is written, so that a repetition writes nothing and says so.

        Raises:
            ContractBrokenError: a row breaks the contract, with the reasons.
            LakeError: a row is outside ``scope``: the next repetition would add it once more.
        """
        contract = _known(address)
        new = contract.conform(rows)
        for name, value in (scope or {}).items():
            if not new[name].is_in(list(value) if isinstance(value, frozenset) else [value]).all():
                raise LakeError(f"{address}: rows of other {name} than {value!r} were to be written")
        old = self.read(address, scope)
        if old.is_empty():
            self._insert(contract, _checked(contract, new))
            return Change(inserted=new.height, total=new.height)
        columns = contract.names
        gone = old.join(new, on=columns, how="anti", nulls_equal=True)
        come = new.join(old, on=columns, how="anti", nulls_equal=True)
        if come.height or new.height != old.height - gone.height:
            # Rows that are stored have been checked; that no key is there twice is seen in all of them only.
            _checked(contract, new)
        if gone.height:
            self._delete(contract, gone, scope, everything=gone.height == old.height)
        self._insert(contract, come)
        return Change(inserted=come.height, deleted=gone.height, total=new.height)

    def _insert(self, contract: Contract, rows: pl.DataFrame) -> None:
        if rows.height:
            self._inserted.add(contract.address)
            # As Polars has the texts: no copy of them. (What is compared with them, DuckDB reads as of old only.)
            with self._registered(rows, pl.CompatLevel.newest()) as name:
                self._connection.execute(f"INSERT INTO {contract.address} BY NAME SELECT * FROM {name}")

    def _delete(
        self, contract: Contract, gone: pl.DataFrame, scope: Mapping[str, Any] | None, *, everything: bool
    ) -> None:
        if everything:
            where, values = _where(scope)
            self._connection.execute(f"DELETE FROM {contract.address}{where}", values)
            return
        same = " AND ".join(f't."{key}" IS NOT DISTINCT FROM gone."{key}"' for key in contract.key)
        with self._registered(gone.select(contract.key)) as name:
            self._connection.execute(f"DELETE FROM {contract.address} t USING {name} gone WHERE {same}")

    @contextmanager
    def _registered(self, frame: pl.DataFrame | None, layout: pl.CompatLevel | None = None) -> Iterator[str]:
        if frame is None:
            yield ""
            return
        self._connection.register("incoming", frame.to_arrow(compat_level=layout))
        try:
            yield "incoming"
        finally:
            self._connection.unregister("incoming")


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
        parts = (f"SELECT '{_known(address).address}', count(*) FROM {address}" for address in addresses)
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
        table = f"{_known(address).address} AT (VERSION => {int(snapshot)})"
        return _scanned(self._connection, table, scope, _sizes(self._connection).get(address, 0))

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


def _known(address: str) -> Contract:
    if address not in CONTRACTS:
        raise LakeError(f"there is no table {address!r}")
    return CONTRACTS[address]


def _scanned(
    connection: duckdb.DuckDBPyConnection, table: str, scope: Mapping[str, Any] | None, rows: int
) -> pl.DataFrame:
    """All columns of the rows of one table that match ``scope``; ``rows``: how many there are, about."""
    if rows > SMALL:
        where, values = _where(scope)
        return connection.execute(f"SELECT * FROM {table}{where}", values).pl()
    found = connection.execute(f"SELECT * FROM {table}").pl()
    for name, value in (scope or {}).items():
        found = found.filter(pl.col(name).is_in(list(value) if isinstance(value, frozenset) else [value]))
    return found


def _sizes(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows each table has that was ever written, as of the last commit."""
    rows = connection.execute("FROM postgres_query('__ducklake_metadata_lake', ?)", [_SIZES]).fetchall()
    return dict(rows)


def _where(scope: Mapping[str, Any] | None) -> tuple[str, list[Any]]:
    """``scope``: column to value; a frozenset stands for any of its values."""
    if not scope:
        return "", []
    parts, values = [], list[Any]()
    for name, value in scope.items():
        several = sorted(value) if isinstance(value, frozenset) else [value]
        parts.append(f'"{name}" IN ({", ".join("?" * len(several))})' if several else "false")
        values += several
    return " WHERE " + " AND ".join(parts), values


def _checked(contract: Contract, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` conformed, or an error that names the first broken rows and all their reasons."""
    rows = contract.conform(rows)
    reasons = contract.violations(rows)
    broken = reasons.list.len() > 0
    if broken.any():
        shown = rows.with_columns(reasons).filter(broken).select(*contract.key, "reasons").head(5).rows()
        raise ContractBrokenError(f"{contract.address}: {broken.sum()} rows break the contract, e.g. {shown}")
    return rows


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
