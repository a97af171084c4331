"""Keeping the stores small: the lake's files and snapshots, and Postgres' dead rows.

What belongs here: compaction, expiry and clean-up, and proof that they changed no row. What does not: Dagster's runs
(``assets.run_history``), backups.

Not used, on purpose: ``ducklake_rewrite_data_files`` (together with flushing it has doubled rows of past snapshots,
duckdb/ducklake#1406) and ``ducklake_delete_orphaned_files`` (it has taken living files for orphans, #815, #1105).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from resources.lake import CATALOGUE_SCHEMA, STORAGE_LOCK, Lake, LakeError, LakeTransaction
from resources.table_hashes import hashes_within

READERS_HOURS = 24
"""A file that no snapshot needs any more stays so long for whoever reads it: a run is ended after 4 hours (dagster.yaml)."""
FLUSHED_ROWS = 5_000
"""From so many rows in the catalogue on (dead ones too) a table's inlined rows go into a file. Below it they are better
off where they are: read as fast, and deleted without a file that says so."""

_INLINED = """
SELECT s.schema_name, t.table_name, i.table_name FROM lake.ducklake_inlined_data_tables i
JOIN lake.ducklake_table t USING (table_id) JOIN lake.ducklake_schema s USING (schema_id)
WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL ORDER BY 1, 2
"""
_SEVERAL_FILES = """
SELECT s.schema_name || '.' || t.table_name FROM lake.ducklake_data_file f
JOIN lake.ducklake_table t USING (table_id) JOIN lake.ducklake_schema s USING (schema_id)
WHERE f.end_snapshot IS NULL AND t.end_snapshot IS NULL AND s.end_snapshot IS NULL GROUP BY 1 HAVING count(*) > 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Maintained:
    """What was done to the lake."""

    flushed: tuple[str, ...]
    files_merged: int
    snapshots_expired: int
    files_removed: int


def maintain_lake(lake: Lake, history_days: int, *, message: str = "") -> Maintained:
    """Merges small files, flushes large inlined tables, expires snapshots and removes files that nobody needs.

    Runs may go on. Waits for a backup, and a backup waits for it. Facts in ``raw`` are never removed: they are in the
    current snapshot, which does not expire.

    Args:
        lake: the lake.
        message: why, for the snapshot's commit message (the run).
        history_days: snapshots younger than that stay readable with ``AT (VERSION => n)``.

    Raises:
        LakeError: a table would not have the rows it had: it is left as it was.
    """
    with lake.locked([STORAGE_LOCK]):
        large, several = _candidates(lake.url)
        merged = 0
        if large or several:
            merged = lake.commit(
                [],
                lambda transaction: _compacted(transaction, large, several),
                author="operations.maintenance",
                message=message,
            )
        expired = lake.query(
            f"FROM ducklake_expire_snapshots('lake', older_than => now() - INTERVAL {int(history_days)} DAY)"
        )
        removed = lake.query(
            f"FROM ducklake_cleanup_old_files('lake', older_than => now() - INTERVAL {READERS_HOURS} HOUR)"
        )
    return Maintained(tuple(large), merged, expired.height, removed.height)


def vacuum(url: str) -> None:
    """Gives the room of dead rows back to Postgres' tables, and counts anew what is in them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _candidates(url: str) -> tuple[list[str], list[str]]:
    """Tables with so many inlined rows that a file is better, and those with more than one file."""
    with psycopg.connect(url) as connection:
        rows: Counter[str] = Counter()
        for schema, table, inlined in connection.execute(_INLINED).fetchall():
            counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(CATALOGUE_SCHEMA, inlined))
            [count] = connection.execute(counted).fetchone() or (0,)
            rows[f"{schema}.{table}"] += count
        several = [str(table) for (table,) in connection.execute(_SEVERAL_FILES).fetchall()]
    return [table for table, count in rows.items() if count >= FLUSHED_ROWS], several


def _compacted(transaction: LakeTransaction, large: Sequence[str], several: Sequence[str]) -> int:
    """Flushes and merges; returns how many files were merged into fewer."""
    touched = sorted({*large, *several})
    before = hashes_within(transaction, touched)
    merged = 0
    for table in touched:
        schema, _, name = table.partition(".")
        if table in large:
            transaction.query(
                f"FROM ducklake_flush_inlined_data('lake', schema_name => '{schema}', table_name => '{name}')"
            )
        done = transaction.query(
            f"FROM ducklake_merge_adjacent_files('lake', '{name}', schema => '{schema}')"
        )
        merged += int(done["files_processed"].sum())
    after = hashes_within(transaction, touched)
    changed = [table for table in touched if before[table] != after[table]]
    if changed:
        raise LakeError(
            f"compaction would change {', '.join(changed)}: left as it was; report this with the version of `manna doctor`"
        )
    return merged
