"""`ops.alerts`: every step once, on record, whoever makes it and however often; and every step told once."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from together import at_once

from manna.alerting import life
from manna.alerting.life import LifeError
from manna.alerting.telling import Habits, Message
from resources.ops import Ops
from resources.schema import migrate

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
LATER, LATEST = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
HABITS = {"": Habits("UTC", None, time(8))}


def alert(name: str, severity: str = "warning", **changes: Any) -> dict[str, Any]:
    named = {"fingerprint": f"low_balance:home:{name}", "book": "home", "kind": "low_balance"}
    return {**named, "severity": severity, "message": f"{name} is low", **changes}


def steps(ops: Ops, alert_id: int) -> list[tuple[int, str, str]]:
    return [(s["version"], s["action"], s["made_by"]) for s in ops.alert_steps(alert_id)]


def test_a_condition_is_one_alert_for_good(ops: Ops) -> None:
    assert ops.settle_alerts([alert("a"), alert("b", "critical"), alert("a")], NOW) == (2, 0)
    assert ops.settle_alerts([alert("b"), alert("a")], LATER) == (0, 0)
    assert ops.settle_alerts([alert("b")], LATER) == (0, 1)
    assert ops.settle_alerts([alert("b"), alert("a")], LATEST) == (1, 0)
    rows = {row["message"]: row for row in ops.alerts()}
    assert len(ops.alerts(all_of_them=True)) == 2
    a = rows["a is low"]
    assert (a["status"], a["opened_at"], a["resolved_at"]) == ("open", LATEST, None)
    assert steps(ops, a["alert_id"]) == [
        (1, "opened", "manna"),
        (2, "resolved", "manna"),
        (3, "reopened", "manna"),
    ]
    assert ops.settle_alerts([], LATEST) == (0, 2)
    assert ops.alerts() == []
    assert ops.settle_alerts([], LATEST) == (0, 0)


def test_every_step_once_however_many_settle_at_once(ops: Ops) -> None:
    found = [alert(f"account {number}") for number in range(20)]
    at_once(
        lambda: ops.settle_alerts(found, NOW),
        lambda: ops.settle_alerts(found[::-1], NOW),
        lambda: ops.settle_alerts(found, LATER),
    )
    rows = ops.alerts()
    assert sorted(row["message"] for row in rows) == sorted(one["message"] for one in found)
    assert all(steps(ops, row["alert_id"]) == [(1, "opened", "manna")] for row in rows)


def test_a_person_decides_on_what_was_seen(ops: Ops) -> None:
    ops.settle_alerts([alert("a")], NOW)
    (row,) = ops.alerts()
    number = row["alert_id"]
    ops.decide_alert(number, life.acknowledged, "ana", LATER, version=1, reason="on it")
    with pytest.raises(LifeError, match=r"has changed since \(it is at 2, not 1\)"):
        ops.decide_alert(number, life.resolved, "ben", LATER, version=1)
    with pytest.raises(LifeError, match="acknowledged already"):
        ops.decide_alert(number, life.acknowledged, "ben", LATER)
    with pytest.raises(LifeError, match="no alert 99"):
        ops.decide_alert(99, life.resolved, "ben", LATER)
    assert ops.settle_alerts([alert("a")], LATEST) == (0, 0)
    assert ops.alerts()[0]["status"] == "acknowledged"
    assert [(s["made_by"], s["reason"]) for s in ops.alert_steps(number)] == [
        ("manna", None),
        ("ana", "on it"),
    ]


def test_two_people_who_decide_at_once_decide_once(ops: Ops) -> None:
    ops.settle_alerts([alert("a")], NOW)
    number = ops.alerts()[0]["alert_id"]
    refused: list[LifeError] = []

    def decide(by: str) -> None:
        try:
            ops.decide_alert(number, life.acknowledged, by, LATER, version=1)
        except LifeError as error:
            refused.append(error)

    at_once(lambda: decide("ana"), lambda: decide("ben"))
    assert len(refused) == 1
    assert len(ops.alert_steps(number)) == 2


def test_a_step_is_told_once_by_however_many_ticks(ops: Ops) -> None:
    ops.settle_alerts([alert("a"), alert("b", "critical", cause="low_balance:home:a")], NOW)
    sent: list[Message] = []

    def send(message: Message) -> bool:
        sent.append(message)
        return True

    at_once(*(lambda: ops.tell(HABITS, send, NOW) for _ in range(4)))
    ops.tell(HABITS, send, NOW)
    assert [message.body for message in sent] == ["a is low"]
    told = {row["message"]: ops.alert_steps(row["alert_id"])[0]["told_at"] for row in ops.alerts()}
    assert told == {"a is low": NOW, "b is low": None}
    ops.settle_alerts(
        [alert("a", "critical"), alert("b", "critical")], LATER
    )  # it follows from nothing any more
    ops.settle_alerts([], LATEST)
    assert ops.tell(HABITS, send, LATEST) == 4
    assert {message.body for message in sent[1:]} == {"a is low", "b is low"}
    assert [message.title for message in sent if message.body == "a is low"][1:] == [
        "Manna, home: critical, worsened",
        "Manna, home: critical, resolved",
    ]


def test_what_was_not_delivered_is_tried_again(ops: Ops) -> None:
    ops.settle_alerts([alert("a")], NOW)
    assert ops.tell(HABITS, lambda message: False, NOW) == 0
    assert ops.tell(HABITS, lambda message: True, LATER) == 1
    assert ops.tell(HABITS, lambda message: True, LATER) == 0


def test_a_severity_nobody_knows_is_refused(ops: Ops) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="alerts_severity"):
        ops.settle_alerts([alert("a"), alert("b", "mild")], NOW)
    assert ops.alerts() == []


def test_alerts_of_a_former_version_keep_their_history(ops: Ops) -> None:
    migrate(ops.engine, "0005")
    former = (
        "INSERT INTO ops.alerts (fingerprint, book, kind, severity, message, status, opened_at, resolved_at, notified_at) "
        "VALUES ('a', 'home', 'k', 'warning', 'first', 'resolved', :t0, :t1, :t0), "
        "('a', 'home', 'k', 'critical', 'again', 'open', :t2, NULL, NULL), "
        "('b', 'home', 'k', 'info', 'over', 'resolved', :t0, :t2, :t0)"
    )
    with ops.engine.begin() as connection:
        connection.execute(sa.text(former), {"t0": NOW, "t1": LATER, "t2": LATEST})
    migrate(ops.engine)
    rows = {row["fingerprint"]: row for row in ops.alerts(all_of_them=True)}
    assert {name: (row["status"], row["version"], row["message"]) for name, row in rows.items()} == {
        "a": ("open", 3, "again"),
        "b": ("resolved", 2, "over"),
    }
    assert [(s["action"], s["told_at"]) for s in ops.alert_steps(rows["a"]["alert_id"])] == [
        ("opened", NOW),
        ("resolved", LATER),
        ("reopened", None),
    ]
    assert ops.settle_alerts([], LATEST) == (0, 1)
    migrate(ops.engine, "0005")
    with ops.engine.connect() as connection:
        found = connection.execute(sa.text("SELECT fingerprint, status FROM ops.alerts ORDER BY 1")).all()
    assert [tuple(row) for row in found] == [("a", "resolved"), ("b", "resolved")]
