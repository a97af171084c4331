"""What an event of Plaid says, and what is to be done about a number of them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from manna.webhooks import brings_rows, plan, read_event

EXAMPLES = Path(__file__).parents[3] / "shared" / "reference" / "plaid" / "examples"
NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)

UPDATE, HOLDINGS = "TRANSACTIONS:SYNC_UPDATES_AVAILABLE", "HOLDINGS:DEFAULT_UPDATE"
ERROR, REPAIRED = "ITEM:ERROR", "ITEM:LOGIN_REPAIRED"
LOGIN_REQUIRED = {"error": {"error_code": "ITEM_LOGIN_REQUIRED", "error_message": "log in"}}


def event(
    webhook_id: int, kind: str, item: str | None = "item-1", after: int = 0, **body: Any
) -> dict[str, Any]:
    """A row of ``ops.webhooks``, issued ``after`` seconds past noon."""
    issued_at = NOON + timedelta(seconds=after)
    return {"webhook_id": webhook_id, "kind": kind, "item_id": item, "issued_at": issued_at, "body": body}


def connection(number: int, status: str = "healthy") -> dict[str, Any]:
    return {"connection_id": f"c{number}", "external_id": f"item-{number}", "status": status}


CONNECTIONS = [connection(1), connection(2), connection(3, "unlinked"), connection(4, "revoked")]


# -- reading -------------------------------------------------------------------------------------------


def test_an_event_is_read() -> None:
    body = {"webhook_type": "TRANSACTIONS", "webhook_code": "DEFAULT_UPDATE", "item_id": "i", "new": 1}
    found = read_event(json.dumps(body).encode())
    assert (found.kind, found.item_id, found.body) == ("TRANSACTIONS:DEFAULT_UPDATE", "i", body)


def test_tokens_are_left_out() -> None:
    body = {
        "webhook_type": "LINK",
        "webhook_code": "SESSION_FINISHED",
        "status": "SUCCESS",
        "link_token": "link-x",
        "public_token": "public-x",
        "public_tokens": ["public-x"],
    }
    found = read_event(json.dumps(body).encode())
    assert found.body == {"webhook_type": "LINK", "webhook_code": "SESSION_FINISHED", "status": "SUCCESS"}
    assert found.item_id is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"SYNC",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"webhook_type": "ITEM"}',
        b'{"webhook_code": "ERROR"}',
        b'{"webhook_type": "", "webhook_code": ""}',
        b'{"webhook_type": 1, "webhook_code": 2}',
        b'{"webhook_type": "ITEM", "webhook_code": "ERROR"',
        b"[" * 100_000,
    ],
    ids=range(12),
)
def test_what_is_no_event(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not JSON|no webhook_type"):
        read_event(body)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official examples are not here")
def test_the_official_examples_are_read() -> None:
    files = sorted(EXAMPLES.glob("_schema_*Webhook__*.json"))
    kinds = {read_event(file.read_bytes()).kind for file in files}
    assert len(files) >= 20
    assert {UPDATE, HOLDINGS, ERROR, REPAIRED, "LINK:SESSION_FINISHED"} <= kinds
    assert {kind for kind in kinds if brings_rows(kind)} == {
        UPDATE,
        HOLDINGS,
        REPAIRED,
        "TRANSACTIONS:DEFAULT_UPDATE",
        "TRANSACTIONS:INITIAL_UPDATE",
        "TRANSACTIONS:HISTORICAL_UPDATE",
        "TRANSACTIONS:TRANSACTIONS_REMOVED",
        "INVESTMENTS_TRANSACTIONS:DEFAULT_UPDATE",
        "INVESTMENTS_TRANSACTIONS:HISTORICAL_UPDATE",
        "LIABILITIES:DEFAULT_UPDATE",
        "ITEM:NEW_ACCOUNTS_AVAILABLE",
        "ITEM:USER_ACCOUNT_REVOKED",
    }


# -- planning ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "pulled"),
    [
        ([], ()),
        ([event(1, UPDATE)], ("c1",)),
        ([event(1, UPDATE), event(2, UPDATE), event(3, HOLDINGS)], ("c1",)),
        ([event(1, UPDATE, "item-2"), event(2, UPDATE)], ("c1", "c2")),
        ([event(1, REPAIRED)], ("c1",)),
        ([event(1, "ITEM:WEBHOOK_UPDATE_ACKNOWLEDGED")], ()),
        ([event(1, "TRANSACTIONS:RECURRING_TRANSACTIONS_UPDATE")], ()),
        ([event(1, "LINK:SESSION_FINISHED", None)], ()),
        ([event(1, UPDATE, "somebody-elses")], ()),
        # Nobody asks through a login that has ended, or that the very same batch says is broken.
        ([event(1, UPDATE, "item-3")], ()),
        ([event(1, UPDATE, "item-4")], ()),
        ([event(1, UPDATE), event(2, ERROR, **LOGIN_REQUIRED)], ()),
        ([event(1, ERROR, **LOGIN_REQUIRED), event(2, REPAIRED)], ("c1",)),
        ([event(1, UPDATE), event(2, "ITEM:USER_PERMISSION_REVOKED"), event(3, UPDATE, "item-2")], ("c2",)),
    ],
)
def test_what_is_pulled(events: list[dict[str, Any]], pulled: tuple[str, ...]) -> None:
    assert plan(events, CONNECTIONS).pull == pulled


def test_what_is_not_known_is_named() -> None:
    found = plan([event(1, UPDATE, "x"), event(2, ERROR, "x", **LOGIN_REQUIRED)], CONNECTIONS)
    assert (found.unknown, found.changes) == (("x",), ())


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (ERROR, LOGIN_REQUIRED, "login_required"),
        (ERROR, {"error": {"error_code": "INSTITUTION_DOWN"}}, "degraded"),
        (ERROR, {"error": {"error_code": "ITEM_NOT_FOUND"}}, "revoked"),
        (
            "ITEM:PENDING_EXPIRATION",
            {"consent_expiration_time": "2026-03-20T00:00:00Z"},
            "pending_expiration",
        ),
        ("ITEM:PENDING_DISCONNECT", {"reason": "INSTITUTION_MIGRATION"}, "pending_expiration"),
        ("ITEM:USER_PERMISSION_REVOKED", {}, "revoked"),
        (REPAIRED, {}, "healthy"),
    ],
)
def test_what_changes_a_status(kind: str, body: dict[str, Any], status: str) -> None:
    [found] = plan([event(7, kind, **body)], CONNECTIONS).changes
    assert (found.webhook_id, found.connection_id, found.change.status) == (7, "c1", status)


@pytest.mark.parametrize("kind", [UPDATE, HOLDINGS, "AUTH:ERROR", "TRANSACTIONS:ERROR", "ITEM:SOMETHING_NEW"])
def test_what_changes_none(kind: str) -> None:
    assert plan([event(1, kind, **LOGIN_REQUIRED)], CONNECTIONS).changes == ()


def test_what_is_written_down_beside() -> None:
    found = plan(
        [event(7, "ITEM:NEW_ACCOUNTS_AVAILABLE"), event(8, "ITEM:USER_ACCOUNT_REVOKED", "x")], CONNECTIONS
    )
    [note] = found.notes
    assert (note.webhook_id, note.connection_id) == (7, "c1")
    assert "manna link --repair" in note.reason


def test_events_count_in_the_order_in_which_they_were_issued() -> None:
    """The repair overtook the error on its way."""
    arrived = [event(1, REPAIRED, after=60), event(2, ERROR, after=0, **LOGIN_REQUIRED)]
    found = plan(arrived, CONNECTIONS)
    assert [change.change.status for change in found.changes] == ["login_required", "healthy"]
    assert found.pull == ("c1",)
