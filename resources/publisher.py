"""Publishing: the reports of one book to Postgres, to a DuckDB file, and to pages, for anybody's tools.

What belongs here: writing them whole or not at all. What does not: what is in them.

Both databases record the lake snapshot they were made from and the hash of their content. An older
snapshot never replaces a newer one, and equal content is not written again.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl
import psycopg
from psycopg import sql

from manna.contracts import CONTRACTS, Contract
from manna.contracts.declaration import content_hash
from manna.documents.seal import seal_on, sealed
from resources.closed_files import close_file
from resources.readers import PUBLISHING, guard

RECORD = "published_snapshots"
_TYPES = {"VARCHAR": "text", "TIMESTAMPTZ": "timestamptz"}


class PublicationError(Exception):
    """Reports cannot be published. The message is one line and says what to do."""


@dataclass(frozen=True)  # without slots: the hash is kept
class Edition:
    """What is published of one book: its report tables, from one lake snapshot."""

    book: str
    snapshot: int
    tables: Mapping[str, pl.DataFrame]

    @cached_property
    def content_hash(self) -> str:
        """Hash of every table's content, whatever engine it is stored in."""
        parts = [
            f"{name} {content_hash(CONTRACTS[name], frame)}" for name, frame in sorted(self.tables.items())
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def publish_to_postgres(url: str, edition: Edition) -> bool:
    """Replaces the book's rows in the schema ``reports``, in one transaction; False when nothing changed."""
    wanted = edition.content_hash
    with psycopg.connect(url) as connection, connection.transaction():
        connection.execute(PUBLISHING)
        _create(connection, edition)
        row = connection.execute(
            f"SELECT snapshot_id, content_hash FROM reports.{RECORD} WHERE book = %s", [edition.book]
        ).fetchone()
        if row is not None and (row[0] > edition.snapshot or row[1] == wanted):
            return False
        for address, frame in edition.tables.items():
            _replace(connection, CONTRACTS[address], edition.book, frame)
        connection.execute(
            f"INSERT INTO reports.{RECORD} (book, snapshot_id, content_hash) VALUES (%s, %s, %s) "
            "ON CONFLICT (book) DO UPDATE SET snapshot_id = excluded.snapshot_id, "
            "content_hash = excluded.content_hash",
            [edition.book, edition.snapshot, wanted],
        )
    return True


def _create(connection: psycopg.Connection, edition: Edition) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS reports")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS reports.{RECORD} "
        "(book text PRIMARY KEY, snapshot_id bigint NOT NULL, content_hash text NOT NULL)"
    )
    for address in edition.tables:
        contract = CONTRACTS[address]
        columns = [
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.name),
                sql.SQL(_TYPES.get(column.kind.duckdb, column.kind.duckdb)),
                sql.SQL("" if column.nullable else " NOT NULL"),
            )
            for column in contract.columns
        ]
        key = sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, contract.key)))
        connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(
                sql.Identifier(contract.schema, contract.name), sql.SQL(", ").join([*columns, key])
            )
        )
    guard(connection)


def _replace(connection: psycopg.Connection, contract: Contract, book: str, frame: pl.DataFrame) -> None:
    table = sql.Identifier(contract.schema, contract.name)
    connection.execute(sql.SQL("DELETE FROM {} WHERE book = %s").format(table), [book])
    columns = sql.SQL(", ").join(map(sql.Identifier, contract.names))
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)) as copy,
    ):
        for row in contract.conform(frame).iter_rows():
            copy.write_row(row)


def publish_to_duckdb(folder: Path, edition: Edition, *, group: bool = False) -> bool:
    """Makes ``folder/BOOK.duckdb`` anew, aside, and puts it in place; False when nothing changed.

    Whoever reads the former file keeps reading it: its inode lives until they close it. ``group``: the file's group may read it too.

    Raises:
        PublicationError: the folder cannot be written. What was published stays.
    """
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with (folder / f".{edition.book}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # whoever compares snapshots must be the one to replace
            return _replace_file(folder, edition, group)
    except (OSError, duckdb.IOException) as error:
        raise PublicationError(f"cannot publish to {folder}: {error}; make it writable") from error


def _replace_file(folder: Path, edition: Edition, group: bool) -> bool:
    target = folder / f"{edition.book}.duckdb"
    wanted = edition.content_hash
    recorded = recorded_in(target)
    if recorded is not None and (recorded[0] > edition.snapshot or recorded[1] == wanted):
        return False
    # In a folder that is ours alone: DuckDB would give the file, and its log, the bits of the umask.
    aside = folder / f".{edition.book}.draft"
    _discard(aside)  # what a crash has left; the lock says that nobody else is at it
    aside.mkdir(0o700)
    draft = aside / target.name
    try:
        with duckdb.connect(str(draft)) as connection:
            connection.execute("CREATE SCHEMA reports")
            for address, frame in edition.tables.items():
                connection.execute(CONTRACTS[address].ddl())
                incoming = CONTRACTS[address].conform(frame).to_arrow()
                connection.register("incoming", incoming)
                connection.execute(f"INSERT INTO {address} SELECT * FROM incoming")
                connection.unregister("incoming")
            connection.execute(
                f"CREATE TABLE reports.{RECORD} (book TEXT, snapshot_id BIGINT, content_hash TEXT)"
            )
            connection.execute(
                f"INSERT INTO reports.{RECORD} VALUES (?, ?, ?)", [edition.book, edition.snapshot, wanted]
            )
        close_file(draft, target, group=group)
        draft.replace(target)
    finally:
        _discard(aside)
    return True


def _discard(aside: Path) -> None:
    shutil.rmtree(aside, ignore_errors=True)


def recorded_in(file: Path) -> tuple[int, str] | None:
    """Snapshot and content hash that a published file records; null where there is no readable file."""
    if not file.exists():
        return None
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            row = connection.execute(f"SELECT snapshot_id, content_hash FROM reports.{RECORD}").fetchone()
    except duckdb.Error:
        return None  # not one of ours, or damaged: it is made anew
    return (int(row[0]), str(row[1])) if row else None


def recorded_in_postgres(url: str) -> dict[str, str]:
    """Content hash by book, as Postgres records it; empty before anything was published."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass(%s)", [f"reports.{RECORD}"]).fetchone() == (None,):
            return {}
        rows = connection.execute(f"SELECT book, content_hash FROM reports.{RECORD}").fetchall()
    return {str(book): str(content_hash) for book, content_hash in rows}


def content_of_postgres(url: str, book: str, tables: Sequence[str]) -> str:
    """Hash of the book's rows as Postgres gives them back: equal to the edition's where every value arrived."""
    read = {}
    with psycopg.connect(url) as connection:
        for address in tables:
            contract = CONTRACTS[address]
            query = sql.SQL("SELECT {} FROM {} WHERE book = %s").format(
                sql.SQL(", ").join(map(sql.Identifier, contract.names)),
                sql.Identifier(contract.schema, contract.name),
            )
            rows = connection.execute(query, [book]).fetchall()
            read[address] = pl.DataFrame(rows, schema=contract.polars_schema, orient="row")
    return Edition(book, 0, read).content_hash


def content_of_file(file: Path, book: str, tables: Sequence[str]) -> str:
    """Hash of the book's rows as a published DuckDB file gives them back."""
    with duckdb.connect(str(file), read_only=True) as connection:
        read = {
            address: CONTRACTS[address].conform(connection.execute(f"SELECT * FROM {address}").pl())
            for address in tables
        }
    return Edition(book, 0, read).content_hash


def write_sealed(file: Path, seal: str, make: Callable[[], str]) -> bool:
    """Makes and writes a page, unless the file is whole and made from the same (``seal_of``); False then.

    Raises:
        PublicationError: the folder cannot be written. The former page stays.
    """
    return not is_sealed(file, seal) and write_page(file, sealed(make(), seal))


def is_sealed(file: Path, seal: str) -> bool:
    """Whether a page is there, whole, and made from what ``seal`` says."""
    return file.exists() and seal_on(file.read_bytes()) == seal


def write_page(file: Path, text: str) -> bool:
    """Writes a page whole or not at all; False when it already says so.

    Raises:
        PublicationError: the folder cannot be written. The former page stays.
    """
    content = text.encode()
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if file.exists() and file.read_bytes() == content:
            return False
        file.parent.mkdir(0o700, parents=True, exist_ok=True)
        with open(draft, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
            opened.write(content)
        close_file(draft, file)
        draft.replace(file)
    except OSError as error:
        raise PublicationError(f"cannot write {file}: {error.strerror}; make its folder writable") from error
    return True
