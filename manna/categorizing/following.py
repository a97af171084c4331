"""What a person decided on a row holds for the row that took its place.

What belongs here: following decisions along clean.successions. What does not: which row succeeds which
(``manna.cleaning.succession``) and what a decision does (``deciding``).
"""

import polars as pl

from manna.cleaning.succession import chain

DECISIONS = {
    "transaction_id": pl.String,
    "category": pl.String,
    "note": pl.String,
    "splits": pl.String,
    "decided_by": pl.String,
}


def followed(decisions: pl.DataFrame, successions: pl.DataFrame) -> pl.DataFrame:
    """Decisions by the rows they hold for now: a person's last word on any row of a chain is its word.

    Args:
        decisions: every decision, oldest first: columns of :data:`DECISIONS`.
        successions: rows of clean.successions; those that are not certain lead nowhere.

    Returns:
        One row per transaction: the columns of :data:`DECISIONS`, and ``decided_on``, the id of the row the
        person saw. A row that is still there beside its successor keeps the decision too.
    """
    onward = _onward(successions)
    last: dict[str, tuple[str | None, ...]] = {}
    for decision in decisions.select(*DECISIONS).iter_rows():
        for transaction_id in chain(decision[0], onward):
            last[transaction_id] = (transaction_id, *decision[1:], decision[0])
    rows = [last[transaction_id] for transaction_id in sorted(last)]
    return pl.DataFrame(rows, schema={**DECISIONS, "decided_on": pl.String}, orient="row")


def proposals(decisions: pl.DataFrame, successions: pl.DataFrame) -> pl.DataFrame:
    """Decisions that may hold for a posted row whose amount has changed, until a person decides on that row.

    Args: see :func:`followed`.

    Returns:
        ``book, predecessor_id, successor_id, category, decided_by, reason``.
    """
    settled = followed(decisions, successions)
    unsure = successions.filter(~pl.col("certain")).join(
        settled, left_on="successor_id", right_on="transaction_id", how="anti"
    )
    columns = ["book", "predecessor_id", "successor_id", "category", "decided_by", "reason"]
    found = unsure.join(settled, left_on="predecessor_id", right_on="transaction_id")
    return found.select(columns).sort("book", "predecessor_id")


def _onward(successions: pl.DataFrame) -> dict[str, str]:
    certain = successions.filter("certain").select("predecessor_id", "successor_id")
    return dict(certain.iter_rows())
