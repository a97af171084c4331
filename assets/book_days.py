"""On which day a book stands, and what its reports may claim by then.

What belongs here: today in a book's time zone, the moment of what is in the lake, the day of its ledger, and the days to
which its connections are complete. What does not: anything that is made for those days.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from manna.books import Book
from manna.standing import Standing, standing
from resources.installation import Installation
from resources.lake import Lake, LakeTransaction


def moment(manna: Installation, lake: Lake | LakeTransaction) -> datetime:
    """The moment of the facts that are in the lake: now, and not before any of them (a clock may stand still)."""
    last = lake.query("SELECT max(known_at) AS last FROM raw.batches")["last"][0]
    now = manna.settings.now()
    return max(now, last) if isinstance(last, datetime) else now


def ledger_day(book: Book, months: Iterable[Mapping[str, Any]]) -> date:
    """The day a book's reports stand on: that of the last change of its ``ledger.months``, where the book is.

    Not today's: reports that are made later from the same ledger are the same reports.
    """
    last: datetime = max(row["known_at"] for row in months)
    return last.astimezone(ZoneInfo(book.time_zone)).date()


def today(manna: Installation, book: Book) -> date:
    """The day it is in the book's time zone."""
    return manna.settings.now().astimezone(ZoneInfo(book.time_zone)).date()


def book_standing(manna: Installation, book_id: str, lake: Lake | LakeTransaction) -> Standing:
    """What the reports of a book may claim, by what is in the lake and how its connections fare."""
    scope = {"book": book_id}
    coverage, balances = lake.read("clean.coverage", scope), lake.read("clean.balances", scope)
    return standing(coverage, balances, manna.ops.connections(book=book_id))


def closed_month(month: pl.Expr, through: date | None) -> pl.Expr:
    """Whether a month (its first day) is closed to its end; ``through`` is the last closed day, if there is one."""
    return pl.lit(False) if through is None else month.dt.month_end() <= through
