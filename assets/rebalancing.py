"""Plans of trades: from the lake to ``ops.rebalance_plans``, and whether a plan still holds.

What belongs here: reading what a plan depends on, calling ``manna.rebalancing``, writing the plan down, and the asset that
shows the last plan of each book. What does not: any rule of planning, people's decisions on plans
(``pipelines.rebalancing``), and orders.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.book_days import moment, today
from assets.common import BooksConfig, Manna, chosen, result, row_counts, spec
from manna.books import Book
from manna.contracts.portfolio import REBALANCE_PLAN
from manna.rebalancing.facts import Facts
from manna.rebalancing.plan_document import PlanDocument
from manna.rebalancing.standing import APPROVED, EXECUTING, World, reasons_void
from manna.tax.taxpayers import taxpayers
from resources.installation import Installation
from resources.lake import Change, Lake, LakeTransaction

if TYPE_CHECKING:
    from manna.rebalancing.from_books import Rows
    from manna.rebalancing.planning import Proposal
    from manna.rebalancing.writing import Source
    from manna.trading.orders import Quote
    from resources.plans import StoredPlan  # SQLAlchemy takes 0.4 s to import

PLAN, PLANNER = REBALANCE_PLAN.address, "manna"
_OF_GROUP = {
    "accounts": "clean.accounts",
    "lots": "ledger.lots",
    "gains": "ledger.gains",
    "taxable_gains": "ledger.taxable_gains",
    "trades": "clean.trades",
}
SOURCES = ("portfolio.drift", "portfolio.valuations", "categorized.recurring", "clean.bars", "clean.corporate_actions", *_OF_GROUP.values())  # fmt: skip


@dg.multi_asset(name="plan_trades", specs=[spec(PLAN, deps=SOURCES)])
def plan(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> dg.MaterializeResult[Any]:
    """Plans trades for each book beyond its bands and writes the plans down. A proposal: no order is made."""
    from manna.documents.plan_tables import plan_markdown

    ids, said, frames = chosen(manna.books, config.books), dict[str, Any](), dict[str, pl.DataFrame]()
    for book_id in ids:
        stored, why = make_plan(manna, manna.books[book_id], PLANNER)
        frames[book_id] = REBALANCE_PLAN.empty() if stored is None else rows_of(stored.plan)
        said[book_id] = why if stored is None else f"plan {stored.plan.plan_id} is {stored.state.status}"
        if stored is not None:
            said[f"{book_id}, plan"] = dg.MetadataValue.md(plan_markdown(stored.plan))

    def work(transaction: LakeTransaction) -> Change:
        parts = (transaction.replace(PLAN, frames[book_id], {"book": book_id}) for book_id in ids)
        return sum(parts, Change())

    change = manna.lake.commit([PLAN], work, author=PLAN, message=f"run {context.run.run_id}")
    return result(PLAN, change, row_counts(manna, [PLAN], in_part=config.books), **said)


def make_plan(
    manna: Installation, book: Book, by: str, *, cash_flow: Decimal = Decimal(0)
) -> "tuple[StoredPlan | None, str]":
    """Plans a book's trades and writes the plan down; without a plan, why there is none. Again changes nothing.

    While a plan of the book is approved or executing that is its plan. Without need for one, open proposals are void.
    """
    from manna.rebalancing.writing import (
        plan_document,  # the planners are not for every process that imports this
    )

    under_way = committed_plans(manna, [book])
    if under_way:
        return under_way[0], ""
    proposal, source = proposed(manna, book, cash_flow=cash_flow)
    now = moment(manna, manna.lake)
    document = plan_document(proposal, source, now)
    if document is None:
        if not cash_flow:
            manna.ops.withdraw_plans(book.id, proposal.why_none, by, now)
        return None, proposal.why_none
    stored, _ = manna.ops.add_plan(document, by, now)
    return stored, ""


def proposed(
    manna: Installation, book: Book, *, cash_flow: Decimal = Decimal(0)
) -> "tuple[Proposal, Source]":
    """What would be planned for a book now, and where it is from. Nothing is written."""
    from manna.rebalancing.from_books import NotPlannableError
    from manna.rebalancing.planning import Proposal, propose
    from manna.rebalancing.writing import Source

    if not book.targets.weights:
        return Proposal(None, {}, why_none="the book has no targets"), Source()
    try:
        facts, source = facts_now(manna, book, cash_flow=cash_flow)
    except NotPlannableError as error:
        return Proposal(None, {}, why_none=str(error)), Source()
    return propose(facts, book.targets), source


def facts_now(
    manna: Installation, book: Book, *, cash_flow: Decimal = Decimal(0), without: str = ""
) -> "tuple[Facts, Source]":
    """The facts of a book's plan as the lake and the other plans have them; ``without``: a plan that is left out.

    Raises:
        NotPlannableError: no facts can be stated.
    """
    from manna.rebalancing.from_books import account_sha256, facts_of
    from manna.rebalancing.writing import Source

    group, day = group_of(manna, book), today(manna, book)
    snapshot = manna.lake.snapshot()
    rows = _rows(manna.lake, book, group, day, snapshot)
    others = [stored.plan for stored in committed_plans(manna, group) if stored.plan.plan_id != without]
    facts = facts_of(book, group, rows, day, plans=others, cash_flow=cash_flow)
    return facts, Source(snapshot, account_sha256(rows, facts.account_id))


def why_void(
    manna: Installation, plan: PlanDocument, quotes: "Mapping[str, Quote] | None" = None
) -> list[str]:
    """Everything that has moved since a plan was made, by the lake, the book's file and the other plans as they are.

    ``quotes``: of the market now, by symbol; without one the last close counts.
    """
    from manna.rebalancing.from_books import NotPlannableError

    book = manna.books.get(plan.book)
    if book is None:
        return [f"there is no book {plan.book} any more"]
    try:
        facts, source = facts_now(manna, book, without=plan.plan_id)
        if facts.account_id != plan.account_id:
            return [f"the book's plans trade in account {facts.account_id} now"]
    except NotPlannableError as error:
        return [str(error)]
    others = [stored.plan for stored in committed_plans(manna, [book])]
    return reasons_void(plan, World(facts, book.targets, source.account_sha256, others, quotes or {}))


def committed_plans(manna: Installation, group: Sequence[Book]) -> "list[StoredPlan]":
    """Plans of these books that are approved or executing."""
    now, ids = manna.settings.now(), {book.id for book in group}
    return [
        stored
        for stored in manna.ops.plans(now)
        if stored.plan.book in ids and stored.state.status in (APPROVED, EXECUTING)
    ]


def group_of(manna: Installation, book: Book) -> list[Book]:
    """All books of the book's taxpayer and spouse."""
    return next(group for group in taxpayers(manna.books) if book in group)


def rows_of(document: PlanDocument) -> pl.DataFrame:
    """A plan's trades as rows of ``portfolio.rebalance_plan``."""
    weights = {weight.name: weight for weight in document.weights}
    rows = [
        {
            "plan_id": document.plan_id,
            "book": document.book,
            "account_id": document.account_id,
            "symbol": trade.symbol,
            "side": trade.side,
            "quantity": trade.quantity,
            "price": trade.price,
            "notional": trade.notional,
            "currency": document.currency,
            "tax": trade.tax,
            "weight_before": weights[trade.part].before,
            "weight_after": weights[trade.part].after,
            "target": weights[trade.part].target,
            "reason": trade.reason,
            "planned_on": document.planned_on,
        }
        for trade in document.trades
    ]
    return REBALANCE_PLAN.conform(pl.DataFrame(rows, schema=REBALANCE_PLAN.polars_schema))


def _last_valuation(lake: Lake, book: Book, day: date, snapshot: int) -> pl.DataFrame:
    """The book's valuation of today, or of the last night: between midnight and the night there is none of today."""
    last = lake.query(
        f"SELECT max(date) AS last FROM portfolio.valuations AT (VERSION => {snapshot}) WHERE book = ? AND date <= ?",
        [book.id, day],
    )["last"][0]
    return lake.read_at("portfolio.valuations", snapshot, {"book": book.id, "date": last or day})


def _rows(lake: Lake, book: Book, group: Sequence[Book], day: date, snapshot: int) -> "Rows":
    """All of one snapshot, whatever is written meanwhile."""
    from manna.rebalancing.from_books import STALE, Rows

    ids = frozenset(each.id for each in group)
    found = {name: lake.read_at(address, snapshot, {"book": ids}) for name, address in _OF_GROUP.items()}
    return Rows(
        **found,
        valuations=_last_valuation(lake, book, day, snapshot),
        recurring=lake.read_at("categorized.recurring", snapshot, {"book": book.id}),
        bars=lake.query(
            f"SELECT * FROM clean.bars AT (VERSION => {snapshot}) WHERE date >= ? AND date <= ?",
            [day - STALE, day],
        ),
        actions=lake.read_at("clean.corporate_actions", snapshot),
    )
