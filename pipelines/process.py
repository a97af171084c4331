"""A run and its process: who executes it, and what became of those whose process died.

What belongs here: the resource every asset gets, and clearing up after a killed process. What does not:
starting servers (``services``).

A run that is killed hard stays STARTED for ever and keeps its pool slots, so that the next run hangs:
Dagster's default launcher cannot see that death. So each run records its process when it begins, and
every start first fails the runs whose process is gone and frees their slots.
"""

import os
from collections.abc import Iterator

import dagster as dg
import psutil

from resources.installation import Installation

PROCESS_TAG = ".dagster/manna_process"  # the prefix keeps it out of the UI's lists


def process_mark(pid: int | None = None) -> str:
    """``PID:START``: a process, told apart from a later one with the same number (also after a reboot)."""
    process = psutil.Process(pid or os.getpid())
    return f"{process.pid}:{process.create_time():.2f}"


@dg.resource(description="The installation: lake, Postgres, providers, books.")
def installation_resource(context: dg.InitResourceContext) -> Iterator[Installation]:
    """One :class:`Installation` per run or tick; a run is marked with its process first."""
    if context.run_id and context.instance and context.instance.has_run(context.run_id):
        context.instance.add_run_tags(context.run_id, {PROCESS_TAG: process_mark()})
    installation = Installation()
    try:
        yield installation
    finally:
        installation.close()


_UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def bury_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fails every unfinished run whose process is gone, frees its slots, and returns their ids.

    A run that has no mark yet is left alone: it may be starting this very moment, and run monitoring
    times it out if it never does.
    """
    buried = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED)):
        mark = run.tags.get(PROCESS_TAG)
        if mark is None or _lives(mark):
            continue
        instance.report_run_failed(run, "its process was killed; found dead at the next start")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        buried.append(run.run_id)
    return buried


def _lives(mark: str) -> bool:
    pid = int(mark.partition(":")[0])
    try:
        return process_mark(pid) == mark and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
