"""The embedded PostgreSQL as it is started: safe, private, the same everywhere and after every restart."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from clusters import ask, postmaster, server_runs, started_at, url_of
from sqlalchemy import make_url

from resources.postgres import EmbeddedPostgres


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
