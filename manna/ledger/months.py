"""Which months changed: one hash per month of all that its reports depend on.

What belongs here: that hash. What does not: what is done about a changed month (``pipelines``).
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import polars as pl

from manna.contracts.declaration import content_hashes
from manna.contracts.ledger import MONTHS, POSTINGS

_HASHES = pl.Schema({name: kind for name, kind in MONTHS.polars_schema.items() if name != "known_at"})


def month_hashes(
    book_id: str,
    postings: pl.DataFrame,
    *,
    today: date,
    extras: Mapping[date, str] | None = None,
    throughout: str = "",
) -> pl.DataFrame:
    """For each month a hash of all postings up to its end and all extras up to it.

    A month's reports show balances, so they depend on everything before it: each month's hash is taken
    over the hash of the month before, and a change in one month reaches all later ones and no earlier.

    Args:
        postings: ledger.postings of one book, in any order.
        today: the last month is this day's; postings dated after it are in no month yet.
        extras: by first day of the month, a hash of whatever else its reports show (valuations,
            reconciliation). Net worth shows earlier months again, so these are chained too.
        throughout: what the reports of every month show.

    Returns:
        ``book, month, content_hash``: one row per month from that of the first posting, without gaps; none without
        postings.
    """
    if postings.is_empty():
        return pl.DataFrame(schema=_HASHES)
    own_hashes = content_hashes(POSTINGS, postings, pl.col("date").dt.truncate("1mo"))
    extras = extras or {}
    month, rows, chained = min(own_hashes), [], throughout
    while month <= today:
        own = own_hashes.get(month, "")
        text = "\x1f".join((chained, month.isoformat(), own, extras.get(month, "")))
        chained = hashlib.sha256(text.encode()).hexdigest()
        rows.append((book_id, month, chained))
        month = (month + timedelta(days=31)).replace(day=1)
    return pl.DataFrame(rows, schema=_HASHES, orient="row")


def since_when(hashes: pl.DataFrame, before: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """ledger.months: ``hashes`` with the moment since which each is so; what has not changed keeps its moment.

    Args:
        hashes: :func:`month_hashes`.
        before: ledger.months of the same book as it stands.
        now: the moment of the facts that ``hashes`` follow from.
    """
    known = hashes.join(before, on=_HASHES.names(), how="left", maintain_order="left")
    return MONTHS.conform(known.with_columns(pl.col("known_at").fill_null(now)))
