"""No secret of a whole demo run is found anywhere but where it belongs.

Searched: what the run said, every file it left (logs, Parquet, DuckDB, pages, Dagster's folder), and every
value of every table of Postgres: Dagster's runs, events and ticks, the lake's catalogue with its inlined rows,
``ops`` and ``reports``. Allowed are the files made for the secrets, 0600, and the cipher text of tokens.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import duckdb
import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg import sql

ALLOWED = {"demo.key", "sandbox/credentials.json"}


@pytest.fixture(scope="module")
def secrets(demo: Any) -> dict[str, bytes]:
    """Every secret of the demo, by name, as it would look in the open."""
    key = (demo.data_dir / "demo.key").read_bytes()
    found = {"the key": key}
    for name, value in json.loads((demo.data_dir / "sandbox" / "credentials.json").read_text()).items():
        found[name] = value.encode()
    password = urlsplit(demo.url).password
    assert password
    found["the database's password"] = password.encode()
    if quote(password) != password:
        found["the database's password, quoted"] = quote(password).encode()
    with psycopg.connect(demo.url) as connection:
        for number, (token,) in enumerate(connection.execute("SELECT token FROM ops.connections").fetchall()):
            found[f"token {number}"] = Fernet(key).decrypt(bytes(token))
    assert len(found) > 8
    return found


def places(demo: Any) -> Iterator[tuple[str, bytes]]:
    """Everything that could give a secret away: (where, what is there)."""
    yield "stdout", demo.said.out.encode()
    yield "stderr", demo.said.err.encode()
    # The server's own files are its tables (asked below) and its password's home, closed to others; they come and go.
    # The sandbox's state belongs to the other side: a bank knows the tokens it gave.
    ours = [top for top in demo.data_dir.iterdir() if top.name not in ("postgres", "sandbox")]
    for file in sorted(file for top in ours for file in (top, *top.rglob("*"))):
        name = str(file.relative_to(demo.data_dir))
        if file.is_file() and name not in ALLOWED:
            yield name, file.read_bytes()
    yield from _rows(demo.url)
    yield from _columns(demo.data_dir)


def _rows(url: str) -> Iterator[tuple[str, bytes]]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        ).fetchall()
        assert {("ops", "connections"), ("public", "event_logs"), ("public", "job_ticks")} <= set(tables)
        for schema, table in tables:
            rows = connection.execute(
                sql.SQL("SELECT t.*::text FROM {} t").format(sql.Identifier(schema, table))
            )
            yield f"{schema}.{table}", b"\n".join(row[0].encode() for row in rows)
            # What is stored as bytes is shown in hexadecimal above.
            columns = connection.execute(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_schema = %s AND table_name = %s AND data_type = 'bytea'",
                [schema, table],
            ).fetchall()
            for (column,) in columns:
                query = sql.SQL("SELECT {} FROM {}").format(
                    sql.Identifier(column), sql.Identifier(schema, table)
                )
                values = [bytes(row[0]) for row in connection.execute(query) if row[0] is not None]
                yield f"{schema}.{table}.{column}", b"\n".join(values)


def _columns(data_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Parquet and DuckDB files as text, because their bytes are compressed."""
    with duckdb.connect() as reader:
        for file in sorted((data_dir / "lake").rglob("*.parquet")):
            rows = reader.execute("SELECT t::VARCHAR FROM read_parquet(?) t", [str(file)]).fetchall()
            yield f"{file.name} (rows)", "\n".join(row[0] for row in rows).encode()
    for file in sorted((data_dir / "published").glob("*.duckdb")):
        with duckdb.connect(str(file), read_only=True) as reader:
            tables = reader.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
            for (table,) in tables:
                rows = reader.execute(f"SELECT t::VARCHAR FROM {table} t").fetchall()
                yield f"{file.name} {table}", "\n".join(row[0] for row in rows).encode()


def test_no_secret_is_anywhere(demo: Any, secrets: dict[str, bytes]) -> None:
    found, looked = [], set()
    for place, content in places(demo):
        looked.add(place.partition("/")[0])
        found += [f"{name} in {place}" for name, secret in secrets.items() if secret in content]
    assert {"stdout", "stderr", "logs", "lake", "documents", "published", "dagster"} <= looked
    assert found == []


def test_a_secret_would_be_found(demo: Any, secrets: dict[str, bytes]) -> None:
    """The search itself: what is in a log, in an event, in a Parquet file and in a DuckDB file is seen."""
    content = dict(places(demo))
    run_id = demo.said.out and next(iter(_run_ids(demo.url)))
    for place in ("public.event_logs", "public.runs"):
        assert run_id.encode() in content[place], place
    assert any(
        b"Total assets" in text for place, text in content.items() if place.startswith("household.duckdb ")
    )
    assert any(b'"transaction_id"' in text for place, text in content.items() if place.endswith("(rows)"))
    assert b"gAAAA" in content["ops.connections.token"]


def test_the_files_made_for_secrets_are_the_owners_alone(demo: Any) -> None:
    for name in ALLOWED:
        assert (demo.data_dir / name).stat().st_mode & 0o777 == 0o600
    assert (demo.data_dir / "postgres").stat().st_mode & 0o777 == 0o700


def _run_ids(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT run_id FROM runs ORDER BY id DESC")]
