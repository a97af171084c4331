"""When something is worth an alert, and that its words name no account number."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from manna.alerting.conditions import (
    broken_connections,
    decisions_to_review,
    failed_checks,
    held_reports,
    open_questions,
    plans_to_approve,
    quarantined_rows,
    things_to_look_at,
    worth_telling,
)
from manna.contracts.findings import FINDINGS
from manna.rebalancing.plan_document import Pinned, PlanDocument, PlannedTrade
from manna.rebalancing.standing import State


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("new", None),
        ("healthy", None),
        ("degraded", "warning"),
        ("login_required", "critical"),
        ("revoked", "critical"),
        ("pending_expiration", "warning"),
        ("unlinked", None),
    ],
)
def test_connections(status: str, severity: str | None) -> None:
    row: dict[str, Any] = {
        "book": "home",
        "connection_id": "c",
        "provider": "plaid",
        "institution": "Bank",
        "status": status,
        "error": None,
    }
    found = broken_connections([row])
    assert [alert["severity"] for alert in found] == ([severity] if severity else [])
    why = "wants its login renewed" if status == "pending_expiration" else "does not answer"
    assert all(alert["message"] == f"Bank {why}: {status}" for alert in found)


def test_quarantined_rows_are_counted_per_book_and_table() -> None:
    rows = pl.DataFrame({"book": ["b", "a", "a"], "table_name": ["clean.x", "clean.x", "clean.x"]})
    found = quarantined_rows(rows)
    assert [(alert["book"], alert["message"][:17]) for alert in found] == [
        ("a", "2 rows of clean.x"),
        ("b", "1 row of clean.x "),
    ]
    assert quarantined_rows(rows.clear()) == []


def test_every_account_in_question_is_told_and_decisions_to_review_are_counted() -> None:
    row = {"account_id": "x", "book": "home", "institution": "Bank", "name": None, "reason": "two candidates"}
    (asked,) = open_questions(pl.DataFrame([row]))
    assert (asked["severity"], asked["fingerprint"]) == ("warning", "account_question:home:x")
    assert asked["message"].startswith("Bank account: is it one that is known already? (two candidates)")
    proposals = pl.DataFrame({"book": ["b", "a", "a"]})
    assert [
        (alert["book"], alert["severity"], alert["message"][:11]) for alert in decisions_to_review(proposals)
    ] == [
        ("a", "info", "2 decisions"),
        ("b", "info", "1 decision "),
    ]
    assert decisions_to_review(proposals.clear()) == []


def test_failed_checks_and_held_reports() -> None:
    (check,) = failed_checks([("ledger.postings", "balanced", "run")])
    assert check["fingerprint"] == "failed_check:all:ledger.postings balanced"
    publications = pl.DataFrame(
        {
            "book": ["home", "home"],
            "period": [date(2026, 1, 1), date(2026, 2, 1)],
            "status": ["published", "held"],
            "reason": [None, "cash does not tie"],
        }
    )
    (held,) = held_reports(publications)
    assert (held["severity"], held["message"]) == (
        "critical",
        "reports for 2026-02 are held back: cash does not tie",
    )


def test_findings_are_told_once_per_kind_and_subject_and_information_is_not() -> None:
    def finding(number: int, **more: Any) -> dict[str, Any]:
        day = date(2026, 3, number)
        usual = {"finding_id": f"f{number}", "book": "home", "kind": "balance_jump", "severity": "warning"}
        usual |= {"subject": "a", "since": day, "until": day, "message": f"word {number}", "row_ids": ""}
        return usual | more

    found = [
        finding(1, severity="critical"),
        finding(2),
        finding(3),
        finding(4, severity="info"),
        finding(5, severity="info", kind="history_gap"),
        finding(6, subject="XYZ", kind="price_jump"),
        finding(7, kind="possible_duplicate"),
    ]
    accounts = pl.DataFrame({"account_id": ["a"], "institution": ["Bank"], "name": ["Savings"]})
    alerts = things_to_look_at(pl.DataFrame(found, schema=FINDINGS.polars_schema), accounts)
    assert [(one["fingerprint"], one["severity"], one["message"]) for one in alerts] == [
        ("finding:home:balance_jump a", "critical", "Bank Savings: word 1 (and 2 more)"),
        ("finding:home:price_jump XYZ", "warning", "word 6"),
    ]
    assert things_to_look_at(FINDINGS.empty(), accounts) == []


def test_insights_are_told_one_by_one() -> None:
    def insight(number: int, kind: str) -> dict[str, Any]:
        usual = {"insight_id": f"i{number}", "book": "home", "kind": kind, "merchant": "acme"}
        return {**usual, "date": date(2026, 3, number), "message": f"word {number}", "transaction_ids": "t1"}

    told = [insight(1, "missed"), insight(2, "price_increase"), insight(3, "possible_duplicate")]
    assert [(one["fingerprint"], one["severity"], one["message"]) for one in worth_telling(told)] == [
        ("missed_payment:home:i1", "warning", "word 1"),
        ("price_increase:home:i2", "info", "word 2"),
        ("possible_duplicate:home:i3", "warning", "word 3"),
    ]
    assert worth_telling([]) == []


def plan_to_approve() -> PlanDocument:
    one, day = Decimal(1), date(2026, 11, 20)
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    sale = PlannedTrade(
        "VTI", "VTI", "VTI", "sell", one, Decimal(1500), day, Decimal(1500), one, one, Decimal(9), "why"
    )
    pinned = Pinned(7, "", "", "", {}, one, {})
    return PlanDocument(
        "5f0c1a2b3c4d5e6f", 0, "home", "broker-0042", "Alpaca", "USD", day, noon, noon, Decimal("0.01"), False, "fifo", 2,
        False, (sale,), (), one, one, Decimal(9), one, one, one, "greedy", (), (), pinned,
    )  # fmt: skip


def test_a_plan_asks_for_its_approvals_until_it_has_them() -> None:
    plan = plan_to_approve()
    [alert] = plans_to_approve(
        [(plan, State("proposed", ("ana",))), (plan, State("approved")), (plan, State("void"))]
    )
    assert (alert["fingerprint"], alert["severity"]) == ("plan_to_approve:home:5f0c1a2b3c4d5e6f", "warning")
    assert alert["message"] == (
        "plan 5f0c1a2b3c4d to rebalance sells for 1,500.00 and buys for 0.00 USD, expected tax 9.00; it wants 1 approval "
        "until 2026-11-20 12:00 UTC: `manna rebalance show 5f0c1a2b3c4d`"
    )
    assert "broker" not in alert["message"]
