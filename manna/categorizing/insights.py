"""What a person would want to be told of their transactions.

What belongs here: price rises, missed bills, possible duplicates, unusual amounts, first large payments. What
does not: finding series (``recurring``), or telling anybody.

Each is a question, never a change: no row is altered by an insight.
"""

import hashlib
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

import polars as pl

from manna.books import Thresholds
from manna.categorizing.recurring import Series
from manna.contracts.categorized import INSIGHTS

DUPLICATE_DAYS = 2
ENOUGH_TO_MISS = 3
"""A series of so few is not missed yet: it may have been a chance."""
ENOUGH = 6
"""Payments to a merchant before one of them can be called unusual."""
MANY, BEYOND = 12, Decimal("1.25")
"""A year of bills, of which one that is unusual goes beyond the largest by a quarter."""
FAR = 6
"""So many times the usual distance from the median an unusual amount is away (median absolute deviation)."""
RECENT = timedelta(days=60)
"""Older things are history, not news."""

Row = dict[str, Any]
Direction = tuple[str, str, bool]
"""A merchant, a currency, and whether money comes in: whose payments are looked at together."""


def direction(row: Mapping[str, Any]) -> Direction:
    """Of a transaction."""
    return row["merchant"], row["currency"], row["amount"] > 0


def insights(
    transactions: pl.DataFrame, series: Sequence[Series], today: date, wanted: Thresholds
) -> pl.DataFrame:
    """Rows of ``categorized.insights`` for one book.

    Args:
        transactions: rows of the book that are no transfers, as :func:`manna.categorizing.recurring.payments` has them.
        series: what that found in them.
        today: only what happened, or was expected, in the sixty days before is told.
        wanted: the book's thresholds.
    """
    named = (
        transactions.filter(pl.col("merchant").is_not_null(), pl.col("merchant") != "", pl.col("amount") != 0)
        .sort("date", "transaction_id")
        .select("transaction_id", "book", "account_id", "date", "amount", "currency", "merchant", "own")
    )
    rows_of: dict[Direction, list[Row]] = defaultdict(list)
    for row in named.iter_rows(named=True):
        rows_of[direction(row)].append(row)
    series_of: dict[Direction, list[Series]] = defaultdict(list)
    for one in series:
        series_of[one.merchant, one.currency, one.expected > 0].append(one)
    first_day = named.filter(pl.col("amount") < 0)["date"].min()
    found = []
    for way, rows in rows_of.items():
        came = [row["date"] for row in rows]
        found += [insight for one in series_of[way] for insight in missed(one, came, today)]
        if not way[2]:
            found += happened(rows, series_of[way], first_day, wanted)
    recent = [row for row in found if is_news(row, today)]
    return INSIGHTS.conform(pl.DataFrame(recent, schema=INSIGHTS.polars_schema)).sort("date", "insight_id")


def is_news(insight: Row, today: date) -> bool:
    """Whether it is still told on ``today``."""
    day: date = insight["date"]
    return today - RECENT <= day <= today


def happened(rows: Sequence[Row], series: Sequence[Series], first_day: Any, wanted: Thresholds) -> list[Row]:
    """What the payments to one merchant in one currency say, whatever day it is.

    Nothing in the first sixty days of a book, when everybody is new and nobody knows what is usual. What is paid to oneself
    (``own``) says nothing, whether or not the other side of it is known.

    Args:
        rows: what was paid, in order of day and id; amounts negative.
        series: those of this merchant and currency.
        first_day: day of the book's first payment to anybody.
        wanted: the book's thresholds.
    """
    regular, counted_on = (
        {one.transaction_id for each in chosen for one in each.occurrences}
        for chosen in (series, [each for each in series if each.is_dependable])
    )
    rows = [row for row in rows if not row["own"]]
    found = [
        *_price_increases(series, wanted.price_rise),
        *_duplicates(rows, regular, wanted.duplicate),
        *_unusual(rows, counted_on, wanted),
        *_new(rows, wanted.large_payment),
    ]
    return [one for one in found if one["date"] > first_day + RECENT]


def missed(one: Series, came: Iterable[date], today: date) -> list[Row]:
    """The expected payment or income that did not come, if the series has kept its rhythm so far.

    ``came``: days on which the same merchant was paid (or paid) anything: another sum is not none.
    """
    if one.status(today) != "missed" or len(one.occurrences) <= ENOUGH_TO_MISS or not one.is_dependable:
        return []
    expected = one.missed(today)[0]
    if any(one.occurrences[-1].date < day and abs(day - expected) <= one.grace for day in came):
        return []
    what = "income from" if one.expected > 0 else "payment to"
    words = (
        f"the {one.cadence.name} {what} {one.merchant}, about {abs(one.expected):,.2f} {one.currency}, "
        f"was expected on {expected} and did not come"
    )
    ids = [one.occurrences[-1].transaction_id]
    return [_insight("missed", one.book, one.merchant, expected, abs(one.expected), one.currency, words, ids)]


def _price_increases(series: Sequence[Series], wanted: Decimal) -> Iterator[Row]:
    """A fixed price that rises by more than a share, and stays risen; less is an exchange rate's wobble."""
    for one in series:
        for before, after in pairwise(one.occurrences):
            rise = abs(after.amount) - abs(before.amount)
            last = [o.amount for o in one.occurrences if o.date <= before.date][-4:]
            if (
                after.amount < 0
                and rise > wanted * abs(before.amount)
                and last.count(before.amount) >= max(2, len(last) - 1)  # one of them may have been a mistake
                and all(o.amount == after.amount for o in one.occurrences if o.date >= after.date)
            ):
                yield _insight(
                    "price_increase",
                    one.book,
                    one.merchant,
                    after.date,
                    rise,
                    one.currency,
                    f"{one.merchant} rose from {-before.amount:,.2f} to {-after.amount:,.2f} {one.currency} "
                    f"({one.cadence.name})",
                    [before.transaction_id, after.transaction_id],
                )


def _duplicates(rows: Sequence[Row], regular: set[str], least: Decimal) -> Iterator[Row]:
    """The same amount to the same merchant from the same account within two days.

    Of what is no subscription: only from ``least`` on, and not where the same sum is paid often (a bus fare), or never
    another (a toll account is filled up): then a pair is nothing special.
    """
    has_one_price = len(rows) > 2 and len({row["amount"] for row in rows}) == 1
    days = defaultdict(set)
    for row in rows:
        days[row["amount"], row["account_id"]].add(row["date"])
    for before, after in pairwise(sorted(rows, key=lambda r: (r["account_id"], r["amount"], r["date"]))):
        same = all(before[name] == after[name] for name in ("account_id", "amount", "currency"))
        if not same or (after["date"] - before["date"]).days > DUPLICATE_DAYS:
            continue
        usual = (
            has_one_price or -after["amount"] < least or len(days[after["amount"], after["account_id"]]) > 3
        )
        if usual and not {before["transaction_id"], after["transaction_id"]} & regular:
            continue
        yield _insight(
            "possible_duplicate",
            after["book"],
            after["merchant"],
            after["date"],
            -after["amount"],
            after["currency"],
            f"{after['merchant']} was paid {-after['amount']:,.2f} {after['currency']} twice within "
            f"{DUPLICATE_DAYS} days",
            [before["transaction_id"], after["transaction_id"]],
        )


def _unusual(rows: Sequence[Row], bills: set[str], wanted: Thresholds) -> Iterator[Row]:
    """Many times what is usual, and far outside the spread so far; small sums are nobody's concern.

    Of a bill that has gone through its seasons the usual is the median of all before. Of a shop it is the largest:
    purchases are small for months, and then a holiday is prepared. The fewer there were, the more is needed; of a very
    few, what is unusual must be large as well.

    ``bills``: ids of payments that can be counted upon.
    """
    before = list[Decimal]()  # in order of size
    for row in rows:
        amount, usual = -row["amount"], median(before[_middle(before)]) if before else Decimal(0)
        most, least = amount, wanted.large_payment
        if before:
            most = (wanted.unusual + (len(before) < MANY)) * before[-1]
        if len(before) >= ENOUGH:
            least = wanted.unusual_from
        if len(before) >= MANY and row["transaction_id"] in bills:
            most = max(wanted.unusual * usual, BEYOND * before[-1])
        if amount > most and amount >= least and amount - usual > FAR * _spread(before, usual):
            yield _insight(
                "unusual_amount",
                row["book"],
                row["merchant"],
                row["date"],
                amount,
                row["currency"],
                f"{row['merchant']} was paid {amount:,.2f} {row['currency']}; usual is {usual:,.2f}",
                [row["transaction_id"]],
            )
        insort(before, amount)


def _spread(amounts: Sequence[Decimal], middle: Decimal) -> Decimal:
    """The median distance from the middle; at least a twentieth of it, for a price that never changed has none."""
    if len(amounts) < ENOUGH:
        return Decimal(0)
    return max(median(abs(value - middle) for value in amounts), middle / 20)


def _middle(ordered: Sequence[Decimal]) -> slice:
    """Where the median of ordered numbers is: one of them, or two."""
    return slice((len(ordered) - 1) // 2, len(ordered) // 2 + 1)


def _new(rows: Sequence[Row], large_payment: Decimal) -> Iterator[Row]:
    """A first payment that is large."""
    first = rows[0] if rows else None
    if first and -first["amount"] >= large_payment:
        yield _insight(
            "new_merchant",
            first["book"],
            first["merchant"],
            first["date"],
            -first["amount"],
            first["currency"],
            f"first payment to {first['merchant']}: {-first['amount']:,.2f} {first['currency']}",
            [first["transaction_id"]],
        )


def _insight(
    kind: str,
    book: str,
    merchant: str,
    day: date,
    amount: Decimal,
    currency: str,
    message: str,
    transaction_ids: Sequence[str],
) -> Row:
    named = "\n".join([kind, book, merchant, str(day), *transaction_ids])
    return {
        "insight_id": hashlib.sha256(named.encode()).hexdigest()[:32],
        "book": book,
        "kind": kind,
        "merchant": merchant,
        "date": day,
        "amount": amount,
        "currency": currency,
        "message": message,
        "transaction_ids": ",".join(transaction_ids),
    }
