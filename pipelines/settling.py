"""Settling alerts: what is found now, in every table and on the machine, becomes open, resolved, told.

What belongs here: reading, and handing over. What does not: what is worth an alert, and what becomes of one
(``manna.alerting``), or when it is looked (``pipelines.sensors``).
"""

from datetime import timedelta

import dagster as dg
import polars as pl

from assets.alerts import tell_counts
from assets.book_days import today
from assets.clean import open_rows
from assets.findings import CHECK as FINDINGS_CHECK
from manna.alerting import conditions, money, platform
from manna.alerting.conditions import Condition
from manna.alerting.telling import Habits
from manna.books import Telling
from manna.categorizing import proposals
from manna.connections import replaced
from manna.rebalancing.standing import PROPOSED
from pipelines.watching import defined, platform_conditions
from resources.installation import Installation

ORDER_DAYS = timedelta(days=7)
"""How long a rejected order, or a position that nobody explains, stays an alert."""


def settle(
    manna: Installation, instance: dg.DagsterInstance, *, served: bool = False
) -> tuple[int, int, int]:
    """Opens, resolves and delivers alerts; returns how many of each. Repeating it changes nothing.

    ``served``: Dagster's daemons are meant to be running.
    """
    now = manna.settings.now()
    found = [
        *_of_data(manna),
        *_of_decisions(manna),
        *_of_money(manna),
        *conditions.failed_checks(checks_that_fail(instance)),
        *platform_conditions(manna, instance, served=served),
    ]
    opened, resolved = manna.ops.settle_alerts(conditions.grouped(found), now)
    told = manna.ops.tell(habits(manna), lambda m: manna.notifier.send(m.title, m.body, m.severity), now)
    tell_counts(manna, instance)
    return opened, resolved, told


def _of_data(manna: Installation) -> list[Condition]:
    accounts, connections = manna.lake.read("clean.accounts"), manna.ops.connections()
    former = replaced(connections, set(accounts["connection_id"]))
    silent = manna.ops.silent_providers()
    return [
        *platform.silent_providers(silent),
        *conditions.broken_connections(
            (c for c in connections if c["connection_id"] not in former), {row["name"] for row in silent}
        ),
        *conditions.open_questions(manna.lake.read("clean.account_questions")),
        *conditions.quarantined_rows(open_rows(manna)),
        *conditions.things_to_look_at(manna.lake.read("clean.findings"), accounts),
        *conditions.worth_telling(manna.lake.read("categorized.insights").to_dicts()),
        *conditions.held_reports(manna.lake.read("reports.publications")),
    ]


def _of_decisions(manna: Installation) -> list[Condition]:
    now, successions = manna.settings.now(), manna.lake.read("clean.successions")
    plans = [(stored.plan, stored.state) for stored in manna.ops.plans(now)]
    planned = {plan.book for plan, state in plans if state.status == PROPOSED}
    drift = manna.lake.read("portfolio.drift").to_dicts()
    found = [
        *conditions.decisions_to_review(proposals(manna.ops.overrides(), successions)),
        *conditions.reopened_books({book: manna.ops.closings(book) for book in manna.books}),
        *conditions.plans_to_approve(plans),
        *conditions.order_problems(manna.ops.order_problems(now - ORDER_DAYS, now)),
    ]
    for book in manna.books.values():
        if book.id not in planned:  # the plan that waits says the same, and what to do
            found += money.drifted(book, drift)
    return found


def _of_money(manna: Installation) -> list[Condition]:
    accounts, balances = manna.lake.read("clean.accounts"), manna.lake.read("clean.balances")
    recurring, budget = manna.lake.read("categorized.recurring"), manna.lake.read("reports.budget")
    performance = manna.lake.read("portfolio.performance", {"scope": "book"})
    found = money.reconciliation_breaks(manna.lake.read("ledger.reconciliation"), accounts)
    for book in manna.books.values():
        owned = money.held(book, accounts, balances)
        coming = recurring.filter(pl.col("book") == book.id).to_dicts()
        found += money.low_balances(book, owned)
        found += money.projected_lows(book, owned, coming, today(manna, book))
        found += money.overspent(book, money.newest_budget(book, budget))
        found += money.losses(book, money.market_returns(book, performance))
    return found


def habits(manna: Installation) -> dict[str, Habits]:
    """When the people of each book want to hear of things; of what concerns none, by the clock of UTC."""
    found = {"": Habits("UTC", None, Telling().digest)}
    for book in manna.books.values():
        told = book.telling
        quiet = (told.quiet_from, told.quiet_to) if told.quiet_from and told.quiet_to else None
        found[book.id] = Habits(book.time_zone, quiet, told.digest)
    return found


def checks_that_fail(instance: dg.DagsterInstance) -> list[tuple[str, str, str]]:
    """Checks whose latest execution failed: (asset, check, run id). Findings have alerts of their own."""
    checks = defined().resolve_asset_graph().asset_check_keys
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
    return [
        (key.asset_key.to_user_string().replace("/", "."), key.name, record.run_id)
        for key, record in sorted(latest.items(), key=lambda item: str(item[0]))
        if record.status.value == "FAILED" and key.name != FINDINGS_CHECK
    ]
