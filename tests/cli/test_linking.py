"""`manna link`, as a person meets it: an address is printed, a login is chosen there, the command ends."""

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from console import clean_environment, running_sandbox
from cryptography.fernet import Fernet

from pipelines import linking
from resources.ops import Ops
from resources.postgres import EmbeddedPostgres, sqlalchemy_url
from resources.settings import PROJECT


@contextmanager
def manna_process(data_dir: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`manna` as a process of its own, ended at the latest with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=PROJECT,
        env=clean_environment(data_dir, PYTHONUNBUFFERED="1", **environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def keys(folder: Path, found: dict[str, str]) -> dict[str, str]:
    """The environment that leads to this sandbox as if it were the real thing."""
    secret = json.loads((folder / "credentials.json").read_text())
    return {
        "PLAID_CLIENT_ID": secret["plaid_client_id"],
        "PLAID_SECRET": secret["plaid_secret"],
        "PLAID_BASE_URL": found["plaid_url"],
        "ALPACA_API_KEY": secret["alpaca_key_id"],
        "ALPACA_SECRET_KEY": secret["alpaca_secret_key"],
        "ALPACA_TRADING_URL": found["alpaca_trading_url"],
        "ALPACA_DATA_URL": found["alpaca_data_url"],
        "MANNA_KEY": Fernet.generate_key().decode(),
    }


def choose_a_bank(address: str) -> str:
    """Opens the page, chooses the first bank and continues, as a browser does; returns the bank."""
    page = httpx.get(address, timeout=60).text
    assert '<form method="post">' in page
    username, institution = re.findall(r'name="username" value="([^"]+)"[^>]*><span>([^<]+)<', page)[0]
    done = httpx.post(address, data={"username": username}, timeout=60)
    assert "You are connected." in done.text
    return str(institution)


@pytest.mark.slow
def test_a_login_made_on_the_page_becomes_a_sealed_connection(
    tmp_path: Path, manna: Any, monkeypatch: Any
) -> None:
    data_dir, folder = tmp_path / "data", tmp_path / "sandbox"
    with running_sandbox(folder) as found, EmbeddedPostgres(data_dir) as url:
        environment = keys(folder, found)
        with manna_process(data_dir, "link", "--book", "household", **environment) as process:
            assert process.stdout is not None
            shown = iter(process.stdout.readline, "")
            address = next(line.strip() for line in shown if "http" in line)
            institution = choose_a_bank(address)
            rest, complaints = process.communicate(timeout=300)
        assert (process.returncode, complaints) == (0, "")
        assert "1 login linked" in rest
        assert "manna run nightly_close" in rest

        connection = Ops(sqlalchemy_url(url)).connections()[0]
        assert (connection["book"], connection["institution"]) == ("household", institution)
        assert connection["status"] == "new"
        token = Fernet(environment["MANNA_KEY"]).decrypt(bytes(connection["token"]))
        assert token.startswith(b"access-")
        assert token not in bytes(connection["token"])

        for expected in ("linked; ", "nothing new: it is linked; "):
            said = manna(data_dir, "link", "--book", "household", "--alpaca", **environment)
            assert (said.code, said.err) == (0, "")
            assert said.out.startswith(expected)
        assert len(Ops(sqlalchemy_url(url)).connections()) == 2

        short = connection["connection_id"][:8]
        assert short in manna(data_dir, "status", **environment).out
        with manna_process(data_dir, "link", "--repair", short, **environment) as process:
            assert process.stdout is not None
            address = next(line.strip() for line in iter(process.stdout.readline, "") if "http" in line)
            assert choose_a_bank(address) == institution  # no other is offered: it stays the same login
            rest, complaints = process.communicate(timeout=300)
        assert (process.returncode, complaints) == (0, "")
        assert f"{institution} is repaired" in rest

        monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
        said = manna(data_dir, "unlink", short, **environment)
        assert f"Unlink {institution} of household? [y/N]" in said.out
        assert (said.code, said.err.strip()) == (130, "stopped")
        (kept,) = Ops(sqlalchemy_url(url)).connections(provider="plaid")
        assert kept["status"] == "healthy"
        said = manna(data_dir, "unlink", short, "--yes", **environment)
        assert (said.code, said.out.strip()) == (0, f"{institution} is unlinked; its history stays")
        assert "unlinked" in manna(data_dir, "status", **environment).out
        said = manna(data_dir, "unlink", "nothing", **environment)
        assert said.complaint.startswith("error: no connection begins with 'nothing'; there are: ")


@pytest.mark.parametrize(
    "options", [(), ("--book", "household", "--repair", "x"), ("--alpaca", "--repair", "x")]
)
def test_what_is_to_be_linked_or_repaired_must_be_said(tmp_path: Path, manna: Any, options: Any) -> None:
    said = manna(tmp_path / "data", "link", *options)
    assert said.complaint == "error: say either --book BOOK (and --alpaca), or --repair CONNECTION"


def test_nobody_logs_in(tmp_path: Path, manna: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(linking, "PATIENCE_SECONDS", 0)
    with running_sandbox(tmp_path / "sandbox") as found:
        environment = keys(tmp_path / "sandbox", found)
        said = manna(tmp_path / "data", "link", "--book", "household", **environment)
    assert said.code == 1
    assert said.err.splitlines() == ["error: nobody logged in within half an hour; run `manna link` again"]


@pytest.mark.slow
def test_ctrl_c_ends_it_with_one_word_and_nothing_left_running(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with manna_process(data_dir, "demo") as process:
        assert process.stderr is not None
        before = [next(line for line in iter(process.stderr.readline, "") if "market_close" in line)]
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=300)
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1:] == ["stopped"], (before, rest)
    assert "Traceback" not in rest
    assert not running_in(data_dir)


def running_in(data_dir: Path) -> list[str]:
    """Processes whose command line names the data directory."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if str(data_dir) in " ".join(process.info["cmdline"] or []):
            found.append(" ".join(process.info["cmdline"]))
    return found
