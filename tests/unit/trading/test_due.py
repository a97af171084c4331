"""Which plan is executed without anybody asking, and what becomes an alert."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from manna.alerting.conditions import order_problems
from pipelines.execution_job import due, may_be_open

NOON = datetime(2026, 3, 16, 16, tzinfo=UTC)


def row(plan_id: str = "p", **document: Any) -> dict[str, Any]:
    made = {"trades": [], "collar": "0.01", "approvals": 1, "automatic": True, **document}
    return {
        "plan_id": plan_id,
        "book": "home",
        "account_id": "a",
        "expires_at": NOON + timedelta(1),
        "document": made,
    }


def events(*actions: str) -> list[dict[str, Any]]:
    return [{"action": action, "decided_by": "ana", "reason": None} for action in actions]


@pytest.mark.parametrize(
    ("plans", "automatic", "wanted"),
    [
        ([], True, None),
        ([(row(), [])], True, "p"),
        ([(row(), [])], False, None),  # the book's file has changed its mind
        ([(row(automatic=False), [])], True, None),
        ([(row(approvals=2), [])], True, None),
        ([(row(), events("approve"))], True, None),  # a person deals with it
        ([(row("a"), events("approve", "execute")), (row("b"), [])], False, "a"),
        ([({**row("a"), "book": "gone"}, events("execute")), (row("b"), [])], True, "b"),
        ([({**row(), "expires_at": NOON}, [])], True, None),
        ([({**row(), "expires_at": NOON}, events("approve", "execute"))], False, "p"),
    ],
)
def test_what_is_begun_by_itself_and_what_is_gone_on_with(
    plans: Any, automatic: bool, wanted: str | None
) -> None:
    books: Any = {"home": SimpleNamespace(targets=SimpleNamespace(automatic=automatic))}
    assert due(books, plans, NOON) == wanted


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-16T13:29:00+00:00", False),
        ("2026-03-16T13:30:00+00:00", True),
        ("2026-03-16T19:59:00+00:00", True),
        ("2026-03-16T20:00:00+00:00", False),
        ("2026-03-15T16:00:00+00:00", False),
    ],
)
def test_hours_in_new_york(moment: str, is_open: bool) -> None:
    assert may_be_open(datetime.fromisoformat(moment)) is is_open


def test_an_order_that_nobody_knows_of_is_critical_and_a_rejection_a_warning() -> None:
    kinds = ("rejected", "unknown", "problem", "unfinished", "halted")
    found = order_problems({"book": "home", "kind": kind, "subject": "s", "words": "w"} for kind in kinds)
    assert [alert["severity"] for alert in found] == [
        "warning",
        "critical",
        "critical",
        "critical",
        "warning",
    ]
    assert len({alert["fingerprint"] for alert in found}) == 5
    assert all("`manna" in alert["message"] or "broker" in alert["message"] for alert in found)
