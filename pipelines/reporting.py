"""What `manna report`, `manna status` and `manna sql` read.

What belongs here: finding a published statement, how connections fare, and asking the lake. What does not:
how it is shown.
"""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import polars as pl

from manna.contracts import CONTRACTS
from manna.contracts.reports import STATEMENTS
from resources.installation import Installation


class ReportError(Exception):
    """There is no such report. One line that says which there are."""


def published_statement(manna: Installation, name: str, book: str, period: str) -> tuple[pl.DataFrame, str]:
    """The published statement ``name`` of a book and month (``YYYY-MM``), and its title.

    Raises:
        ReportError: unknown name, book or month, or nothing published for it.
    """
    names = [contract.name for contract in STATEMENTS]
    if name not in names:
        raise ReportError(f"unknown report {name!r}; there are: {', '.join(names)}")
    if book not in manna.books:
        raise ReportError(f"unknown book {book!r}; there are: {', '.join(manna.books)}")
    month = _month(period)
    scope = {"book": book, "period": month}
    records = manna.lake.read("reports.publications", scope)
    if records.is_empty() or records["content_hash"][0] is None:
        why = "" if records.is_empty() else f": {records['reason'][0]}"
        raise ReportError(f"nothing is published for {book} {period}{why}; run `manna run nightly_close`")
    record = records.row(0, named=True)
    frame = manna.lake.read(f"reports.{name}", scope).sort("line").drop("book", "period", "line")
    held = f" (held: {record['reason']})" if record["status"] == "held" else ""
    through = f", complete through {record['complete_through']}" if record["complete_through"] else ""
    title = f"{manna.books[book].name}: {name.replace('_', ' ')} {period}{through}{held}"
    return frame, title


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise ReportError(f"{text!r} is no month; write it as YYYY-MM, e.g. 2026-03") from error


CONNECTION_SCHEMA = {
    "book": pl.String,
    "institution": pl.String,
    "status": pl.String,
    "complete_through": pl.Date,
    "error": pl.String,
    "connection_id": pl.String,
}


def connections(manna: Installation) -> pl.DataFrame:
    """How each connection fares: columns of :data:`CONNECTION_SCHEMA`, by book and institution."""
    rows = [tuple(row[name] for name in CONNECTION_SCHEMA) for row in manna.ops.connections()]
    return pl.DataFrame(rows, schema=CONNECTION_SCHEMA, orient="row").sort("book", "institution")


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
