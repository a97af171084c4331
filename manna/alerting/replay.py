"""What would have been told over the past, day by day, with the book's thresholds of now.

What belongs here: going through the days. What does not: what each source sees of a day (``looking``), or reading
tables (``pipelines.replaying``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from manna.alerting import life
from manna.alerting.looking import Past, looks


@dataclass(frozen=True, slots=True)
class Told:
    """One alert from its opening to its end; ``resolved_on`` null: it is still open on the last day.

    ``severity`` is the worst it had, ``message`` the words it opened with.
    """

    book: str
    kind: str
    fingerprint: str
    severity: str
    message: str
    opened_on: date
    resolved_on: date | None


def replayed(past: Past, since: date, until: date) -> list[Told]:
    """The alerts of one book that would have been open between two days (both included), in the order of their opening.

    One that comes back after it has ended is there twice. What was there on the first day opens then. Nobody
    acknowledges, snoozes or resolves: an alert ends when its condition does.
    """
    sources = looks(past)
    alerts: dict[str, life.Alert] = {}
    open_now: dict[str, Told] = {}
    done: list[Told] = []
    for number in range((until - since).days + 1):
        day = since + timedelta(days=number)
        found = {one["fingerprint"]: one for look in sources for one in look(day)}
        for name in sorted(open_now.keys() | found.keys()):
            condition, now = found.get(name), datetime.combine(day, time(), UTC)
            if name in alerts:
                step = life.looked_at(alerts[name], condition, now)
            else:
                step = life.begun(found[name])
            if step is None:
                continue
            alert = alerts[name] = step.after
            if step.action in (life.OPENED, life.REOPENED):
                begun = Told(alert.book, alert.kind, name, alert.severity, alert.message, day, None)
                open_now[name] = begun
            elif step.action == life.WORSENED:
                open_now[name] = replace(open_now[name], severity=alert.severity)
            elif step.action == life.RESOLVED:
                done.append(replace(open_now.pop(name), resolved_on=day))
    return _in_order([*done, *open_now.values()])


def _in_order(told: Sequence[Told]) -> list[Told]:
    return sorted(told, key=lambda one: (one.opened_on, one.fingerprint))
