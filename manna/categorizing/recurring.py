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
from functools import cached_property
from itertools import groupby, pairwise
from statistics import median_low
from typing import Any

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
DEPENDABLE = 0.1
"""Share of its pauses that may be out of rhythm in a series that is counted upon."""
OWN = (
    "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT",
    "TRANSFER_OUT_SAVINGS",
    "TRANSFER_OUT_INVESTMENT_AND_RETIREMENT_FUNDS",
)
"""Plaid's categories of what somebody pays to an account of one's own."""
ENOUGH_THAT_VARY, BANK_HOLIDAY = 9, 1
"""Of sums that vary so many are needed; and every so many days means that, but for a day that banks are closed."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One transaction of a series; amounts have the ledger's sign."""

    transaction_id: str
    account_id: str
    date: date
    amount: Decimal


@dataclass(frozen=True)
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

    @cached_property
    def is_fixed(self) -> bool:
        """Whether the recent amounts are nearly the same."""
        return _is_fixed(self.occurrences)

    @property
    def grace(self) -> timedelta:
        """How long after an expected day it may still come."""
        return timedelta(days=_grace(self.cadence))

    @cached_property
    def is_dependable(self) -> bool:
        """Whether it can be counted upon: one pause in ten at most was not of its rhythm.

        Somebody who is paid in some months only is not missed in the others. Sums that vary are bills where they keep
        nearly the same day of the month, or exactly their number of days; else they are somebody's shopping.
        """
        days = sorted({one.date for one in self.occurrences})
        pauses = [(after - before).days for before, after in pairwise(days)]
        if self.is_fixed:
            odd = [pause for pause in pauses if pause > 1.5 * self.cadence.length]
        elif len(days) < ENOUGH_THAT_VARY:
            return False
        elif self.cadence.days:
            odd = [pause for pause in pauses if abs(pause - self.cadence.days) > BANK_HOLIDAY]
        else:
            odd = [pause for pause in pauses if abs(pause - self.cadence.length) > NEAR_DAY]
        return len(odd) <= DEPENDABLE * len(pauses)

    @cached_property
    def expected(self) -> Decimal:
        """The next amount: the last one of a fixed series, else the median of the last six."""
        if self.is_fixed:
            return self.occurrences[-1].amount
        return median_low([one.amount for one in self.occurrences[-6:]])

    @cached_property
    def coming(self) -> tuple[date, ...]:
        """When the next are expected, by the days so far: as many as must be missed to end the series."""
        days = sorted({one.date for one in self.occurrences})
        for _ in range(ENDED_AFTER + 1):
            days.append(following(days, self.cadence))
        return tuple(days[-ENDED_AFTER - 1 :])

    @property
    def next_on(self) -> date:
        """When the next is expected."""
        return self.coming[0]

    def missed(self, today: date) -> list[date]:
        """Expected days that have passed, with their grace, without an occurrence; at most three."""
        return [expected for expected in self.coming if expected + self.grace < today]

    def status(self, today: date) -> str:
        """``active``, ``missed`` (one or two did not come) or ``ended``."""
        missed = len(self.missed(today))
        return "ended" if missed > ENDED_AFTER else "missed" if missed else "active"


def payments(transactions: pl.DataFrame, categorized: pl.DataFrame) -> pl.DataFrame:
    """Posted rows with their normalized ``merchant``; ``transfer``: whether between own accounts.

    ``own``: whether it is paid to oneself by the bank's own account, though the other side may be unknown (a card that is
    not linked), or not be told yet. Cash from a machine is paid to nobody: its merchant is empty.

    Args:
        transactions: rows of clean.transactions.
        categorized: rows of categorized.transactions; what is not there is left out.
    """
    cash = (pl.col("plaid_detailed") == "TRANSFER_OUT_WITHDRAWAL").fill_null(value=False)
    own = pl.col("plaid_detailed").is_in(OWN).fill_null(value=False)
    named = categorized.select("transaction_id", "merchant", transfer=pl.col("source") == "transfer")
    posted = transactions.filter(~pl.col("pending"), ~pl.col("removed")).drop("merchant")
    found = posted.join(named, on="transaction_id", how="inner", maintain_order="left")
    return found.with_columns(merchant=pl.when(cash).then(pl.lit("")).otherwise("merchant"), own=own)


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
        found += series_of(book, merchant, currency, [Occurrence(*row[3:7]) for row in group])
    return sorted(found, key=lambda series: (series.occurrences[0].date, series.series_id))


def series_of(book: str, merchant: str, currency: str, occurrences: Sequence[Occurrence]) -> list[Series]:
    """The series in one merchant's charges of one direction (or its payments), by day and id."""
    return [
        Series(book, merchant, currency, cadence, tuple(members))
        for members, cadence in _rhythms(occurrences)
    ]


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
    """Two charges on one day are no rhythm: all but one in eight (and one) must have a day of their own.

    Of long rhythms a few dates say little: amounts that vary must then come on nearly the same day of the
    month (a restaurant that is visited every other month is no bill).
    """
    days = sorted({one.date for one in members})
    twice = len(members) - len(days)
    cadence = cadence_of(days) if twice <= max(1, len(members) / 8) else None
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
    rows = [row_of(one) | {"status": one.status(today)} for one in series]
    return RECURRING.conform(pl.DataFrame(rows, schema=RECURRING.polars_schema))


def row_of(one: Series) -> dict[str, Any]:
    """A series as a row of ``categorized.recurring``, but for its status, which depends on the day."""
    return {
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
    }
