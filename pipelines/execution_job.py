"""The job ``execution`` and the sensor that asks for it: plans executed without anybody at a terminal.

What belongs here: when a plan is executed by itself. What does not: executing it (``trading``).

A plan that has begun is gone on with until it is over. One that has not is begun only in automatic mode: the book's file says
so (``targets: automatic: true``), said so when the plan was made, and wants one approval only; the approval is then on
record as the book's file's own. Everything that stops a person's execution stops this one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from pydantic import Field

from assets.common import Manna, stopping_for_good
from manna.books import Book
from manna.trading.execution import planned, refusal
from pipelines.jobs import EXECUTION, ONCE
from pipelines.partitions import MARKET_ZONE
from resources.installation import Installation

EXECUTOR = "executor"
MINUTES = 15
"""How long after a stop a plan is gone on with."""
_OPENS, _CLOSES = time(9, 30), time(16)
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

Event = Mapping[str, Any]


class ExecutionConfig(dg.Config):
    """Which plan, in Dagster's launchpad."""

    plan: str = Field(default="", description="the plan's id, or the beginning of it")
    by: str = Field(default=EXECUTOR, description="who executes it: your name")


@dg.op(
    description="Executes an approved plan, as `manna rebalance execute` does; a stop that can go on later is no failure."
)
def execute_plan(context: dg.OpExecutionContext, config: ExecutionConfig, manna: Manna) -> None:
    """One execution. Never retried within a run: the sensor asks again."""
    from manna.documents.plan_tables import outcome_markdown
    from pipelines.trading import execute

    with stopping_for_good():
        try:
            result = execute(manna, config.plan, config.by, approving=approved_by_itself)
        except Exception as error:
            raise dg.Failure(str(error), allow_retries=False) from error
    context.add_output_metadata(
        {
            "plan": result.plan_id,
            "finished": result.finished,
            "stopped": result.reason or "no",
            "trades": dg.MetadataValue.md(outcome_markdown(result.detail)),
            "outcome": dg.MetadataValue.json(dict(result.detail)),
        }
    )


@dg.job(
    name=EXECUTION,
    description="Sends the orders of an approved plan: sells, then buys with what is there.",
    tags=ONCE,
)
def execution() -> None:
    """One plan, named in the configuration."""
    execute_plan()


def approved_by_itself(book: Book, row: Mapping[str, Any], events: Sequence[Event]) -> bool:
    """Whether the book's file approves a plan that nobody has decided on: then and now, and where one approval will do."""
    document = row["document"]
    wanted = bool(document.get("automatic")) and book.targets.automatic
    return wanted and planned(row).approvals == 1 and not events


def may_be_open(now: datetime) -> bool:
    """Whether the exchange may be open: a weekday's hours in New York. Holidays are the broker's to know."""
    local = now.astimezone(ZoneInfo(MARKET_ZONE))
    return local.weekday() < 5 and _OPENS <= local.time() < _CLOSES


def due(
    books: Mapping[str, Book], under_way: Sequence[tuple[Mapping[str, Any], Sequence[Event]]], now: datetime
) -> str | None:
    """The first plan that is to be executed without being asked; null without one.

    A plan that has begun is due also when it has expired: what became of its orders is to be written down.
    """
    for row, events in under_way:
        if row["book"] not in books:
            continue
        if any(event["action"] == "execute" for event in events):
            return str(row["plan_id"])
        ready = [*events, {"action": "approve", "decided_by": EXECUTOR, "reason": None}]
        if approved_by_itself(books[row["book"]], row, events) and refusal(planned(row), ready, now) is None:
            return str(row["plan_id"])
    return None


@dg.sensor(
    name=EXECUTION,
    job_name=EXECUTION,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Goes on with plans whose execution has begun, and begins those of books in automatic mode.",
)
def execution_sensor(context: dg.SensorEvaluationContext, manna: Manna) -> dg.RunRequest | dg.SkipReason:
    """One run at a time; after a stop another one a quarter of an hour later, while the market may be open."""
    try:
        return asked(context.instance, manna)
    except Exception as error:  # noqa: BLE001  whatever keeps it from looking is the reason to say
        return dg.SkipReason(f"cannot read the plans: {error}")


def asked(instance: dg.DagsterInstance, manna: Installation) -> dg.RunRequest | dg.SkipReason:
    """The run that is due, or why there is none."""
    from resources import orders, switches

    now = manna.settings.now()
    if not may_be_open(now):
        return dg.SkipReason("the market is closed")
    with manna.ops.engine.connect() as connection:
        plan = due(manna.books, orders.plans_under_way(connection), now)
        row = orders.plan(connection, plan) if plan else None
        if row is None:
            return dg.SkipReason("no plan is to be executed")
        halted = switches.halted(connection, row["book"])
    if halted is not None:
        return dg.SkipReason(halted)
    if instance.get_runs_count(dg.RunsFilter(job_name=EXECUTION, statuses=_UNDER_WAY)):
        return dg.SkipReason("a plan is being executed")
    config = dg.RunConfig(ops={"execute_plan": ExecutionConfig(plan=row["plan_id"])})
    bucket = now.replace(minute=now.minute - now.minute % MINUTES)
    return dg.RunRequest(
        run_key=f"{EXECUTION}-{row['plan_id']}-{bucket:%Y%m%dT%H%M}", job_name=EXECUTION, run_config=config
    )
