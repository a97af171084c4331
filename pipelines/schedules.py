"""When the jobs run by themselves.

What belongs here: cron times and time zones. What does not: what reacts to data (``sensors``).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from manna.books import Book
from pipelines.jobs import (
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
from pipelines.partitions import MARKET_ZONE

NIGHT = "0 3 * * *"
AFTER_CLOSE = "30 17 * * 1-5"
SUNDAY = "0 2 * * 0"
"""Before the night, which uses what was trained."""
MORNING = "0 7 * * *"
"""After the nights of all zones of America, and before anybody reads."""
OPERATIONS = {
    BACKUP: ("0 6 * * *", "A backup every morning at 6, New York, when the nights are done."),
    MAINTENANCE: (
        "30 4 * * 0",
        "Sundays at 4:30 in the morning, New York, between the night and the backup.",
    ),
    DRILL: (
        "0 8 * * 0",
        "Sundays at 8 in the morning, New York: the newest backup is restored and compared.",
    ),
}
"""What keeps the installation itself well: when, and why then. Nothing waits for it."""
OPS_WITH_BOOKS: Mapping[str, Sequence[str]] = {
    NIGHTLY: (
        "pull_plaid",
        "pull_alpaca",
        "categorize",
        "find_recurring",
        "keep_books",
        "value_positions",
        "measure_drift",
        "measure_performance",
        "hash_months",
    ),
    STATEMENTS: ("make_statements", "publish"),
    REBALANCE: ("plan_trades",),
    TRAINING: ("train_models",),
    OPENING: ("open_pages",),
}
"""Ops that can be told which books to work on, by their job."""


def books_config(books: Sequence[str], job: str = NIGHTLY) -> dict[str, Any]:
    """Run configuration that restricts a job to ``books``."""
    return {"ops": {op: {"config": {"books": list(books)}} for op in OPS_WITH_BOOKS[job]}}


def schedules(
    jobs: Mapping[str, Any], books: Mapping[str, Book], days: dg.TimeWindowPartitionsDefinition
) -> list[dg.ScheduleDefinition]:
    """One nightly schedule per distinct time zone of the books, bars after each market close, models on Sundays, pages,
    and what keeps the installation well."""
    zones: dict[str, list[str]] = {}
    for book in books.values():
        zones.setdefault(book.time_zone, []).append(book.id)
    nightly = [
        dg.ScheduleDefinition(
            name=f"{NIGHTLY}_{re.sub(r'[^a-z0-9]+', '_', zone.lower())}",
            job=jobs[NIGHTLY],
            cron_schedule=NIGHT,
            execution_timezone=zone,
            run_config=books_config(sorted(ids)),
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"Closes {', '.join(sorted(ids))} at 3 in the morning, {zone}.",
        )
        for zone, ids in sorted(zones.items())
    ]
    weekly = dg.ScheduleDefinition(
        name=TRAINING,
        job=jobs[TRAINING],
        cron_schedule=SUNDAY,
        execution_timezone=MARKET_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Trains the books' models on Sundays at 2 in the morning, New York.",
    )
    opening = dg.ScheduleDefinition(
        name=OPENING,
        job=jobs[OPENING],
        cron_schedule=MORNING,
        execution_timezone=MARKET_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Writes the pages behind the figures that are missing, at 7 in the morning, New York.",
    )
    operations = [
        dg.ScheduleDefinition(
            name=name,
            job=jobs[name],
            cron_schedule=cron,
            execution_timezone=MARKET_ZONE,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=description,
        )
        for name, (cron, description) in OPERATIONS.items()
    ]
    return [*nightly, _after_market_close(jobs[MARKET], days), weekly, opening, *operations]


def _after_market_close(job: Any, days: dg.TimeWindowPartitionsDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=MARKET,
        job=job,
        cron_schedule=AFTER_CLOSE,
        execution_timezone=MARKET_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Daily bars, an hour and a half after the New York close.",
    )
    def market_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.strftime("%Y-%m-%d")
        if not days.has_partition_key(day):
            return dg.SkipReason(f"{day} is a holiday in New York")
        return dg.RunRequest(run_key=day, partition_key=day)

    return market_close
