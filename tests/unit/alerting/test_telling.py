"""Who is told what when: quiet hours, the digest, and never twice."""

from datetime import UTC, datetime, time

import pytest

from manna.alerting.telling import Habits, Message, Untold, due, with_their_cause

NEW_YORK = Habits("America/New_York", (time(22), time(7)), time(8))
HABITS = {"": Habits("UTC", None, time(8)), "home": NEW_YORK}
NOON = datetime(2026, 3, 16, 16, tzinfo=UTC)
"""Noon in New York; 3 in the morning is seven hours after midnight of UTC."""
NIGHT = datetime(2026, 3, 16, 7, tzinfo=UTC)


def step(severity: str = "warning", action: str = "opened", at: datetime = NIGHT, **more: object) -> Untold:
    usual = {
        "alert_id": 1,
        "version": 1,
        "book": "home",
        "message": "it is low",
        "cause": None,
        "is_over": False,
    }
    return Untold(action=action, at=at, severity=severity, **{**usual, **more})  # type: ignore[arg-type]


def titles(messages: list[Message]) -> list[str]:
    return [message.title for message in messages]


def test_a_warning_waits_for_the_morning_and_a_critical_alert_does_not() -> None:
    steps = [step(), step("critical", alert_id=2)]
    assert titles(due(steps, HABITS, NIGHT)) == ["Manna, home: critical"]
    assert titles(due(steps, HABITS, NOON)) == ["Manna, home: warning", "Manna, home: critical"]


@pytest.mark.parametrize(
    ("clock", "is_quiet"), [((21, 59), False), ((22, 0), True), ((6, 59), True), ((7, 0), False)]
)
def test_quiet_hours_go_over_midnight(clock: tuple[int, int], is_quiet: bool) -> None:
    utc = Habits("UTC", (time(22), time(7)), time(8))
    assert utc.is_quiet(datetime(2026, 3, 16, *clock, tzinfo=UTC)) is is_quiet


def test_information_and_what_is_over_is_told_once_a_day() -> None:
    before_eight, after_eight = (
        datetime(2026, 3, 16, 11, 59, tzinfo=UTC),
        datetime(2026, 3, 16, 12, tzinfo=UTC),
    )
    steps = [
        step("info", message="rent is due"),
        step(alert_id=2, is_over=True),
        step(action="resolved", alert_id=2, version=2, is_over=True),
    ]
    assert due(steps, HABITS, before_eight) == []
    (digest,) = due(steps, HABITS, after_eight)
    assert digest.title == "Manna, home: 3 things of the day"
    assert digest.body == "opened: rent is due\nopened: it is low\nresolved: it is low"
    assert digest.steps == ((1, 1), (2, 1), (2, 2))
    assert due([step("info", at=after_eight.replace(minute=1))], HABITS, NOON) == []


def test_the_end_of_what_is_critical_is_told_at_once() -> None:
    ended = step("critical", "resolved", is_over=True)
    assert titles(due([ended], HABITS, NIGHT)) == ["Manna, home: critical, resolved"]


def test_what_follows_from_another_waits_for_it() -> None:
    cause = "connection:home:c1"
    steps = [step("critical"), step(alert_id=2, cause=cause), step(alert_id=3, cause=cause, is_over=True)]
    assert [message.steps for message in due(steps, HABITS, NOON)] == [((1, 1),)]
    assert with_their_cause(steps) == [(3, 1)]
    outlived = step(alert_id=2)
    assert [message.steps for message in due([outlived], HABITS, NOON)] == [((2, 1),)]


def test_what_concerns_no_book_goes_by_utc() -> None:
    assert titles(due([step(book="all")], HABITS, NIGHT)) == ["Manna, all: warning"]


def test_the_digest_of_a_day_whose_clock_changes() -> None:
    # 8 March 2026: New York goes to summer time at 2; eight o'clock is 12:00 UTC, an hour earlier than the day before.
    changed = datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert NEW_YORK.last_digest(changed) == changed
    assert NEW_YORK.last_digest(changed.replace(hour=11)) == datetime(2026, 3, 7, 13, tzinfo=UTC)
