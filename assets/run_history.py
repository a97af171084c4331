"""Dagster's history of runs: what is old is deleted, what the program still reads is not.

What belongs here: choosing and deleting runs. What does not: ticks of schedules and sensors, whose retention is Dagster's
own (``dagster.yaml``).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import dagster as dg

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_AT_ONCE = 1000


def forget_old_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Deletes runs that ended and were made before a moment, with their events; returns how many.

    Kept, however old: the runs with the newest materialization of an asset or of one of its partitions (without it the
    partition would count as missing), and the last success of every job (which sensors ask for).
    """
    old = dg.RunsFilter(statuses=_ENDED, created_before=before)
    kept = set(_materializing(instance))
    found = [run for run in instance.get_runs(old, limit=_AT_ONCE + len(kept)) if run.run_id not in kept]
    kept |= set(_last_successes(instance, {run.job_name for run in found}))
    ids = [run.run_id for run in found if run.run_id not in kept][:_AT_ONCE]
    for run_id in ids:
        instance.delete_run(run_id)
    return len(ids)


def _materializing(instance: dg.DagsterInstance) -> Iterator[str]:
    for key in instance.get_asset_keys():
        newest = instance.get_latest_materialization_event(key)
        if newest is not None:
            yield newest.run_id
        partitions = instance.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        if partitions:
            wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=sorted(set(partitions.values())))
            found = instance.fetch_materializations(wanted, limit=len(partitions))
            yield from (record.run_id for record in found.records)


def _last_successes(instance: dg.DagsterInstance, jobs: Iterable[str]) -> Iterator[str]:
    succeeded = [dg.DagsterRunStatus.SUCCESS]
    for job in jobs:
        last = instance.get_runs(dg.RunsFilter(job_name=job, statuses=succeeded), limit=1)
        yield from (run.run_id for run in last)
