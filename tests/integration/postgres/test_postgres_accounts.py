"""Other accounts of the machine: each with its own server, and none gets into another's. Much of it needs root."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from clusters import AS_ROOT, OtherUser, ask, postmaster, server_runs, url_of

from resources import postgres_programs
from resources.postgres import EmbeddedPostgres, PostgresError


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
