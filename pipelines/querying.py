"""What `manna sql` may ask of the lake, and its answer.

What belongs here: telling a query that only reads from one that could do more. What does not: how the answer is shown.
"""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl

from manna.contracts import CONTRACTS
from pipelines.reporting import ReportError
from resources.installation import Installation


def require_reading(query: str) -> None:
    """Raises :class:`ReportError` unless ``query`` is one SELECT over the lake's tables and nothing else.

    SELECT alone is not harmless: functions in it can expire snapshots, write to Postgres, or read any file
    of this machine, and the catalogue shows the database's password. So a query is parsed first, and only
    the tables of the contracts, ``information_schema`` and harmless table functions may stand in it.
    """
    for refused in _refused(query):
        raise ReportError(
            f"sql reads the lake's tables only, and {refused} is none; "
            "`SELECT * FROM information_schema.tables` lists them"
        )


def ask(manna: Installation, query: str) -> pl.DataFrame:
    """The answer to one query over the lake's tables.

    Raises:
        ReportError: see :func:`require_reading`, or the lake refuses it.
    """
    require_reading(query)
    try:
        return manna.lake.query(query)
    except duckdb.Error as error:
        raise ReportError(f"the lake refuses this: {str(error).splitlines()[0]}") from error


_HARMLESS = {"unnest", "range", "generate_series"}
_INFORMATION = {"tables", "columns", "schemata"}


def _refused(query: str) -> Iterator[str]:
    """Whatever a query reads from that is no table of the lake.

    Raises:
        ReportError: it is no single SELECT.
    """
    with duckdb.connect() as parser:
        row = parser.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {}
    if tree.get("error") and tree.get("error_type") == "parser":
        raise ReportError(f"this is not SQL: {tree.get('error_message')}")
    if tree.get("error") or len(tree["statements"]) != 1:
        raise ReportError("only one SELECT at a time; what writes belongs to an asset")
    nodes = list(_nodes(tree))
    named = {entry["key"] for node in nodes for entry in (node.get("cte_map") or {}).get("map", ())}
    for node in nodes:
        match node.get("type"):
            case "BASE_TABLE" if not _is_table(node, named):
                yield ".".join(filter(None, (node["schema_name"], node["table_name"])))
            case "TABLE_FUNCTION" if node["function"]["function_name"] not in _HARMLESS:
                yield f"{node['function']['function_name']}()"
            case "SHOW_REF" if node["table_name"] not in ("", '"tables"'):
                yield str(node["table_name"])


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parsed query."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(child)


def _is_table(node: dict[str, Any], named: set[str]) -> bool:
    schema, table = node["schema_name"], node["table_name"]
    if not schema:
        return table in named
    if schema == "information_schema":
        return table in _INFORMATION
    return node["catalog_name"] in ("", "lake") and f"{schema}.{table}".lower() in CONTRACTS
