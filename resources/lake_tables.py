"""The lake's tables against their contracts: which version each has, and what brings it to this program's.

What belongs here: looking, creating and altering. What does not: what the tables mean (``manna.contracts``), or when it is
done (``resources.schema``).

A table remembers the version of its contract in its comment (none: 1). Columns are only ever added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from manna.contracts import CONTRACTS, Contract
from resources.lake import CATALOGUE_SCHEMA, PAYLOADS_AT_ONCE, Lake, LakeError

_COMMENT = "contract version "
_TABLES = """
SELECT s.schema_name || '.' || t.table_name, array_agg(c.column_name ORDER BY c.column_order), max(g.value)
FROM lake.ducklake_table t
JOIN lake.ducklake_schema s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL
JOIN lake.ducklake_column c ON c.table_id = t.table_id AND c.end_snapshot IS NULL AND c.parent_column IS NULL
LEFT JOIN lake.ducklake_tag g ON g.object_id = t.table_id AND g.key = 'comment' AND g.end_snapshot IS NULL
WHERE t.end_snapshot IS NULL GROUP BY t.table_id, 1
"""


@dataclass(frozen=True, slots=True)
class LakeStanding:
    """What of the lake is not as the contracts say. ``older`` is (contract, version the table has).

    ``fresh``: there is no table at all. ``newer``: tables of a version this program does not know.
    """

    fresh: bool
    missing: tuple[Contract, ...]
    older: tuple[tuple[Contract, int], ...]
    newer: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether every table is as its contract says."""
        return not (self.missing or self.older or self.newer)


def lake_standing(url: str) -> LakeStanding:
    """How the tables of the lake stand to the contracts, asked of its catalogue in one query.

    Raises:
        LakeError: a table has other columns than its version had: nothing here knows what it is.
    """
    with psycopg.connect(url) as connection:
        [there] = connection.execute(
            "SELECT to_regclass(%s)", [f"{CATALOGUE_SCHEMA}.ducklake_table"]
        ).fetchone() or (None,)
        rows = connection.execute(_TABLES).fetchall() if there else []
    have = {str(address): (list(names), _version(comment)) for address, names, comment in rows}
    known = [contract for contract in CONTRACTS.values() if contract.address in have]
    newer = tuple(one.address for one in known if have[one.address][1] > one.version)
    for contract in known:
        names, version = have[contract.address]
        if contract.address not in newer and names != _names(contract, version):
            raise LakeError(
                f"table {contract.address} of this data directory has other columns than any version of Manna gave it; "
                "restore a backup, or start again in another MANNA_DATA_DIR"
            )
    return LakeStanding(
        fresh=not known,
        missing=tuple(one for one in CONTRACTS.values() if one.address not in have),
        older=tuple((one, have[one.address][1]) for one in known if have[one.address][1] < one.version),
        newer=newer,
    )


def migrate_lake(lake: Lake) -> list[str]:
    """Creates the tables that are missing and adds the columns that older ones lack; returns the addresses.

    One process does it at a time: a second waits, and finds it done. All tables are one transaction of the lake. How large the
    row groups of ``raw`` are is set after it, and only saves memory: cut short between them, it stays as DuckDB would have it.

    Raises:
        LakeError: a table is of a newer version, or of none.
    """
    with lake.locked(["ddl"]):
        standing = lake_standing(lake.url)
        if standing.newer:
            raise LakeError(f"table {standing.newer[0]} was made by a newer version of Manna")
        if standing.is_current:
            return []
        lake.alter(_statements(standing))
        if any(
            contract.schema == "raw" for contract in standing.missing
        ):  # only a schema that exists takes it
            lake.alter(
                [f"CALL lake.set_option('parquet_row_group_size', {PAYLOADS_AT_ONCE}, schema => 'raw')"]
            )
    return [one.address for one in standing.missing] + [one.address for one, _ in standing.older]


def _statements(standing: LakeStanding) -> Sequence[str]:
    schemas = sorted({contract.schema for contract in standing.missing})
    statements = [f"CREATE SCHEMA IF NOT EXISTS {schema}" for schema in schemas]
    statements += [contract.ddl() for contract in standing.missing]
    for contract, version in standing.older:
        statements += contract.ddl_from(version)
    changed = [*standing.missing, *(contract for contract, _ in standing.older)]
    return statements + [
        f"COMMENT ON TABLE {contract.address} IS '{_COMMENT}{contract.version}'"
        for contract in changed
        if contract.version > 1
    ]


def _version(comment: str | None) -> int:
    said = (comment or "").removeprefix(_COMMENT)
    return int(said) if said.isdigit() else 1


def _names(contract: Contract, version: int) -> list[str]:
    return [column.name for column in contract.columns if column.since <= version]
