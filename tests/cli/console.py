"""The command line as a person meets it: an environment, what a command said, a sandbox to link to.

What belongs here: what the tests of this folder share. What does not: fixtures (``conftest``).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from resources.settings import PROJECT

NOW = "2026-03-16T12:00:00Z"
OURS = ("MANNA_", "PLAID_", "ALPACA_", "DAGSTER_")


def clean_environment(data_dir: Path, **more: str) -> dict[str, str]:
    """This process's environment without anything of Manna's, then what the test wants."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "MANNA_DATA_DIR": str(data_dir), "MANNA_NOW": NOW, "COLUMNS": "120", **more}


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on stderr of a command that refused."""
        assert self.code != 0
        assert self.out == ""
        lines = self.err.strip().splitlines()
        # A display of progress may stand before it, never after.
        assert [line for line in lines if line.startswith("error:")] == lines[-1:], self.err
        assert "Traceback" not in self.err
        return lines[-1]


@dataclass(frozen=True, slots=True)
class Demo:
    """A data directory in which `manna demo` has run, and what it said. Its database is kept running."""

    data_dir: Path
    url: str
    said: Said


Manna = Callable[..., Said]
"""``manna(data_dir, "report", ..., MANNA_KEY="...")``: a command in this process, and how it ended."""


@contextmanager
def running_sandbox(folder: Path) -> Iterator[dict[str, str]]:
    """A sandbox of one's own; yields its addresses. Its credentials are in ``folder/credentials.json``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--data-dir", str(folder), "--parent-pid", str(os.getpid())],
        cwd=PROJECT,
        env=clean_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
