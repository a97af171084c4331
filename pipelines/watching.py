"""Asking Dagster and the machine how they are, for alerts.

What belongs here: reading runs, heartbeats and the disk. What does not: what of it is worth an alert (``manna.alerting.platform``).

Dagster's moments are those of the real clock, whatever ``MANNA_NOW`` says.
"""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from manna.alerting import Condition, platform
from pipelines.jobs import MARKET, NIGHTLY, STATEMENTS
from resources.installation import Installation

MOST_RUNS = 200
"""How many of the latest runs are looked at."""


def platform_conditions(
    manna: Installation, instance: dg.DagsterInstance, *, served: bool
) -> list[Condition]:
    """What of runs, the disk and (where ``served``) daemons wants attention."""
    now, records = datetime.now(UTC), instance.get_run_records(limit=MOST_RUNS)
    folder = manna.settings.data_dir
    return [
        *platform.failed_runs(_failed(records), (NIGHTLY, STATEMENTS, MARKET)),
        *platform.stuck_runs(_started(records), now),
        *platform.late_night(NIGHTLY, _last_success(records), now),
        *(platform.silent_daemons(_heartbeats(instance), now) if served else ()),
        *platform.low_disk(shutil.disk_usage(folder).free, str(folder)),
    ]


def _failed(records: Iterable[Any]) -> list[tuple[str, str]]:
    """Jobs of which the last run that ended failed."""
    last: dict[str, Any] = {}
    for record in records:  # the newest first
        if record.dagster_run.is_finished:
            last.setdefault(record.dagster_run.job_name, record.dagster_run)
    return [(job, run.run_id) for job, run in last.items() if run.status is dg.DagsterRunStatus.FAILURE]


def _started(records: Iterable[Any]) -> list[tuple[str, str, datetime]]:
    return [
        (record.dagster_run.job_name, record.dagster_run.run_id, _moment(record.start_time))
        for record in records
        if record.dagster_run.status is dg.DagsterRunStatus.STARTED and record.start_time
    ]


def _last_success(records: Iterable[Any]) -> datetime | None:
    ended = (
        record.end_time
        for record in records
        if record.dagster_run.job_name == NIGHTLY and record.dagster_run.is_success and record.end_time
    )
    return next((_moment(end) for end in ended), None)


def _heartbeats(instance: dg.DagsterInstance) -> dict[str, datetime]:
    statuses = instance.get_daemon_statuses()
    return {
        name: _moment(status.last_heartbeat.timestamp)
        for name, status in statuses.items()
        if status.required and status.last_heartbeat is not None
    }


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
