"""A night that is killed, that loses its database or its disk, and is run again ends as if nothing had happened."""

import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dying import FILLER
from serving_up import run_manna, run_python
from states import finished_state, loose_ends, state

from tests.conftest import FinishedDemo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash")]

DYING = Path(__file__).with_name("dying.py")

POINTS = [
    ("die", "starting/Dagster", 0.0),
    ("die", "nightly_close/pull_plaid", 0.3),
    ("die", "before-commit:2", 0.0),
    ("kill-postgres", "nightly_close/pull_alpaca", 0.1),
    ("die", "market_close/pull_bars", 0.5),
    ("kill-postgres", "before-commit:4", 0.0),
    ("die", "after-commit:3", 0.0),
    ("fill-the-disk", "nightly_close/keep_books", 0.0),
    ("die", "nightly_close/value_positions", 0.0),
    ("die", "statements/make_statements", 0.5),
    ("fill-the-disk", "statements/publish", 0.2),
    ("die", "alerts/settle", 0.0),
]
"""What happens to one night, again and again, and where: within a pull (which holds a pool of limit 1), just before a
commit and just after one, before Dagster has begun, between Postgres and the files."""

SAID = {
    "kill-postgres": "error: cannot use the database",
    "fill-the-disk": "error: the disk is full: make room",
}
ROOM = "1300m"
"""More than the alert on a full disk asks for."""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[FinishedDemo]:
    """A data directory in which nothing has run; on a disk of its own, where we may have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    yield FinishedDemo(disk / "data", "", "")
    if mounted:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_whatever_happens_at_every_stage(fresh: FinishedDemo, finished_demo: FinishedDemo) -> None:
    has_disk = fresh.data_dir.parent.is_mount()
    for what, point, seconds in POINTS:
        if what == "fill-the-disk" and not has_disk:
            continue  # only root may mount one, and nobody's real disk is filled
        ended = _demo(fresh, point, seconds, what=what)
        if what == "die":
            assert ended.returncode == -signal.SIGKILL, f"{point}: {ended.stderr}"
            continue
        assert (ended.returncode, SAID[what] in " ".join(ended.stderr.split())) == (1, True), ended.stderr
        (fresh.data_dir / FILLER).unlink(missing_ok=True)
    _ends_like(finished_demo, fresh)
    if not has_disk:
        pytest.skip("all but a full disk: that needs root, which may mount one")


def test_killed_at_any_moment(fresh: FinishedDemo, finished_demo: FinishedDemo) -> None:
    moments = random.Random(1)
    for _ in range(4):
        _demo(fresh, "starting/database and sandbox", moments.uniform(0, 12))
    _ends_like(finished_demo, fresh)


@pytest.mark.parametrize("op", ["pull_plaid", "pull_alpaca"])
def test_killed_while_it_holds_a_pool(demo: FinishedDemo, op: str) -> None:
    died = _demo(demo, f"nightly_close/{op}", 0.0, "run", "nightly_close")
    assert died.returncode == -signal.SIGKILL
    left = loose_ends(demo.environment)
    assert [end.split()[0] for end in left] == ["nightly_close", "pool"], left
    again = run_manna(demo.environment, "run", "nightly_close")
    assert again.returncode == 0, again.stderr
    assert loose_ends(demo.environment) == []


@pytest.fixture
def demo(finished_demo: FinishedDemo, tmp_path: Path) -> FinishedDemo:
    return finished_demo.copy(tmp_path / "data")


def _demo(
    demo: FinishedDemo, point: str, seconds: float, *command: str, what: str = "die"
) -> "subprocess.CompletedProcess[str]":
    return run_python(demo.environment, str(DYING), what, point, str(seconds), *(command or ["demo"]))


def _ends_like(undisturbed: FinishedDemo, demo: FinishedDemo) -> None:
    done = run_manna(demo.environment, "demo")
    assert done.returncode == 0, done.stderr
    assert _words(done.stdout, demo) == _words(undisturbed.out, undisturbed)
    assert loose_ends(demo.environment) == []
    found, wanted = state(demo.environment), finished_state(undisturbed)
    different = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    assert different == []


def _words(said: str, demo: FinishedDemo) -> list[str]:
    """What the summary says, wherever the data directory is."""
    return said.replace(str(demo.data_dir), "DATA").split()
