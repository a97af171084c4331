"""What a person would want to be told of their transactions.

What belongs here: price rises, missed bills, possible duplicates, unusual amounts, first large payments. What
does not: finding series (``recurring``), or telling anybody.

Each is a question, never a change: no row is altered by an insight.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

import polars as pl

from manna.categorizing.recurring import Series
from manna.contracts.categorized import INSIGHTS

RISE = Decimal("0.02")
"""A fixed price that rises by more than this (and is no exchange rate's wobble) is told."""
DUPLICATE_DAYS = 2
ENOUGH_TO_MISS = 3
"""A series of so few is not missed yet: it may have been a chance."""
ENOUGH = 6
"""Payments to a merchant before one of them can be called unusual."""
FAR = 6.0
"""So many times the usual distance from the median an unusual amount is away (median absolute deviation)."""
TWICE = 2.0
RECENT = timedelta(days=60)
"""Older things are history, not news."""


def insights(
    transactions: pl.DataFrame, series: Sequence[Series], today: date, large_payment: Decimal
) -> pl.DataFrame:
    """Rows of ``categorized.insights`` for one book.

    Args:
        transactions: posted rows of the book as :func:`manna.categorizing.recurring.find_series` takes them.
        series: what that found in them.
        today: only what happened, or was expected, in the sixty days before is told.
        large_payment: a first payment to a merchant of at least this is told (positive, the book's currency).
    """
    spent = (
        transactions.filter(pl.col("merchant").is_not_null(), pl.col("merchant") != "", pl.col("amount") < 0)
        .sort("date", "transaction_id")
        .select("transaction_id", "book", "account_id", "date", "amount", "currency", "merchant")
    )
    by_merchant: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in spent.iter_rows(named=True):
        by_merchant[row["merchant"], row["currency"]].append(row)
    regular = {one.transaction_id for each in series for one in each.occurrences}
    first_day = spent["date"].min()
    found = [*_price_increases(series), *_missed(series, today)]
    for rows in by_merchant.values():
        found += _duplicates(rows, regular)
        found += _unusual(rows)
        found += _new(rows, large_payment, first_day)
    recent = [row for row in found if today - RECENT <= row["date"] <= today]
    return INSIGHTS.conform(pl.DataFrame(recent, schema=INSIGHTS.polars_schema)).sort("date", "insight_id")


def _price_increases(series: Sequence[Series]) -> Iterator[dict[str, Any]]:
    for one in series:
        for before, after in pairwise(one.occurrences):
            rise = abs(after.amount) - abs(before.amount)
            steady = [abs(o.amount) for o in one.occurrences if o.date <= before.date][-3:]
            if (
                after.amount < 0
                and rise > RISE * abs(before.amount)
                and max(steady) == min(steady)
                and len(steady) > 1
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


def _missed(series: Sequence[Series], today: date) -> Iterator[dict[str, Any]]:
    for one in series:
        if one.status(today) != "missed" or len(one.occurrences) <= ENOUGH_TO_MISS:
            continue
        expected = one.missed(today)[0]
        what = "income from" if one.expected > 0 else "payment to"
        yield _insight(
            "missed",
            one.book,
            one.merchant,
            expected,
            abs(one.expected),
            one.currency,
            f"the {one.cadence.name} {what} {one.merchant}, about {abs(one.expected):,.2f} {one.currency}, "
            f"was expected on {expected} and did not come",
            [one.occurrences[-1].transaction_id],
        )


def _duplicates(rows: Sequence[dict[str, Any]], regular: set[str]) -> Iterator[dict[str, Any]]:
    """The same amount to the same merchant from the same account within two days.

    Not where the merchant is paid the same small sum often (a bus fare): then a pair is nothing special.
    """
    days = defaultdict(set)
    for row in rows:
        days[row["amount"], row["account_id"]].add(row["date"])
    for before, after in pairwise(sorted(rows, key=lambda r: (r["account_id"], r["amount"], r["date"]))):
        same = all(before[name] == after[name] for name in ("account_id", "amount", "currency"))
        if not same or (after["date"] - before["date"]).days > DUPLICATE_DAYS:
            continue
        often = len(days[after["amount"], after["account_id"]]) > 3
        if often and not {before["transaction_id"], after["transaction_id"]} & regular:
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


def _unusual(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """More than twice the median of all payments before, and far outside their spread."""
    amounts: list[float] = []
    for row in rows:
        amount = float(-row["amount"])
        if len(amounts) >= ENOUGH:
            middle = median(amounts)
            spread = median(abs(value - middle) for value in amounts)
            if amount > TWICE * middle and amount - middle > FAR * max(spread, 0.05 * middle):
                yield _insight(
                    "unusual_amount",
                    row["book"],
                    row["merchant"],
                    row["date"],
                    -row["amount"],
                    row["currency"],
                    f"{row['merchant']} was paid {amount:,.2f} {row['currency']}; usual is {middle:,.2f}",
                    [row["transaction_id"]],
                )
        amounts.append(amount)


def _new(rows: Sequence[dict[str, Any]], large_payment: Decimal, first_day: Any) -> Iterator[dict[str, Any]]:
    """A first payment that is large; not in the first sixty days of a book, when everybody is new."""
    first = rows[0]
    if -first["amount"] >= large_payment and first["date"] > first_day + RECENT:
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
) -> dict[str, Any]:
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
