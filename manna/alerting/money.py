"""Conditions of money: what figures say that somebody should hear.

What belongs here: pure functions from tables and a book's thresholds to conditions. What does not: conditions of data and of
decisions (``conditions``), or of the machine (``platform``).
"""

from datetime import date, timedelta
from itertools import accumulate
from operator import itemgetter

import polars as pl

from manna.alerting.conditions import Condition, condition
from manna.books import Book

A_YEAR = 252
"""Market days that the value at risk looks back on; before there are so many, nothing is said."""


def projected_lows(
    book: Book, accounts: pl.DataFrame, balances: pl.DataFrame, recurring: pl.DataFrame, day: date
) -> list[Condition]:
    """Depository accounts that the payments which are known to come would take below zero.

    Args:
        book: its threshold ``projected_days`` says how far ahead.
        accounts: rows of clean.accounts.
        balances: rows of clean.balances; the latest of an account counts. One below zero has an alert of its own.
        recurring: rows of categorized.recurring; amounts negative for money out. Each series counts with its next payment.
        day: today.
    """
    until = day + timedelta(days=book.thresholds.projected_days)
    stated = balances.filter(pl.col("current").is_not_null(), pl.col("book") == book.id)
    latest = stated.sort("as_of").unique("account_id", keep="last", maintain_order=True)
    owned = latest.join(accounts.filter(pl.col("type") == "depository"), on=["account_id", "book"])
    coming = recurring.filter(
        pl.col("book") == book.id, pl.col("status") == "active", pl.col("next_on").is_between(day, until)
    )
    found = []
    for row in owned.filter(pl.col("current") >= 0).sort("account_id").iter_rows(named=True):
        own = coming.filter(pl.col("account_id") == row["account_id"], pl.col("currency") == row["currency"])
        path = [(row["current"], day, "")]
        for payment in own.sort("next_on", "series_id").iter_rows(named=True):
            path.append((path[-1][0] + payment["next_amount"], payment["next_on"], payment["merchant"]))
        lowest, on, merchant = min(path, key=itemgetter(0))
        if lowest < 0:
            words = (
                f"{row['institution']} {row['name']} holds {row['current']:,.2f} {row['currency']}, and would hold "
                f"{lowest:,.2f} on {on} after what is known to come, last {merchant}"
            )
            found.append(condition(book.id, "projected_low", row["account_id"], "warning", words))
    return found


def overspent(book: Book, budget: pl.DataFrame) -> list[Condition]:
    """Expenses beyond their budget in the newest month by more than the book's share ``overspent``.

    ``budget``: rows of reports.budget; ``budget`` null where there is none.
    """
    own = budget.filter(pl.col("book") == book.id, pl.col("level") == "line", pl.col("budget") > 0)
    own = own.filter(pl.col("period") == pl.col("period").max(), pl.col("section") == "Expenses")
    beyond = own.filter(-pl.col("difference") > pl.col("budget") * book.thresholds.overspent)
    return [
        condition(
            book.id,
            "budget",
            f"{row['account']} {row['period']:%Y-%m}",
            "warning",
            f"{row['account'].removeprefix('Expenses:').replace(':', ' · ')} in {row['period']:%Y-%m}: "
            f"{row['amount']:,.2f} {row['currency']} of a budget of {row['budget']:,.2f}",
        )
        for row in beyond.sort("account", "currency").iter_rows(named=True)
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


def losses(book: Book, performance: pl.DataFrame) -> list[Condition]:
    """What the book's investments have lost: how far below their highest, and on the last day.

    The fall is that of the time-weighted index from its highest value; a day's loss is told where it exceeds the
    historical value at risk of the year before, at the level ``value_at_risk`` of the book (0.99: one day in a hundred).

    Args:
        book: its thresholds ``drawdown`` (a share) and ``value_at_risk``.
        performance: rows of portfolio.performance; ``day_return`` a ratio, null where the chain is broken.
    """
    own = performance.filter(
        pl.col("book") == book.id, pl.col("scope") == "book", pl.col("day_return").is_not_null()
    ).sort("date")
    returns = [float(value) for value in own["day_return"]]
    if not returns:
        return []
    last: date = own["date"][-1]
    found, index = [], list(accumulate((1 + one for one in returns), lambda before, grown: before * grown))
    fall = 1 - index[-1] / max(1.0, *index)
    if fall >= float(book.thresholds.drawdown):
        words = f"the investments are {fall:.1%} below their highest value, on {last}"
        found.append(condition(book.id, "drawdown", "book", "warning", words))
    before = pl.Series(returns[:-1][-A_YEAR:])
    if len(before) == A_YEAR:
        at_risk = before.quantile(1 - float(book.thresholds.value_at_risk), "linear")
        if at_risk is not None and returns[-1] < min(0.0, at_risk):
            words = (
                f"the investments lost {-returns[-1]:.1%} on {last}, more than {-at_risk:.1%}, which "
                f"{book.thresholds.value_at_risk:.0%} of the days of the year before did not exceed"
            )
            found.append(condition(book.id, "value_at_risk", f"{last}", "warning", words))
    return found
