"""Several users of one server, and what is left of it when one of them, or the server, is killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from clusters import HOLD, ask, eventually, is_free, postmaster, server_runs, started_at, url_of
from sqlalchemy import make_url

from resources.embedded_postgres import Cluster
from resources.postgres import EmbeddedPostgres


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
