"""When a trade in securities settles: until then its owner may still say which lots it took.

What belongs here: the standard settlement day. What does not: what is said by then (:mod:`instructions`).
"""

from collections.abc import Container
from datetime import date, timedelta
from functools import cache

_DAYS = ((date(2024, 5, 28), 1), (date(2017, 9, 5), 2), (date.min, 3))
"""Business days from the trade to its settlement, by the first trade day of each rule (17 CFR 240.15c6-1)."""

_SATURDAY = 5


def settlement_day(traded: date) -> date:
    """The standard settlement day of a trade in US securities.

    26 CFR 1.1012-1(c)(8): lots are identified by the earlier of the settlement date and the time that Rule 15c6-1
    requires. Business days are those of the New York Stock Exchange.
    """
    left, day = next(days for first, days in _DAYS if traded >= first), traded
    while left:
        day += timedelta(days=1)
        left -= _is_business_day(day)
    return day


def _is_business_day(day: date) -> bool:
    return day.weekday() < _SATURDAY and day not in _holidays()


@cache
def _holidays() -> Container[date]:
    import holidays  # takes 0.08 s; most books have no instructions

    return holidays.financial_holidays("NYSE")
