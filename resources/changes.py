"""When each table of the lake was last changed, asked of its snapshots and without reading a row.

What belongs here: that one question. What does not: reading or writing a table (``resources.lake``).
"""

from resources.lake import Lake

# A snapshot lists the ids of the tables it changed; the catalogue knows whose ids they are.
_LAST_CHANGES = """
SELECT owner.schema_name || '.' || info.table_name AS address, max(changed.snapshot_id) AS snapshot
FROM (SELECT snapshot_id, unnest(flatten(map_values(changes))) AS table_id FROM lake.snapshots()) changed
JOIN ducklake_table_info('lake') info ON changed.table_id = info.table_id::VARCHAR
JOIN __ducklake_metadata_lake.lake.ducklake_schema owner ON owner.schema_id = info.schema_id
WHERE owner.end_snapshot IS NULL
GROUP BY ALL
"""


def last_changes(lake: Lake) -> dict[str, int]:
    """The last snapshot in which rows of each table came or went, by address.

    A table that no remaining snapshot changed is missing.
    """
    return dict(lake.query(_LAST_CHANGES).iter_rows())
