"""When things happen: weekdays, month days, and the instant a bank tells of a day.

Here belongs calendar arithmetic of banks. The exchange's sessions belong to `sandbox.market`. Federal
holidays are not kept: a payment due on one posts that day.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


def business_day(day: date) -> date:
    """`day`, or the Monday after it when it falls on a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else day


def next_business_day(day: date) -> date:
    """The first weekday after `day`."""
    return business_day(day + ONE_DAY)


def falls_due(day: date, day_of_month: int) -> bool:
    """Whether a payment of every month's `day_of_month` (1 to 28) is made on `day`: that day, or the Monday after."""
    return any(
        due.day == day_of_month and business_day(due) == day
        for due in (day, day - ONE_DAY, day - 2 * ONE_DAY)
    )


def is_month_end(day: date) -> bool:
    """Whether `day` is the last of its month."""
    return (day + ONE_DAY).day == 1


def months_between(first: date, last: date) -> int:
    """How many calendar months `last`'s month is after `first`'s (negative when before)."""
    return (last.year - first.year) * 12 + last.month - first.month


def instant(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """The moment of a wall-clock time on `day` in `zone`, in UTC."""
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
