"""Closed periods: what was reported stays, and what became known later is an adjusting entry in the open period.

What belongs here: which days are closed, the postings of a book whose periods were closed, and the bridge from what
was reported to what is known now. What does not: whether a period may be closed (``manna.standing``), or storing.

The books as they follow from all facts are *the truth*; the books as they stand are, up to the last closed day,
those that were reported, and the truth after it. The first open day takes what the two differ by, entry by entry. So
from that day on every balance is the true one, no closed month changes, and the sum of all adjusting entries
that belong to a closed day is exactly what its reports would change by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from manna.contracts.closings import ADJUSTMENTS, CLOSED_JOURNAL, CLOSED_POSTINGS
from manna.contracts.ledger import JOURNAL, POSTINGS
from manna.ledger.journal import identity

CLOSE, REOPEN, FILE = "close", "reopen", "file"
_DAY = timedelta(days=1)
_LINE = ["account", "account_id", "currency", "security_id", "lot_id"]
_ENTRY = ["adjusts", "tax_date"]
_PREFIX = r"^Adjustment of \S+: "


@dataclass(frozen=True, slots=True)
class Closed:
    """Days closed at one moment and not reopened since: ``since`` to ``through``, both included."""

    known_at: datetime
    since: date
    through: date


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Journal and postings of a book as they stand, and its rows of ``ledger.adjustments``."""

    journal: pl.DataFrame
    postings: pl.DataFrame
    adjustments: pl.DataFrame


def closed_days(closings: Iterable[Mapping[str, Any]]) -> list[Closed]:
    """The closed days of a book, oldest first, each with the closing by which it is closed.

    Args:
        closings: rows of ``ops.closings`` of one book, oldest first. ``through`` of a reopening is the last day that
            stays closed. Filing a tax year closes and opens nothing.
    """
    found: list[Closed] = []
    for row in closings:
        if row["action"] == REOPEN:
            kept = [days for days in found if days.since <= row["through"]]
            found = [Closed(days.known_at, days.since, min(days.through, row["through"])) for days in kept]
        elif row["action"] == CLOSE:
            since = found[-1].through + _DAY if found else date.min
            found.append(Closed(row["known_at"], since, row["through"]))
    return found


@dataclass(frozen=True, slots=True)
class Reopened:
    """Days that were closed and are open now: after ``after``, up to ``until``."""

    after: date
    until: date
    at: datetime
    by: str
    reason: str

    @property
    def words(self) -> str:
        """One line, for covers and alerts."""
        return (
            f"closed through {self.until}, and reopened after {self.after} "
            f"by {self.by} on {self.at:%Y-%m-%d}: {self.reason}"
        )

    def touches(self, month: date) -> bool:
        """Whether days of this month (its first day) were reopened."""
        return self.after < (month + timedelta(days=31)).replace(day=1) - _DAY and month <= self.until


def reopened(closings: Iterable[Mapping[str, Any]]) -> Reopened | None:
    """The days that a book's last reopening opened and nobody has closed again since; null where there are none."""
    until: date | None = None
    found: Reopened | None = None
    for row in closings:
        if row["action"] == CLOSE:
            until = max(until or row["through"], row["through"])
            found = None if found is None or row["through"] >= found.until else found
        elif row["action"] == REOPEN and until is not None:
            found = Reopened(row["through"], until, row["known_at"], row["decided_by"], row["reason"] or "")
    return found


def closed_through(closings: Iterable[Mapping[str, Any]]) -> date | None:
    """The last closed day of a book; null where none is closed."""
    days = closed_days(closings)
    return days[-1].through if days else None


def adjusted(
    journal: pl.DataFrame,
    postings: pl.DataFrame,
    closings: Sequence[Mapping[str, Any]],
    closed_journal: pl.DataFrame,
    closed_postings: pl.DataFrame,
) -> Adjusted:
    """The books of one book as they stand, from the truth and from what was reported.

    Args:
        journal, postings: the truth: what follows from all that is known now, each on its own day.
        closings: rows of ``ops.closings``, oldest first.
        closed_journal, closed_postings: what the closings have kept: rows of the tables of those names.
    """
    days = closed_days(closings)
    if not days:
        return Adjusted(journal, postings, ADJUSTMENTS.empty())
    through = days[-1].through
    kept, entries = _kept(closed_postings, days), _kept(closed_journal, days)
    late = _differences(postings.filter(pl.col("date") <= through), kept).sort(_ENTRY)
    opened = through + _DAY
    made, made_entries = _entries(late, opened), _headings(late, opened, journal, entries, kept)
    is_open = pl.col("date") > through
    open_journal, open_postings, moved = _moved(journal.filter(is_open), postings.filter(is_open), kept)
    whole = [POSTINGS.conform(kept), POSTINGS.conform(made), open_postings]
    headings = [JOURNAL.conform(entries), made_entries, open_journal]
    old = kept.filter(pl.col("adjusts") != pl.col("entry_id"))
    adjustments = pl.concat([ADJUSTMENTS.conform(rows) for rows in (old, made, moved)]).unique("entry_id")
    return Adjusted(
        pl.concat(headings).sort("date", "entry_id"),
        pl.concat(whole).sort("date", "posting_id"),
        adjustments.sort("entry_id"),
    )


def to_be_kept(books: Adjusted, closed: Closed) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a closing keeps: rows of ``ledger.closed_journal`` and ``closed_postings``, from the books as they stand."""
    of_adjustment = books.adjustments.select("entry_id", "tax_date", "adjusts")
    at = pl.lit(closed.known_at).alias("known_at")
    is_closed = pl.col("date").is_between(closed.since, closed.through)
    postings = (
        books.postings.filter(is_closed)
        .join(of_adjustment, on="entry_id", how="left", maintain_order="left")
        .with_columns(
            at, tax_date=pl.coalesce("tax_date", "date"), adjusts=pl.coalesce("adjusts", "entry_id")
        )
    )
    journal = books.journal.filter(is_closed).with_columns(at)
    return CLOSED_JOURNAL.conform(journal), CLOSED_POSTINGS.conform(postings)


def with_tax_dates(postings: pl.DataFrame, adjustments: pl.DataFrame) -> pl.DataFrame:
    """``postings`` with ``tax_date``: the day a posting belongs to, whatever day it could still be booked on.

    And with ``adjusts``: the entry that its entry belongs to, its own or the one that it corrects.
    """
    days = adjustments.select("entry_id", "tax_date", "adjusts")
    found = postings.join(days, on="entry_id", how="left", maintain_order="left")
    return found.with_columns(
        pl.coalesce("tax_date", "date").alias("tax_date"),
        pl.coalesce("adjusts", "entry_id").alias("adjusts"),
    )


def restatement(books: Adjusted, first: date, last: date) -> pl.DataFrame:
    """The bridge of a closed period: what was reported, what is known now, entry by entry.

    Args:
        books: the books as they stand.
        first, last: the period, both days included.

    Returns:
        ``tax_date, account, currency, description, reported, known, difference, booked_on, entry_id, source_table,
        source_id``, one row per entry and account that differ, and none for what does not. ``reported`` is what the
        entry came to in that account in the closed books, ``known`` what it comes to, positive = debit; ``difference``
        is what has been booked since, on the day ``booked_on``. The differences of an account sum to what its
        reported balance falls short of the true one.
    """
    dated = with_tax_dates(books.postings, books.adjustments)
    of_period = dated.filter(pl.col("tax_date").is_between(first, last))
    late = of_period.filter(pl.col("adjusts") != pl.col("entry_id"), pl.col("date") > last)
    line = ["adjusts", "tax_date", "account", "currency"]
    told = of_period.filter(pl.col("date") <= last)
    reported = told.group_by(line).agg(reported=pl.col("amount").sum())
    names = books.journal.select("entry_id", "description", "source_table", "source_id")
    return (
        late.group_by([*line, "entry_id", "date"])
        .agg(difference=pl.col("amount").sum())
        .filter(pl.col("difference") != 0)
        .join(reported, on=line, how="left")
        .join(names, on="entry_id", how="left")
        .sort("tax_date", "adjusts", "account", "date")
        .with_columns(pl.col("reported").fill_null(0))
        # Of several corrections of one entry each goes on from the one before.
        .with_columns(known=pl.col("reported") + pl.col("difference").cum_sum().over(line))
        .with_columns(reported=pl.col("known") - pl.col("difference"))
        .select(
            "tax_date", "account", "currency", "description", "reported", "known", "difference",
            booked_on="date", entry_id="adjusts", source_table="source_table", source_id="source_id",
        )
    )  # fmt: skip


def _kept(frame: pl.DataFrame, days: Sequence[Closed]) -> pl.DataFrame:
    """The rows that the closings in force have kept."""
    is_closed = pl.lit(False)
    for closed in days:
        is_closed |= (pl.col("known_at") == closed.known_at) & pl.col("date").is_between(
            closed.since, closed.through
        )
    return frame.filter(is_closed).drop("known_at")


def _differences(truth: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """What the truth of closed days has beyond what was reported, by entry, day it belongs to, and line.

    An entry of another day counts as taken from one and added to the other.
    """
    columns = [*_ENTRY, "book", *_LINE, "amount", "quantity"]
    now = truth.with_columns(adjusts="entry_id", tax_date="date").select(columns)
    was = kept.select(columns).with_columns(-pl.col("amount", "quantity"))
    sums = (
        pl.concat([now, was], how="vertical_relaxed")
        .group_by([*_ENTRY, "book", *_LINE])
        .agg(pl.col("amount").sum(), pl.col("quantity").sum(), counted=pl.col("quantity").is_not_null().any())
    )
    return sums.filter((pl.col("amount") != 0) | (pl.col("quantity") != 0)).with_columns(
        quantity=pl.when("counted").then("quantity")
    )


def _moved(
    journal: pl.DataFrame, postings: pl.DataFrame, kept: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Journal and postings of open days, in which an entry that was reported on a closed day has an id of its own.

    Its bank has given it another day since: it is taken back by an adjusting entry, and booked on that day. Also
    returns its rows of ``ledger.adjustments``.
    """
    twice = journal.select("entry_id").join(kept, on="entry_id", how="semi")["entry_id"].to_list()
    ids = {entry_id: identity("ledger.moved", entry_id) for entry_id in twice}
    if not ids:
        return journal, postings, ADJUSTMENTS.empty()
    of_entry = pl.col("entry_id").is_in(twice)
    moved = journal.filter(of_entry).with_columns(adjusts="entry_id", tax_date="date")
    position = pl.col("posting_id").str.strip_prefix(pl.col("entry_id"))
    renamed = pl.col("entry_id").replace(ids)
    postings = postings.with_columns(
        renamed,
        posting_id=pl.when(of_entry).then(pl.concat_str(renamed, position)).otherwise("posting_id"),
    )
    return journal.with_columns(renamed), postings, moved.with_columns(renamed)


def _entries(late: pl.DataFrame, opened: date) -> pl.DataFrame:
    """The postings of adjusting entries, booked on the first open day; also columns of ``ledger.adjustments``."""
    ids = [
        identity("ledger.adjustments", f"{adjusts}/{day}/{opened}")
        for adjusts, day in late.select(_ENTRY).iter_rows()
    ]
    numbered = late.with_columns(pl.Series("entry_id", ids, dtype=pl.String), date=pl.lit(opened))
    ordered = numbered.sort("entry_id", *_LINE, nulls_last=True)
    position = pl.int_range(1, pl.len() + 1).over("entry_id").cast(pl.String).str.zfill(3)
    return ordered.with_columns(posting_id=pl.format("{}-{}", "entry_id", position))


def _headings(
    late: pl.DataFrame, opened: date, journal: pl.DataFrame, closed_journal: pl.DataFrame, kept: pl.DataFrame
) -> pl.DataFrame:
    """The adjusting entries: each names the source of the entry it adjusts, as it is now, else as it was."""
    made = (
        _entries(late, opened)
        .select(*_ENTRY, "entry_id", "book", "date")
        .unique("entry_id", maintain_order=True)
    )
    # What was never reported itself may have been reported as an adjustment, and be gone again.
    before = closed_journal.join(kept.select("entry_id", "adjusts").unique(), on="entry_id", how="left")
    was = before.with_columns(
        entry_id=pl.coalesce("adjusts", "entry_id"),
        description=pl.col("description").str.replace(_PREFIX, ""),
    )
    known = pl.concat([journal, JOURNAL.conform(was)]).unique("entry_id", keep="first", maintain_order=True)
    names = known.select(pl.col("entry_id").alias("adjusts"), pl.exclude("entry_id", "book", "date", "kind"))
    found = made.join(names, on="adjusts", how="left", maintain_order="left").with_columns(
        kind=pl.lit("adjustment"),
        description=pl.format("Adjustment of {}: {}", pl.col("tax_date").cast(pl.String), "description"),
    )
    return JOURNAL.conform(found)
