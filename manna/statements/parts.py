"""The parts that a figure is made of, in one form for every statement.

What belongs here: their columns, and choosing postings by a line's account. What does not: which parts a line has
(:mod:`explaining`, :mod:`explaining_schedules`).
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

PARTS = ("date", "account", "amount", "currency", "entry_id", "posting_id", "source_table", "source_id")
"""Columns of an explanation. ``source_table`` and ``source_id`` stand only where no entry does."""

Line = Mapping[str, Any]


def as_parts(postings: pl.DataFrame, others: pl.DataFrame | None = None) -> pl.DataFrame:
    """Postings and what is no posting, in columns :data:`PARTS`, in order of days."""
    frames = [frame for frame in (postings, others) if frame is not None]
    named = [
        frame.select(
            *(
                pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String).alias(name)
                for name in PARTS
            )
        )
        for frame in frames
    ]
    joined = named[0] if len(named) == 1 else pl.concat(named, how="vertical_relaxed")
    return joined.sort("date", "posting_id", "source_id", maintain_order=True)


def of_account(line: Line, column: str = "account") -> pl.Expr:
    """Postings of a line's account, or of the group whose subtotal it is; ``column`` has what they stand as."""
    account, name = pl.col(column), str(line["account"])
    if line["level"] == "line":
        return account == name
    return (account == name) | account.str.starts_with(f"{name}:")
