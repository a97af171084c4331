"""The life of an alert: open, acknowledged, snoozed, resolved, and open again.

What belongs here: which step follows from what is found and from what people decide. What does not: finding
(``conditions``), storing (``resources.alerts``), or telling people (``telling``).

An alert is a *condition* (its fingerprint), for good: what comes back after it has ended reopens the alert of old, with its
history. Every step adds one to the version; who decides names the version he has seen, so that nobody acknowledges
what has become worse meanwhile.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

OPEN, ACKNOWLEDGED, SNOOZED, RESOLVED = "open", "acknowledged", "snoozed", "resolved"
SEVERITIES = ("info", "warning", "critical")
"""From the least to the worst."""

OPENED, REOPENED, WORSENED, WOKEN = "opened", "reopened", "worsened", "woken"
TOLD = (OPENED, REOPENED, WORSENED, WOKEN, RESOLVED)
"""Steps that people are told of; what a person decided, that person knows."""


class LifeError(ValueError):
    """The step cannot be made. The message says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it stands.

    ``is_found``: whether the condition was there when it was last looked for. ``cause``: fingerprint of the condition that
    this one follows from; people are told of that one.
    """

    fingerprint: str
    book: str
    kind: str
    severity: str
    message: str
    status: str
    version: int
    is_found: bool
    cause: str | None = None
    snoozed_until: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether it is not resolved."""
        return self.status != RESOLVED


@dataclass(frozen=True, slots=True)
class Step:
    """An alert after a step; ``action`` is null where only its words or its cause are others."""

    after: Alert
    action: str | None


def begun(condition: dict[str, Any]) -> Step:
    """A condition that was never found before."""
    return Step(Alert(status=OPEN, version=1, is_found=True, **condition), OPENED)


def looked_at(alert: Alert, condition: dict[str, Any] | None, now: datetime) -> Step | None:
    """What follows when the condition is found (again) or, if null, not found; null where nothing follows.

    What a person resolved stays so while the condition lasts; it reopens when the condition has ended and come back.
    """
    if condition is None:
        if alert.is_active:
            gone = replace(alert, status=RESOLVED, is_found=False, snoozed_until=None)
            return _stepped(gone, RESOLVED)
        return Step(replace(alert, is_found=False), None) if alert.is_found else None
    told = {"severity": condition["severity"], "message": condition["message"], "cause": condition["cause"]}
    now_found = replace(alert, is_found=True, **told)
    if not alert.is_active:
        if not alert.is_found:
            return _stepped(replace(now_found, status=OPEN), REOPENED)
    elif SEVERITIES.index(now_found.severity) > SEVERITIES.index(alert.severity):
        return _stepped(replace(now_found, status=OPEN, snoozed_until=None), WORSENED)
    elif alert.status == SNOOZED and alert.snoozed_until is not None and now >= alert.snoozed_until:
        return _stepped(replace(now_found, status=OPEN, snoozed_until=None), WOKEN)
    return None if now_found == alert else Step(now_found, None)


def acknowledged(alert: Alert) -> Step:
    """A person has seen it and takes care of it.

    Raises:
        LifeError: it is resolved, or acknowledged already.
    """
    _require_active(alert)
    if alert.status == ACKNOWLEDGED:
        raise LifeError("it is acknowledged already: `manna alerts show` says by whom")
    return _stepped(replace(alert, status=ACKNOWLEDGED, snoozed_until=None), ACKNOWLEDGED)


def snoozed(alert: Alert, until: datetime, now: datetime) -> Step:
    """Nobody wants to hear of it until a moment; it opens again then, if the condition lasts.

    Raises:
        LifeError: it is resolved, or the moment has passed.
    """
    _require_active(alert)
    if until <= now:
        raise LifeError(f"{until:%Y-%m-%d %H:%M} has passed: name a later moment")
    return _stepped(replace(alert, status=SNOOZED, snoozed_until=until), SNOOZED)


def resolved(alert: Alert) -> Step:
    """A person says that it is done with, though the condition may last.

    Raises:
        LifeError: it is resolved already.
    """
    _require_active(alert)
    return _stepped(replace(alert, status=RESOLVED, snoozed_until=None), RESOLVED)


def _require_active(alert: Alert) -> None:
    if not alert.is_active:
        raise LifeError("it is resolved: it opens by itself when the condition comes back")


def _stepped(alert: Alert, action: str) -> Step:
    return Step(replace(alert, version=alert.version + 1), action)
