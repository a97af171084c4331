"""What an operator must hear about: when (``conditions``), how an alert lives (``life``), and whom it reaches when (``telling``).

What belongs here: pure functions. What does not: storing (``resources.alerts``) or sending (``resources.notifier``).
"""

from manna.alerting.conditions import (
    Condition,
    broken_connections,
    decisions_to_review,
    failed_checks,
    grouped,
    held_reports,
    low_balances,
    open_questions,
    order_problems,
    plans_to_approve,
    quarantined_rows,
    reopened_books,
    things_to_look_at,
    worth_telling,
)

__all__ = [
    "Condition",
    "broken_connections",
    "decisions_to_review",
    "failed_checks",
    "grouped",
    "held_reports",
    "low_balances",
    "open_questions",
    "order_problems",
    "plans_to_approve",
    "quarantined_rows",
    "reopened_books",
    "things_to_look_at",
    "worth_telling",
]
