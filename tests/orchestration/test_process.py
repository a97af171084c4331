"""Runs whose process is gone are found and buried; all others are left alone."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
from dagster._core.launcher.base import WorkerStatus
from dagster._core.test_utils import create_run_for_test

from pipelines import leash
from pipelines.process import SERVING, WatchfulRunLauncher, bury_dead_runs, executing, hold, is_dead
from resources.settings import PROJECT

HOLDER = """
import sys, dagster as dg
from pipelines.process import executing
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance, executing(instance, sys.argv[2]):
    print("holding", flush=True)
    sys.stdin.read()
"""
Status = dg.DagsterRunStatus


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


def a_run(instance: dg.DagsterInstance, status: Status = Status.STARTED) -> str:
    return str(create_run_for_test(instance, job_name="nightly_close", status=status).run_id)


def killed_while_executing(instance: dg.DagsterInstance, run_id: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, instance.root_directory, run_id],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        assert not is_dead(instance, run_id)
        assert bury_dead_runs(instance) == []
        process.kill()


def status(instance: dg.DagsterInstance, run_id: str) -> Status:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_killed_run_is_buried(instance: dg.DagsterInstance) -> None:
    run_id = a_run(instance)
    killed_while_executing(instance, run_id)
    assert is_dead(instance, run_id)
    assert bury_dead_runs(instance, alone=False) == [run_id]
    assert status(instance, run_id) == Status.FAILURE
    assert bury_dead_runs(instance) == []


def test_its_slots_are_freed(instance: dg.DagsterInstance) -> None:
    run_id, log = a_run(instance), instance.event_log_storage
    log.set_concurrency_slots("plaid", 1)
    assert log.claim_concurrency_slot("plaid", run_id, "pull_plaid").is_claimed
    killed_while_executing(instance, run_id)
    bury_dead_runs(instance)
    assert log.get_concurrency_info("plaid").active_slot_count == 0
    assert log.claim_concurrency_slot("plaid", a_run(instance), "pull_plaid").is_claimed


def test_slots_of_a_run_that_ended_are_freed(instance: dg.DagsterInstance) -> None:
    run_id, log = a_run(instance), instance.event_log_storage
    log.set_concurrency_slots("plaid", 1)
    log.claim_concurrency_slot("plaid", run_id, "pull_plaid")
    instance.report_run_failed(instance.get_run_by_id(run_id))
    bury_dead_runs(instance)
    assert log.get_concurrency_info("plaid").active_slot_count == 0


def test_a_living_run_is_left_alone(instance: dg.DagsterInstance) -> None:
    run_id = a_run(instance)
    with executing(instance, run_id):
        with executing(instance, run_id):
            pass
        assert bury_dead_runs(instance) == []
    assert status(instance, run_id) == Status.STARTED


@pytest.mark.parametrize("begun", [Status.NOT_STARTED, Status.STARTING, Status.STARTED, Status.CANCELING])
def test_a_run_that_no_process_has_begun(instance: dg.DagsterInstance, begun: Status) -> None:
    """Its process died before it could say so, or a daemon is about to start one."""
    run_id = a_run(instance, begun)
    assert bury_dead_runs(instance, alone=False) == []
    supervisor = hold(Path(instance.root_directory) / SERVING)
    assert supervisor is not None
    assert bury_dead_runs(instance) == []
    os.close(supervisor)
    assert bury_dead_runs(instance) == [run_id]


@pytest.mark.parametrize("just_before", ["os.open", "fcntl.flock"])
def test_a_run_that_ends_in_good_order_while_its_lock_is_looked_at_is_not_dead(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, just_before: str
) -> None:
    """Its lock goes before Dagster has written down that it has succeeded."""
    run_id = a_run(instance)
    lock = Path(instance.root_directory) / "running" / run_id
    happens = {"os.open": os.open, "fcntl.flock": fcntl.flock}[just_before]

    def looked_at(look: Callable[[], Any]) -> Any:
        held = hold(lock)
        assert held is not None

        def ended_first(what: Any, *rest: Any) -> Any:
            if just_before == "fcntl.flock" or what == lock:
                lock.unlink()
                os.close(held)
            return happens(what, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(f"pipelines.process.{just_before}", ended_first)
            found = look()
        assert not lock.exists()
        return found

    assert looked_at(lambda: is_dead(instance, run_id)) is False
    assert looked_at(lambda: bury_dead_runs(instance, alone=False)) == []
    assert status(instance, run_id) == Status.STARTED


@pytest.mark.parametrize("ended", [Status.SUCCESS, Status.FAILURE, Status.CANCELED])
def test_runs_that_ended_stay_as_they_are(instance: dg.DagsterInstance, ended: Status) -> None:
    run_id = a_run(instance, ended)
    assert bury_dead_runs(instance) == []
    assert status(instance, run_id) == ended


def test_run_monitoring_is_told(instance: dg.DagsterInstance) -> None:
    run_id, launcher = a_run(instance), WatchfulRunLauncher()
    launcher.register_instance(instance)
    run = instance.get_run_by_id(run_id)
    assert launcher.supports_check_run_worker_health
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    killed_while_executing(instance, run_id)
    assert launcher.check_run_worker_health(run).status == WorkerStatus.FAILED


# -- the leash ----------------------------------------------------------------------------------------

FAMILY = "sleep 1000 & sleep 1000 & echo $!; {}"


# In the background of a script SIGINT is ignored, Dagster in this process then makes SIGTERM the same, and children inherit
# that: they do not listen, and the leash waits as long as it has patience.
IMPATIENT = "import sys; from pipelines import leash; leash.PATIENCE_SECONDS = 1; sys.exit(leash.main())"


@pytest.mark.parametrize(
    ("then", "released"),
    [
        pytest.param("wait", True, id="released"),
        pytest.param("exit 3", False, id="the parent ends first"),
    ],
)
def test_a_leash_ends_the_whole_family(then: str, released: bool) -> None:
    command = [sys.executable, "-c", IMPATIENT, "sh", "-c", FAMILY.format(then)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        child = int(process.stdout.readline())
        if released:
            process.stdin.close()
        code = process.wait(60)
    # Released, the shell is ended too, or ends by itself when its children were ended before it; where the
    # machine stood still for so long that patience ran out, it was killed.
    assert code in ((128 + signal.SIGTERM, 128 + signal.SIGKILL, 0) if released else (3,))
    assert not runs(child)


def runs(pid: int) -> bool:
    """Whether it has not ended: one that waits for its parent to notice has."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Ending:
    """A process that ends some time after it was asked to, and then waits for a parent that does not look."""

    def __init__(self, running: int) -> None:
        self.states = [psutil.STATUS_SLEEPING] * running + [psutil.STATUS_ZOMBIE]
        self.asked: list[int] = []

    def status(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def send_signal(self, number: int) -> None:
        self.asked.append(number)


def test_who_has_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An orphan stays a zombie until pid 1 looks, which some do late and others never."""
    family = [Ending(0), Ending(3)]
    trees = iter([family, []])
    monkeypatch.setattr(leash, "_tree", lambda pid: next(trees))
    leash.end_tree(1000)
    assert [one.asked for one in family] == [[signal.SIGTERM], [signal.SIGTERM]]
    assert [one.states for one in family] == [[psutil.STATUS_ZOMBIE]] * 2


def test_manna_up_is_asked_to_end_by_either_signal() -> None:
    program = """
import os, signal
from pipelines.serving import _stop_requests
for number in (signal.SIGINT, signal.SIGTERM):
    with _stop_requests() as stopped:
        os.kill(os.getpid(), number)
        assert stopped.wait(60)
"""
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)
