"""What tests of several folders share: one finished demo, and Hypothesis' long profile.

What belongs here: that, who runs beside whom, and nothing a single folder needs.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The same examples every time, and no clock: what a test finds does not depend on the machine or the day.
NO_CLOCK: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", max_examples=40, derandomize=True, print_blob=True, **NO_CLOCK)
settings.load_profile("suite")
# `pytest tests/integration/proof --hypothesis-profile=long`: hours instead of seconds, and never the same examples.
settings.register_profile("long", max_examples=20_000, print_blob=True, **NO_CLOCK)

PROJECT = Path(__file__).resolve().parents[1]
NOW = "2026-03-16T12:00:00Z"
OURS = ("MANNA_", "PLAID_", "ALPACA_", "DAGSTER_")


DEAR = {"finished_demo": "demo", "finished": "worlds"}
"""Fixtures that take half a minute to make, and the group of the tests that use one."""


IN_MEMORY = Path("/dev/shm")
PLENTY_BYTES = 8 << 30


def pytest_configure() -> None:
    """Data directories of the tests are in memory, where there is plenty: a commit need not wait for a disk (28 % of the suite).

    What is killed in these tests is a process, never the machine, so nothing that they prove depends on the disk.
    """
    if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free >= PLENTY_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest -m slow tests/integration/test_execution_crashes.py --crash-runs 200`: more random crashes."""
    parser.addoption("--crash-runs", type=int, default=25, help="random crash runs of the executor")


@pytest.fixture(scope="session")
def crash_runs(request: pytest.FixtureRequest) -> int:
    """How many random crash runs are made."""
    return int(request.config.getoption("--crash-runs"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a dear fixture run in one worker, so that the other does not wait for it or make it again.

    Slow tests stay apart: together they would keep one worker busy long after the other is done.
    """
    for item in items:
        if item.get_closest_marker("slow") or item.get_closest_marker("xdist_group"):
            continue
        for name in DEAR.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(DEAR[name]))


@dataclass(frozen=True, slots=True)
class FinishedDemo:
    """A data directory in which `manna demo` has run to its end, and what it said. Nothing runs in it."""

    data_dir: Path
    out: str
    err: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment for commands on this data directory, free of anything else of Manna's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**kept, "MANNA_DATA_DIR": str(self.data_dir), "MANNA_NOW": NOW, "COLUMNS": "120"}

    def copy(self, data_dir: Path) -> "FinishedDemo":
        """A copy of one's own, which may be written to."""
        # Owners are kept: under root the cluster belongs to an account of its own.
        subprocess.run(["cp", "-a", str(self.data_dir), str(data_dir)], check=True)
        return FinishedDemo(data_dir, self.out, self.err)


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    """The demo, run once for all workers of pytest-xdist. To be copied: others copy it at any moment, so nothing runs in it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    demo = FinishedDemo(shared / "finished_demo", "", "")

    def run() -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", "demo"],
            cwd=PROJECT,
            env=demo.environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return {"out": done.stdout, "err": done.stderr}

    return FinishedDemo(demo.data_dir, **once(shared / "finished_demo.json", run))


def once(record: Path, make: Callable[[], Any]) -> Any:
    """What ``make`` returns, which one worker makes for all; kept as JSON in ``record``."""
    with record.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            record.write_text(json.dumps(make()))
    return json.loads(record.read_text())
