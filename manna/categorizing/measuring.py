"""How good a model is: from answers that were given before the label was known.

What belongs here: the figures, and whether a challenger may take a champion's place. What does not: the answers
(``learning``), what a change of model does to the books (``shadow``), or drawing the figures (``manna.documents.plots``).
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

LEAST = 20
"""Answers below which nothing is known of a model, and none is promoted."""
PRECISION = 0.99
"""What is posted unseen has to be right so often."""
TIE = 0.002
"""Two shares that differ by no more are equal: with a few hundred answers they cannot be told apart."""
_BINS = 10
_CONFUSIONS = 10

Figures = dict[str, Any]


def figures(answers: pl.DataFrame) -> Figures:
    """The figures of a model, ready for JSON. Shares are from 0 to 1; null where there was nothing to count.

    Args:
        answers: rows of ``learning.ANSWERS``.

    Returns:
        ``rows``; ``accuracy``; ``coverage``, the share it was certain of; ``precision`` of those; ``calibration_error``,
        the expected one (how far probability and share of right answers lie apart, in tenths of probability, weighted
        by rows); ``months``, ``bins`` and ``confusions`` for charts.
    """
    rows = answers.with_columns(
        right=(pl.col("answered") == pl.col("decided")).fill_null(False),
        probability=pl.col("probability").cast(pl.Float64),
    )
    bins = _bins(rows)
    error = (
        sum(one["rows"] * abs(one["right"] - one["probability"]) for one in bins) / rows.height
        if bins
        else None
    )
    return {
        "rows": rows.height,
        "accuracy": _share(rows, "right"),
        "coverage": _share(rows, "certain"),
        "precision": _share(rows.filter("certain"), "right"),
        "calibration_error": None if error is None else round(error, 4),
        "months": _months(rows),
        "bins": bins,
        "confusions": _confusions(rows),
    }


def _share(rows: pl.DataFrame, flag: str) -> float | None:
    mean = rows[flag].mean()
    return round(mean, 4) if isinstance(mean, float) else None


def _months(rows: pl.DataFrame) -> list[dict[str, Any]]:
    by_month = rows.group_by(month=pl.col("date").dt.truncate("1mo")).agg(
        rows=pl.len(), accuracy=pl.col("right").mean().round(4), coverage=pl.col("certain").mean().round(4)
    )
    return by_month.sort("month").with_columns(pl.col("month").cast(pl.String)).to_dicts()


def _bins(rows: pl.DataFrame) -> list[dict[str, Any]]:
    tenth = (pl.col("probability") * _BINS).floor().clip(0, _BINS - 1).cast(pl.Int64)
    by_bin = rows.group_by(bin=tenth).agg(
        rows=pl.len(),
        probability=pl.col("probability").mean().round(4),
        right=pl.col("right").mean().round(4),
    )
    return by_bin.sort("bin").to_dicts()


def _confusions(rows: pl.DataFrame) -> list[dict[str, Any]]:
    wrong = rows.filter(~pl.col("right")).group_by("decided", "answered").agg(rows=pl.len())
    return (
        wrong.sort("rows", "decided", "answered", descending=[True, False, False])
        .head(_CONFUSIONS)
        .to_dicts()
    )


def together(champion: pl.DataFrame, challenger: pl.DataFrame) -> tuple[Figures, Figures]:
    """Figures of both on the very rows that both answered."""
    ids = champion.select("transaction_id").join(challenger.select("transaction_id"), on="transaction_id")
    return tuple(figures(one.join(ids, on="transaction_id", how="semi")) for one in (champion, challenger))  # type: ignore[return-value]


def objections(
    challenger: Mapping[str, Any], champion: Mapping[str, Any], *, first: bool = False
) -> list[str]:
    """Why the challenger may not take the champion's place; empty if it may. All reasons, not the first.

    Args:
        challenger, champion: :func:`figures` on the same rows.
        first: there is no champion, and its figures are those of Plaid's category. That is only asked whether it is
            right more often: what it is certain of has another meaning.
    """
    if challenger["rows"] < LEAST:
        return [f"only {challenger['rows']} decisions to measure it by; {LEAST} are needed"]
    found = []
    shares = ("accuracy",) if first else ("accuracy", "coverage")
    for name in shares:
        if challenger[name] < champion[name] - TIE:
            found.append(f"{name} {challenger[name]:.1%} is below {champion[name]:.1%}")
    if not first and challenger["calibration_error"] > champion["calibration_error"] + TIE:
        found.append(
            f"calibration error {challenger['calibration_error']:.1%} is above {champion['calibration_error']:.1%}"
        )
    precision, before = challenger["precision"], champion["precision"] or 0.0
    if precision is not None and precision < PRECISION and (first or precision < before - TIE):
        found.append(f"of what it is certain of only {precision:.1%} is right")
    return found
