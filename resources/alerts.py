"""Alerts and the steps of their lives: ``ops.alerts`` and ``ops.alert_steps``.

What belongs here: applying steps (``manna.alerting.life``) one after the other, and remembering who was told. What does
not: which step follows, or which message is due.

Whoever makes steps holds the table meanwhile: two sensors that settle at once make each step once, and a person's
decision meets the version that he has seen or is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from manna.alerting import life
from manna.alerting.life import Alert, LifeError, Step
from manna.alerting.telling import Habits, Message, Untold, due, with_their_cause
from resources.ops_database import OpsDatabase
from resources.ops_tables import ALERT_STEPS, ALERTS

MANNA = "manna"
_STATE = ("fingerprint", "book", "kind", "severity", "message", "status", "version", "is_found", "cause", "snoozed_until")  # fmt: skip


_RANK = sa.case({"critical": 0, "warning": 1}, value=ALERTS.c.severity, else_=2)
_ONE_TELLS = sa.text("SELECT pg_try_advisory_lock(hashtextextended('manna.telling', 0))")
"""Until the connection is closed."""


class Alerts(OpsDatabase):
    """The part of ``Ops`` that is about alerts."""

    def settle_alerts(self, found: Sequence[Mapping[str, Any]], at: datetime) -> tuple[int, int]:
        """Makes every step that follows from the conditions ``found``; returns how many opened (again), and were resolved.

        Idempotent: the same conditions again change nothing.
        """
        conditions = {one["fingerprint"]: {"cause": None, **one} for one in found}
        with self.engine.begin() as connection:
            stored = _held(connection)
            steps = [
                (row["alert_id"], step)
                for row in stored
                if (step := life.looked_at(_alert(row), conditions.get(row["fingerprint"]), at)) is not None
            ]
            known = {row["fingerprint"] for row in stored}
            steps += [(None, life.begun(conditions[name])) for name in sorted(conditions.keys() - known)]
            for alert_id, step in steps:
                _apply(connection, alert_id, step, MANNA, None, at)
        actions = [step.action for _, step in steps]
        opened = sum(action in (life.OPENED, life.REOPENED) for action in actions)
        return opened, actions.count(life.RESOLVED)

    def decide_alert(
        self,
        alert_id: int,
        decide: Callable[[Alert], Step],
        by: str,
        at: datetime,
        *,
        version: int | None = None,
        reason: str | None = None,
    ) -> Alert:
        """Makes the step that a person has decided (``life.acknowledged``, ``snoozed``, ``resolved``).

        ``version``: the one that was looked at; null takes the alert as it stands.

        Raises:
            LifeError: there is no such alert, it has changed since, or the step cannot be made. Nothing is written.
        """
        with self.engine.begin() as connection:
            row = next((row for row in _held(connection) if row["alert_id"] == alert_id), None)
            if row is None:
                raise LifeError(f"there is no alert {alert_id}: `manna alerts list --all` shows all")
            if version is not None and row["version"] != version:
                raise LifeError(
                    f"alert {alert_id} has changed since (it is at {row['version']}, not {version}): "
                    f"`manna alerts show {alert_id}` shows how"
                )
            step = decide(_alert(row))
            _apply(connection, alert_id, step, by, reason, at)
        return step.after

    def alerts(self, *, all_of_them: bool = False) -> list[dict[str, Any]]:
        """Alerts that are not resolved (or all), most severe first, then newest."""
        query = sa.select(ALERTS).order_by(_RANK, ALERTS.c.opened_at.desc(), ALERTS.c.alert_id)
        if not all_of_them:
            query = query.where(ALERTS.c.status != life.RESOLVED)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def alert_counts(self) -> pl.DataFrame:
        """How many alerts there are: book, severity, status and count; the worst first, what is resolved last."""
        query = (
            sa.select(ALERTS.c.book, ALERTS.c.severity, ALERTS.c.status, sa.func.count().label("count"))
            .group_by(ALERTS.c.book, ALERTS.c.severity, ALERTS.c.status)
            .order_by(ALERTS.c.book, _RANK, ALERTS.c.status == life.RESOLVED, ALERTS.c.status)
        )
        schema = {"book": pl.String, "severity": pl.String, "status": pl.String, "count": pl.Int64}
        with self.engine.connect() as connection:
            return pl.DataFrame(connection.execute(query).all(), schema=schema, orient="row")

    def alert_steps(self, alert_id: int) -> list[dict[str, Any]]:
        """Every step of one alert, in order."""
        query = (
            sa.select(ALERT_STEPS).where(ALERT_STEPS.c.alert_id == alert_id).order_by(ALERT_STEPS.c.version)
        )
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def tell(self, habits: Mapping[str, Habits], send: Callable[[Message], bool], now: datetime) -> int:
        """Sends every message that is due and remembers it; returns how many were delivered.

        One caller tells at a time; another finds nothing to do. A message whose delivery failed is tried at the next
        call. Killed between a delivery and its record, that one message is sent again: no service that takes messages
        could tell us whether it has it.
        """
        with self.engine.connect() as holder:
            if not holder.execute(_ONE_TELLS).scalar():
                return 0
            with self.engine.begin() as connection:
                untold = _untold(connection)
                _note_told(connection, with_their_cause(untold), now)
            told = 0
            for message in due(untold, habits, now):
                if send(message):
                    with self.engine.begin() as connection:
                        _note_told(connection, message.steps, now)
                    told += 1
            return told


def _held(connection: sa.Connection) -> Sequence[Mapping[str, Any]]:
    """Every alert, by fingerprint; nobody else makes a step until the transaction ends."""
    connection.execute(sa.text("LOCK TABLE ops.alerts IN SHARE ROW EXCLUSIVE MODE"))
    rows = connection.execute(sa.select(ALERTS).order_by(ALERTS.c.fingerprint)).mappings()
    return [dict(row) for row in rows]


def _alert(row: Mapping[str, Any]) -> Alert:
    return Alert(**{name: row[name] for name in _STATE})


def _apply(
    connection: sa.Connection, alert_id: int | None, step: Step, by: str, reason: str | None, at: datetime
) -> None:
    """Stores the alert after the step, and the step itself where it is one."""
    values: dict[str, Any] = {name: getattr(step.after, name) for name in _STATE}
    if step.action in (life.OPENED, life.REOPENED):
        values |= {"opened_at": at, "resolved_at": None}
    elif step.action == life.RESOLVED:
        values["resolved_at"] = at
    if alert_id is None:
        inserted = connection.execute(sa.insert(ALERTS).values(**values).returning(ALERTS.c.alert_id))
        alert_id = inserted.scalar_one()
    else:
        connection.execute(sa.update(ALERTS).where(ALERTS.c.alert_id == alert_id).values(**values))
    if step.action is not None:
        row = {"version": step.after.version, "action": step.action, "severity": step.after.severity}
        made = {"alert_id": alert_id, "made_by": by, "reason": reason, "known_at": at}
        connection.execute(sa.insert(ALERT_STEPS).values(**row, **made))


def _untold(connection: sa.Connection) -> list[Untold]:
    """Steps that people are to be told of and were not, in the order in which they were made."""
    steps, alerts = ALERT_STEPS.c, ALERTS.c
    query = (
        sa.select(
            steps.alert_id, steps.version, steps.action, steps.known_at, steps.severity,
            alerts.book, alerts.message, alerts.cause, alerts.status,
        )
        .join_from(ALERT_STEPS, ALERTS)
        .where(steps.told_at.is_(None), steps.action.in_(life.TOLD))
        .order_by(steps.known_at, steps.alert_id, steps.version)
    )  # fmt: skip
    return [
        Untold(
            alert_id=row.alert_id,
            version=row.version,
            action=row.action,
            at=row.known_at,
            severity=row.severity,
            book=row.book,
            message=row.message,
            cause=row.cause,
            is_over=row.status == life.RESOLVED,
        )
        for row in connection.execute(query)
    ]


def _note_told(connection: sa.Connection, steps: Sequence[tuple[int, int]], at: datetime) -> None:
    for alert_id, version in steps:
        same = (ALERT_STEPS.c.alert_id == alert_id) & (ALERT_STEPS.c.version == version)
        connection.execute(sa.update(ALERT_STEPS).where(same).values(told_at=at))
