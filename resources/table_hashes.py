"""Content hashes of every table, made by the database that holds it: equal ones mean equal rows.

What belongs here: that, for the lake and for Postgres. What does not: the canonical hash of a contract, which leaves out
what may differ between two runs (``manna.contracts``). Here nothing may differ: it is the same data in another place.
"""

from collections.abc import Collection

import psycopg
from psycopg import sql

from resources.lake import CATALOGUE_SCHEMA, Lake, LakeTransaction

_LAKE_TABLES = "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_catalog = 'lake' ORDER BY 1"
_LAKE_HASH = (
    "SELECT count(*) || ':' || sha256(coalesce(string_agg(line, '' ORDER BY line), '')) "
    "FROM (SELECT sha256(whole::VARCHAR) AS line FROM (SELECT * FROM {table}) whole)"
)
_POSTGRES_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', %s) ORDER BY 1, 2
"""
_POSTGRES_HASH = (
    "SELECT count(*) || ':' || md5(coalesce(string_agg(line, '' ORDER BY line), '')) "
    'FROM (SELECT md5(whole::text) COLLATE "C" AS line FROM {} whole) lines'
)


def lake_hashes(lake: Lake, snapshot: int) -> dict[str, str]:
    """``ROWS:HASH`` of every table of the lake in ``snapshot``, by address."""
    tables = lake.query(_LAKE_TABLES).to_series().to_list()
    return {
        table: str(
            lake.query(_LAKE_HASH.format(table=f"{table} AT (VERSION => {int(snapshot)})"), plain=True).item()
        )
        for table in tables
    }


def hashes_within(transaction: LakeTransaction, tables: Collection[str]) -> dict[str, str]:
    """The same of some tables, as a transaction sees them. No row leaves DuckDB."""
    return {
        table: str(transaction.query(_LAKE_HASH.format(table=table), plain=True).item()) for table in tables
    }


def postgres_hashes(connection: psycopg.Connection) -> dict[str, str]:
    """``ROWS:HASH`` of every table but the lake's catalogue, as this transaction sees them, by ``schema.table``."""
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    connection.execute("SET LOCAL DateStyle = 'ISO'")
    found = {}
    for schema, table in connection.execute(_POSTGRES_TABLES, [CATALOGUE_SCHEMA]).fetchall():
        query = sql.SQL(_POSTGRES_HASH).format(sql.Identifier(schema, table))
        row = connection.execute(query).fetchone()
        assert row is not None
        found[f"{schema}.{table}"] = str(row[0])
    return found
