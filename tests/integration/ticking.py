"""Ticks of schedules and sensors as Dagster's daemon writes them down.

What belongs here: that. What does not: assertions about what is made of them.
"""

import time
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)


def ticked(
    instance: dg.DagsterInstance,
    name: str,
    kind: InstigatorType,
    is_on: InstigatorStatus,
    status: TickStatus,
    **came: Any,
) -> None:
    """A tick, the newest of this schedule or sensor; ``came`` of it: ``error``, ``skip_reason``."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("manna"), "__repository__")
    origin = RemoteInstigatorOrigin(repository, name)
    data = ScheduleInstigatorData("0 3 * * *") if kind is InstigatorType.SCHEDULE else SensorInstigatorData()
    state = InstigatorState(origin, kind, is_on, data)
    if not instance.all_instigator_state(instigator_type=kind):
        instance.add_instigator_state(state)
    instance.create_tick(
        TickData(origin.get_id(), name, kind, status, time.time(), selector_id=state.selector_id, **came)
    )


def skipped(instance: dg.DagsterInstance, sensor: str, reason: str) -> None:
    """A tick of the sensor, which is on, asks for no run."""
    on = InstigatorStatus.RUNNING
    ticked(instance, sensor, InstigatorType.SENSOR, on, TickStatus.SKIPPED, skip_reason=reason)
