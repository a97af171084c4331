"""Running jobs in this process, with a display of how far they are.

What belongs here: what `manna run` and `manna demo` do with a job. What does not: starting services, or
how the daemon launches runs.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from assets.common import key
from assets.model import TABLE as MODEL
from assets.published import months_to_publish
from pipelines.definitions import build_definitions
from pipelines.jobs import MARKET, NIGHTLY, REBALANCE, STATE_TAG, STATEMENTS, TRAINING
from pipelines.process import bury_dead_runs, executing, owns_database
from pipelines.sensors import (
    RANGE_END,
    RANGE_START,
    drift_state,
    has_succeeded,
    missing_bars,
    month_range,
)
from pipelines.settling import settle
from resources.installation import Installation

Progress = Callable[[str, str], None]
"""Told (stage, step) whenever a step begins."""

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The terminal shows the progress display; the event log has everything."""


class RunFailedError(Exception):
    """A run failed. The message names the step and its reason."""


class Runner:
    """Runs jobs of one installation in this process."""

    def __init__(self, manna: Installation, progress: Progress = lambda stage, step: None) -> None:
        self._manna, self._progress = manna, progress
        self.instance = dg.DagsterInstance.get()
        bury_dead_runs(self.instance, alone=owns_database(manna.settings))
        manna.ops.try_again()  # a provider that is left alone for a while: a person is here and asks
        self._repository = build_definitions(manna.settings).get_repository_def()

    @property
    def jobs(self) -> list[str]:
        """Names of the jobs."""
        return [name for name in self._repository.job_names if not name.startswith("__")]

    def run(
        self,
        job: str,
        *,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
        assets: list[dg.AssetKey] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Runs a job to its end and returns the run id.

        Args:
            job: its name.
            partition: a partition, or ``FIRST...LAST`` for a range in one run.
            tags: more run tags.
            assets: only these of its assets.
            config: run configuration.

        Raises:
            RunFailedError: a step failed.
        """
        definition = self._repository.get_job(job)
        wanted = dict(tags or {})
        if partition and "..." in partition:
            first, _, last = partition.partition("...")
            wanted |= {RANGE_START: first, RANGE_END: last}
            partition = None
        run_id = str(uuid.uuid4())
        self.instance.add_event_listener(run_id, self._heard)
        with executing(self.instance, run_id):
            result = definition.execute_in_process(
                instance=self.instance,
                partition_key=partition,
                tags=wanted,
                asset_selection=assets,
                run_config={**_QUIET, **(config or {})},
                raise_on_error=False,
                run_id=run_id,
            )
        if not result.success:
            raise RunFailedError(_reason(job, result))
        return result.run_id

    def _heard(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is not None and event.is_step_start and event.step_key:
            self._progress(entry.job_name or "", event.step_key)

    def close(self, config: Mapping[str, Any] | None = None) -> dict[str, str]:
        """The whole night: bars that are missing, the nightly close, the months it changed, alerts, drift.

        The first of them also trains the models, so that every asset is there.

        Returns the run ids by job.
        """
        runs = {}
        if any(row["complete_through"] is None for row in self._manna.ops.live_connections()):
            # Which symbols are held is known only after the first pull of every login.
            self.run(NIGHTLY, assets=self._assets("raw"), config=config)
        days = missing_bars(self._manna)
        if days is not None and not has_succeeded(self.instance, MARKET, days.state):
            runs[MARKET] = self.run(MARKET, tags={STATE_TAG: days.state, **days.tags})
        runs[NIGHTLY] = self.run(NIGHTLY, config=config)
        if self.instance.get_latest_materialization_event(key(MODEL)) is None:
            runs[TRAINING] = self.run(TRAINING)  # from then on by its schedule
        months = months_to_publish(self._manna)
        if months:
            runs[STATEMENTS] = self.run(STATEMENTS, tags=month_range(months))
        drift = drift_state(self._manna)
        if drift is not None and not has_succeeded(self.instance, REBALANCE, drift):
            runs[REBALANCE] = self.run(REBALANCE, tags={STATE_TAG: drift})
        self._progress("alerts", "settle")
        settle(self._manna, self.instance)
        return runs

    def _assets(self, group: str) -> list[dg.AssetKey]:
        job = self._repository.get_job(NIGHTLY)
        return [key for key in job.asset_layer.executable_asset_keys if key.path[0] == group]


def _reason(job: str, result: dg.ExecuteInProcessResult) -> str:
    """Which step failed and why, in words that were meant for a person where there are any."""
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            told = failure.user_failure_data.description if failure.user_failure_data else None
            return f"{job}: {event.step_key} failed: {told or _why(failure.error)}"
    for event in result.all_events:
        if event.is_resource_init_failure:
            return f"{job}: {_why(event.engine_event_data.error)}"
        if event.event_type == dg.DagsterEventType.RUN_FAILURE:
            return f"{job} failed: {_why(event.job_failure_data.error)}"
    return f"{job} failed"


def _why(error: SerializableErrorInfo | None) -> str:
    """The outermost error that is not Dagster's own wrapping: what lies below was its cause, for a log."""
    while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    if error is None:
        return "no reason given"
    name, _, words = error.message.strip().partition(": ")
    return words if name.endswith(str(error.cls_name)) and words else error.message.strip()
