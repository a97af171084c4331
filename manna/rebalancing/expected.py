"""What will happen by itself: dividends that are reinvested, purchases from a payroll, bills that fall due.

What belongs here: what is expected within some days, from what has happened before. What does not: what that means for a
plan (:mod:`guards`, :mod:`problem`). The rhythms are those of ``manna.categorizing.cadence``.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.categorizing.cadence import BY_NAME, QUARTERLY, cadence_of, following
from manna.rebalancing.facts import Purchase
from manna.tax.wash import WINDOW

REINVESTMENT = "reinvestment"
_LOOKED_BACK = timedelta(days=460)
"""Four quarters and some days."""


def purchases_due(trades: pl.DataFrame, day: date, names: Mapping[str, str]) -> list[Purchase]:
    """Purchases that come by themselves within 30 days after ``day``, in any of the accounts.

    Those of a dividend that is reinvested, of which one is enough to expect the next (a quarter on, until their rhythm is
    known), and those that keep a rhythm, as a payroll's do. ``day`` of a purchase is the first on which it may come.

    Args:
        trades: rows of clean.trades of all books of the taxpayer and spouse.
        day: today.
        names: what each account is called, by account_id.
    """
    recent = trades.filter(
        ~pl.col("removed"),
        pl.col("kind").is_in(["buy", REINVESTMENT]),
        pl.col("security_id").is_not_null(),
        pl.col("quantity") > 0,
        pl.col("date") <= day,
        pl.col("date") > day - _LOOKED_BACK,
    )
    series = recent.group_by("account_id", "security_id", "kind").agg(pl.col("date").unique().sort())
    found = []
    for account, security, kind, days in series.sort("account_id", "security_id", "kind").iter_rows():
        cadence = cadence_of(days) or (QUARTERLY if kind == REINVESTMENT else None)
        if cadence is None:
            continue
        expected, room = following(days, cadence), timedelta(days=cadence.tolerance)
        first = max(expected - room, day)
        if first <= day + WINDOW and expected + room >= day:
            what = "a reinvestment" if kind == REINVESTMENT else f"a {cadence.name} purchase"
            words = f"{what} is expected about {expected}, at the earliest"
            found.append(Purchase(security, first, names.get(account, account), words))
    return found


def bills_due(recurring: pl.DataFrame, account_id: str, currency: str, day: date, days: int) -> Decimal:
    """What recurring bills will take out of an account within ``days``, positive.

    Args:
        recurring: rows of categorized.recurring; those that ended are over.
        account_id: only its own: bills of other accounts are not paid from here.
    """
    rows = recurring.filter(
        pl.col("account_id") == account_id,
        pl.col("currency") == currency,
        pl.col("status") != "ended",
        pl.col("next_amount") < 0,
    )
    return sum((-row["next_amount"] * _times(row, day, days) for row in rows.to_dicts()), Decimal(0))


def _times(row: Mapping[str, Any], day: date, days: int) -> int:
    """How often a bill comes from ``day`` to ``days`` later; one that is overdue comes too."""
    times, on, end = 0, row["next_on"], day + timedelta(days=days)
    while on <= end:
        times += 1
        on = max(following([on], BY_NAME[row["cadence"]]), on + timedelta(days=1))
    return times
