"""One finished demo for all tests of the command line, and `manna` called in this process."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import Demo, Manna, Said, clean_environment

from pipelines import cli
from resources.postgres import EmbeddedPostgres
from resources.settings import PROJECT

with warnings.catch_warnings():
    # alpaca-py 0.44 imports websockets.legacy, which websockets 14 deprecates
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import alpaca.trading.stream  # noqa: F401


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
