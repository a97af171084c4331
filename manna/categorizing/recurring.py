"""What comes again and again: subscriptions, bills, paydays; what is expected next, and what did not come.

What belongs here: finding series of transactions and saying when and how much is next. What does not: rhythms
(``cadence``), what a merchant is called (``merchants``), or telling anybody (``insights``).
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from statistics import median_low

import polars as pl

from manna.categorizing.cadence import KEPT, Cadence, cadence_of, following
from manna.contracts.categorized import RECURRING

FIXED = Decimal("0.03")
"""A series whose amounts stay this near to their median is fixed; a foreign currency moves one a little."""
SAME_PRICE = Decimal("0.25")
"""Charges of one merchant within this of each other may be one subscription, before and after a rise."""
GRACE = {"weekly": 3, "fortnightly": 4, "semimonthly": 4, "monthly": 6, "bimonthly": 8}
LONG_GRACE = 15
"""Days after which something expected counts as missed."""
NEAR_DAY = 4
"""Days of the month so near to the usual one are the same for a bill."""
ENDED_AFTER = 2
"""So many missed in a row end a series."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One transaction of a series; amounts have the ledger's sign."""

    transaction_id: str
    account_id: str
    date: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Series:
    """Transactions of one merchant that keep a rhythm, oldest first."""

    book: str
    merchant: str
    currency: str
    cadence: Cadence
    occurrences: tuple[Occurrence, ...]

    @property
    def series_id(self) -> str:
        """Derived from the first occurrence: the same series keeps its id as it goes on."""
        first = self.occurrences[0]
        return hashlib.sha256(f"series\n{first.transaction_id}\n{self.merchant}".encode()).hexdigest()[:32]

    @property
    def usual(self) -> Decimal:
        """The median amount (of an even number the lower of the two in the middle, which is one that was)."""
        return median_low([one.amount for one in self.occurrences])

    @property
    def is_fixed(self) -> bool:
        """Whether the recent amounts are nearly the same."""
        return _is_fixed(self.occurrences)

    @property
    def expected(self) -> Decimal:
        """The next amount: the last one of a fixed series, else the median of the last six."""
        if self.is_fixed:
            return self.occurrences[-1].amount
        return median_low([one.amount for one in self.occurrences[-6:]])

    @property
    def next_on(self) -> date:
        """When the next is expected, by the days so far."""
        return following(sorted({one.date for one in self.occurrences}), self.cadence)

    def missed(self, today: date) -> list[date]:
        """Expected days that have passed, with their grace, without an occurrence; at most three."""
        found: list[date] = []
        days = sorted({one.date for one in self.occurrences})
        grace = timedelta(days=_grace(self.cadence))
        while len(found) <= ENDED_AFTER:
            expected = following(days, self.cadence)
            if expected + grace >= today:
                break
            found.append(expected)
            days.append(expected)
        return found

    def status(self, today: date) -> str:
        """``active``, ``missed`` (one or two did not come) or ``ended``."""
        missed = len(self.missed(today))
        return "ended" if missed > ENDED_AFTER else "missed" if missed else "active"


def find_series(transactions: pl.DataFrame) -> list[Series]:
    """The series of one book, oldest first.

    A merchant's charges in one direction are one series, or one for each price (see :func:`_rhythms`).

    Args:
        transactions: posted rows with transaction_id, book, account_id, date, amount, currency and
            ``merchant`` (normalized; rows without one take no part), in any order. Transfers between own
            accounts are for the caller to leave out.
    """
    columns = ("book", "merchant", "currency", "transaction_id", "account_id", "date", "amount")
    rows = (
        transactions.filter(pl.col("merchant").is_not_null(), pl.col("merchant") != "", pl.col("amount") != 0)
        .with_columns(incoming=pl.col("amount") > 0)
        .sort("book", "merchant", "currency", "incoming", "date", "transaction_id")
    )
    found: list[Series] = []
    keyed = rows.select(*columns, "incoming").iter_rows()
    for (book, merchant, currency, _), group in groupby(keyed, key=lambda r: (r[0], r[1], r[2], r[7])):
        occurrences = [Occurrence(*row[3:7]) for row in group]
        found += [
            Series(book, merchant, currency, cadence, tuple(members))
            for members, cadence in _rhythms(occurrences)
        ]
    return sorted(found, key=lambda series: (series.occurrences[0].date, series.series_id))


def _rhythms(occurrences: Sequence[Occurrence]) -> list[tuple[list[Occurrence], Cadence]]:
    """Two subscriptions of one shop are two series; else all charges together are one, if they keep a rhythm.

    Else what there is of rhythm in charges of one price: a subscription among other purchases.
    """
    prices = [(members, cadence) for members in _by_price(occurrences) if (cadence := _cadence(members))]
    apart = _continued(prices)
    explained = sum(len(members) for members, _ in apart)
    steady = all(len({one.amount for one in members[-3:]}) == 1 for members, _ in apart)
    if explained == len(occurrences) and steady:
        return apart
    together = _cadence(occurrences)
    return [(list(occurrences), together)] if together else apart


def _continued(
    prices: Sequence[tuple[list[Occurrence], Cadence]],
) -> list[tuple[list[Occurrence], Cadence]]:
    """A series that begins where another of its rhythm ends is the same one at a new price."""
    found: list[tuple[list[Occurrence], Cadence]] = []
    for members, cadence in sorted(prices, key=lambda price: price[0][0].date):
        begins = members[0].date
        for former, rhythm in found:
            expected = following(sorted({one.date for one in former}), rhythm)
            if (
                rhythm is cadence
                and former[-1].date < begins
                and abs((begins - expected).days) <= _grace(cadence)
            ):
                former += members
                break
        else:
            found.append((list(members), cadence))
    return found


def _cadence(members: Sequence[Occurrence]) -> Cadence | None:
    """Two charges on one day are no rhythm: at least nine in ten must have a day of their own.

    Of long rhythms a few dates say little: amounts that vary must then come on nearly the same day of the
    month (a restaurant that is visited every other month is no bill).
    """
    days = sorted({one.date for one in members})
    cadence = cadence_of(days) if len(days) >= 0.9 * len(members) else None
    if cadence is None or cadence.months < 2 or _is_fixed(members):
        return cadence
    usual = median_low([day.day for day in days])
    near = sum(min(abs(day.day - usual), 31 - abs(day.day - usual)) <= NEAR_DAY for day in days)
    return cadence if near >= KEPT * len(days) else None


def _is_fixed(members: Sequence[Occurrence]) -> bool:
    recent = [abs(one.amount) for one in members[-4:]]
    return max(recent) - min(recent) <= FIXED * max(recent)


def _grace(cadence: Cadence) -> int:
    return GRACE.get(cadence.name, LONG_GRACE)


def _by_price(occurrences: Sequence[Occurrence]) -> list[list[Occurrence]]:
    """Charges in groups of nearly one price, each in order of time.

    A price may rise by and by: a charge joins the group whose last price is nearest to its own.
    """
    groups: defaultdict[int, list[Occurrence]] = defaultdict(list)
    for one in occurrences:
        near = [
            (abs(abs(members[-1].amount) - abs(one.amount)), index)
            for index, members in groups.items()
            if abs(abs(members[-1].amount) - abs(one.amount)) <= SAME_PRICE * abs(members[-1].amount)
        ]
        groups[min(near)[1] if near else len(groups)].append(one)
    return list(groups.values())


def recurring(series: Sequence[Series], today: date) -> pl.DataFrame:
    """Rows of ``categorized.recurring``, as they look on ``today``."""
    rows = [
        {
            "series_id": one.series_id,
            "book": one.book,
            "merchant": one.merchant,
            "account_id": one.occurrences[-1].account_id,
            "cadence": one.cadence.name,
            "amounts": "fixed" if one.is_fixed else "variable",
            "usual_amount": one.usual,
            "last_amount": one.occurrences[-1].amount,
            "currency": one.currency,
            "first_on": one.occurrences[0].date,
            "last_on": one.occurrences[-1].date,
            "occurrences": len(one.occurrences),
            "next_on": one.next_on,
            "next_amount": one.expected,
            "status": one.status(today),
        }
        for one in series
    ]
    return RECURRING.conform(pl.DataFrame(rows, schema=RECURRING.polars_schema))
