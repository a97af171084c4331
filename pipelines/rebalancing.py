"""What people do with plans: make one, look, approve, cancel. For the command line and for Dagster's UI alike.

What belongs here: finding the plan that is meant, and refusing what cannot be, in one line. What does not: planning
(``assets.rebalancing``), how a plan stands (``manna.rebalancing.standing``), printing, or executing one.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl
import yaml
from pydantic import Field

from assets.common import Manna
from assets.rebalancing import make_plan, why_void
from manna.books import Book, complaints
from manna.investment_settings import sameness
from manna.rebalancing.plan_document import BUY, SELL
from manna.rebalancing.standing import (
    APPROVED,
    OPEN,
    PROPOSED,
    VOID,
    State,
    against_approving,
    against_cancelling,
    person,
)
from manna.rebalancing.targets import Targets
from pipelines.asked import UsageError, require_one_of
from pipelines.jobs import ONCE
from resources.installation import Installation

if TYPE_CHECKING:
    from manna.trading.orders import Quote
    from resources.plans import StoredPlan

DECIDING = "decide_plan"
APPROVE, CANCEL = "approve", "cancel"
_LISTED = {
    "plan": pl.String(), "book": pl.String(), "made_at": pl.Datetime("us", "UTC"), "status": pl.String(),
    "approvals": pl.String(), "sells": pl.Decimal(18, 2), "buys": pl.Decimal(18, 2), "tax": pl.Decimal(18, 2),
    "currency": pl.String(), "expires_at": pl.Datetime("us", "UTC"), "reason": pl.String(),
}  # fmt: skip


class PlanError(Exception):
    """Nothing can be done with the plan as asked. One line that says why and what to do."""


def plan_book(manna: Installation, book: str, by: str, cash_flow: Decimal = Decimal(0)) -> "StoredPlan | str":
    """Plans a book's trades now; without a plan, why there is none.

    Raises:
        UsageError: no such book.
    """
    require_one_of("book", [book], manna.books)
    stored, why = make_plan(manna, manna.books[book], by, cash_flow=cash_flow)
    return stored or why


def one_plan(manna: Installation, called: str) -> "StoredPlan":
    """The plan whose id begins so.

    Raises:
        PlanError: there is none, or there are several.
    """
    found = manna.ops.plans_called(called, manna.settings.now()) if called else []
    if len(found) != 1:
        what = f"{len(found)} plans begin with {called!r}" if found else f"there is no plan {called!r}"
        raise PlanError(f"{what if called else 'say which plan'}; {which_are_open(manna)}")
    return found[0]


def which_are_open(manna: Installation) -> str:
    """The plans that somebody may have meant, for who has no list at hand, as in the launchpad."""
    plans = [stored for stored in manna.ops.plans(manna.settings.now()) if stored.state.status in OPEN]
    named = ", ".join(f"{each.plan.plan_id[:12]} of {each.plan.book}, {each.state.status}" for each in plans)
    return (
        f"open {'is' if len(plans) == 1 else 'are'} {named}"
        if plans
        else "none is open (`manna rebalance status --all`)"
    )


def approve(manna: Installation, called: str, by: str) -> "tuple[StoredPlan, State]":
    """Approves a plan in somebody's name; returns it and how it stands then.

    Raises:
        PlanError: no such plan, it cannot be approved (any more), or its inputs have moved: then it is void from now on.
    """
    stored = one_plan(manna, called)
    refused = against_approving(stored.plan, stored.state, by)
    if refused is None:
        void_if_moved(manna, stored)
        state, refused = manna.ops.decide_plan(
            stored.plan,
            APPROVE,
            by,
            manna.settings.now(),
            against=lambda state: against_approving(stored.plan, state, by),
        )
    if refused is not None:
        raise PlanError(f"plan {stored.plan.plan_id} cannot be approved: {refused}")
    return stored, state


def cancel(manna: Installation, called: str, by: str, reason: str) -> "StoredPlan":
    """Cancels a plan for good.

    Raises:
        PlanError: no such plan, no reason, or it is over or executing.
    """
    stored = one_plan(manna, called)
    if not person(by):
        raise PlanError("a cancellation needs a name")
    if not reason.strip():
        raise PlanError("say why it is cancelled: --reason TEXT")
    _, refused = manna.ops.decide_plan(
        stored.plan, CANCEL, by, manna.settings.now(), reason=reason, against=against_cancelling
    )
    if refused is not None:
        raise PlanError(f"plan {stored.plan.plan_id} cannot be cancelled: {refused}")
    return stored


def void_if_moved(
    manna: Installation, stored: "StoredPlan", quotes: "Mapping[str, Quote] | None" = None
) -> None:
    """Makes a plan void if its inputs have moved. Called before it is approved, and before its first order.

    Of a plan that is executing or over nothing is asked: its own orders have moved them.

    Args:
        manna: the installation.
        stored: the plan.
        quotes: of the market now, by symbol; without one the last close counts.

    Raises:
        PlanError: it is void now, with every reason.
    """
    moved = why_void(manna, stored.plan, quotes) if stored.state.status in OPEN else []
    if not moved:
        return
    reason = "; ".join(moved)
    manna.ops.decide_plan(
        stored.plan, VOID, "manna", manna.settings.now(), reason=reason, against=against_cancelling
    )
    raise PlanError(
        f"plan {stored.plan.plan_id} is void: {reason}. Plan anew: `manna rebalance plan --book {stored.plan.book}`"
    )


def listed(manna: Installation, book: str | None, *, everything: bool) -> pl.DataFrame:
    """Plans, the newest first: those that may still come to something, or ``everything``."""
    if book is not None:
        require_one_of("book", [book], manna.books)
    over = () if everything else (*OPEN, "executing")
    rows = [
        _line(stored)
        for stored in manna.ops.plans(manna.settings.now(), book, everything=everything)
        if everything or stored.state.status in over
    ]
    return pl.DataFrame(rows, schema=_LISTED)


def _line(stored: "StoredPlan") -> Mapping[str, Any]:
    plan, state = stored.plan, stored.state
    names = f" ({', '.join(state.approved_by)})" if state.approved_by else ""
    return {
        "plan": plan.plan_id[:8],
        "book": plan.book,
        "made_at": plan.created_at,
        "status": state.status,
        "approvals": f"{len(state.approved_by)} of {plan.approvals}{names}",
        "sells": plan.amount(SELL),
        "buys": plan.amount(BUY),
        "tax": plan.tax,
        "currency": plan.currency,
        "expires_at": plan.expires_at,
        "reason": state.reason,
    }


def read_targets(path: Path) -> tuple[Targets, str, Callable[[str], str]]:
    """The targets of a YAML file, the currency (a book's, else dollars), and what counts as the same.

    The file is a book's section ``targets`` (with or without that key), or a whole book.

    Raises:
        UsageError: it cannot be read, or is neither; every fault is named.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no targets; write for instance `weights: {{VTI: 0.6, BND: 0.4}}`")
    section = document if "weights" in document else document.get("targets", {})
    whole = document if "id" in document else {"id": "files", "name": "files", "targets": section}
    faults = complaints(whole)
    if faults or not section:
        raise UsageError(f"{path}: {'; '.join(faults) or 'there are no targets in it'}")
    book = Book.model_validate(whole)
    return book.targets, book.currency, sameness(book.investments.same)


class Decision(dg.Config):
    """What somebody decides on a plan, in Dagster's launchpad."""

    plan: str = Field(default="", description="the plan's id, or the beginning of it")
    action: str = Field(default="", description="approve or cancel")
    by: str = Field(default="", description="who decides: your name")
    reason: str = Field(default="", description="of a cancellation: why")


@dg.op(description="Approves or cancels a plan, as `manna rebalance approve` and `cancel` do.")
def decide(context: dg.OpExecutionContext, config: Decision, manna: Manna) -> None:
    """One decision by one person. No action is a default: what nobody wrote must not approve anything."""
    from manna.documents.plan_tables import plan_markdown

    try:
        require_one_of("action", [config.action], (APPROVE, CANCEL))
        if config.action == APPROVE:
            stored, state = approve(manna, config.plan, config.by)
            said = standing_words(state, stored.plan.approvals)
        else:
            stored = cancel(manna, config.plan, config.by, config.reason)
            said = "cancelled"
    except (PlanError, UsageError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    shown = dg.MetadataValue.md(plan_markdown(stored.plan))
    context.add_output_metadata({"plan": stored.plan.plan_id, "status": said, "what was decided on": shown})


@dg.job(
    name=DECIDING,
    description="Approve or cancel a plan of trades: plan, action, by and reason in the launchpad.",
    tags=ONCE,
)
def deciding() -> None:
    """The job of :func:`decide`."""
    decide()


def standing_words(state: State, wanted: int) -> str:
    """How a plan stands after an approval."""
    if state.status == APPROVED:
        return f"approved by {', '.join(state.approved_by)}"
    missing = wanted - len(state.approved_by)
    return f"{PROPOSED}: approved by {', '.join(state.approved_by)}, {missing} more has to"
