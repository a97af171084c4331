"""Which of many copies are worth keeping: the newest of each of the last days, weeks and months.

What belongs here: that rule. What does not: deleting anything.
"""

from collections.abc import Collection
from datetime import datetime


def worth_keeping(
    moments: Collection[datetime], *, daily: int, weekly: int, monthly: int
) -> frozenset[datetime]:
    """The moments to keep: the newest of each of the last so many days, ISO weeks and months *that have one*.

    A gap costs nothing: three weeks without a backup leave as many daily ones as before. The newest moment is kept
    whatever the numbers are.

    Args:
        moments: when each copy was made, in one time zone.
        daily: so many days; 0 for none. ``weekly`` and ``monthly`` likewise.
    """
    newest_first = sorted(moments, reverse=True)
    kept = set(newest_first[:1])
    for count, period in ((daily, "%Y-%m-%d"), (weekly, "%G-%V"), (monthly, "%Y-%m")):
        newest_of: dict[str, datetime] = {}
        for moment in newest_first:
            newest_of.setdefault(moment.strftime(period), moment)
        kept |= set(list(newest_of.values())[:count])
    return frozenset(kept)
