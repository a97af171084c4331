"""Closing a period, opening it again, filing a year; and what speaks against it.

What belongs here: the checks before, what is kept, and the record of it. What does not: what a closing does to the books
(``manna.ledger.closing``), or printing.
"""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from assets.book_days import book_standing, closed_month, ledger_day, moment, today
from assets.ledger import MONTHS
from assets.month_contents import months_as_they_are
from assets.reports import WRITTEN
from assets.tear_sheets import is_closed, make, stale_months
from manna.contracts.closings import CLOSED_JOURNAL, CLOSED_POSTINGS, FILED_GAINS
from manna.contracts.declaration import content_hash
from manna.contracts.performance import TEAR_SHEETS
from manna.filing.amended import amended, as_filed, filed_years
from manna.ledger.closing import (
    CLOSE,
    FILE,
    REOPEN,
    Adjusted,
    closed_days,
    closed_through,
    restatement,
    to_be_kept,
)
from manna.ledger.differences import explained_differences, unexplained
from manna.standing import reasons_against_closing
from pipelines.reporting import require_book
from resources.installation import Installation
from resources.lake import Lake, LakeTransaction

_MADE = ("ledger.gains", "ledger.journal", "ledger.postings", MONTHS, *WRITTEN)
"""Tables whose locks a run holds while it reads closings and writes what follows from them; so does whoever adds one."""


class ClosingError(Exception):
    """The period cannot be closed, opened or filed. One line with every reason."""


def close(manna: Installation, book: str, through: date, by: str, reason: str | None = None) -> str:
    """Closes all days up to ``through``; returns the hash of what was closed.

    Raises:
        ReportError: no such book.
        ClosingError: with every reason against it. Nothing is closed.
    """
    require_book(manna, book)
    # From the first look to the record no run keeps books, hashes months or makes reports: what is kept is what was reported.
    with manna.lake.locked(_MADE):
        against = reasons_against(manna, book, through)
        if against:
            raise ClosingError(f"{book} cannot be closed through {through}: {'; '.join(against)}")
        return _closed(manna, book, through, by, reason)


def _closed(manna: Installation, book: str, through: date, by: str, reason: str | None) -> str:
    closings = manna.ops.closings(book)
    known_at = _after(closings, moment(manna, manna.lake))
    row = {"action": CLOSE, "through": through, "known_at": known_at}
    closed = closed_days([*closings, row])[-1]

    def work(transaction: LakeTransaction) -> str:
        journal, postings = to_be_kept(_books(transaction, book), closed)
        transaction.append(CLOSED_JOURNAL.address, journal)
        transaction.append(CLOSED_POSTINGS.address, postings)
        parts = (content_hash(CLOSED_JOURNAL, journal), content_hash(CLOSED_POSTINGS, postings))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    _finish_tear_sheets(manna, book, through)
    # First what is kept, then the record that makes it count: cut short between the two, nothing is closed.
    sha256 = manna.lake.commit([CLOSED_POSTINGS.address], work, author="close", message=book)
    manna.ops.add_closing({**row, "book": book, "content_sha256": sha256, "reason": reason, "decided_by": by})
    return sha256


def _finish_tear_sheets(manna: Installation, book: str, through: date) -> None:
    """Makes the tear sheets that will be kept from now on, where they are not of what is known by now."""
    months = [month for month in stale_months(manna, book) if is_closed(month, through)]
    if months:
        manna.lake.commit(
            [TEAR_SHEETS.address],
            lambda transaction: make(manna, [book], months, transaction),
            author="close",
            message=book,
        )


def reopen(manna: Installation, book: str, after: date, by: str, reason: str) -> date:
    """Opens every day after ``after`` again; returns the last day that was closed until now.

    What was kept of them stays in the lake, and an alert and the covers of their reports say so until they are closed.

    Raises:
        ReportError: no such book.
        ClosingError: nothing after that day is closed, or no reason is given.
    """
    require_book(manna, book)
    if not reason.strip():
        raise ClosingError("say why in --reason: it stands on the covers of the reports")
    with manna.lake.locked(_MADE):
        closings = manna.ops.closings(book)
        through = closed_through(closings)
        if through is None or through <= after:
            raise ClosingError(f"{book} is closed through {through}: nothing after {after} is to be opened" if through else f"nothing of {book} is closed")  # fmt: skip
        known_at = _after(closings, manna.settings.now())
        row = {"action": REOPEN, "through": after, "known_at": known_at, "content_sha256": None}
        manna.ops.add_closing({**row, "book": book, "reason": reason, "decided_by": by})
    return through


def file_year(manna: Installation, book: str, year: int, by: str, reason: str | None = None) -> int:
    """Keeps the realized gains of a closed year as they are filed; returns how many.

    Raises:
        ReportError: no such book.
        ClosingError: the year is not closed.
    """
    require_book(manna, book)
    with manna.lake.locked(_MADE):  # else the year could be opened again before it is recorded as filed
        return _filed(manna, book, year, by, reason)


def _filed(manna: Installation, book: str, year: int, by: str, reason: str | None) -> int:
    closings = manna.ops.closings(book)
    last, through = date(year, 12, 31), closed_through(closings)
    if through is None or through < last:
        raise ClosingError(
            f"{year} of {book} is not closed: `manna close --book {book} --through {last}` first"
        )
    gains = manna.lake.read("ledger.gains", {"book": book}).filter(pl.col("closed").dt.year() == year)
    known_at = _after(closings, moment(manna, manna.lake))
    filed = FILED_GAINS.conform(gains.with_columns(pl.lit(known_at).alias("known_at")))
    manna.lake.commit(
        [FILED_GAINS.address],
        lambda transaction: transaction.append(FILED_GAINS.address, filed),
        author="file",
        message=f"{book} {year}",
    )
    row = {"action": FILE, "through": last, "known_at": known_at}
    sha256 = content_hash(FILED_GAINS, filed)
    manna.ops.add_closing({**row, "book": book, "content_sha256": sha256, "reason": reason, "decided_by": by})
    return filed.height


def reasons_against(manna: Installation, book: str, through: date) -> list[str]:
    """Every reason why the days up to ``through`` cannot be closed; none when they can."""
    closed = closed_through(manna.ops.closings(book))
    if closed is not None and through <= closed:
        return [f"it is closed through {closed} already"]
    if through >= today(manna, manna.books[book]):
        return ["that day is not over yet"]
    scope = {"book": book}
    found = reasons_against_closing(book_standing(manna, book, manna.lake), through)
    if manna.lake.read("ledger.months", scope).is_empty():
        return [*found, "there are no books yet: `manna run nightly_close` first"]
    changed = _changed(manna, book, through)
    if changed is not None:
        found.append(
            f"the books have changed since the reports of {changed:%Y-%m} were made (rows, decisions or the book's file): "
            "`manna run nightly_close` first"
        )
    else:
        found += _unpublished(manna, book, through)
    of_period = pl.col("as_of") <= through
    if closed is not None:
        of_period &= pl.col("as_of") > closed
    open_ = differences(manna.lake, book).filter(of_period)
    found += [f"{line} (`manna reconcile --book {book}`)" for line in unexplained(open_)]
    return found


def differences(lake: Lake, book: str, account: str | None = None) -> pl.DataFrame:
    """Every difference between ledger and provider, with the rows that explain it."""
    scope = {"book": book} if account is None else {"book": book, "account_id": account}
    tables = ("ledger.reconciliation", "clean.transactions", "clean.trades")
    return explained_differences(*(lake.read(table, scope) for table in tables))


def bridge(manna: Installation, book: str, first: date, last: date) -> pl.DataFrame:
    """The restatement of a closed period: see :func:`manna.ledger.closing.restatement`.

    Raises:
        ReportError: no such book.
        ClosingError: it is not closed.
    """
    require_book(manna, book)
    through = closed_through(manna.ops.closings(book))
    if through is None or through < last:
        raise ClosingError(f"{first} to {last} of {book} is not closed{f' (only through {through})' if through else ''}: it has no bridge")  # fmt: skip
    return restatement(_books(manna.lake, book), first, last)


def amended_return(manna: Installation, book: str, year: int) -> pl.DataFrame:
    """What a filed year's gains would be now where they differ: see :func:`manna.filing.amended.amended`.

    Raises:
        ReportError: no such book.
        ClosingError: the year has not been filed.
    """
    require_book(manna, book)
    closings, scope = manna.ops.closings(book), {"book": book}
    if year not in filed_years(closings):
        raise ClosingError(
            f"{year} of {book} has not been filed: `manna close --book {book} --file-year {year}`"
        )
    filed = as_filed(manna.lake.read(FILED_GAINS.address, scope), closings)
    return amended(filed, manna.lake.read("ledger.gains", scope), year)


def _books(lake: Lake | LakeTransaction, book: str) -> Adjusted:
    return Adjusted(
        *(lake.read(f"ledger.{table}", {"book": book}) for table in ("journal", "postings", "adjustments"))
    )


def _changed(manna: Installation, book: str, through: date) -> date | None:
    """The first open month up to that day that is not what its reports are made of: a run is at work, or was cut short."""
    rows = manna.lake.read(MONTHS, {"book": book})
    as_they_are = months_as_they_are(manna, book, ledger_day(manna.books[book], rows.to_dicts()), manna.lake)
    is_open = ~closed_month(pl.col("month"), closed_through(manna.ops.closings(book)))
    of_period = as_they_are.filter(is_open, pl.col("month") <= through)
    found: date | None = of_period.join(rows, on=["month", "content_hash"], how="anti")["month"].min()  # type: ignore[assignment]
    return found


def _unpublished(manna: Installation, book: str, through: date) -> list[str]:
    """Months up to that day whose reports are held or are not of the books as they are."""
    rows = manna.lake.query(
        "SELECT m.month, p.status, p.reason FROM ledger.months m LEFT JOIN reports.publications p "
        "ON p.book = m.book AND p.period = m.month AND p.tried_hash = m.content_hash "
        "WHERE m.book = ? AND m.month <= ? AND (p.status IS NULL OR p.status <> 'published') ORDER BY 1",
        [book, through],
    )
    return [
        f"the reports of {row['month']:%Y-%m} are "
        + (f"held: {row['reason']}" if row["status"] else "out of date")
        for row in rows.to_dicts()
    ]


def _after(closings: list[dict[str, Any]], now: datetime) -> datetime:
    """Now, but after every closing before: what was kept is found by its moment, and a clock may stand still."""
    last: datetime | None = closings[-1]["known_at"] if closings else None
    return now if last is None or last < now else last + timedelta(microseconds=1)
