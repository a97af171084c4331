"""Conditions found in tables: what is worth an alert, and its words.

What belongs here: pure functions from tables to conditions. What does not: what becomes of a condition (``life``), or
storing and sending (``resources.alerts``, ``resources.notifier``).
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from manna.connections import BROKEN
from manna.documents.masking import masked
from manna.ledger.closing import reopened

if TYPE_CHECKING:
    from manna.rebalancing.plan_document import PlanDocument
    from manna.rebalancing.standing import State

Condition = dict[str, Any]

OF_CONNECTIONS = " every_connection_answered"
"""How the fingerprint of the check of connections ends."""


def broken_connections(
    connections: Iterable[Mapping[str, Any]], silent: Container[str] = ()
) -> list[Condition]:
    """Connections that do not answer, or soon will not; what was unlinked is nobody's concern.

    A login that must be renewed or was revoked is critical: nothing comes until a person acts. ``silent``: providers that
    answer nobody, which is the cause that their logins are degraded.
    """
    return [
        condition(
            row["book"],
            "connection",
            row["connection_id"],
            "critical" if row["status"] in ("login_required", "revoked") else "warning",
            f"{row['institution']} {'does not answer' if row['status'] in BROKEN else 'wants its login renewed'}: "
            f"{row['error'] or row['status']}",
        )
        | ({"cause": of_provider(row["provider"])} if _waits(row, silent) else {})
        for row in connections
        if row["status"] in BROKEN or row["status"] == "pending_expiration"
    ]


def of_provider(name: str) -> str:
    """The fingerprint of a provider that answers nobody (``platform.silent_providers``)."""
    return f"provider:all:{name}"


def _waits(row: Mapping[str, Any], silent: Container[str]) -> bool:
    return row["status"] == "degraded" and row["provider"] in silent


def quarantined_rows(quarantine: pl.DataFrame) -> list[Condition]:
    """One alert per book and table whose rows were refused: they are missing from every figure.

    ``quarantine``: the rows that are open; of those that were discarded nobody need hear.
    """
    counts = quarantine.group_by("book", "table_name").agg(pl.len().alias("rows"))
    return [
        condition(
            row["book"],
            "quarantine",
            row["table_name"],
            "warning",
            f"{row['rows']} row{'s' if row['rows'] > 1 else ''} of {row['table_name']} in quarantine: "
            "left out of every figure until settled (`manna quarantine list` shows them)",
        )
        for row in counts.sort("book", "table_name").iter_rows(named=True)
    ]


def things_to_look_at(findings: pl.DataFrame, accounts: pl.DataFrame) -> list[Condition]:
    """One alert per kind of finding and subject, however many there are of it; none for mere information.

    Not for possible duplicates: those have alerts one by one (:func:`worth_telling`), for a while.

    ``findings``: rows of clean.findings; the worst, then the latest, gives the alert its words.
    """
    names = {
        row["account_id"]: f"{row['institution']} {row['name']}: " for row in accounts.iter_rows(named=True)
    }
    wanted = findings.filter(pl.col("severity") != "info", pl.col("kind") != "possible_duplicate")
    wanted = wanted.with_columns(critical=pl.col("severity") == "critical")
    found = []
    for _, part in wanted.sort("book", "kind", "subject").group_by(
        ["book", "kind", "subject"], maintain_order=True
    ):
        worst = part.sort("critical", "until", "finding_id").row(-1, named=True)
        more = f" (and {part.height - 1} more)" if part.height > 1 else ""
        words = f"{names.get(worst['subject'], '')}{worst['message']}{more}"
        found.append(
            condition(
                worst["book"], "finding", f"{worst['kind']} {worst['subject']}", worst["severity"], words
            )
        )
    return found


def worth_telling(insights: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """One alert per insight: what may want a call to the bank or the merchant is a warning, the rest is information.

    ``insights``: rows of categorized.insights.
    """
    return [
        condition(
            row["book"],
            "missed_payment" if row["kind"] == "missed" else row["kind"],
            row["insight_id"],
            "warning" if row["kind"] in ("missed", "possible_duplicate") else "info",
            row["message"],
        )
        for row in insights
    ]


def open_questions(questions: pl.DataFrame) -> list[Condition]:
    """Accounts that are held until somebody says whether they continue another one (clean.account_questions)."""
    return [
        condition(
            row["book"],
            "account_question",
            row["account_id"],
            "warning",
            f"{row['institution']} {row['name'] or 'account'}: is it one that is known already? ({row['reason']}) "
            "It is left out of every figure until `manna accounts same` or `manna accounts different` says so",
        )
        for row in questions.sort("account_id").iter_rows(named=True)
    ]


def decisions_to_review(proposals: pl.DataFrame) -> list[Condition]:
    """One alert per book with decisions on pending rows that posted with another amount."""
    counts = proposals.group_by("book").agg(pl.len().alias("rows")).sort("book")
    return [
        condition(
            book,
            "decision_review",
            "changed amounts",
            "info",
            f"{rows} decision{'s' if rows > 1 else ''} on pending rows that posted with another amount: "
            "`manna accounts review` shows them",
        )
        for book, rows in counts.iter_rows()
    ]


def failed_checks(failed: Sequence[tuple[str, str, str]]) -> list[Condition]:
    """Checks whose last execution failed: (asset, check, run id)."""
    return [
        condition("all", "failed_check", f"{asset} {check}", "warning", f"check {check} of {asset} fails")
        for asset, check, _ in failed
    ]


def held_reports(publications: pl.DataFrame) -> list[Condition]:
    """Reports that are not published, with the reason."""
    return [
        condition(
            row["book"],
            "held_report",
            f"{row['period']:%Y-%m}",
            "critical",
            f"reports for {row['period']:%Y-%m} are held back: {row['reason']}",
        )
        for row in publications.filter(pl.col("status") == "held").iter_rows(named=True)
    ]


def plans_to_approve(plans: Iterable[tuple["PlanDocument", "State"]]) -> list[Condition]:
    """Plans of trades that wait for an approval, with what they would do."""
    from manna.rebalancing.standing import PROPOSED

    return [
        condition(
            plan.book,
            "plan_to_approve",
            plan.plan_id,
            "warning",
            f"plan {plan.plan_id[:12]} to rebalance sells for {plan.amount('sell'):,.2f} and buys for "
            f"{plan.amount('buy'):,.2f} {plan.currency}, expected tax {plan.tax:,.2f}; it wants "
            f"{_approvals(plan.approvals - len(state.approved_by))} until {plan.expires_at:%Y-%m-%d %H:%M} UTC: "
            f"`manna rebalance show {plan.plan_id[:12]}`",
        )
        for plan, state in plans
        if state.status == PROPOSED
    ]


def _approvals(count: int) -> str:
    return "1 approval" if count == 1 else f"{count} approvals"


def reopened_books(closings: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Condition]:
    """Periods that were closed and are open again, until they are closed once more.

    ``closings``: rows of ``ops.closings``, oldest first, by book.
    """
    found = {book: reopened(rows) for book, rows in closings.items()}
    return [
        condition(book, "reopened", f"{days.after}", "critical", f"a closed period is open: {days.words}")
        for book, days in found.items()
        if days is not None
    ]


def order_problems(problems: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """Orders and executions that a person must look at (``resources.order_problems``): rejected, or worse.

    A rejection and a halt are warnings; where nobody knows what became of an order, or positions are not what fills
    would make them, it is critical.
    """
    advice = {
        "rejected": "`manna rebalance status` shows its plan",
        "unknown": "`manna rebalance execute` looks it up",
        "problem": "compare the account with its orders at the broker before anything else is traded",
        "unfinished": "`manna rebalance execute` brings it to its end",
        "halted": "`manna resume` lets it trade again",
    }
    return [
        condition(
            row["book"],
            "order",
            f"{row['kind']} {row['subject']}",
            "warning" if row["kind"] in ("rejected", "halted") else "critical",
            f"{row['words']}; {advice[row['kind']]}",
        )
        for row in problems
    ]


def condition(book: str, kind: str, subject: str, severity: str, message: str) -> Condition:
    """A condition; ``kind``, ``book`` and ``subject`` name it for good, ``severity`` and ``message`` may change.

    Whatever a bank or a person has written into the message, no account number in it is complete. What stands between
    backticks is ours to type, and stays as it is.
    """
    parts = message.split("`")
    message = "`".join(part if number % 2 else masked(part) for number, part in enumerate(parts))
    return {
        "fingerprint": f"{kind}:{book}:{subject}",
        "book": book,
        "kind": kind,
        "severity": severity,
        "message": message,
        "cause": None,
    }


def grouped(conditions: Sequence[Condition]) -> list[Condition]:
    """The conditions, each once, with the cause of those that follow from another.

    A broken connection is one thing to mend: that the check of connections fails, and that reports wait for its data,
    follows from it. Where several connections are broken the first critical one stands for the cause; that of the check may be a
    provider, too, that answers nobody.
    """
    found = list({one["fingerprint"]: one for one in conditions}.values())
    broken = [one for one in found if one["kind"] == "connection" and one["severity"] == "critical"]
    causes = broken or [one for one in found if one["kind"] == "provider"]
    by_book: dict[str, str] = {}
    for one in broken:
        by_book.setdefault(one["book"], one["fingerprint"])
    if not causes:
        return found
    return [
        {**one, "cause": by_book.get(one["book"], causes[0]["fingerprint"])}
        if _follows(one, by_book)
        else one
        for one in found
    ]


def _follows(condition: Condition, broken: Mapping[str, str]) -> bool:
    if condition["kind"] == "failed_check":
        return str(condition["fingerprint"]).endswith(OF_CONNECTIONS)
    # A payment that was expected did not come: nothing comes at all.
    return condition["kind"] == "missed_payment" and condition["book"] in broken
