"""What `deploy/compose.yaml` starts in containers, as plain processes: the same commands, on a PostgreSQL of somebody else's."""

import os
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from cryptography.fernet import Fernet
from serving_up import PROJECT, Up, eventually, free_ports, until_asked

from resources.postgres import EmbeddedPostgres

pytestmark = pytest.mark.slow

COMPOSE = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
PORTS = ("4000", "3000", "3100", "3200")


class Containers:
    """The services of compose.yaml, each command with ports of its own and on 127.0.0.1."""

    def __init__(self, folder: Path, postgres_url: str) -> None:
        self.ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        secrets = folder / "secrets"
        secrets.mkdir()
        given = {
            "MANNA_POSTGRES_URL": postgres_url,
            "MANNA_KEY": Fernet.generate_key().decode(),
            "PLAID_CLIENT_ID": "client",
            "PLAID_SECRET": "secret",
        }
        for name, value in given.items():
            (secrets / name).write_text(value + "\n")
        ours = ("MANNA_", "PLAID_", "ALPACA_", "DAGSTER_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "MANNA_DATA_DIR": str(folder / "data"),
            "MANNA_SECRETS_DIR": str(secrets),
            "MANNA_CODE_HOST": "127.0.0.1",
            "MANNA_CODE_PORT": self.ports["4000"],
            "MANNA_WEBHOOK_HOST": "127.0.0.1",
            "MANNA_WEBHOOK_PORT": self.ports["3100"],
            "MANNA_METRICS_PORT": self.ports["3200"],
        }

    def _here(self, command: list[str]) -> list[str]:
        here = []
        for word in command:
            for port, free in self.ports.items():
                word = free if word == port else word.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
            here.append("127.0.0.1" if word == "0.0.0.0" else word)
        return here

    def command(self, name: str) -> list[str]:
        return self._here(COMPOSE[name].get("command") or image_command())

    def is_well(self, name: str) -> bool:
        """What its HEALTHCHECK says."""
        check = self._here(COMPOSE[name]["healthcheck"]["test"][1:])
        done = subprocess.run(check, cwd=PROJECT, env=self.environment, capture_output=True, check=False)
        return done.returncode == 0

    def running(self, name: str, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """The service until the block ends."""
        return until_asked(self.command(name), log, self.environment)


def image_command() -> list[str]:
    """The CMD of the Dockerfile."""
    dockerfile = (PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    found: list[str] = yaml.safe_load(dockerfile.rpartition("\nCMD ")[2])
    return found


def test_the_services_work_together(tmp_path: Path) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(EmbeddedPostgres(tmp_path / "elsewhere"))
        containers = Containers(tmp_path, url)
        done = subprocess.run(
            containers.command("prepare"),
            cwd=PROJECT,
            env=containers.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        processes: dict[str, Any] = {}
        for name in ("code", "webserver", "daemon", "receiver", "monitor"):
            processes[name] = stack.enter_context(containers.running(name, tmp_path / f"{name}.log"))
            if name == "code":
                eventually(lambda: containers.is_well("code"))
        for name in ("webserver", "receiver", "daemon", "monitor"):
            eventually(lambda name=name: containers.is_well(name))
        up = Up(processes["webserver"], int(containers.ports["3000"]), containers.environment)
        # From the UI through the queue and the daemon to the code server, whose child it is.
        assert up.ended(up.launch("rebalance")) == "SUCCESS"
        receiver = f"http://127.0.0.1:{containers.ports['3100']}/plaid"
        assert httpx.post(receiver, content=b"{}", timeout=60).status_code == 401
        health = httpx.get(f"http://127.0.0.1:{containers.ports['3200']}/health", timeout=60)
        assert (health.status_code, health.json()) == (200, {"status": "well", "reasons": []})
        # What the UI links to is beside it.
        documents = tmp_path / "data" / "documents"
        documents.mkdir(exist_ok=True)
        (documents / "index.html").write_text("all pages")
        assert httpx.get(f"{up.url}/documents/index.html", timeout=60).text == "all pages"
        assert httpx.get(up.url, headers={"Host": "evil.example"}, timeout=60).status_code == 400
        assert all(process.poll() is None for process in processes.values())
        # The password is in one file, and in no argument.
        words = [word for process in processes.values() for word in psutil.Process(process.pid).cmdline()]
        assert url not in " ".join(words)


@pytest.mark.parametrize(
    ("given", "words", "said"),
    [
        (
            {},
            ["dagster-daemon", "run"],
            "error: set MANNA_POSTGRES_URL to a PostgreSQL that all processes reach",
        ),
        (
            {"MANNA_POSTGRES_URL": "mysql://x"},
            ["true"],
            "error: this is not the URL of a PostgreSQL database",
        ),
        (
            {"MANNA_POSTGRES_URL": "postgresql://x/y"},
            ["no-such-program"],
            "error: cannot run no-such-program: ",
        ),
        ({}, [], "say a command"),
    ],
)
def test_what_cannot_be_attached_is_one_line(
    tmp_path: Path, given: dict[str, str], words: list[str], said: str
) -> None:
    environment = {"PATH": os.environ["PATH"], "MANNA_DATA_DIR": str(tmp_path), **given}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.attached", *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
