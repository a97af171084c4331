"""Data directories with a cluster, and processes and accounts that use them. A copy of a cluster is quicker than initdb."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import HOLD, ROOT, SITE_PACKAGES, OtherUser, end, server_runs

from resources.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory whose cluster exists already, to be copied: a copy is quicker than initdb."""
    folder = tmp_path_factory.mktemp("template")
    with EmbeddedPostgres(folder):
        pass
    yield folder
    end(folder)


@pytest.fixture
def shared_dir(template: Path) -> Iterator[Path]:
    """For tests that leave the cluster as it was."""
    yield template
    assert not server_runs(template)


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    subprocess.run(["cp", "-a", template, folder], check=True)
    yield folder
    end(folder)


@pytest.fixture
def empty_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "empty"
    folder.mkdir()
    yield folder
    end(folder)


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Runs a script (by default `HOLD`) on a data directory in another process, ended with the test."""
    with contextlib.ExitStack() as started:

        def run(folder: Path, script: str = HOLD, python: str = sys.executable, **options: Any) -> Any:
            environment = {
                "PYTHONPATH": f"{ROOT}:{SITE_PACKAGES}",
                "PATH": os.defpath,
                "HOME": "/nonexistent",
            }
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            command = [python, "-c", script, str(folder)]
            process = subprocess.Popen(command, env=environment, cwd="/", text=True, **pipes, **options)
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield run


@pytest.fixture
def other_user() -> Iterator[OtherUser]:
    account = pwd.getpwnam("daemon")
    user = OtherUser(account.pw_uid, account.pw_gid)
    yield user
    shutil.rmtree(user.folder)
