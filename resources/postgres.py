"""PostgreSQL for everything: the embedded server's life cycle, and URLs in the dialect each library reads.

Here: who may start and stop the embedded server, and when; `sqlalchemy_url` and `libpq_dsn`.
Not here: the cluster's files and processes (`resources.embedded_postgres`), schemas, migrations, queries.

Who is alive is asked of the kernel, never of a pid. Three files in `<data_dir>/postgres/` are locked
with flock; the kernel frees a lock when the last process that holds it ends, however it ends:

    control.lock   exclusive, while one process decides and acts: all of `start` and all of `stop`
    users.lock     shared, by every process between its `start` and its `stop`: its lease
    server.lock    exclusive, inherited by the server and held by all of its processes (and by initdb)

So a server of ours exists exactly as long as server.lock is held. It is alive when it accepts a
connection, it is starting or ending when it does not, and when the lock is free a pid file is stale.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from tenacity import (
    AttemptManager,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_fixed,
)

from resources.embedded_postgres import PATIENCE_SECONDS, Cluster
from resources.postgres_programs import PostgresError, refusal

__all__ = ["EmbeddedPostgres", "PostgresError", "libpq_dsn", "sqlalchemy_url"]


class EmbeddedPostgres:
    """The PostgreSQL server inside a data directory, shared by the processes that use it.

        with EmbeddedPostgres(data_dir) as url: ...

    Each process that calls `start` holds a lease until `stop` or its end. The server ends with the
    last lease that is given back, at the latest when the interpreter exits. When the last process
    is ended by a signal instead, the server lives on, and the next `start` adopts it.

    A process that was only handed the URL (by environment variable, as Dagster's code servers
    are) holds no lease and does not keep the server up: whoever started that process does, and
    must outlive it. A forked child holds none either, and its `stop` does nothing.
    """

    def __init__(self, data_dir: Path) -> None:
        self._cluster = Cluster(data_dir)
        self._lease: int | None = None
        self._lease_pid = -1

    def start(self) -> str:
        """Make sure that the server runs, and return the URL of the database `manna`.

        Creates the cluster and the database when they are absent. Does nothing more when the
        server already runs. Raises `PostgresError`.
        """
        with self._control():
            self._cluster.prepare()
            self._take_lease()
            try:
                self._ensure_server()
            except BaseException:
                self._leave()
                raise
            return self._cluster.url

    def stop(self) -> None:
        """Give the lease back, and end the server if nobody else holds one. Raises `PostgresError`."""
        if self._lease is None or self._lease_pid != os.getpid():
            return
        if self._is_current(self._lease):
            with self._control():
                self._leave()
        else:
            self._leave()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take_lease(self) -> None:
        if self._lease is not None and self._lease_pid == os.getpid():
            if self._is_current(self._lease):
                return
            self._leave()
        self._lease, self._lease_pid = self._open("users.lock"), os.getpid()
        fcntl.flock(self._lease, fcntl.LOCK_SH)  # never waits: exclusive only under the control lock
        atexit.register(self.stop)

    def _leave(self) -> None:
        """Give the lease back under the control lock, and end the server if it was the last one.

        Raising a flock from shared to exclusive is not atomic, and one that fails may lose the
        shared lock too. Both are harmless here: nobody can take a lease without the control lock,
        and whoever fails is leaving. Of two that leave at once the second finds itself alone.
        """
        assert self._lease is not None
        lease, self._lease = self._lease, None
        atexit.unregister(self.stop)
        try:
            if self._is_current(lease) and _locked(lease):
                self._end_server()
        finally:
            os.close(lease)

    def _is_current(self, lease: int) -> bool:
        """Whether the lease is on the users.lock that is there now.

        A data directory may be deleted under us and made anew by others. Their server is none of
        our business, and the old one ends by itself when it misses its files.
        """
        try:
            return os.path.samestat(os.fstat(lease), (self._cluster.home / "users.lock").stat())
        except FileNotFoundError:
            return False

    def _ensure_server(self) -> None:
        """Boot the server unless one is there, and log in; wait for one that is starting, recovering or ending."""
        for attempt in _patiently(f"a PostgreSQL server of {self._cluster.home} takes no connection"):
            with attempt, self._server_lock() as lock:
                if lock is not None:
                    self._cluster.boot(lock)
                elif not self._cluster.accepts_connections():
                    raise BlockingIOError
                self._cluster.create_database()

    def _end_server(self) -> None:
        for attempt in _patiently(f"the PostgreSQL server of {self._cluster.home} does not end"):
            with attempt, self._server_lock() as lock:
                if lock is None:
                    # A server that was killed a moment ago, or has only just been launched, cannot be
                    # asked. The lock, not the answer, tells when it is gone.
                    with contextlib.suppress(PostgresError, FileNotFoundError):
                        self._cluster.stop()
                    raise BlockingIOError
                self._cluster.remove_runtime_dir()

    @contextlib.contextmanager
    def _control(self) -> Iterator[None]:
        try:
            self._cluster.make_home()
            lock = self._open("control.lock")
            try:
                trouble = f"another process keeps {self._cluster.home}/control.lock"
                for attempt in _patiently(trouble, 3 * PATIENCE_SECONDS):
                    with attempt:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
            finally:
                os.close(lock)
        except OSError as error:
            raise refusal(
                f"cannot use {self._cluster.home} ({error})",
                "set MANNA_DATA_DIR to a directory you can write",
            ) from error

    @contextlib.contextmanager
    def _server_lock(self) -> Iterator[int | None]:
        """The server lock, or None when a server of ours (or its initdb) holds it.

        Only our descriptor is closed at the end, never unlocked: what was started meanwhile has
        inherited it and goes on holding the lock.
        """
        lock = self._open("server.lock")
        try:
            yield lock if _locked(lock) else None
        finally:
            os.close(lock)

    def _open(self, name: str) -> int:
        """Open a lock file. The descriptor is closed on exec, so that no command inherits it by accident."""
        return os.open(self._cluster.home / name, os.O_RDWR | os.O_CREAT, 0o600)


def sqlalchemy_url(url: str, driver: str = "psycopg") -> str:
    """The same URL with the driver written into it: `postgresql+psycopg://`, `postgresql+psycopg2://`.

    Without a driver SQLAlchemy 2.1 takes psycopg 3 where older libraries expect psycopg2. Accepts
    the schemes `postgres` and `postgresql`, with or without a driver. Raises `PostgresError`.
    """
    return _parsed(url).set(drivername=f"postgresql+{driver}").render_as_string(hide_password=False)


def libpq_dsn(url: str) -> str:
    """The URL as libpq's `host=... port=... user=... password=... dbname=...`, quoted as libpq wants it.

    For DuckDB's `ATTACH`, where it stands inside an SQL string: double its single quotes there.
    Raises `PostgresError`.
    """
    parsed = _parsed(url)
    named = {
        "host": parsed.host,
        "port": parsed.port,
        "user": parsed.username,
        "password": parsed.password,
        "dbname": parsed.database,
    }
    options = {name: ",".join(values) for name, values in parsed.normalized_query.items()}
    try:
        return make_conninfo("", **{name: value for name, value in named.items() if value}, **options)
    except psycopg.ProgrammingError:
        raise _not_a_url() from None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _not_a_url() from None
    if parsed.get_backend_name() not in ("postgres", "postgresql"):
        raise _not_a_url()
    return parsed


def _not_a_url() -> PostgresError:
    return PostgresError(
        "this is not the URL of a PostgreSQL database: write MANNA_POSTGRES_URL as "
        "postgresql://user:password@host:5432/database"
    )


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _patiently(trouble: str, seconds: float = PATIENCE_SECONDS) -> Iterator[AttemptManager]:
    """Attempts for a `for` loop, repeated while they raise BlockingIOError; then `trouble` is raised."""
    try:
        yield from Retrying(
            retry=retry_if_exception_type(BlockingIOError),
            wait=wait_fixed(0.02),
            stop=stop_after_delay(seconds),
        )
    except RetryError:
        raise refusal(trouble, "end the process (server.log there tells more)") from None
