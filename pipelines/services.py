"""Starting and stopping what Manna needs: the database, the sandbox, Dagster's servers.

What belongs here: processes and the environment they share. What does not: what runs in them.

The address of everything started is put into this process's environment, because Dagster's own processes
are configured by it; children get it by inheritance. What is started is stopped, also after a crash.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from resources.installation import Installation
from resources.made_once import made_once
from resources.settings import PROJECT, Settings, SettingsError

SANDBOX_SECONDS = 60


class ServiceError(Exception):
    """A service did not start. The message is one line and says what to do."""


@contextmanager
def database(settings: Settings, *, of_any_version: bool = False) -> Iterator[Installation]:
    """The database and the lake, ready for use, and the installation on top of them.

    ``MANNA_POSTGRES_URL`` is used where set; else the embedded server is started, and stopped afterwards
    unless another process still uses it. A new place is made ready.

    Raises:
        SchemaError: another version of Manna has made it; ``of_any_version`` leaves that to the caller.
    """
    from resources.postgres import EmbeddedPostgres
    from resources.schema import make_ready

    _writable(settings)
    embedded = EmbeddedPostgres(settings.data_dir) if settings.postgres_url is None else None
    url = embedded.start() if embedded else str(settings.postgres_url)
    try:
        share_environment(settings, url)
        installation = Installation(Settings.load())
        try:
            if not of_any_version:
                make_ready(installation)
            yield installation
        finally:
            installation.close()
    finally:
        if embedded:
            os.environ.pop("MANNA_POSTGRES_URL", None)
            embedded.stop()


def _writable(settings: Settings) -> None:
    folder = settings.data_dir
    try:
        # Nobody else looks in; where groups read the books' folders below, others may pass through.
        folder.mkdir(0o711 if settings.group_reads else 0o700, parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"cannot write to {folder} ({error.strerror}); set MANNA_DATA_DIR to a folder of yours"
        ) from error


def share_environment(settings: Settings, url: str) -> None:
    """Puts into the environment what Dagster's own processes need to work on the database at ``url``.

    Dagster writes beside its configuration, so it gets a copy inside the data directory; at once, because other processes
    may be reading theirs.
    """
    from resources.postgres import sqlalchemy_url

    os.environ["MANNA_POSTGRES_URL"] = url
    os.environ["MANNA_DAGSTER_URL"] = sqlalchemy_url(url, "psycopg2")
    os.environ["MANNA_DATA_DIR"] = str(settings.data_dir)
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".dagster.yaml.{os.getpid()}"
    shutil.copyfile(PROJECT / "dagster.yaml", draft)
    draft.replace(home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    # A range of 500 market days is 500 events: one insert instead of one each (8 s became 0.6 s).
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")


def is_demo(settings: Settings) -> bool:
    """Whether this data directory is a demo's: the sandbox has lived in it."""
    return (settings.data_dir / "sandbox").exists()


def demo_credentials(settings: Settings) -> Path:
    """A 0600 file with random credentials for the sandbox, made at the first call."""
    file = settings.data_dir / "sandbox" / "credentials.json"
    names = ("plaid_client_id", "plaid_secret", "alpaca_key_id", "alpaca_secret_key")
    file.parent.mkdir(parents=True, exist_ok=True)
    made_once(file, lambda: json.dumps({name: secrets.token_hex(16) for name in names}).encode())
    return file


def check_people(people: Path) -> None:
    """Raises :class:`ServiceError` where the sandbox cannot serve these people. Writes nothing."""
    looked = subprocess.run(
        [sys.executable, "-m", "sandbox", "--check-people", str(people)],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if looked.returncode:
        raise ServiceError(f"the sandbox did not start: {_last_line(looked.stderr)}")


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["no reason given"])[-1]


@contextmanager
def sandbox(settings: Settings, people: Path | None = None) -> Iterator[str]:
    """The local Plaid and Alpaca, until the block ends; yields the address of its controls.

    This process's environment then points the SDK clients at it.

    Raises:
        ServiceError: it did not start; its own one-line reason. Or `manna up` has one already.
    """
    refuse_when_served(settings)
    credentials = demo_credentials(settings)
    command = [sys.executable, "-m", "sandbox", "--data-dir", str(settings.data_dir / "sandbox")]
    command += ["--port", "0", "--credentials", str(credentials)]
    # It watches this process and ends when this one does, whatever happens.
    command += ["--parent-pid", str(os.getpid())]
    command += ["--people", str(people)] if people else []
    log = settings.data_dir / "logs" / "sandbox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait(timeout=SANDBOX_SECONDS)
            reason = _last_line(log.read_text(encoding="utf-8"))
            raise ServiceError(f"the sandbox did not start: {reason}")
        ready = json.loads(line)
        keys = json.loads(credentials.read_text(encoding="utf-8"))
        os.environ.update(
            {
                "PLAID_BASE_URL": ready["plaid_url"],
                "PLAID_CLIENT_ID": keys["plaid_client_id"],
                "PLAID_SECRET": keys["plaid_secret"],
                "ALPACA_TRADING_URL": ready["alpaca_trading_url"],
                "ALPACA_DATA_URL": ready["alpaca_data_url"],
                "ALPACA_STREAM_URL": ready["alpaca_stream_url"],
                "ALPACA_API_KEY": keys["alpaca_key_id"],
                "ALPACA_SECRET_KEY": keys["alpaca_secret_key"],
            }
        )
        yield str(ready["control_url"])
    finally:
        process.terminate()
        process.wait(timeout=SANDBOX_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def refuse_when_served(settings: Settings) -> None:
    """Raises :class:`ServiceError` while another process serves this data directory."""
    from pipelines.process import SERVING, is_held

    if is_held(settings.dagster_home / SERVING):
        raise ServiceError(f"another `manna up` serves {settings.data_dir}; use its address, or end it first")


def require_free(ports: Mapping[str, int]) -> None:
    """Raises :class:`ServiceError` where a port is taken, or wanted twice; each by the name of what chooses it."""
    wanted = dict[int, str]()
    for name, port in ports.items():
        if port in wanted:
            raise ServiceError(
                f"port {port} is wanted by {wanted[port]} and {name}; choose another for one of them"
            )
        wanted[port] = name
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise ServiceError(f"port {port} is taken; choose another with {name}") from error


@contextmanager
def leashed(
    command: Sequence[str], log: Path, locks: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A child process whose whole tree ends with this process, even when this one is killed.

    ``locks`` are descriptors that stay open until that tree has ended. See :mod:`pipelines.leash`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.leash", *command],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=locks,
        )
    try:
        yield process
    finally:
        let_go(process)
        process.wait(timeout=SANDBOX_SECONDS)


def let_go(process: subprocess.Popen[bytes]) -> None:
    """Lets the tree of a leashed process end, without waiting for it. Doing it again changes nothing."""
    assert process.stdin is not None
    process.stdin.close()
