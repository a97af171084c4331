"""Rows of a former login that the one linked later does not list, though it covers their days.

What belongs here: telling people of them. What does not: which rows those are (``manna.cleaning.relinking``).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from manna.validating.finding import Finding

NAMED = 3
"""So many rows a message names; all are among the finding's rows."""


def unlisted_rows(transactions: pl.DataFrame, trades: pl.DataFrame) -> list[Finding]:
    """A finding per account and day on which a later login turned out not to list rows that we have.

    Args:
        transactions, trades: the tables of ``clean``.

    Returns:
        Kind ``unlisted_row``, a ``warning``: the bank must have removed them while no login answered, so they
        are left out. Kind ``unlisted_history``, ``critical``: they are too many to believe that, so they are
        kept, and what the later login sent in another form is counted twice. At stake is what they move.
    """
    columns = ["book", "account_id", "date", "amount", "currency", "description", "removed", "removed_on"]
    rows = pl.concat(
        table.filter("unlisted", pl.col("superseded_by").is_null())
        .select(key, *columns)
        .rename({key: "row_id"})
        for table, key in ((transactions, "transaction_id"), (trades, "trade_id"))
    ).sort("date", "row_id")
    parts = rows.group_by("book", "account_id", "currency", "removed", "removed_on", maintain_order=True)
    return [finding for _, part in parts for finding in _told(part.to_dicts())]


def _told(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    first, gone = rows[0], rows[0]["removed"]
    named = [
        f"{row['date']} {row['description']} {row['amount']:,.2f} {row['currency']}" for row in rows[:NAMED]
    ]
    more = [f"{len(rows) - NAMED} more"] if len(rows) > NAMED else []
    outcome = (
        "the bank removed them meanwhile, and they are left out"
        if gone
        else "too many for that to be the bank's word: they are kept, and may be counted twice"
    )
    yield Finding(
        book=first["book"],
        kind="unlisted_row" if gone else "unlisted_history",
        severity="warning" if gone else "critical",
        subject=first["account_id"],
        since=first["date"],
        until=rows[-1]["date"],
        message=f"the login linked anew covers their days and does not list: {'; '.join([*named, *more])}; {outcome}",
        amount=sum((abs(row["amount"]) for row in rows), Decimal(0)),
        currency=first["currency"],
        rows=tuple(row["row_id"] for row in rows),
    )
