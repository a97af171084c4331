"""What is read and written within one transaction of the lake.

What belongs here: reading a table, adding rows to one, and making one hold what it should. What does not: beginning and
ending a transaction (:meth:`resources.lake.Lake.commit` alone does), or what the tables mean (``manna.contracts``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import polars as pl

from manna.contracts import CONTRACTS, Contract

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
        return sizes(self._connection)

    def read(self, address: str, scope: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows, as this transaction sees them; ``scope`` names column values to match."""
        contract = known(address)
        if address not in self._rows and address not in self._inserted:
            return contract.empty()  # nobody ever wrote it, which takes DuckLake four questions to find
        # The name comes from a contract, the values are parameters.
        return scanned(self._connection, contract.address, scope, self._rows.get(address, 0))

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
        contract = known(address)
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
        contract = known(address)
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


def known(address: str) -> Contract:
    """The contract of a table. Raises :class:`LakeError` where there is none."""
    if address not in CONTRACTS:
        raise LakeError(f"there is no table {address!r}")
    return CONTRACTS[address]


def scanned(
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


def sizes(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
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
