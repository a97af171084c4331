"""Conditions of money: what figures say that somebody should hear.

What belongs here: pure functions from tables and a book's thresholds to conditions. What does not: conditions of data and of
decisions (``conditions``), or of the machine (``platform``).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from operator import itemgetter
from typing import Any

import polars as pl

from manna.alerting.conditions import Condition, condition
from manna.books import Book

A_YEAR = 252
"""Market days that the value at risk looks back on; before there are so many, nothing is said."""

Row = Mapping[str, Any]


def held(book: Book, accounts: pl.DataFrame, balances: pl.DataFrame) -> list[dict[str, Any]]:
    """What the book's bank accounts hold, as last stated: account_id, institution, name, current, currency."""
    stated = balances.filter(pl.col("current").is_not_null(), pl.col("book") == book.id)
    latest = stated.sort("as_of").unique("account_id", keep="last", maintain_order=True)
    owned = accounts.filter(pl.col("type") == "depository").select("account_id", "institution", "name")
    columns = ("account_id", "institution", "name", "current", "currency")
    return latest.join(owned, on="account_id").sort("account_id").select(columns).to_dicts()


def low_balances(book: Book, held: Iterable[Row]) -> list[Condition]:
    """Bank accounts that hold less than the book's threshold; below zero is critical.

    ``held``: as :func:`held` returns it.
    """
    least = book.thresholds.low_balance
    return [
        condition(
            book.id,
            "low_balance",
            row["account_id"],
            "critical" if row["current"] < 0 else "warning",
            f"{row['institution']} {row['name']} holds {row['current']:,.2f} {row['currency']}, less than {least:,.2f}",
        )
        for row in held
        if row["current"] < least
    ]  # fmt: skip


def projected_lows(book: Book, held: Iterable[Row], recurring: Iterable[Row], day: date) -> list[Condition]:
    """Bank accounts that the payments which are known to come would take below zero.

    Args:
        book: its threshold ``projected_days`` says how far ahead.
        held: as :func:`held` returns it. What is below zero already has an alert of its own.
        recurring: rows of categorized.recurring; amounts negative for money out. Each series counts with its next payment.
        day: today.
    """
    until = day + timedelta(days=book.thresholds.projected_days)
    coming = sorted(
        (one for one in recurring if one["status"] == "active" and day <= one["next_on"] <= until),
        key=itemgetter("next_on", "series_id"),
    )
    found = []
    for row in held:
        path = [(row["current"], day, "")]
        for payment in coming:
            if (payment["account_id"], payment["currency"]) == (row["account_id"], row["currency"]):
                path.append((path[-1][0] + payment["next_amount"], payment["next_on"], payment["merchant"]))
        lowest, on, merchant = min(path, key=itemgetter(0))
        if lowest < 0 <= row["current"]:
            words = (
                f"{row['institution']} {row['name']} holds {row['current']:,.2f} {row['currency']}, and would hold "
                f"{lowest:,.2f} on {on} after what is known to come, last {merchant}"
            )
            found.append(condition(book.id, "projected_low", row["account_id"], "warning", words))
    return found


def newest_budget(book: Book, budget: pl.DataFrame) -> list[dict[str, Any]]:
    """The budgets of the book's newest month and what they came to: rows of reports.budget."""
    own = budget.filter(pl.col("book") == book.id, pl.col("level") == "line", pl.col("budget") > 0)
    return own.filter(pl.col("period") == pl.col("period").max()).sort("account", "currency").to_dicts()


def overspent(book: Book, lines: Iterable[Row]) -> list[Condition]:
    """Expenses beyond their budget of the month by more than the book's share ``overspent``.

    ``lines``: period, account, amount, budget and currency, as :func:`newest_budget` returns them.
    """
    most = 1 + book.thresholds.overspent
    return [
        condition(
            book.id,
            "budget",
            f"{row['account']} {row['period']:%Y-%m}",
            "warning",
            f"{row['account'].removeprefix('Expenses:').replace(':', ' · ')} in {row['period']:%Y-%m}: "
            f"{row['amount']:,.2f} {row['currency']} of a budget of {row['budget']:,.2f}",
        )
        for row in lines
        if row["account"].startswith("Expenses:") and row["amount"] > row["budget"] * most
    ]


def reconciliation_breaks(reconciliation: pl.DataFrame, accounts: pl.DataFrame) -> list[Condition]:
    """Accounts whose ledger differed from the provider on the last day that was compared."""
    last = reconciliation.sort("as_of").unique(["book", "account_id", "currency"], keep="last")
    broken = last.filter(pl.col("basis") == "difference").join(
        accounts.select("account_id", "institution", "name"), on="account_id", how="left"
    )
    return [
        condition(
            row["book"],
            "reconciliation",
            f"{row['account_id']} {row['currency']}",
            "warning",
            f"{row['institution']} {row['name']}: the books say {row['ledger_balance']:,.2f} {row['currency']} on "
            f"{row['as_of']}, the bank {row['provider_balance']:,.2f}; `manna reconcile --book {row['book']}` lists rows that could explain it",
        )
        for row in broken.sort("book", "account_id", "currency").iter_rows(named=True)
    ]  # fmt: skip


def market_returns(book: Book, performance: pl.DataFrame) -> list[tuple[date, float]]:
    """The days on which the book's investments moved, with their return, in order.

    Weekends and holidays have a return of nought, and are no market days.

    ``performance``: rows of portfolio.performance; ``day_return`` a ratio, null where the chain is broken.
    """
    own = performance.filter(pl.col("book") == book.id, pl.col("scope") == "book", pl.col("day_return") != 0)
    return [(day, float(moved)) for day, moved in own.sort("date").select("date", "day_return").iter_rows()]


def losses(book: Book, returns: Sequence[tuple[date, float]]) -> list[Condition]:
    """What the book's investments have lost: how far below their highest, and on the last day.

    The fall is that of the time-weighted index from its highest value; a day's loss is told where it exceeds the
    historical value at risk of the year before, at the level ``value_at_risk`` of the book (0.99: one day in a hundred).

    Args:
        book: its thresholds ``drawdown`` (a share) and ``value_at_risk``.
        returns: as :func:`market_returns` returns them.
    """
    if not returns:
        return []
    moved = [one for _, one in returns]
    last, lost = returns[-1][0], -moved[-1]
    found, index = [], list(accumulate((1 + one for one in moved), lambda before, grown: before * grown))
    fall = 1 - index[-1] / max(1.0, *index)
    if fall >= float(book.thresholds.drawdown):
        words = f"the investments are {fall:.1%} below their highest value, on {last}"
        found.append(condition(book.id, "drawdown", "book", "warning", words))
    if lost > 0 and len(moved) > A_YEAR:
        level = book.thresholds.value_at_risk
        at_risk = -(pl.Series(moved[-A_YEAR - 1 : -1]).quantile(1 - float(level), "linear") or 0.0)
        if lost > max(0.0, at_risk):
            words = (
                f"the investments lost {lost:.1%} on {last}, more than {at_risk:.1%}, which "
                f"{level:.0%} of the days of the year before did not exceed"
            )
            found.append(condition(book.id, "value_at_risk", f"{last}", "warning", words))
    return found


def drifted(book: Book, drift: Iterable[Row]) -> list[Condition]:
    """That weights of the book have left their bands, with the one that is farthest off.

    ``drift``: rows of portfolio.drift.
    """
    out = [row for row in drift if row["book"] == book.id and row["breached"]]
    if not out:
        return []
    worst = max(out, key=lambda row: (abs(row["drift"]), row["security_id"]))
    more = f" ({len(out) - 1} more beyond theirs)" if len(out) > 1 else ""
    words = f"{worst['security_id']} is {worst['weight']:.1%} of the investments instead of {worst['target']:.1%}{more}"
    return [condition(book.id, "drift", "book", "info", f"{words}: `manna rebalance plan` proposes trades")]
