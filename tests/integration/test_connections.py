"""The life of a connection as `ops` keeps it: every change with its reason, whoever comes at the same time."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from manna.connections import Health
from resources.ops import Ops

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
LATER, LATEST = NOW + timedelta(days=1), NOW + timedelta(days=2)
TODAY = date(2026, 3, 16)


@pytest.fixture
def linked(ops: Ops) -> Ops:
    """With one connection, new."""
    values = {"connection_id": "c1", "book": "home", "provider": "plaid", "institution": "Platypus"}
    values |= {"external_id": "item-1", "products": {}, "token": b"sealed", "linked_at": NOW}
    assert ops.add_connection(values)
    return ops


def row(ops: Ops) -> dict[str, Any]:
    (found,) = ops.connections()
    return found


def life(ops: Ops) -> list[tuple[datetime, str, str]]:
    return [(event["at"], event["status"], event["reason"]) for event in ops.connection_events("c1")]


def test_a_life_is_written_down_change_by_change(linked: Ops) -> None:
    assert linked.connection_answered("c1", NOW, TODAY)
    assert not linked.connection_answered("c1", LATER, TODAY)
    assert linked.connection_status("c1", "degraded", "it did not answer", LATER)
    assert not linked.connection_status("c1", "degraded", "too many requests", LATER)
    assert row(linked)["error"] == "too many requests"
    assert linked.connection_status("c1", "login_required", "log in again", LATER)
    assert linked.connection_status("c1", "healthy", "logged in again", LATEST)
    assert linked.connection_status("c1", "unlinked", "by ana", LATEST)
    assert life(linked) == [
        (NOW, "new", "linked"),
        (NOW, "healthy", "it answers"),
        (LATER, "degraded", "it did not answer"),
        (LATER, "login_required", "log in again"),
        (LATEST, "healthy", "logged in again"),
        (LATEST, "unlinked", "by ana"),
    ]


def test_a_failure_keeps_the_day_up_to_which_all_is_known(linked: Ops) -> None:
    linked.connection_answered("c1", NOW, TODAY, history="initial")
    linked.connection_status("c1", "login_required", "log in again", LATER)
    found = row(linked)
    assert (found["status"], found["error"]) == ("login_required", "log in again")
    assert (found["complete_through"], found["last_success_at"], found["history"]) == (TODAY, NOW, "initial")
    linked.connection_answered("c1", LATER, date(2026, 3, 17))
    found = row(linked)
    assert (found["status"], found["error"], found["last_success_at"]) == ("healthy", None, LATER)
    assert (found["complete_through"], found["history"]) == (date(2026, 3, 17), "initial")


def test_an_answer_that_knows_no_day_leaves_the_day(linked: Ops) -> None:
    linked.connection_answered("c1", NOW, None, history="not_ready")
    assert (row(linked)["complete_through"], row(linked)["history"]) == (None, "not_ready")


def test_pending_expiration_outlasts_answers_until_its_end_has_passed(linked: Ops) -> None:
    ends = NOW + timedelta(days=5)
    linked.connection_status("c1", "pending_expiration", "access ends", NOW, expires_at=ends)
    linked.connection_answered("c1", LATER, TODAY, health=Health())
    assert (row(linked)["status"], row(linked)["expires_at"]) == ("pending_expiration", ends)
    assert linked.live_connections()
    linked.connection_status("c1", "degraded", "it did not answer", LATER)
    linked.connection_answered("c1", LATER, TODAY)
    assert row(linked)["status"] == "pending_expiration"
    linked.connection_answered("c1", ends + timedelta(seconds=1), TODAY)
    assert (row(linked)["status"], row(linked)["expires_at"]) == ("healthy", None)


def test_a_repaired_one_forgets_its_end(linked: Ops) -> None:
    linked.connection_status("c1", "pending_expiration", "ends", NOW, expires_at=LATEST)
    linked.connection_status("c1", "healthy", "repaired", LATER)
    linked.connection_answered("c1", LATER, TODAY)
    assert (row(linked)["status"], row(linked)["expires_at"]) == ("healthy", None)


def test_data_served_beside_an_error_does_not_make_it_healthy(linked: Ops) -> None:
    linked.connection_answered("c1", NOW, None, health=Health("ITEM_LOGIN_REQUIRED", "log in"))
    assert row(linked)["status"] == "login_required"
    assert row(linked)["error"] == "Plaid: ITEM_LOGIN_REQUIRED: log in"


def test_an_unlinked_one_stays_so(linked: Ops) -> None:
    linked.connection_status("c1", "unlinked", "by ana", NOW)
    assert not linked.connection_status("c1", "healthy", "a late webhook", LATER)
    assert not linked.connection_answered("c1", LATER, TODAY)
    assert (row(linked)["status"], row(linked)["last_success_at"]) == ("unlinked", None)
    assert linked.live_connections() == []


def test_a_revoked_one_is_not_revived_by_an_answer_but_by_a_repair(linked: Ops) -> None:
    linked.connection_status("c1", "revoked", "access withdrawn", NOW)
    assert not linked.connection_answered("c1", LATER, TODAY)
    assert linked.live_connections() == []
    assert linked.connection_status("c1", "healthy", "repaired", LATER)
    assert [one["connection_id"] for one in linked.live_connections()] == ["c1"]


def test_an_unknown_connection_or_status(linked: Ops) -> None:
    assert not linked.connection_status("c2", "healthy", "", NOW)
    assert not linked.connection_answered("c2", NOW, TODAY)
    with pytest.raises(sa.exc.IntegrityError, match="connections_status"):
        linked.connection_status("c1", "sleepy", "", NOW)
    assert row(linked)["status"] == "new"
    assert [status for _, status, _ in life(linked)] == ["new"]


def test_many_who_say_the_same_at_once_make_one_event(linked: Ops) -> None:
    threads = [
        threading.Thread(target=linked.connection_status, args=("c1", "degraded", "down", NOW))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for _, status, _ in life(linked)] == ["new", "degraded"]
