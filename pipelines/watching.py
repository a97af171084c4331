"""Asking Dagster and the machine how they are, for alerts.

What belongs here: reading runs, materializations, cursors, heartbeats and the disk. What does not: what of it is worth an alert (``manna.alerting.platform``).

Dagster's moments are those of the real clock, whatever ``MANNA_NOW`` says.
"""

import shutil
from datetime import UTC, datetime
from functools import cache

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType

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
    """What of runs, assets, the disk and (where ``served``) daemons and webhooks wants attention."""
    now, folder = datetime.now(UTC), manna.settings.data_dir
    late = platform.late_night(NIGHTLY, last_night(instance), now)
    return [
        *platform.failed_runs(_failed(instance), (NIGHTLY, STATEMENTS, MARKET)),
        *platform.stuck_runs(_started(instance), now),
        *(late or platform.late_assets(_last_made(instance), now)),
        *(platform.silent_daemons(_heartbeats(instance), now) if served else ()),
        *(
            platform.webhook_backlog(*webhooks_waiting(manna, instance), manna.settings.now())
            if served
            else ()
        ),
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


def _last_made(instance: dg.DagsterInstance) -> dict[str, datetime | None]:
    """When each asset of the night was made last; null where never."""
    records = instance.get_asset_records(list(_of_the_night()))
    made = {record.asset_entry.asset_key: record.asset_entry.last_materialization for record in records}
    return {".".join(key.path): _moment(event.timestamp) if event else None for key, event in made.items()}


def _of_the_night() -> frozenset[dg.AssetKey]:
    return frozenset(defined().resolve_job_def(NIGHTLY).asset_layer.executable_asset_keys)


@cache
def defined() -> dg.Definitions:
    """What there is to watch, made once: a look comes every minute."""
    from pipelines.definitions import build_definitions  # which imports the sensors, and they this

    return build_definitions()


def webhooks_waiting(manna: Installation, instance: dg.DagsterInstance) -> tuple[int, datetime | None]:
    """How many the sensor that follows webhooks has not dealt with, by its cursor, and when the oldest of them came."""
    from pipelines.webhooks import Position, webhooks  # which imports the sensors, and they this

    sensors = InstigatorType.SENSOR
    kept = instance.all_instigator_state(instigator_type=sensors) if instance.schedule_storage else ()
    cursors = [
        getattr(one.instigator_data, "cursor", None) for one in kept if one.instigator_name == webhooks.name
    ]
    done = max((Position.read(cursor).done for cursor in cursors), default=0)
    return manna.ops.webhooks_waiting(done)


def _heartbeats(instance: dg.DagsterInstance) -> dict[str, datetime]:
    statuses = instance.get_daemon_statuses()
    return {
        name: _moment(status.last_heartbeat.timestamp)
        for name, status in statuses.items()
        if status.required and status.last_heartbeat is not None
    }


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
