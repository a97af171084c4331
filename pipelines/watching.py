"""Asking Dagster and the machine how they are, for alerts.

What belongs here: reading runs, heartbeats and the disk. What does not: what of it is worth an alert (``manna.alerting.platform``).

Dagster's moments are those of the real clock, whatever ``MANNA_NOW`` says.
"""

import shutil
from datetime import UTC, datetime

import dagster as dg

from manna.alerting import platform
from manna.alerting.conditions import Condition
from pipelines.jobs import (
    BACKTESTS,
    BACKUP,
    DRILL,
    MAINTENANCE,
    MARKET,
    NIGHTLY,
    OPENING,
    REBALANCE,
    STATEMENTS,
    TRAINING,
)
from resources.installation import Installation

WATCHED = (NIGHTLY, MARKET, STATEMENTS, REBALANCE, TRAINING, BACKTESTS, OPENING, "execution", BACKUP,
    DRILL, MAINTENANCE,
)  # fmt: skip
"""Jobs whose failure somebody should hear of; a decision that is refused tells who made it at once."""


def platform_conditions(
    manna: Installation, instance: dg.DagsterInstance, *, served: bool
) -> list[Condition]:
    """What of runs, the disk and (where ``served``) daemons wants attention."""
    now, folder = datetime.now(UTC), manna.settings.data_dir
    return [
        *platform.failed_runs(_failed(instance), (NIGHTLY, STATEMENTS, MARKET)),
        *platform.stuck_runs(_started(instance), now),
        *platform.late_night(NIGHTLY, last_night(instance), now),
        *(platform.silent_daemons(_heartbeats(instance), now) if served else ()),
        *platform.low_disk(shutil.disk_usage(folder).free, str(folder)),
    ]


def _failed(instance: dg.DagsterInstance) -> list[tuple[str, str]]:
    """Jobs of which the last run that ended failed."""
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    last = [
        run
        for job in WATCHED
        for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=ended), limit=1)
    ]
    return [(run.job_name, run.run_id) for run in last if run.status is dg.DagsterRunStatus.FAILURE]


def _started(instance: dg.DagsterInstance) -> list[tuple[str, str, datetime]]:
    at_work = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return [
        (record.dagster_run.job_name, record.dagster_run.run_id, _moment(record.start_time))
        for record in at_work
        if record.start_time
    ]


def last_night(instance: dg.DagsterInstance) -> datetime | None:
    """When the nightly close last succeeded; null where it never did."""
    wanted = dg.RunsFilter(job_name=NIGHTLY, statuses=[dg.DagsterRunStatus.SUCCESS])
    records = instance.get_run_records(wanted, limit=1)
    return _moment(records[0].end_time) if records and records[0].end_time else None


def _heartbeats(instance: dg.DagsterInstance) -> dict[str, datetime]:
    statuses = instance.get_daemon_statuses()
    return {
        name: _moment(status.last_heartbeat.timestamp)
        for name, status in statuses.items()
        if status.required and status.last_heartbeat is not None
    }


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
