"""One embedded PostgreSQL cluster: its files and the commands that act on it.

Here: creating the cluster, starting and stopping its server process, and as whom. Not here: who may
do so and when (`resources.postgres`, which holds the locks and calls this), where the programs and
the socket are (`resources.postgres_programs`, `resources.postgres_socket`), URLs of other servers,
anything about schemas or tables.

In `<data_dir>/postgres/`, mode 0700: `cluster/`, owned by the account that the server runs as;
`password` of the role `manna`, mode 0600; `server.log`, what initdb, pg_ctl and the server said; the
locks. The socket is below /tmp, because its path must stay under about 100 bytes.

Root. PostgreSQL refuses to run as root, so root's server runs as another account. That account can
usually not reach root's checkout or data directory, and no parent directory is opened for it:

- The data directory is named `/proc/self/cwd`. A command is started *in* it while still root, and
  that link leads a process to its working directory without walking the path. The server stays
  there: PostgreSQL changes into its data directory and its backends are forks.
- The programs look up their own real path, which no link helps with, so they are copied to a place
  the account can reach when it cannot run them where they are.
- The password reaches initdb on its standard input, from an unnamed file given to that account.
- Root writes nothing below a directory which that account owns, so it cannot be led elsewhere.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping
from sqlalchemy.engine import URL

from resources.postgres_programs import ENVIRONMENT, reason, refusal, runnable, wheel
from resources.postgres_socket import RuntimeDir

ROLE = DATABASE = "manna"
PORT = "5432"  # Only a suffix of the socket's file name: there is no TCP port.
PATIENCE_SECONDS = 60

_HERE = Path("/proc/self/cwd")
_LOG_BYTES = 10_000_000
_WAIT = ("--wait", f"--timeout={PATIENCE_SECONDS}")
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": PORT,
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Failing statements are reported to whoever sent them. In a log their values could be secrets.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}

# The C.UTF-8 that is built into PostgreSQL sorts alike on every machine and needs no system locale.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


class Cluster:
    """The cluster below one data directory.

    No method takes a lock: the caller makes sure that nothing else acts on the cluster meanwhile.
    Methods raise `PostgresError`, or `OSError` when the file system refuses.
    """

    def __init__(self, data_dir: Path) -> None:
        self.home = Path(data_dir).resolve() / "postgres"
        self._data = self.home / "cluster"
        self._password_file = self.home / "password"
        self._log_file = self.home / "server.log"

    def make_home(self) -> None:
        """Make the directory of the cluster and the locks, and refuse one of another user."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.home.stat().st_uid
        if owner != os.geteuid():
            raise refusal(
                f"{self.home} belongs to user id {owner} and this is user id {os.geteuid()}",
                "run as that user, set MANNA_DATA_DIR to a directory of your own",
            )
        self.home.chmod(0o700)

    def prepare(self) -> None:
        """Make the password, or refuse an existing cluster that this server cannot open."""
        if not self._data.exists():
            self._write_password()
            return
        if not self._password_file.exists():
            raise refusal(
                f"{self._password_file} is missing",
                f"restore it, delete {self.home} (which starts afresh and loses what is in it)",
            )
        _, major = wheel()
        version_file = self._data / "PG_VERSION"
        version = (version_file.read_text().strip() if version_file.exists() else "") or "unknown"
        if version != major:
            raise refusal(
                f"{self._data} is a cluster of PostgreSQL {version} and this is PostgreSQL {major}",
                "dump it with the old version and move it away, restore a backup",
            )

    @property
    def url(self) -> str:
        """The URL of the database `manna`, with the password in it; needs no running server."""
        return URL.create(
            "postgresql",
            username=ROLE,
            password=self._password(),
            database=DATABASE,
            query={"host": str(self._runtime_dir.socket), "port": PORT},
        ).render_as_string(hide_password=False)

    @property
    def _conninfo(self) -> str:
        return make_conninfo(self.url, dbname="postgres", connect_timeout=10)

    def accepts_connections(self) -> bool:
        """Whether the server takes connections now: not while it starts, recovers or shuts down."""
        if not self._runtime_dir.is_ours():
            return False
        return PGconn.ping(self._conninfo.encode()) == Ping.OK

    def create_database(self) -> None:
        """Log in with the password, and create the database `manna` if it is absent.

        Raises `BlockingIOError` when the server ends meanwhile: one may try again.
        """
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
                if found.fetchone() is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.Error as error:
            if not self.accepts_connections():
                raise BlockingIOError from error
            raise refusal(
                f"the PostgreSQL server of {self.home} refuses us ({reason(str(error).splitlines()[0])})",
                f"if {self._password_file} was changed, restore it",
            ) from error

    def boot(self, lock: int) -> None:
        """Start the server, in a new cluster if there is none, and wait until it is ready.

        Every process of it (and of initdb, should we be killed meanwhile) inherits and holds `lock`.
        """
        self._runtime_dir.make(*self._server_account())
        for leftover in self.home.glob("initdb-*"):
            shutil.rmtree(leftover)
        if not self._data.exists():
            self._create(lock)
        self._remove_stale_pid_file()
        settings = _SETTINGS | {"unix_socket_directories": str(self._runtime_dir.socket)}
        options = shlex.join(f"--{name}={value}" for name, value in settings.items())
        self._run("pg_ctl", "start", *_WAIT, f"--options={options}", cwd=self._data, lock=lock)

    def stop(self) -> None:
        """Ask the running server for a fast shutdown: open transactions are rolled back."""
        self._run("pg_ctl", "stop", *_WAIT, "--mode=fast", cwd=self._data)

    def remove_runtime_dir(self) -> None:
        """Remove the socket directory of a server that has ended."""
        self._runtime_dir.remove()

    # -- the cluster

    def _create(self, lock: int) -> None:
        """Create the cluster in a directory of another name and rename it: it is there whole or not at all.

        initdb ends with an fsync of everything, which is why that order is safe.
        """
        uid, gid = self._server_account()
        try:
            pwd.getpwuid(uid)
        except KeyError:
            raise refusal(
                f"user id {uid} has no entry in /etc/passwd, which PostgreSQL's initdb needs",
                "add one, run as a user that has one",
            ) from None
        unfinished = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.home))
        os.chown(unfinished, uid, gid)
        with tempfile.TemporaryFile(dir=self.home) as password:
            password.write(self._password().encode())
            password.seek(0)
            os.fchown(password.fileno(), uid, gid)
            options = [f"--username={ROLE}", "--auth=scram-sha-256", "--pwfile=/dev/stdin", *_LOCALE]
            # Many rounds of hashing protect a weak password. This one is random, and Dagster logs in
            # some 700 times a night: 4.1 ms each with the default 4096 rounds, 1.7 ms with one.
            options += ["--set", "scram_iterations=1"]
            self._run("initdb", *options, cwd=unfinished, stdin=password, lock=lock)
        unfinished.rename(self._data)

    def _remove_stale_pid_file(self) -> None:
        """PostgreSQL would take it for valid when its pid is by now another process of the same account.

        The lock says that no server of ours is alive. One that somebody started by hand is refused.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            pid = abs(int(pid_file.read_text().split()[0]))  # PostgreSQL negates it in single-user mode
            alive = Path(psutil.Process(pid).cwd()) == self._data  # a server works in its data directory
        except (FileNotFoundError, ValueError, IndexError, psutil.Error):
            alive = False
        if alive:
            raise refusal(f"{self._data} has a server (process {pid}) that Manna did not start", "stop it")
        pid_file.unlink(missing_ok=True)

    @property
    def _runtime_dir(self) -> RuntimeDir:
        return RuntimeDir(self.home, self._password())

    # -- the programs and the account they run as

    def _server_account(self) -> tuple[int, int]:
        """The user and group id of the server: our own, or for root those of an unprivileged account.

        The owner of an existing cluster comes first, so that a `postgres` account which is added
        to the machine later does not lock us out of what `nobody` owns.
        """
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        if self._data.exists():
            owner = self._data.stat()
            if owner.st_uid == 0:
                raise refusal(
                    f"{self._data} belongs to root, as whom PostgreSQL does not run",
                    f"run `chown -R nobody {self._data}`",
                )
            return owner.st_uid, owner.st_gid
        for name in ("postgres", "nobody"):
            try:
                account = pwd.getpwnam(name)
            except KeyError:
                continue
            return account.pw_uid, account.pw_gid
        raise refusal(
            "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody` for it",
            "add one, run as an ordinary user",
        )

    def _as_server(self) -> dict[str, Any]:
        """The arguments that make `subprocess` run a command as the server's account."""
        uid, gid = self._server_account()
        return {} if uid == os.geteuid() else {"user": uid, "group": gid, "extra_groups": []}

    def _run(
        self, name: str, *arguments: str, cwd: Path, stdin: IO[bytes] | None = None, lock: int | None = None
    ) -> None:
        if self._log_file.exists() and self._log_file.stat().st_size > _LOG_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        data = str(_HERE) if _HERE.exists() else "."
        account = self._as_server()
        program = runnable(name, account, self._runtime_dir.programs)
        with self._log_file.open("ab") as log:
            before = log.tell()
            done = subprocess.run(
                [program, *arguments, "--pgdata", data],
                cwd=cwd,
                env=ENVIRONMENT,
                stdin=stdin or subprocess.DEVNULL,
                stdout=log,  # a file, not a pipe: the server keeps it open
                stderr=subprocess.STDOUT,
                pass_fds=() if lock is None else (lock,),
                start_new_session=True,  # Ctrl-C is for us; we then stop the server in good order
                check=False,
                **account,
            )
        if done.returncode:
            said = self._log_file.read_bytes()[before:].decode(errors="replace")
            raise refusal(f"PostgreSQL's {name} failed ({reason(said)})", f"see {self._log_file}")

    # -- small facts

    def _password(self) -> str:
        return self._password_file.read_text().strip()

    def _write_password(self) -> None:
        if self._password_file.exists():
            return
        unfinished = self._password_file.with_suffix(".new")
        unfinished.touch(mode=0o600)
        with unfinished.open("w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())  # it must not be younger on the disk than the cluster it opens
        unfinished.replace(self._password_file)
