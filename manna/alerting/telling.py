"""Whom a step in an alert's life reaches, and when: quiet hours, the daily digest, one message for a cause and what follows.

What belongs here: deciding, from steps not told yet and the clock. What does not: sending (``resources.notifier``), or which
services there are (settings).

A critical step is told at once, at any hour. A warning waits for the end of the quiet hours. Information, and whatever was
over before it could be told, waits for the digest, once a day. Of an alert that follows from another nobody is told while that one lasts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from manna.alerting.life import RESOLVED


@dataclass(frozen=True, slots=True)
class Untold:
    """A step that nobody was told of yet, and its alert's present state."""

    alert_id: int
    version: int
    action: str
    at: datetime
    severity: str
    book: str
    message: str
    cause: str | None
    is_over: bool


@dataclass(frozen=True, slots=True)
class Habits:
    """When the people of a book want to hear of things, by the clock of its time zone.

    ``quiet``: from when to when nothing but critical alerts is told; null: never quiet. ``digest``: the hour of the digest.
    """

    zone: str
    quiet: tuple[time, time] | None
    digest: time

    def is_quiet(self, now: datetime) -> bool:
        """Whether only what is critical is told."""
        if self.quiet is None:
            return False
        begin, end = self.quiet
        clock = now.astimezone(ZoneInfo(self.zone)).time()
        return begin <= clock < end if begin <= end else clock >= begin or clock < end

    def last_digest(self, now: datetime) -> datetime:
        """The latest moment, up to now, at which a digest was due."""
        local = now.astimezone(ZoneInfo(self.zone))
        due = datetime.combine(local.date(), self.digest, local.tzinfo)
        return (
            due
            if due <= local
            else datetime.combine(local.date() - timedelta(days=1), self.digest, local.tzinfo)
        )


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent at once. ``steps``: (alert, version) of every step that it tells."""

    book: str
    severity: str
    title: str
    body: str
    steps: tuple[tuple[int, int], ...]


def due(untold: Sequence[Untold], habits: Mapping[str, Habits], now: datetime) -> list[Message]:
    """The messages to be sent now, each about one book; what is not in them waits.

    Args:
        untold: steps in the order in which they were made.
        habits: by book; one of ``""`` is for what concerns no single book.
        now: the moment.
    """
    messages, alone = [], [step for step in untold if step.cause is None]
    for book in sorted({step.book for step in alone}):
        own, wanted = [step for step in alone if step.book == book], habits.get(book, habits[""])
        messages += [_single(step) for step in own if _at_once(step, wanted, now)]
        in_digest = [step for step in own if _for_digest(step)]
        if any(step.at <= wanted.last_digest(now) for step in in_digest) and not wanted.is_quiet(now):
            messages.append(_digest(book, in_digest))
    return messages


def with_their_cause(untold: Sequence[Untold]) -> list[tuple[int, int]]:
    """(alert, version) of the steps that nobody need be told of any more: the alert ended with the cause it followed from.

    One that outlives its cause stands for itself from then on, and is told.
    """
    return [(step.alert_id, step.version) for step in untold if step.cause is not None and step.is_over]


def _at_once(step: Untold, habits: Habits, now: datetime) -> bool:
    return step.severity == "critical" or not (_for_digest(step) or habits.is_quiet(now))


def _for_digest(step: Untold) -> bool:
    """Whether it can wait for the day's digest: information, what has ended, and what was over before it was told."""
    return step.severity != "critical" and (
        step.severity == "info" or step.action == RESOLVED or step.is_over
    )


def _single(step: Untold) -> Message:
    word = "" if step.action == "opened" else f", {step.action}"
    title = f"Manna, {step.book}: {step.severity}{word}"
    return Message(step.book, step.severity, title, step.message, ((step.alert_id, step.version),))


def _digest(book: str, steps: Sequence[Untold]) -> Message:
    lines = [f"{step.action}: {step.message}" for step in steps]
    count = f"{len(steps)} thing{'s' if len(steps) > 1 else ''}"
    return Message(
        book, "info", f"Manna, {book}: {count} of the day", "\n".join(lines),
        tuple((step.alert_id, step.version) for step in steps),
    )  # fmt: skip
