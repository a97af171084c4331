"""What the tests of the embedded PostgreSQL share: looking at a server from outside, a process that holds one, another account."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from resources.embedded_postgres import Cluster
from resources.postgres import PostgresError

ROOT = Path(__file__).resolve().parents[3]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
SITE_PACKAGES = Path(psycopg.__file__).parents[1]


# Starts, prints the URL, and stops when its standard input says so or ends.
HOLD = """
import sys
from pathlib import Path
from resources.postgres import EmbeddedPostgres, PostgresError
server = EmbeddedPostgres(Path(sys.argv[1]))
try:
    print(server.start(), flush=True)
except PostgresError as error:
    sys.exit(str(error))
sys.stdin.readline()
server.stop()
"""


def eventually(happened: Callable[[], bool]) -> None:
    Retrying(retry=retry_if_result(lambda done: not done), wait=wait_fixed(0.01), stop=stop_after_delay(120))(
        happened
    )


def is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def server_runs(data_dir: Path) -> bool:
    lock = data_dir / "postgres" / "server.lock"
    return lock.exists() and not is_free(lock)


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres/cluster/postmaster.pid").read_text().split()[0])


def ask(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def started_at(url: str) -> Any:
    return ask(url, "SELECT pg_postmaster_start_time()")


def end(data_dir: Path) -> None:
    """Whatever a test left behind: no server, no directory."""
    if server_runs(data_dir):
        cluster = Cluster(data_dir)
        with contextlib.suppress(PostgresError, FileNotFoundError):
            cluster.stop()
        eventually(lambda: not server_runs(data_dir))
        cluster.remove_runtime_dir()
    shutil.rmtree(data_dir, ignore_errors=True)


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, process.communicate()[1]
    return url


class OtherUser:
    """An unprivileged account that is neither ours nor the one our server runs as."""

    def __init__(self, uid: int, gid: int) -> None:
        self.identity: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []}
        self.python = next(
            filter(self._can_run, [sys.executable, shutil.which("python3", path=os.defpath)]), ""
        )
        if not self.python:
            pytest.skip("no Python that another user can run with this environment's packages")
        self.folder = Path(tempfile.mkdtemp(prefix="other-user-", dir="/tmp"))
        os.chown(self.folder, uid, gid)

    def _can_run(self, python: str | None) -> bool:
        command = [python or "false", "-c", "import resources.postgres"]
        environment = {"PYTHONPATH": f"{ROOT}:{SITE_PACKAGES}"}
        try:
            done = subprocess.run(
                command, env=environment, cwd="/", capture_output=True, check=False, **self.identity
            )
        except OSError:
            return False
        return done.returncode == 0
