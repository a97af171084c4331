"""Asking Dagster and the machine how they are, for alerts.

What belongs here: reading runs, materializations, cursors, heartbeats and the disk. What does not: what of it is worth an alert (``manna.alerting.platform``).

Dagster's moments are those of the real clock, whatever ``MANNA_NOW`` says.
"""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import SCHEDULE_NAME_TAG

from manna.alerting import platform
from manna.alerting.conditions import Condition
from pipelines.jobs import DESCRIPTIONS, EXECUTION, MARKET, NIGHTLY, OF_WEBHOOKS, STATE_TAG, STATEMENTS
from resources.installation import Installation

if TYPE_CHECKING:
    from dagster._core.scheduler.instigation import InstigatorState

WATCHED = (*DESCRIPTIONS, EXECUTION)
"""Jobs whose failure somebody should hear of; a decision that is refused tells who made it at once."""
BLIND = "cannot "
"""How the reason of a sensor begins whose tick could not look (see ``sensors``): to Dagster it has skipped, as any other."""


def platform_conditions(
    manna: Installation, instance: dg.DagsterInstance, *, served: bool
) -> list[Condition]:
    """What of runs, assets, the disk and (where ``served``) daemons and webhooks wants attention."""
    now, folder = datetime.now(UTC), manna.settings.data_dir
    late = [
        one
        for schedule, at in last_nights(instance).items()
        for one in platform.late_night(schedule, at, now)
    ]
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
    """Jobs of which the last run that ended failed; of the nightly close, the last one of any schedule."""
    nights = _nights(instance, FINISHED_STATUSES)
    last = [record.dagster_run for record in nights.values()]
    for job in WATCHED:
        if job != NIGHTLY:
            last += instance.get_runs(dg.RunsFilter(job_name=job, statuses=FINISHED_STATUSES), limit=1)
    return list({run.job_name: run.run_id for run in last if run.is_failure}.items())


def last_nights(instance: dg.DagsterInstance) -> dict[str, datetime]:
    """When the nightly close last succeeded, by schedule; without those of which none ever did."""
    succeeded = _nights(instance, [dg.DagsterRunStatus.SUCCESS])
    return {name: _moment(record.end_time) for name, record in succeeded.items() if record.end_time}


def _nights(instance: dg.DagsterInstance, statuses: Sequence[dg.DagsterRunStatus]) -> dict[str, dg.RunRecord]:
    """The last night with one of these statuses, by schedule: there is one per time zone of the books.

    One that a person has asked for counts for every schedule.
    """
    found = {}
    for schedule in _schedules():
        tags = {SCHEDULE_NAME_TAG: schedule}
        scheduled = dg.RunsFilter(job_name=NIGHTLY, statuses=statuses, tags=tags)
        own = instance.get_run_records(scheduled, limit=1)
        later = instance.get_run_records(
            dg.RunsFilter(job_name=NIGHTLY, statuses=statuses),
            cursor=own[0].dagster_run.run_id if own else None,
            ascending=True,
        )
        last = [*own, *(record for record in later if _is_whole_night(record.dagster_run))]
        if last:
            found[schedule] = last[-1]
    return found


def _schedules() -> list[str]:
    """Names of the schedules of the nightly close."""
    return [one.name for one in defined().get_repository_def().schedule_defs if one.job_name == NIGHTLY]


def _is_whole_night(run: dg.DagsterRun) -> bool:
    """Whether a person asked for it, for all books and assets. Webhooks ask for single logins."""
    if SCHEDULE_NAME_TAG in run.tags or run.tags.get(STATE_TAG, "").startswith(OF_WEBHOOKS):
        return False
    config: Any = run.run_config
    books = [op.get("config", {}).get("books") for op in config.get("ops", {}).values()]
    return not (run.asset_selection or any(books))


def tick_trouble(instance: dg.DagsterInstance, state: "InstigatorState") -> str | None:
    """Why the last tick of a schedule or sensor failed, or could not look; null where it did its work."""
    from dagster._core.scheduler.instigation import TickStatus  # 18 modules, which runs do without

    ended = [TickStatus.SKIPPED, TickStatus.SUCCESS, TickStatus.FAILURE]
    for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=ended):
        if tick.is_failure:
            return tick.error.message.strip().splitlines()[-1] if tick.error else "no reason given"
        if tick.skip_reason and tick.skip_reason.startswith(BLIND):
            return tick.skip_reason
    return None


def _started(instance: dg.DagsterInstance) -> list[tuple[str, str, datetime]]:
    at_work = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return [
        (record.dagster_run.job_name, record.dagster_run.run_id, _moment(record.start_time))
        for record in at_work
        if record.start_time
    ]


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
