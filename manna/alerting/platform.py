"""Conditions of the machine: runs that failed or do not end, nights that did not come, a disk that fills.

What belongs here: pure functions from what Dagster and the machine say to conditions; they concern all books. What does not: asking
them (``pipelines.watching``).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from manna.alerting.conditions import Condition, condition

ALL = "all"
STUCK_AFTER = timedelta(hours=3)
"""A night takes a minute; a run of hours waits for something that will not come."""
LATE_AFTER = timedelta(hours=60)
"""An asset of the night that succeeded nights did not make: two nights were missed, and half a day to mend it."""
BACKLOG_AFTER = timedelta(minutes=30)
"""The sensor looks twice a minute, and a pull takes one; longer than this something keeps it from it."""
PROVIDERS = {"plaid": "Plaid", "alpaca": "Alpaca", "alpaca_bars": "Alpaca (prices)"}
NIGHT_EVERY = timedelta(hours=36)
"""A night that failed once is made good by the next; longer than this nobody has the figures of yesterday."""
SILENT_AFTER = timedelta(minutes=10)
LEAST_FREE, NONE_FREE = 1 << 30, 200 << 20
"""Bytes free on the disk below which there is a warning, and below which it is critical: Postgres stops before zero."""


def failed_runs(last_of_jobs: Iterable[tuple[str, str]], critical: Iterable[str]) -> list[Condition]:
    """Jobs whose last run failed: (job, run id). ``critical``: jobs without which there are no figures."""
    grave = set(critical)
    return [
        condition(
            ALL,
            "failed_run",
            job,
            "critical" if job in grave else "warning",
            f"the last run of {job} failed ({run_id[:8]}): its page in Dagster's UI says why; "
            f"`manna run {job}` or *Re-execute from failure* tries again",
        )
        for job, run_id in sorted(last_of_jobs)
    ]


def stuck_runs(started: Iterable[tuple[str, str, datetime]], now: datetime) -> list[Condition]:
    """Runs that have been going on for too long: (job, run id, since when)."""
    return [
        condition(
            ALL,
            "stuck_run",
            run_id,
            "warning",
            f"run {run_id[:8]} of {job} has been going on since {since:%Y-%m-%d %H:%M} UTC: terminate it in Dagster's UI, "
            "and run it again; nothing is half-written",
        )
        for job, run_id, since in sorted(started)
        if now - since > STUCK_AFTER
    ]


def late_night(job: str, last_success: datetime | None, now: datetime) -> list[Condition]:
    """That no night has succeeded for too long; nothing where there never was one."""
    if last_success is None or now - last_success <= NIGHT_EVERY:
        return []
    words = f"{job} has not succeeded since {last_success:%Y-%m-%d %H:%M} UTC: is `manna up` running, and its schedule on?"
    return [condition(ALL, "late_night", job, "critical", words)]


def late_assets(made: Mapping[str, datetime | None], now: datetime) -> list[Condition]:
    """Assets of the night that were made once and not for long, although nights succeed: asset and when it was made last.

    One alert for all of them: they are late for one reason.
    """
    late = sorted((at, asset) for asset, at in made.items() if at is not None and now - at > LATE_AFTER)
    if not late:
        return []
    at, first = late[0]
    more = f" and {len(late) - 1} more were" if len(late) > 1 else " was"
    words = (
        f"{first}{more} not made since {at:%Y-%m-%d %H:%M} UTC: materialize the job's assets in Dagster's UI"
    )
    return [condition(ALL, "late_asset", "nightly", "warning", words)]


def webhook_backlog(waiting: int, oldest: datetime | None, now: datetime) -> list[Condition]:
    """Webhooks that were received and not dealt with: how many, and when the oldest came."""
    if oldest is None or now - oldest <= BACKLOG_AFTER:
        return []
    words = (
        f"{waiting} webhook{'s' if waiting > 1 else ''} of Plaid received and not dealt with, the oldest of "
        f"{oldest:%Y-%m-%d %H:%M} UTC: is the sensor *webhooks* on, and does its run succeed? The next night pulls all the same"
    )
    return [condition(ALL, "webhook_backlog", "plaid", "warning", words)]


def silent_daemons(heartbeats: Mapping[str, datetime], now: datetime) -> list[Condition]:
    """Dagster's daemons that were heard of once and are not any more: schedules or backfills stand still."""
    return [
        condition(
            ALL,
            "daemon",
            name,
            "critical",
            f"Dagster's {name.lower()} daemon was last heard of at {at:%Y-%m-%d %H:%M} UTC: restart `manna up`",
        )
        for name, at in sorted(heartbeats.items())
        if now - at > SILENT_AFTER
    ]


def silent_providers(circuits: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """Providers that are left alone for a while because nobody answered there (rows of ``ops.circuits`` that are not closed).

    One thing, however many logins wait for it (``conditions.grouped``): it ends when one of them is answered.
    """
    return [
        condition(
            ALL,
            "provider",
            row["name"],
            "warning",
            f"{PROVIDERS.get(row['name'], row['name'])} does not answer: {row['reason']}; "
            "nothing is lost, the next night asks again, and so does `manna run nightly_close`",
        )
        for row in circuits
    ]


def low_disk(free: int, folder: str) -> list[Condition]:
    """Too few bytes ``free`` where ``folder`` is."""
    if free >= LEAST_FREE:
        return []
    severity = "critical" if free < NONE_FREE else "warning"
    return [
        condition(ALL, "disk", folder, severity, f"{free >> 20} MB are free where {folder} is: make room")
    ]
