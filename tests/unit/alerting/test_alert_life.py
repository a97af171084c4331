"""The life of an alert, step by step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.alerting import life
from manna.alerting.conditions import broken_connections, grouped
from manna.alerting.life import Alert, LifeError, Step
from manna.alerting.platform import silent_providers

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)


def condition(severity: str = "warning", message: str = "it is low", **more: Any) -> dict[str, Any]:
    told = {"fingerprint": "low_balance:home:a", "book": "home", "kind": "low_balance", "cause": None}
    return {**told, "severity": severity, "message": message, **more}


OPEN = life.begun(condition()).after


def after(step: Step | None, action: str | None) -> Alert:
    assert step is not None
    assert step.action == action
    return step.after


def test_it_opens_ends_and_reopens_with_its_history() -> None:
    assert (OPEN.status, OPEN.version) == ("open", 1)
    assert life.looked_at(OPEN, condition(), NOW) is None
    ended = after(life.looked_at(OPEN, None, NOW), "resolved")
    assert (ended.status, ended.version, ended.is_found) == ("resolved", 2, False)
    assert life.looked_at(ended, None, NOW) is None
    again = after(life.looked_at(ended, condition(), NOW), "reopened")
    assert (again.status, again.version) == ("open", 3)


def test_other_words_are_no_step() -> None:
    changed = after(life.looked_at(OPEN, condition(message="lower still"), NOW), None)
    assert (changed.message, changed.version) == ("lower still", 1)


@pytest.mark.parametrize("decided", [life.acknowledged, lambda a: life.snoozed(a, NOW + timedelta(1), NOW)])
def test_what_becomes_worse_opens_again(decided: Any) -> None:
    settled = decided(OPEN).after
    assert life.looked_at(settled, condition(), NOW) is None
    worse = after(life.looked_at(settled, condition("critical"), NOW), "worsened")
    assert (worse.status, worse.severity, worse.snoozed_until) == ("open", "critical", None)
    milder = after(life.looked_at(worse, condition("info"), NOW), None)
    assert (milder.status, milder.severity) == ("open", "info")


def test_it_wakes_at_its_moment_if_it_lasts() -> None:
    until = NOW + timedelta(days=3)
    asleep = life.snoozed(OPEN, until, NOW).after
    assert life.looked_at(asleep, condition(), until - timedelta(seconds=1)) is None
    assert after(life.looked_at(asleep, condition(), until), "woken").status == "open"
    assert after(life.looked_at(asleep, None, NOW), "resolved").snoozed_until is None


def test_what_a_person_resolved_stays_so_while_it_lasts() -> None:
    done = life.resolved(OPEN).after
    assert life.looked_at(done, condition(), NOW) is None
    assert life.looked_at(done, condition("critical"), NOW) == Step(replace(done, severity="critical"), None)
    gone = after(life.looked_at(done, None, NOW), None)
    assert after(life.looked_at(gone, condition(), NOW), "reopened").status == "open"


def test_what_cannot_be_decided() -> None:
    done, seen = life.resolved(OPEN).after, life.acknowledged(OPEN).after
    for refused in (life.acknowledged, life.resolved, lambda a: life.snoozed(a, NOW + timedelta(1), NOW)):
        with pytest.raises(LifeError, match="it is resolved"):
            refused(done)
    with pytest.raises(LifeError, match="acknowledged already"):
        life.acknowledged(seen)
    with pytest.raises(LifeError, match="2026-03-16 12:00 has passed"):
        life.snoozed(OPEN, NOW, NOW)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("look"), st.sampled_from([None, *life.SEVERITIES])),
            st.tuples(st.sampled_from(["ack", "snooze", "resolve"]), st.none()),
        ),
        max_size=25,
    )
)
def test_any_life_numbers_its_steps_and_ends_as_what_was_found_last(
    moves: list[tuple[str, str | None]],
) -> None:
    alert, now = OPEN, NOW
    for what, severity in moves:
        now += timedelta(hours=1)
        before = alert
        if what == "look":
            step = life.looked_at(alert, condition(severity) if severity else None, now)
            alert = step.after if step else alert
            assert alert.is_found == (severity is not None)
            assert life.looked_at(alert, condition(severity) if severity else None, now) is None
            assert severity is not None or not alert.is_active
        else:
            try:
                step = {
                    "ack": life.acknowledged,
                    "resolve": life.resolved,
                    "snooze": lambda a, at=now: life.snoozed(a, at + timedelta(hours=2), at),
                }[what](alert)
            except LifeError:
                continue
            alert = step.after
        assert alert.version == before.version + (step is not None and step.action is not None)
        assert (alert.snoozed_until is not None) == (alert.status == life.SNOOZED)


def test_one_dead_connection_is_one_alert() -> None:
    def found(kind: str, subject: str, severity: str, book: str = "home") -> dict[str, Any]:
        named = {"fingerprint": f"{kind}:{book}:{subject}", "book": book, "kind": kind}
        return condition(severity, **named)

    dead = found("connection", "c1", "critical")
    check = found("failed_check", "raw.plaid_accounts every_connection_answered", "warning", "all")
    missed, others = (
        found("missed_payment", "p1", "warning"),
        found("missed_payment", "p2", "warning", "firm"),
    )
    low = found("low_balance", "a", "warning")
    causes = {one["fingerprint"]: one["cause"] for one in grouped([low, missed, others, check, dead, dead])}
    assert causes == {
        dead["fingerprint"]: None,
        low["fingerprint"]: None,
        others["fingerprint"]: None,
        missed["fingerprint"]: dead["fingerprint"],
        check["fingerprint"]: dead["fingerprint"],
    }
    assert [one["cause"] for one in grouped([low, missed, check])] == [None, None, None]


def test_a_provider_that_answers_nobody_is_one_alert() -> None:
    row = {"book": "home", "institution": "Bank", "error": "no answer"}
    logins = [
        {**row, "connection_id": "1", "provider": "plaid", "status": "degraded"},
        {**row, "connection_id": "2", "provider": "plaid", "status": "degraded"},
        {**row, "connection_id": "3", "provider": "alpaca", "status": "degraded"},
        {**row, "connection_id": "4", "provider": "plaid", "status": "pending_expiration"},
    ]
    check = condition(
        "warning", fingerprint="failed_check:all:raw.plaid every_connection_answered", kind="failed_check"
    )
    [silent] = silent_providers([{"name": "plaid", "reason": "timed out"}])
    found = grouped([silent, *broken_connections(logins, {"plaid"}), check])
    assert [one["cause"] for one in found] == [
        None, silent["fingerprint"], silent["fingerprint"], None, None, silent["fingerprint"]
    ]  # fmt: skip
    assert "Plaid does not answer: timed out" in silent["message"]
