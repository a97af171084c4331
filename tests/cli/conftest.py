"""One finished demo for all tests of the command line, and `manna` called in this process."""

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import Demo, Manna, Said, clean_environment

from pipelines import cli
from resources.postgres import EmbeddedPostgres
from tests.conftest import FinishedDemo

with warnings.catch_warnings():
    # alpaca-py 0.44 imports websockets.legacy, which websockets 14 deprecates
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import alpaca.trading.stream  # noqa: F401


@pytest.fixture(scope="session")
def demo(finished_demo: FinishedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The finished demo with its database running: nothing of it is to be changed for good."""
    own = finished_demo.copy(tmp_path_factory.mktemp("demo") / "data")
    said = Said(0, own.out.replace(str(finished_demo.data_dir), str(own.data_dir)), own.err)
    with EmbeddedPostgres(own.data_dir) as url:
        yield Demo(own.data_dir, url, said)


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
