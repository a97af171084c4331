"""Plans in the database: written once, decided one after the other, and every word of it in the audit log."""

import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

sys.path.append(str(Path(__file__).parents[1] / "unit" / "rebalancing"))
from rebalancing_examples import facts, lot, targets

from manna.rebalancing.plan_document import PlanDocument, PlanDocumentError
from manna.rebalancing.planning import propose
from manna.rebalancing.standing import against_approving, against_cancelling
from manna.rebalancing.writing import Source, plan_document
from resources import audit
from resources.ops import Ops
from resources.ops_tables import REBALANCE_PLANS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def planned(cash: int = 0, now: datetime = NOON, approvals: int = 1) -> PlanDocument:
    of = facts(cash, [lot("VTI", 100, 50)], {"VTI": 100, "BND": 50})
    wanted = targets(weights={"VTI": 0.6, "BND": 0.4}, approvals=approvals)
    made = plan_document(propose(of, wanted), Source(1, "account"), now)
    assert made is not None
    return made


def approve(ops: Ops, plan: PlanDocument, by: str, at: datetime = NOON) -> Any:
    return ops.decide_plan(plan, "approve", by, at, against=lambda state: against_approving(plan, state, by))


def test_the_same_plan_is_written_once_and_a_new_one_takes_its_place(ops: Ops) -> None:
    plan = planned()
    stored, is_new = ops.add_plan(plan, "manna", NOON)
    assert (stored.plan, stored.state.status, is_new) == (plan, "proposed", True)
    again, is_new = ops.add_plan(planned(now=NOON + timedelta(hours=1)), "manna", NOON + timedelta(hours=1))
    assert (again.plan, is_new) == (plan, False)
    ops.add_plan(planned(cash=700), "manna", NOON + timedelta(hours=2))
    found = {each.plan.plan_id: each.state for each in ops.plans(NOON + timedelta(hours=2))}
    later = NOON + timedelta(days=9)
    assert (len(ops.plans(later)), len(ops.plans(later, everything=True))) == (0, 2)
    assert found[plan.plan_id].status == "void"
    assert str(found[plan.plan_id].reason).endswith("took its place")
    assert [each.state.status for each in ops.plans_called(plan.plan_id[:6], NOON)] == ["void"]
    assert ops.plans(NOON, "nobody") == []


def test_what_has_run_out_may_be_planned_again_and_what_was_cancelled_may_not(ops: Ops) -> None:
    plan, late = planned(), NOON + timedelta(days=2)
    ops.add_plan(plan, "manna", NOON)
    again, is_new = ops.add_plan(planned(now=late), "manna", late)
    assert is_new
    assert (again.plan.number, again.plan.trades) == (1, plan.trades)
    ops.decide_plan(again.plan, "cancel", "ana", late, reason="no", against=against_cancelling)
    stored, is_new = ops.add_plan(planned(now=late), "manna", late)
    assert (stored.state.status, stored.state.reason, is_new) == ("cancelled", "no", False)


def test_what_another_version_wrote_is_left_out_and_named_when_asked_for(ops: Ops) -> None:
    plan = planned()
    ops.add_plan(plan, "manna", NOON)
    other = {"plan_id": "other", "book": "home", "account_id": "x", "document": {"trades": []}, "sha256": "", "expires_at": NOON + timedelta(days=1), "planned_by": "x", "known_at": NOON}  # fmt: skip
    with ops.engine.begin() as connection:
        connection.execute(sa.insert(REBALANCE_PLANS).values(**other))
    assert [each.plan for each in ops.plans(NOON)] == [plan]
    with pytest.raises(PlanDocumentError, match="not a plan of this version of Manna: plan_id"):
        ops.plans_called("oth", NOON)


def test_two_persons_have_to_approve_and_everything_stands_in_the_audit_log(ops: Ops) -> None:
    plan = planned(approvals=2)
    ops.add_plan(plan, "manna", NOON)
    assert approve(ops, plan, "ana")[0].status == "proposed"
    assert approve(ops, plan, "Ana ")[1] == "Ana  has approved it already; another person has to approve it"
    state, refused = approve(ops, plan, "ben")
    assert (state.status, state.approved_by, refused) == ("approved", ("ana", "ben"), None)
    with ops.engine.connect() as connection:
        said = [(entry.actor, entry.action, entry.subject) for entry, _, _ in audit.rows(connection)]
        assert audit.verify(connection)[2] is None
        assert connection.execute(sa.text("SELECT sha256 FROM ops.rebalance_plans")).scalar_one()
    assert said == [
        (who, what, plan.plan_id) for who, what in (("manna", "plan"), ("ana", "approve"), ("ben", "approve"))
    ]


def test_one_person_who_approves_twice_at_once_counts_once(ops: Ops) -> None:
    plan, said = planned(approvals=2), list[Any]()
    ops.add_plan(plan, "manna", NOON)
    threads = [threading.Thread(target=lambda: said.append(approve(ops, plan, "ana"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refused is None for _, refused in said) == [False, False, False, True]
    assert ops.plans(NOON)[0].state.status == "proposed"


def test_proposals_are_withdrawn_and_approved_plans_are_not(ops: Ops) -> None:
    plan = planned()
    ops.add_plan(plan, "manna", NOON)
    ops.withdraw_plans("home", "every weight is inside its band", "manna", NOON)
    assert ops.plans(NOON)[0].state.reason == "every weight is inside its band"
    other = planned(cash=100)
    ops.add_plan(other, "manna", NOON)
    approve(ops, other, "ana")
    ops.withdraw_plans("home", "over", "manna", NOON)
    assert {each.state.status for each in ops.plans(NOON)} == {"void", "approved"}
