"""Refused rows and what people decided about them: which are still open, and when they are too many.

What belongs here: that, and the short name a person calls a row by. What does not: why a row is refused
(``manna.cleaning``), or storing a decision (``resources.verdicts``).

A row that was discarded stays in ``raw`` and in ``clean.quarantine``; it only asks for nothing any more. The
decision is on its payload: when the provider sends another one, that is a new question.
"""

import hashlib
from collections.abc import Mapping

import polars as pl

ROW = ("book", "table_name", "source_id", "payload_sha256")
"""What identifies a refused row for a person's decision."""

DECISIONS: dict[str, pl.DataType] = {
    **dict.fromkeys(ROW, pl.String()),
    "decision": pl.String(),
    "reason": pl.String(),
    "decided_by": pl.String(),
    "known_at": pl.Datetime("us", "UTC"),
}
"""Columns of a decision: the row, ``discard`` or ``restore``, why, who and when."""

MOST_REFUSED, LEAST_ROWS = 0.2, 20
"""A table of which more than this share, and at least so many rows, is refused has met another format."""


def named(quarantine: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """``clean.quarantine`` with each row's name, whether it is open, and the decision on it.

    Args:
        quarantine: rows of the table.
        decisions: the latest decision per row, see :data:`DECISIONS`.

    Returns:
        The rows with ``id`` (ten characters), ``status`` (``open`` or ``discarded``) and, where there is a
        decision, ``decided_by``, ``decided_at`` and ``decision_reason``; by book, table and id.
    """
    last = decisions.rename({"reason": "decision_reason", "known_at": "decided_at"})
    found = quarantine.join(last, on=list(ROW), how="left", maintain_order="left")
    names = [_name(row) for row in found.select(ROW).iter_rows()]
    return found.with_columns(
        pl.Series("id", names, dtype=pl.String),
        status=pl.when((pl.col("decision") == "discard").fill_null(False))
        .then(pl.lit("discarded"))
        .otherwise(pl.lit("open")),
    ).sort("book", "table_name", "id", "batch_id")


def still_open(quarantine: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``clean.quarantine`` that nobody has discarded."""
    gone = decisions.filter(pl.col("decision") == "discard").select(ROW)
    return quarantine.join(gone, on=list(ROW), how="anti", maintain_order="left")


def too_many(kept: Mapping[str, int], refused: Mapping[str, int]) -> dict[str, str]:
    """Tables of which so much is refused that no single row can be at fault, with the words for it.

    Args:
        kept: rows per table.
        refused: open rows of the quarantine per table.
    """
    found = {}
    for table, count in refused.items():
        share = count / (count + kept.get(table, 0)) if count else 0.0
        if count >= LEAST_ROWS and share > MOST_REFUSED:
            found[table] = f"{count} rows refused, {share:.0%} of the table"
    return found


def _name(row: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(row).encode()).hexdigest()[:10]
