"""Plans of trades and their lives: ``ops.rebalance_plans`` and ``ops.plan_events``.

What belongs here: writing a plan down once, reading plans with how they stand, and recording what people decide of them.
Both tables are append-only, and whatever is written stands in the audit log in the same transaction. What does not: the
events of execution (``orders``), or what follows from events (``manna.rebalancing.standing``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from manna.rebalancing.plan_document import PlanDocument, PlanDocumentError, from_json, sha256_of, to_json
from manna.rebalancing.standing import EXPIRED, PROPOSED, VOID, State, state_of
from resources import audit
from resources.ops_database import OpsDatabase
from resources.ops_tables import PLAN_EVENTS, REBALANCE_PLANS

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('manna.plans/' || :book, 0))")


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan, who made it and when, everything that was decided of it, and how it stands."""

    plan: PlanDocument
    planned_by: str
    known_at: datetime
    events: tuple[Mapping[str, Any], ...]
    state: State

    @property
    def outcome(self) -> Mapping[str, Any] | None:
        """What came of it (``manna.trading.execution.outcome``), once it is finished."""
        return next((event["detail"] for event in self.events if event["action"] == "finish"), None)


class Plans(OpsDatabase):
    """The part of ``Ops`` that is about plans."""

    def add_plan(self, plan: PlanDocument, by: str, at: datetime) -> tuple[StoredPlan, bool]:
        """Writes a plan down unless this very one is there; returns it as it is stored, and whether it is new.

        A plan of the same content that has expired or is void does not stand in the way: the new one gets the next
        number, and with it an id of its own. One that was cancelled does: a person has said no to it. Proposals of the
        account that are still open give way to a new one.
        """
        with self.engine.begin() as connection:
            connection.execute(_LOCK, {"book": plan.book})
            while stored := _read(connection, at, REBALANCE_PLANS.c.plan_id == plan.plan_id):
                if stored[0].state.status not in (EXPIRED, VOID):
                    return stored[0], False
                plan = plan.numbered(plan.number + 1)
            self._void_proposals(connection, plan, by, at)
            document = to_json(plan)
            values = {
                "plan_id": plan.plan_id,
                "book": plan.book,
                "account_id": plan.account_id,
                "document": document,
                "sha256": sha256_of(document),
                "expires_at": plan.expires_at,
                "planned_by": by,
                "known_at": at,
            }
            connection.execute(sa.insert(REBALANCE_PLANS).values(**values))
            _log(
                connection,
                plan,
                "plan",
                by,
                at,
                {"sha256": values["sha256"], "trades": str(len(plan.trades))},
            )
            return StoredPlan(plan, by, at, (), state_of(plan, (), at)), True

    def withdraw_plans(self, book: str, reason: str, by: str, at: datetime) -> None:
        """Makes every open proposal of a book void: what it was made for is over."""
        with self.engine.begin() as connection:
            connection.execute(_LOCK, {"book": book})
            for stored in _read(
                connection, at, (REBALANCE_PLANS.c.book == book) & _may_be_open(at), readable=True
            ):
                if stored.state.status == PROPOSED:
                    _record(connection, stored.plan, "void", by, at, reason)

    def _void_proposals(self, connection: sa.Connection, plan: PlanDocument, by: str, at: datetime) -> None:
        of_account = REBALANCE_PLANS.c.account_id == plan.account_id
        for stored in _read(connection, at, of_account & _may_be_open(at), readable=True):
            if stored.state.status == PROPOSED:
                _record(connection, stored.plan, "void", by, at, f"plan {plan.plan_id[:12]} took its place")

    def plans(self, now: datetime, book: str | None = None, *, everything: bool = False) -> list[StoredPlan]:
        """Plans (of a book), the newest first, as they stand ``now``: those that may not be over yet, or ``everything``.

        What another version of Manna wrote and this one cannot read is left out: nobody can decide on it here.
        """
        where = sa.true() if book is None else REBALANCE_PLANS.c.book == book
        if not everything:
            where &= _may_be_open(now)
        with self.engine.connect() as connection:
            return _read(connection, now, where, readable=True)

    def plans_called(self, beginning: str, now: datetime) -> list[StoredPlan]:
        """The plans whose id begins so; the one alone whose id it is.

        Raises:
            PlanDocumentError: one cannot be read.
        """
        with self.engine.connect() as connection:
            found = _read(connection, now, REBALANCE_PLANS.c.plan_id.startswith(beginning, autoescape=True))
        exact = [stored for stored in found if stored.plan.plan_id == beginning]
        return exact or found

    def decide_plan(
        self,
        plan: PlanDocument,
        action: str,
        by: str,
        at: datetime,
        *,
        reason: str | None = None,
        against: Callable[[State], str | None],
    ) -> tuple[State, str | None]:
        """Records ``approve``, ``cancel`` or ``void``; returns how the plan stands then, and why nothing was recorded.

        Args:
            plan: what is decided on.
            action: one of those three.
            by: who decides.
            at: when.
            reason: why, for the record.
            against: given the plan's state under the lock, why the decision cannot be taken; None when it can. Two who
                decide at once are heard one after the other.
        """
        with self.engine.begin() as connection:
            connection.execute(_LOCK, {"book": plan.book})
            stored = _read(connection, at, REBALANCE_PLANS.c.plan_id == plan.plan_id)[0]
            refused = against(stored.state)
            if refused is not None:
                return stored.state, refused
            values = {
                "plan_id": plan.plan_id,
                "action": action,
                "reason": reason,
                "decided_by": by,
                "known_at": at,
            }
            connection.execute(sa.insert(PLAN_EVENTS).values(**values))
            _log(connection, plan, action, by, at, {"reason": reason})
            return state_of(plan, [*stored.events, values], at), None


def _may_be_open(now: datetime) -> sa.ColumnElement[bool]:
    """Not expired yet, or begun and not finished: there is a plan for every book and night, and most are long over."""
    p, e = REBALANCE_PLANS.c, PLAN_EVENTS.c

    def has(action: str) -> sa.ColumnElement[bool]:
        return sa.exists().where(e.plan_id == p.plan_id, e.action == action)

    return (p.expires_at > now) | (has("execute") & ~has("finish"))


def _read(
    connection: sa.Connection, now: datetime, where: Any, *, readable: bool = False
) -> list[StoredPlan]:
    p, e = REBALANCE_PLANS.c, PLAN_EVENTS.c
    rows = connection.execute(sa.select(REBALANCE_PLANS).where(where).order_by(p.known_at.desc(), p.plan_id))
    found = rows.mappings().all()
    ids = [row["plan_id"] for row in found]
    events: dict[str, list[Mapping[str, Any]]] = {plan_id: [] for plan_id in ids}
    query = sa.select(PLAN_EVENTS).where(e.plan_id.in_(ids)).order_by(e.event_id)
    for event in connection.execute(query).mappings() if ids else ():
        events[event["plan_id"]].append(dict(event))
    stored = []
    for row in found:
        try:
            stored.append(_stored(dict(row), events[row["plan_id"]], now))
        except PlanDocumentError:
            if not readable:
                raise
    return stored


def _stored(row: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: datetime) -> StoredPlan:
    plan = from_json(row["document"])
    known_at = row["known_at"].astimezone(UTC)
    return StoredPlan(plan, row["planned_by"], known_at, tuple(events), state_of(plan, events, now))


def _record(
    connection: sa.Connection, plan: PlanDocument, action: str, by: str, at: datetime, reason: str | None
) -> dict[str, Any]:
    values = {"plan_id": plan.plan_id, "action": action, "reason": reason, "decided_by": by, "known_at": at}
    connection.execute(sa.insert(PLAN_EVENTS).values(**values))
    _log(connection, plan, action, by, at, {"reason": reason})
    return values


def _log(
    connection: sa.Connection,
    plan: PlanDocument,
    action: str,
    by: str,
    at: datetime,
    detail: Mapping[str, Any],
) -> None:
    audit.append(
        connection, at=at, book=plan.book, actor=by, action=action, subject=plan.plan_id, detail=detail
    )
