"""Silence where there should be rows: gaps in an account's history, and what has not been heard of lately.

What belongs here: pauses and ages. What does not: up to which day a connection is complete, which is a fact
of its own (``clean.coverage``).
"""

import itertools
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.validating.finding import Finding

LEAST_DAYS = 20
"""An account that had rows on fewer days has no habit one could measure a pause against."""
SHORTEST_GAP, LONG_GAP = 14, 31
TIMES_USUAL = 3
_CENT = Decimal("0.01")


def history_gaps(transactions: pl.DataFrame, complete_through: Mapping[str, date]) -> list[Finding]:
    """A finding for every pause in an account that is much longer than its usual ones.

    A pause is the time between two days with rows, or between the last one and the day the account is
    complete through. It is too long when it is more than :data:`SHORTEST_GAP` days and more than
    :data:`TIMES_USUAL` times as long as 19 of 20 pauses of that account: a month without rows is normal for
    a savings account, and two weeks are not for a card in daily use.

    Args:
        transactions: rows of ``clean.transactions``.
        complete_through: per account, the day up to which all its rows are known.

    Returns:
        Kind ``history_gap``: ``warning`` beyond :data:`LONG_GAP` days, else ``info``. At stake is what
        usually moves through the account (in and out) in so many days.
    """
    posted = transactions.filter(~pl.col("removed"), ~pl.col("pending"))
    found = []
    for (account_id,), rows in posted.sort("account_id", "date").group_by(
        ["account_id"], maintain_order=True
    ):
        days: list[date] = rows["date"].unique().sort().to_list()
        if len(days) < LEAST_DAYS:
            continue
        lengths = sorted((b - a).days for a, b in itertools.pairwise(days))
        usual = lengths[int(0.95 * (len(lengths) - 1))]
        pauses = list(itertools.pairwise(days))
        last = complete_through.get(str(account_id))
        if last is not None and last > days[-1]:
            pauses.append((days[-1], last + timedelta(days=1)))
        for begin, end in pauses:
            length = (end - begin).days
            if length > max(SHORTEST_GAP, TIMES_USUAL * usual):
                found.append(_gap(rows, begin, end, length, usual, (days[-1] - days[0]).days))
    return found


def _gap(rows: pl.DataFrame, begin: date, end: date, length: int, usual: int, span: int) -> Finding:
    first = rows.row(0, named=True)
    edges = rows.filter(pl.col("date").is_in([begin, end]))["transaction_id"]
    flow = sum((abs(amount) for amount in rows["amount"]), Decimal(0)) * (length - 1) / max(span, 1)
    return Finding(
        book=first["book"],
        kind="history_gap",
        severity="warning" if length > LONG_GAP else "info",
        subject=first["account_id"],
        since=begin + timedelta(days=1),
        until=end - timedelta(days=1),
        message=f"no row for {length - 1} days; 19 of 20 pauses of this account are at most {usual} days",
        amount=flow.quantize(_CENT),
        currency=first["currency"],
        rows=tuple(edges),
    )


def stale_connections(
    connections: Iterable[Mapping[str, Any]], stale_after: Mapping[str, int], today: Mapping[str, date]
) -> list[Finding]:
    """A finding for every connection that is not known complete within the days its book allows.

    Args:
        connections: rows of ``ops.connections``; those that have ended are to be left out, and one that
            never answered yet is judged by the day it was linked.
        stale_after: per book, how many days may pass.
        today: per book, the day it is there.

    Returns:
        Kind ``stale_connection``, a ``warning``.
    """
    found = []
    for row in connections:
        book = row["book"]
        last: date = row["complete_through"] or row["linked_at"].date()
        age = (today[book] - last).days
        if age > stale_after[book]:
            found.append(
                Finding(
                    book=book,
                    kind="stale_connection",
                    severity="warning",
                    subject=row["connection_id"],
                    since=last,
                    until=today[book],
                    message=f"{row['institution']}: nothing is known after {last}, {age} days ago",
                    rows=(row["connection_id"],),
                )
            )
    return found


def stale_balances(
    accounts: pl.DataFrame,
    balances: pl.DataFrame,
    stale_after: Mapping[str, int],
    complete_through: Mapping[str, date],
) -> list[Finding]:
    """A finding for every account whose login answers and whose balance has not been told for days.

    Returns:
        Kind ``stale_balance``, a ``warning``; at stake is the last balance told, which still counts.
    """
    told = balances.filter(pl.col("current").is_not_null()).sort("as_of")
    last = {row["account_id"]: row for row in told.iter_rows(named=True)}
    found = []
    for account in accounts.sort("account_id").iter_rows(named=True):
        row, known = last.get(account["account_id"]), complete_through.get(account["account_id"])
        if row is None or known is None or (known - row["as_of"]).days <= stale_after[account["book"]]:
            continue
        found.append(
            Finding(
                book=account["book"],
                kind="stale_balance",
                severity="warning",
                subject=account["account_id"],
                since=row["as_of"],
                until=known,
                message=f"{account['institution']} {account['name']}: no balance since {row['as_of']}",
                amount=abs(row["current"]),
                currency=row["currency"],
                rows=(f"{account['account_id']} {row['as_of']}",),
            )
        )
    return found
