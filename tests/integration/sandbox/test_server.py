"""The command: ready line, clean stop, one clear line and exit code 2 for what cannot work."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from sandbox.server import CREDENTIAL_NAMES, SandboxError, bind, load_credentials
from sandbox.state import State, StateError, clock_from_environment, parse_instant

ROOT = Path(__file__).resolve().parents[3]
NOW = "2026-03-16T12:00:00Z"
PATIENCE = 120  # seconds until a test gives up; nothing waits that long when it works


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "sandbox", *map(str, arguments)]


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The running command and its ready line."""
    with subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, "MANNA_NOW": NOW},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, process.communicate(timeout=PATIENCE)[1]
            yield process, json.loads(line)
        finally:
            process.kill()


def test_people_can_be_looked_at_without_serving_them(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text('{"override_accounts": [{"type": "depository", "subtype": "checking"}]}')
    looked = subprocess.run(command("--check-people", file), cwd=ROOT, capture_output=True, text=True)
    assert (looked.returncode, looked.stdout, looked.stderr) == (0, "", "")
    file.write_text("[]")
    looked = subprocess.run(command("--check-people", file), cwd=ROOT, capture_output=True, text=True)
    assert looked.returncode == 2
    assert "people.json" in looked.stderr
    assert [found.name for found in tmp_path.iterdir()] == ["people.json"]


def failed(*arguments: object, now: str = NOW) -> str:
    """The line on stderr of a command that cannot start."""
    done = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, "MANNA_NOW": now},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_prints_where_it_is_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started("--data-dir", tmp_path / "deep" / "data") as (process, ready):
        health = httpx.get(ready["control_url"] + "/health", timeout=PATIENCE).json()
        assert health["pid"] == process.pid
        assert (health["now"], health["start"], health["seed"]) == (NOW, "2024-03-16", 1)
        assert ready["url"].startswith("http://127.0.0.1:")
        assert ready["alpaca_stream_url"].startswith("ws://127.0.0.1:")
        people = httpx.get(ready["control_url"] + "/people", timeout=PATIENCE).json()["people"]
        assert "household" in {person["book"] for person in people}
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_ends_when_its_parent_dies(tmp_path: Path) -> None:
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        subprocess.Popen(sleeping) as parent,
        started("--data-dir", tmp_path, "--parent-pid", parent.pid) as (process, _),
    ):
        parent.kill()  # not waited for yet: a zombie is dead too
        assert process.wait(PATIENCE) == 0


def test_a_parent_that_is_no_more_is_an_error(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert "no such process" in failed("--data-dir", tmp_path, "--parent-pid", gone.pid)


def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = failed("--data-dir", tmp_path, "--port", port)
    assert f"cannot listen on 127.0.0.1:{port}" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_impossible_port_is_an_error(port: int) -> None:
    with pytest.raises(SandboxError, match="cannot listen"):
        bind(port)


def test_a_data_directory_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot create the data directory" in failed("--data-dir", tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_data_directory_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot" in failed("--data-dir", tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"override_accounts": 3}'])
def test_malformed_people_are_an_error(tmp_path: Path, content: str) -> None:
    people = tmp_path / "people.json"
    people.write_text(content)
    assert "people.json" in failed("--data-dir", tmp_path / "data", "--people", people)


def test_people_that_are_nowhere_are_an_error(tmp_path: Path) -> None:
    assert "nobody" in failed("--data-dir", tmp_path / "data", "--people", tmp_path / "nobody")


def test_people_are_served_again_by_a_later_start_whatever_became_of_their_file(tmp_path: Path) -> None:
    def books(*arguments: object) -> list[str]:
        with started("--data-dir", tmp_path / "data", *arguments) as (_, ready):
            found = httpx.get(ready["control_url"] + "/people", timeout=PATIENCE).json()["people"]
        return [person["book"] for person in found]

    (tmp_path / "given" / "deep").mkdir(parents=True)
    for name in ("anna.json", "deep/otto.json"):
        (tmp_path / "given" / name).write_text(
            '{"override_accounts": [{"type": "depository", "subtype": "checking"}]}'
        )
    assert books("--people", tmp_path / "given") == ["anna", "otto"]
    assert books() == ["anna", "otto"]
    assert books("--people", tmp_path / "given" / "anna.json") == ["anna"]
    shutil.rmtree(tmp_path / "given")
    assert books() == ["anna"]


def test_a_clock_that_is_no_instant_is_an_error(tmp_path: Path) -> None:
    assert "not an ISO 8601 instant" in failed("--data-dir", tmp_path, now="soon")
    assert "offset" in failed("--data-dir", tmp_path, now="2026-03-16T12:00:00")


def test_two_sandboxes_do_not_share_a_data_directory(tmp_path: Path) -> None:
    with started("--data-dir", tmp_path) as (_, ready):
        assert "database is locked" in failed("--data-dir", tmp_path)
        assert httpx.get(ready["control_url"] + "/health", timeout=PATIENCE).status_code == 200


def test_a_killed_sandbox_starts_again_with_the_same_world_and_credentials(tmp_path: Path) -> None:
    with started("--data-dir", tmp_path) as (process, ready):
        credentials = (tmp_path / "credentials.json").read_text()
        keys = json.loads(credentials)
        headers = {"APCA-API-KEY-ID": keys["alpaca_key_id"], "APCA-API-SECRET-KEY": keys["alpaca_secret_key"]}
        order = {"symbol": "VTI", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
        url = ready["alpaca_trading_url"] + "/v2/orders"
        placed = httpx.post(url, json=order, headers=headers, timeout=PATIENCE).json()
        psutil.Process(process.pid).kill()
        process.wait(PATIENCE)
    with started("--data-dir", tmp_path) as (_, ready):
        assert (tmp_path / "credentials.json").read_text() == credentials
        url = f"{ready['alpaca_trading_url']}/v2/orders/{placed['id']}"
        found = httpx.get(url, headers=headers, timeout=PATIENCE)
        assert found.json() == placed


def test_an_unknown_path_is_a_404_in_json(sandbox) -> None:
    assert sandbox.trading.get("/v2/nothing").status_code == 404
    assert sandbox.trading.get("/v2/nothing").json() == {"message": "Not Found"}
    assert sandbox.trading.put("/v2/account").status_code == 405


def test_the_same_request_gets_the_same_bytes(sandbox) -> None:
    first, second = (sandbox.trading.get("/v2/account") for _ in range(2))
    assert first.content == second.content
    assert first.headers["Date"] == second.headers["Date"]  # the world's own time
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_stops_cleanly_under_an_open_stream(tmp_path: Path) -> None:
    with started("--data-dir", tmp_path) as (process, ready), connect(ready["alpaca_stream_url"]) as socket:
        socket.send("{}")
        assert b"unknown action" in socket.recv(timeout=PATIENCE)
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_credentials_are_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    made = load_credentials(path)
    assert set(made) == set(CREDENTIAL_NAMES)
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_credentials(path) == made


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "plaid_client_id, plaid_secret, alpaca_key_id, alpaca_secret_key"),
        (
            '{"plaid_client_id": "a", "plaid_secret": "b", "alpaca_key_id": ""}',
            "for alpaca_key_id, alpaca_secret_key",
        ),
    ],
)
def test_a_credentials_file_that_lacks_something_is_an_error(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(content)
    with pytest.raises(SandboxError, match=message):
        load_credentials(path)


def test_a_credentials_file_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot use the credentials file"):
        load_credentials(tmp_path / "nowhere" / "credentials.json")
    with pytest.raises(SandboxError, match="cannot use the credentials file"):
        load_credentials(tmp_path)


def test_the_first_day_is_fixed_at_the_first_start(tmp_path: Path) -> None:
    for now in ("2026-03-16T12:00:00Z", "2027-01-05T00:00:00Z", "2025-01-05T00:00:00Z"):
        state = State(tmp_path / "s.sqlite", lambda now=now: parse_instant(now), 5)
        assert state.start == date(2024, 3, 16)
        state.close()
    with pytest.raises(StateError, match="made with seed 5, not 6"):
        State(tmp_path / "s.sqlite", lambda: parse_instant(NOW), 6)


def test_a_file_that_is_no_state_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s.sqlite").write_text("this is not a database, and long enough to be looked at" * 9)
    with pytest.raises(StateError, match=r"s\.sqlite"):
        State(tmp_path / "s.sqlite", lambda: parse_instant(NOW), 1)


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    state = State(tmp_path / "s.sqlite", lambda: parse_instant(NOW), 1)
    state.put("kept", {"n": 1})

    def change_and_fail() -> None:
        with state.transaction():
            state.put("kept", {"n": 2})
            with state.transaction():
                state.put("new", {})
                state.delete("kept")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert state.get("kept") == {"n": 1}
    assert state.get("new") is None
    state.put("key_", {})
    state.put("keys", {"n": 3})
    assert [key for key, _ in state.items("key_")] == ["key_"]
    assert [key for key, _ in state.items("k")] == ["kept", "key_", "keys"]
    state.close()


def test_the_clock_is_the_environments_or_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANNA_NOW", "2026-03-16T08:00:00-04:00")
    assert clock_from_environment()() == datetime(2026, 3, 16, 12, tzinfo=UTC)
    monkeypatch.delenv("MANNA_NOW")
    assert clock_from_environment()().tzinfo is UTC
