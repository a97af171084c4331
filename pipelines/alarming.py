"""What people ask and decide of alerts.

What belongs here: the work behind `manna alerts`. What does not: the life of an alert (``manna.alerting.life``), or how a table
looks (``rendering``).
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from manna.alerting.life import Alert, LifeError, Step
from pipelines.asked import UsageError
from resources.installation import Installation

MOMENT = pl.Datetime("us", "UTC")
LISTED: dict[str, pl.DataType | type[pl.DataType]] = {
    "alert": pl.Int64, "version": pl.Int64, "severity": pl.String, "status": pl.String, "book": pl.String,
    "since": MOMENT, "message": pl.String,
}  # fmt: skip
STEPS: dict[str, pl.DataType | type[pl.DataType]] = {
    "version": pl.Int64, "at": MOMENT, "action": pl.String, "severity": pl.String, "by": pl.String,
    "reason": pl.String, "told": MOMENT,
}  # fmt: skip
_SPAN = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def listed(manna: Installation, books: Sequence[str], *, everything: bool) -> pl.DataFrame:
    """Alerts that are not resolved (or all), the worst first; those that follow from another stand below it."""
    rows = [row for row in manna.ops.alerts(all_of_them=everything) if not books or row["book"] in books]
    causes = {row["fingerprint"] for row in rows}
    ordered: list[tuple[dict[str, Any], str]] = []
    for row in rows:
        if row["cause"] in causes:
            continue
        ordered.append((row, ""))
        ordered += [(other, "follows: ") for other in rows if other["cause"] == row["fingerprint"]]
    return pl.DataFrame(
        [
            (row["alert_id"], row["version"], row["severity"], row["status"], row["book"], row["opened_at"], f"{before}{row['message']}")
            for row, before in ordered
        ],
        schema=LISTED,
        orient="row",
    )  # fmt: skip


def shown(manna: Installation, alert_id: int) -> tuple[dict[str, Any], pl.DataFrame]:
    """One alert as it stands, and every step of its life.

    Raises:
        UsageError: there is no such alert.
    """
    alert = next((row for row in manna.ops.alerts(all_of_them=True) if row["alert_id"] == alert_id), None)
    if alert is None:
        raise UsageError(f"there is no alert {alert_id}: `manna alerts list --all` shows all")
    steps = [
        (s["version"], s["known_at"], s["action"], s["severity"], s["made_by"], s["reason"], s["told_at"])
        for s in manna.ops.alert_steps(alert_id)
    ]
    return alert, pl.DataFrame(steps, schema=STEPS, orient="row")


def decide(
    manna: Installation,
    alert_id: int,
    step: Callable[[Alert], Step],
    by: str,
    *,
    version: int | None = None,
    reason: str | None = None,
) -> None:
    """Makes the ``step`` that a person has decided (:mod:`manna.alerting.life`).

    Raises:
        UsageError: there is no such alert, it has changed since that version, or the step cannot be made.
    """
    try:
        manna.ops.decide_alert(alert_id, step, by, manna.settings.now(), version=version, reason=reason)
    except LifeError as error:
        raise UsageError(str(error)) from None


def moment_of(text: str, now: datetime) -> datetime:
    """``3d``, ``12h``, ``30m``, ``2w`` from now, or a day or moment in ISO 8601 (UTC where no zone is given).

    Raises:
        UsageError: it is neither.
    """
    if found := _SPAN.fullmatch(text):
        return now + timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment: give 3d, 12h or 30m, or a day such as 2026-04-01") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
