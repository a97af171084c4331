"""What `manna model` reads and changes: versions of the books' models, and which one is in use.

What belongs here: finding a version, and a person's word on which one is used. What does not: training
(``assets.model``), or how it is shown (``pipelines.cli.modelling``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from manna.categorizing.shadow import DIFFERENCE
from manna.categorizing.versions import standing
from pipelines.asked import UsageError
from resources.installation import Installation
from resources.model_files import ModelFileError

LISTED = {
    "model": pl.String(),
    "book": pl.String(),
    "trained_at": pl.Datetime(time_zone="UTC"),
    "in_use": pl.Boolean(),
    "decisions": pl.Int64(),
    "accuracy": pl.Float64(),
    "coverage": pl.Float64(),
    "precision": pl.Float64(),
    "calibration_error": pl.Float64(),
    "why_not": pl.String(),
}


def listed(manna: Installation, books: Sequence[str]) -> pl.DataFrame:
    """Every version of these books' models, the latest first: columns of :data:`LISTED`.

    ``why_not`` says what speaks against using it: a file that cannot be loaded, or what was found when it was trained.
    """
    rows = []
    for book in books:
        in_use = _standing(manna, book)[-1]
        for row in manna.ops.models(book):
            told = {**row["metrics"], **row, "model": row["model_id"], "in_use": row["model_id"] == in_use}
            told["why_not"] = _unusable(manna, row) or "; ".join(row["metrics"]["objections"])
            rows.append(tuple(told[name] for name in LISTED))
    return pl.DataFrame(rows, schema=LISTED, orient="row").sort(
        "trained_at", "model", descending=[True, False]
    )


def shown(manna: Installation, model: str) -> dict[str, Any]:
    """All that is known of one version, its figures and its shadow run included.

    Raises:
        UsageError: there is none of that name, or several.
    """
    row = found(manna, model)
    uses = [use for use in manna.ops.model_uses(row["book"]) if use["model_id"] == row["model_id"]]
    metrics = row.pop("metrics")
    return {
        **row,
        "in_use": _standing(manna, row["book"])[-1] == row["model_id"],
        "file": _unusable(manna, row) or "fine",
        "uses": [f"{use['known_at']:%Y-%m-%d %H:%M} by {use['decided_by']}: {use['reason']}" for use in uses],
        **metrics,
        "months": _columns(metrics["months"], "month", "rows", "accuracy", "coverage"),
        "bins": _columns(metrics["bins"], "bin", "rows", "probability", "right"),
        "confusions": _columns(metrics["confusions"], "rows", "decided", "answered"),
        "shadow": _columns(metrics["shadow"], *DIFFERENCE),
    }


def _columns(rows: Sequence[Mapping[str, Any]], *names: str) -> list[dict[str, Any]]:
    """JSON of Postgres keeps no order of names."""
    return [{name: row[name] for name in names} for row in rows]


def promote(manna: Installation, model: str, *, by: str, reason: str) -> str:
    """Puts a version into use, whatever speaks against it, and says so.

    Raises:
        UsageError: there is none of that name, several, or it is in use.
        ModelFileError: its file cannot be used.
    """
    row = found(manna, model)
    book, model_id = row["book"], row["model_id"]
    if _standing(manna, book)[-1] == model_id:
        raise UsageError(f"{model_id} is in use in {book} already")
    manna.model_files.read(model_id, row["file_sha256"])
    manna.ops.use_model(book, model_id, reason, by, manna.settings.now())
    return f"{book} uses {model_id}"


def roll_back(manna: Installation, book: str, *, by: str, reason: str) -> str:
    """Puts the version into use that was before the present one, or none if that was the first.

    Raises:
        UsageError: none is in use.
        ModelFileError: the file of the one before cannot be used.
    """
    before = _standing(manna, book)
    if before[-1] is None:
        raise UsageError(f"{book} uses no model")
    model_id = before[-2]
    if model_id is not None:
        manna.model_files.read(model_id, found(manna, model_id)["file_sha256"])
    manna.ops.use_model(book, model_id, reason, by, manna.settings.now())
    return f"{book} uses {model_id or 'no model'}"


def found(manna: Installation, model: str) -> dict[str, Any]:
    """The row of ``ops.models`` whose id begins with ``model``.

    Raises:
        UsageError: there is none, or there are several.
    """
    rows = [row for row in manna.ops.models() if model and row["model_id"].startswith(model)]
    if len(rows) != 1:
        which = f"{len(rows)} models begin with" if rows else "there is no model"
        raise UsageError(f"{which} {model!r}; `manna model list` shows what there is")
    return rows[0]


def _standing(manna: Installation, book: str) -> list[str | None]:
    return standing([use["model_id"] for use in manna.ops.model_uses(book)])


def _unusable(manna: Installation, row: Mapping[str, Any]) -> str | None:
    try:
        manna.model_files.read(row["model_id"], row["file_sha256"])
    except ModelFileError as error:
        return str(error)
    return None
