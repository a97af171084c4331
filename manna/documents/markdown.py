"""Tables as Markdown, for Dagster's UI: what a person sees of an asset without opening a database.

What belongs here: rows as a table in which nothing from outside is markup, and no number of an account stands. What does
not: pictures (``plots``), plans (``plan_tables``).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from manna.documents.masking import masked

_LONGEST = 80


def table(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Rows under their headings."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(plain(cell) for cell in line)} |" for line in lines)


def preview(frame: pl.DataFrame, most: int = 20) -> str:
    """The first ``most`` rows of a frame, and how many more there are. Columns are headings: choose them."""
    if frame.is_empty():
        return "No rows."
    header = [name.replace("_", " ") for name in frame.columns]
    shown = table(header, (map(_cell, row) for row in frame.head(most).rows()))
    more = frame.height - most
    return shown if more <= 0 else f"{shown}\n\n{more:,} more."


def plain(cell: Any) -> str:
    """A text from outside stays one: nothing of it is markup."""
    text = "" if cell is None else str(cell)
    return (
        text.replace("\\", "\\\\")
        .replace("|", "\\|")
        .replace("<", "&lt;")
        .replace("`", "'")
        .replace("[", "\\[")
        .replace("\n", " ")
    )


def _cell(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else masked(str(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
