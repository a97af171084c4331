"""One finished demo for all tests of the command line, and `manna` called in this process."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import cli
from resources.postgres import EmbeddedPostgres
from resources.settings import PROJECT

with warnings.catch_warnings():
    # alpaca-py 0.44 imports websockets.legacy, which websockets 14 deprecates
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import alpaca.trading.stream  # noqa: F401

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


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "demo"],
        cwd=PROJECT,
        env=clean_environment(data_dir),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with EmbeddedPostgres(data_dir) as url:
        yield Demo(data_dir, url, Said(done.returncode, done.stdout, done.stderr))


Manna = Callable[..., Said]


@pytest.fixture
def manna(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Manna]:
    """``manna(data_dir, "report", ..., MANNA_KEY="...")``: a command in this process, and how it ended."""
    before = dict(os.environ)

    def call(data_dir: Path, *arguments: str, **environment: str) -> Said:
        os.environ.clear()
        os.environ.update(clean_environment(data_dir, **environment))
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["manna", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        told = capsys.readouterr()
        return Said(code if isinstance(code, int) else 0 if code is None else 1, told.out, told.err)

    yield call
    os.environ.clear()
    os.environ.update(before)


def names(folder: Path, *, but: Sequence[str] = ()) -> set[str]:
    """What stands in a folder; nothing where there is none."""
    return {file.name for file in folder.iterdir()} - set(but) if folder.is_dir() else set()
