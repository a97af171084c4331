"""Which status follows from what Plaid says: errors, /item/get, webhooks."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from manna.connections import (
    Change,
    Health,
    change_by_webhook,
    expiry,
    has_ended,
    moment,
    replaced,
    status_after_answer,
    status_of_error,
)

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
SOON, LATE = NOW + timedelta(days=3), NOW + timedelta(days=300)
EXAMPLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "plaid" / "examples"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ITEM_LOGIN_REQUIRED", "login_required"),
        ("ITEM_LOCKED", "login_required"),
        ("ACCESS_NOT_GRANTED", "login_required"),
        ("USER_PERMISSION_REVOKED", "revoked"),
        ("ITEM_NOT_FOUND", "revoked"),
        ("INSTITUTION_DOWN", "degraded"),
        ("INVALID_ACCESS_TOKEN", "degraded"),
        ("", "degraded"),
    ],
)
def test_errors(code: str, status: str) -> None:
    assert status_of_error(code) == status


@pytest.mark.parametrize(
    ("before", "told", "expected"),
    [
        (None, None, None),
        (None, LATE, LATE),
        (LATE, None, None),  # no webhook announced it: /item/get is believed
        (SOON, None, SOON),
        (SOON, LATE, SOON),
        (LATE, SOON, SOON),
        (NOW, LATE, LATE),  # it has passed, and the login still answers
        (NOW - timedelta(days=1), None, None),
    ],
)
def test_when_a_login_ends(before: Any, told: Any, expected: Any) -> None:
    assert expiry(before, told, NOW) == expected


@pytest.mark.parametrize(
    ("health", "ends", "status"),
    [
        (None, None, "healthy"),
        (Health(), LATE, "healthy"),
        (Health(), SOON, "pending_expiration"),
        (Health(), NOW + timedelta(days=7), "pending_expiration"),
        (Health(), NOW, "healthy"),
        (Health("ITEM_LOGIN_REQUIRED", "log in"), SOON, "login_required"),
        (Health("SOMETHING_NEW"), None, "degraded"),
    ],
)
def test_the_status_after_an_answer(health: Any, ends: Any, status: str) -> None:
    change = status_after_answer(health, ends, NOW)
    assert (change.status, change.expires_at) == (status, ends)
    assert change.reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PendingExpiration", Change("pending_expiration", "access ends on 2020-01-15", moment("2020-01-15T13:25:17.766Z"))),
        (
            "PendingDisconnect",
            Change(
                "pending_expiration",
                "access ends on 2020-01-15 (INSTITUTION_MIGRATION)",
                moment("2020-01-15T13:25:17.766Z"),
            ),
        ),
        ("ItemLoginRepaired", Change("healthy", "the login was repaired elsewhere")),
        ("NewAccountsAvailable", None),
        ("UserAccountRevoked", None),
    ],
)  # fmt: skip
def test_the_official_webhooks(name: str, expected: Change | None) -> None:
    path = EXAMPLES / f"_schema_{name}Webhook__example-1.json"
    if not path.exists():
        pytest.skip("Plaid's examples are not beside the checkout (../shared/reference)")
    body = json.loads(path.read_text())
    body = body.get("value", body)
    assert change_by_webhook(body["webhook_code"], body, NOW) == expected


@pytest.mark.parametrize(
    ("code", "body", "status"),
    [
        ("ERROR", {"error": {"error_code": "ITEM_LOGIN_REQUIRED", "error_message": "m"}}, "login_required"),
        ("ERROR", {}, "degraded"),
        ("ERROR", {"error": None}, "degraded"),
        ("USER_PERMISSION_REVOKED", {"error": {}}, "revoked"),
    ],
)
def test_webhooks_of_errors(code: str, body: Any, status: str) -> None:
    change = change_by_webhook(code, body, NOW)
    assert change is not None
    assert change.status == status


@pytest.mark.parametrize("told", [{}, {"consent_expiration_time": "soon"}, {"disconnect_time": 3}])
def test_an_end_that_is_not_said_is_in_a_week(told: dict[str, Any]) -> None:
    change = change_by_webhook("PENDING_DISCONNECT", told, NOW)
    assert change is not None
    assert change.expires_at == NOW + timedelta(days=7)


def test_what_has_ended() -> None:
    assert [status for status in ("new", "healthy", "pending_expiration", "login_required", "revoked", "unlinked")
            if has_ended({"status": status})] == ["revoked", "unlinked"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-16T12:00:00Z", NOW),
        ("2026-03-16T08:00:00-04:00", NOW),
        ("2026-03-16T12:00:00", NOW),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_moments(text: Any, expected: Any) -> None:
    assert moment(text) == expected


ANEW = {"book": "home", "institution": "Bank", "status": "healthy", "last_success_at": NOW}
FORMER = ANEW | {"connection_id": "old", "status": "login_required"}


@pytest.mark.parametrize(
    ("former", "later", "through", "is_replaced"),
    [
        ({}, {}, {"new"}, True),
        ({"status": "revoked"}, {"status": "pending_expiration"}, {"new", "elsewhere"}, True),
        ({}, {}, {"old", "new"}, False),  # an account that the new login does not list
        ({}, {}, {"old"}, False),  # the new login has not told of an account yet, or they are held
        ({}, {"status": "degraded"}, {"new"}, False),
        ({}, {"institution": "Another"}, {"new"}, False),
        ({}, {"book": "studio"}, {"new"}, False),
        ({"last_success_at": None}, {}, {"new"}, False),  # it never told of an account: nobody continues them
        ({"status": "healthy"}, {}, {"new"}, False),
    ],
)
def test_a_broken_login_whose_accounts_all_come_through_a_new_one_is_replaced(
    former: dict[str, Any], later: dict[str, Any], through: set[str], is_replaced: bool
) -> None:
    rows = [FORMER | former, ANEW | {"connection_id": "new"} | later]
    assert replaced(rows, through) == ({"old"} if is_replaced else set())
