"""The partitionings: months for reports, New York market days for bars, sets of parameters for backtests.

What belongs here: which partitions exist. What does not: symbols, books and accounts; they are columns.
"""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import holidays

from manna.books import Book

MARKET_ZONE = "America/New_York"
_LAST_YEAR_OF_HOLIDAYS = 2040


def months(first: date) -> dg.MonthlyPartitionsDefinition:
    """Calendar months from ``first`` to the present one, which exists from its first day on."""
    return dg.MonthlyPartitionsDefinition(start_date=first.replace(day=1).isoformat(), end_offset=1)


def market_days(first: date) -> dg.TimeWindowPartitionsDefinition:
    """Weekdays on which the New York exchanges open, from ``first`` to today.

    The holidays come from the package ``holidays``, which costs 80 ms here where exchange-calendars costs
    1.5 s with its pandas; a test keeps the two equal.
    """
    zone = ZoneInfo(MARKET_ZONE)
    closed = holidays.financial_holidays("NYSE", years=range(first.year, _LAST_YEAR_OF_HOLIDAYS + 1))
    return dg.TimeWindowPartitionsDefinition(
        start=datetime(first.year, first.month, first.day, tzinfo=zone),
        cron_schedule="0 0 * * 1-5",
        fmt="%Y-%m-%d",
        timezone=MARKET_ZONE,
        end_offset=1,
        exclusions=[datetime(day.year, day.month, day.day, tzinfo=zone) for day in sorted(closed)],
    )


def backtest_sets(books: Iterable[Book]) -> dg.StaticPartitionsDefinition:
    """Every set of parameters that the books' files ask for; like schedules they are read when definitions are loaded."""
    return dg.StaticPartitionsDefinition(
        [
            one.key
            for book in books
            for name, setting in book.backtests.items()
            for one in setting.sets(book.id, name)
        ]
    )
