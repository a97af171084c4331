"""How large each store is: files, rows, bytes, snapshots.

What belongs here: counting. What does not: making anything smaller (``resources.maintenance``).
"""

import polars as pl
import psycopg

from resources.backup import backups
from resources.folders import files_under
from resources.installation import Installation
from resources.lake import CATALOGUE_SCHEMA

SCHEMA = {"store": pl.String, "bytes": pl.Int64, "files": pl.Int64, "rows": pl.Int64, "holds": pl.String}
_SCHEMAS = """
SELECT n.nspname, sum(pg_total_relation_size(c.oid))::bigint, coalesce(sum(s.n_live_tup), 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND n.nspname = ANY(%s) GROUP BY 1
"""
_LAKE = """
SELECT coalesce(sum(f.file_size_bytes), 0)::bigint, count(*), coalesce(sum(f.record_count), 0)::bigint,
    (SELECT count(*) FROM lake.ducklake_snapshot), (SELECT min(snapshot_id) FROM lake.ducklake_snapshot),
    (SELECT max(snapshot_id) FROM lake.ducklake_snapshot),
    (SELECT min(snapshot_time)::timestamptz::date FROM lake.ducklake_snapshot)
FROM lake.ducklake_data_file f
"""
_HOLDS = {
    "ops": "what people and orders decide",
    "reports": "the published reports",
    CATALOGUE_SCHEMA: "the lake's catalogue and its small tables",
    "public": "Dagster's runs, events and ticks",
}


def stores(manna: Installation) -> pl.DataFrame:
    """store, bytes, files, rows (of Postgres as last counted by it), and what it holds; null where it has none."""
    settings = manna.settings
    with psycopg.connect(manna.postgres_url) as connection:
        size, files, rows, snapshots, first, last, since = connection.execute(_LAKE).fetchone() or (0,) * 7
        schemas = {row[0]: row[1:] for row in connection.execute(_SCHEMAS, [list(_HOLDS)]).fetchall()}
    history = f"{snapshots} snapshots, {first} to {last}, since {since}"
    found: list[tuple[str, int, int | None, int | None, str]] = [("lake", size, files, rows, history)]
    for schema, holds in _HOLDS.items():
        in_bytes, live = schemas.get(schema, (0, 0))
        found.append((f"postgres {schema}", in_bytes, None, live, holds))
    for folder, holds in (
        (settings.published_dir, "one DuckDB file per book"),
        (settings.documents_dir, "pages"),
        (settings.models_dir, "models"),
        (settings.data_dir / "logs", "logs"),
    ):
        sizes = [size for _, size in files_under(folder)]
        found.append((folder.name, sum(sizes), len(sizes), None, holds))
    made = backups(settings.backups_dir)
    newest = f"newest {made[0].made_at:%Y-%m-%d %H:%M} UTC" if made else "none"
    found.append(("backups", sum(one.size for one in made), len(made), None, newest))
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def snapshots(manna: Installation) -> pl.DataFrame:
    """The snapshots of the lake that can be read, the newest first: snapshot, at, author, message (asset and run)."""
    return manna.lake.query(
        "SELECT snapshot_id AS snapshot, snapshot_time AS at, author, commit_message AS message "
        "FROM lake.snapshots() ORDER BY 1 DESC"
    )
