"""The stretch of time that a statement is about: a month, a quarter or a year, as people write it.

What belongs here: reading ``2026-03``, ``2026-Q1`` and ``2026``, and what follows from them. What does not: which
statements there are of a stretch (``manna.contracts.reports``).
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from manna.documents.numerals import month_name

Kind = Literal["month", "quarter", "year"]
MONTHS: dict[Kind, int] = {"month": 1, "quarter": 3, "year": 12}
_WRITTEN = re.compile(r"(\d{4})(?:-(?:(\d{2})|Q([1-4])))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """``first`` is the first day."""

    kind: Kind
    first: date

    @classmethod
    def parse(cls, text: str) -> "Span":
        """``2026-03``, ``2026-Q1`` or ``2026``.

        Raises:
            ValueError: it is none of these.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no month, quarter or year")
        year, month, quarter = found.groups()
        if month:
            return cls("month", date(int(year), int(month), 1))
        if quarter:
            return cls("quarter", date(int(year), 3 * int(quarter) - 2, 1))
        return cls("year", date(int(year), 1, 1))

    @property
    def months(self) -> list[date]:
        """First day of each month in it."""
        return [date(self.first.year, self.first.month + number, 1) for number in range(MONTHS[self.kind])]

    @property
    def last(self) -> date:
        """The last day."""
        month = self.months[-1]
        return month.replace(day=calendar.monthrange(month.year, month.month)[1])

    @property
    def before(self) -> "Span":
        """The one before."""
        day = self.first - timedelta(days=1)
        month = day.replace(month=day.month - MONTHS[self.kind] + 1, day=1)
        return Span(self.kind, month)

    @property
    def text(self) -> str:
        """As it is asked for: ``2026-Q1``."""
        if self.kind == "month":
            return f"{self.first:%Y-%m}"
        return f"{self.first.year}" + (f"-Q{self.first.month // 3 + 1}" if self.kind == "quarter" else "")

    @property
    def label(self) -> str:
        """As a heading: ``March 2026``, ``First quarter 2026``, ``2026``."""
        if self.kind == "month":
            return month_name(self.first)
        if self.kind == "year":
            return str(self.first.year)
        return f"{('First', 'Second', 'Third', 'Fourth')[self.first.month // 3]} quarter {self.first.year}"
