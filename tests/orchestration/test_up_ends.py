"""How `manna up` ends: asked to, killed, or with the whole machine; and what it finishes when it is started again."""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from serving_up import PATIENCE_SECONDS, Up, eventually, run_manna, serving
from states import finished_state, loose_ends, state

from assets.reports import WRITTEN
from tests.conftest import FinishedDemo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]

MONTHS = [f"{year}-{month:02d}-01" for year in (2024, 2025) for month in range(1, 13)]
DAYS = ["2026-03-09", "2026-03-10", "2026-03-11"]


@pytest.fixture
def demo(finished_demo: FinishedDemo, tmp_path: Path) -> FinishedDemo:
    return finished_demo.copy(tmp_path / "data")


def test_a_killed_supervisor_takes_its_children_along(demo: FinishedDemo) -> None:
    with serving(demo.environment) as up:
        run_id = up.launch("nightly_close")
        eventually(lambda: up.executing(run_id))
        up.process.kill()
        # At once, while they still end.
        assert run_manna(demo.environment, "run", "nightly_close").returncode == 0
        assert eventually(lambda: not up.processes())
    assert loose_ends(demo.environment) == []


def test_backfills_are_finished_after_the_whole_tree_was_killed_and_it_ends_when_asked_to(
    demo: FinishedDemo, finished_demo: FinishedDemo
) -> None:
    with serving(demo.environment) as up:
        months = up.backfill(WRITTEN, MONTHS)
        executing = "query ($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results { runId } } } }"
        of_it = {"tags": [{"key": "dagster/backfill", "value": months}]}
        [run] = eventually(lambda: up.ask(executing, filter=of_it)["runsOrError"]["results"])
        eventually(lambda: up.executing(run["runId"]))
        _daemon(up).suspend()
        days = up.backfill(["raw.alpaca_bars"], DAYS)  # of which nothing has begun
        _kill_at_once(up)
    with serving(demo.environment) as up:
        status, runs = up.backfilled(months)
        assert status == "COMPLETED_SUCCESS"
        assert [run["status"] for run in runs] == ["FAILURE", "SUCCESS"]
        assert runs[1]["tags"]["dagster/parent_run_id"] == runs[0]["runId"]
        status, [run] = up.backfilled(days)
        assert (status, run["status"]) == ("COMPLETED_SUCCESS", "SUCCESS")
        # Asked to end in the middle of a night, it leaves no process.
        run_id = up.launch("nightly_close")
        eventually(lambda: up.executing(run_id))
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(PATIENCE_SECONDS) == 0
        assert up.processes() == []
    assert run_manna(demo.environment, "run", "nightly_close").returncode == 0
    assert loose_ends(demo.environment) == []
    # Plaid's words on a login name the receiver, which has another address each time.
    items = "raw.plaid_items"
    assert state(demo.environment, without=items) == finished_state(finished_demo, without=items)


def _daemon(up: Up) -> psutil.Process:
    """The one that begins what was asked for."""
    for process in up.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.cmdline()[1:4] == ["-m", "dagster._daemon", "run"]:
                return process
    raise AssertionError("there is no daemon")


def _kill_at_once(up: Up) -> None:
    _to_each(up.processes(), lambda process: os.kill(process.pid, signal.SIGSTOP))
    processes = up.processes()  # with those that somebody was just starting: who stands still starts none
    _to_each(processes, lambda process: os.kill(process.pid, signal.SIGKILL))
    psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)


def _to_each(processes: list[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            act(process)
        except ProcessLookupError:
            continue
