"""How often something happens: weekly to annual, found in the dates alone.

What belongs here: cadences, whether dates keep one, and the date that comes next. What does not: amounts and
merchants (``recurring``).

Bills do not fall on exact days: a payday moves before a weekend, a month has 28 to 31 days, and a charge of
the 31st comes on the 30th. So each cadence has a tolerance in days, and months are counted by the calendar.
"""

import calendar
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, slots=True)
class Cadence:
    """A rhythm of ``days`` days, or of ``months`` calendar months; ``tolerance`` in days either way.

    ``least``: how often it must have happened before it is called a rhythm.
    """

    name: str
    days: int
    months: int
    tolerance: int
    least: int = 3

    @property
    def length(self) -> float:
        """Days from one to the next; of months on average, of semimonthly half a month."""
        return self.days or (self.months or 0.5) * 365.25 / 12


WEEKLY = Cadence("weekly", 7, 0, 1, least=4)
FORTNIGHTLY = Cadence("fortnightly", 14, 0, 2)
SEMIMONTHLY = Cadence("semimonthly", 0, 0, 3, least=4)
MONTHLY = Cadence("monthly", 0, 1, 4)
BIMONTHLY = Cadence("bimonthly", 0, 2, 6)
QUARTERLY = Cadence("quarterly", 0, 3, 8)
SEMIANNUAL = Cadence("semiannual", 0, 6, 12)
ANNUAL = Cadence("annual", 0, 12, 15, least=2)

CADENCES = (WEEKLY, FORTNIGHTLY, SEMIMONTHLY, MONTHLY, BIMONTHLY, QUARTERLY, SEMIANNUAL, ANNUAL)
BY_NAME = {cadence.name: cadence for cadence in CADENCES}
KEPT = 0.75
"""Share of the gaps that must fit: one late payment does not end a subscription."""
MOST_SKIPPED = 1
"""Occurrences that may be missing in a row (a month without a delivery)."""


def cadence_of(days: Sequence[date]) -> Cadence | None:
    """The cadence that ``days`` (distinct, in order) keep; null when they keep none.

    Of several the one whose gaps fit best, and of equals the more frequent.
    """
    best: tuple[float, Cadence] | None = None
    for cadence in CADENCES:
        if len(days) < cadence.least:
            continue
        fit = _fit(days, cadence)
        if fit >= KEPT and (best is None or fit > best[0]):
            best = fit, cadence
    return best[1] if best else None


def following(days: Sequence[date], cadence: Cadence) -> date:
    """The date after the last of ``days`` (in order) on which ``cadence`` expects the next.

    By calendar months it is the most usual day of the month (of equals the later one), or the last day of a
    month that is too short. Semimonthly has two such days.
    """
    last = days[-1]
    if cadence is SEMIMONTHLY:
        return _next_half(days)
    if not cadence.months:
        return last + timedelta(days=cadence.days)
    anchor = _anchor([day.day for day in days])
    # Nearest to the last: a bill of the 1st that came on the 30th before belongs to the month after.
    here = min((_on(last, shift, anchor) for shift in (-1, 0, 1)), key=lambda day: abs((day - last).days))
    return _on(here, cadence.months, anchor)


def _fit(days: Sequence[date], cadence: Cadence) -> float:
    """Share of the gaps that fit; a gap with a few missing fits too, but no more than a quarter of them."""
    if cadence is SEMIMONTHLY:
        return _halves_fit(days)
    exact = skipped = 0
    for before, after in pairwise(days):
        times = _times(before, after, cadence)
        exact += times == 1
        skipped += 1 < times <= MOST_SKIPPED + 1
    gaps = len(days) - 1
    return (exact + min(skipped, gaps // 4)) / gaps


def _times(before: date, after: date, cadence: Cadence) -> int:
    """How many times the cadence's step lies between two days; 0 when no whole number does."""
    gap = (after - before).days
    for times in range(1, MOST_SKIPPED + 2):
        # Of months there are short and long ones; only where it may fit is the calendar asked.
        if abs(gap - cadence.length * times) > cadence.tolerance + (3 if cadence.months else 0):
            continue
        if not cadence.months:
            return times
        if abs((after - _on(before, cadence.months * times, before.day)).days) <= cadence.tolerance:
            return times
    return 0


def _halves_fit(days: Sequence[date]) -> float:
    """Twice a month on two days of the month: gaps of 12 to 19 days that are not all of two weeks."""
    gaps = [(after - before).days for before, after in pairwise(days)]
    in_range = sum(12 <= gap <= 19 for gap in gaps) / len(gaps)
    if in_range < KEPT:
        return in_range
    anchors = _two_anchors(days)
    if anchors is None:
        return 0.0
    near = sum(min(_apart(day, anchor) for anchor in anchors) <= SEMIMONTHLY.tolerance for day in days) / len(
        days
    )
    return min(in_range, near)


def _two_anchors(days: Sequence[date]) -> tuple[int, int] | None:
    """The two usual days of the month, when there are two about half a month apart."""
    early = [day.day for day in days if 4 <= day.day <= 19]
    late = [day.day if day.day > 19 else day.day + 31 for day in days if not 4 <= day.day <= 19]
    if not early or not late:
        return None
    return round(median(early)), (round(median(late)) - 1) % 31 + 1


def _apart(day: date, anchor: int) -> int:
    """Days between ``day`` and the nearest ``anchor`` of its month or the ones beside it."""
    return min(abs((_on(day, shift, anchor) - day).days) for shift in (-1, 0, 1))


def _next_half(days: Sequence[date]) -> date:
    anchors = _two_anchors(days) or (1, 15)
    candidates = [_on(days[-1], shift, anchor) for shift in (0, 1) for anchor in anchors]
    # The one just had may be a few days away by a weekend: so the next is at least a week on.
    return min(day for day in candidates if day > days[-1] + timedelta(days=7))


def _anchor(days_of_month: Sequence[int]) -> int:
    counted = Counter(days_of_month)
    most = max(counted.values())
    return max(day for day, count in counted.items() if count == most)


def _on(day: date, months: int, day_of_month: int) -> date:
    """``day_of_month`` of the month that is ``months`` after that of ``day``, or that month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day_of_month, _length_of(year, month)))


@cache
def _length_of(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
