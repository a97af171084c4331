"""What the accounts held before the feed begins, from the first thing the provider said about them.

What belongs here: opening days and balances. What does not: opening positions (:mod:`opening_positions`), comparing
later balances (:mod:`reconciliation`).

An opening is plugged from the *first* snapshot of an account and the rows dated up to that day, and never
again: what later snapshots say is compared, not absorbed. Rows dated up to the first snapshot that become
known only later (a backfill) therefore change the opening and never current income.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from manna.ledger.chart import OPENING_BALANCES, OwnAccount
from manna.ledger.journal import Entry, Line

_DAY = timedelta(days=1)


def opening_days(
    posted: pl.DataFrame, trades: pl.DataFrame, balances: pl.DataFrame, holdings: pl.DataFrame
) -> dict[str, date]:
    """The day each account is opened on: for all of a book the day before its first row of any account.

    An account whose first row comes weeks later was there before, with the balance it has then; net worth
    must not jump on the day an account first moves, nor fall off a cliff on the night a mortgage, of which
    balances alone are told, is first heard of. An account that really was opened in between opens empty.

    Args:
        posted: the booked rows of clean.transactions.
        trades, balances, holdings: rows of those tables of ``clean``.
    """
    days = [
        posted.select("account_id", day=pl.col("date") - _DAY),
        trades.select("account_id", day=pl.col("date") - _DAY),
        balances.select("account_id", day="as_of"),
        holdings.select("account_id", day="as_of"),
    ]
    known = pl.concat(days)
    first = known.select(pl.col("day").min()).item() if known.height else date.min
    return dict.fromkeys(known["account_id"].unique().sort(), first)


def cash_openings(
    own: Mapping[str, OwnAccount],
    provider: pl.DataFrame,
    postings: pl.DataFrame,
    days: Mapping[str, date],
) -> list[Entry]:
    """One entry per account whose money the provider has stated: first statement - rows up to that day.

    Args:
        provider: :func:`manna.ledger.reconciliation.provider_money`.
        postings: what transactions and trades moved, as told balances saw it.
        days: :func:`opening_days`.

    Returns:
        Entries against ``Equity:Opening Balances``. An opening of zero is an entry too: it says that the
        account was empty.
    """
    first = provider.filter(pl.col("as_of") == pl.col("as_of").min().over("account_id", "currency"))
    moves = postings.filter(pl.col("account_id").is_not_null() & pl.col("security_id").is_null())
    known = (
        moves.select("account_id", "currency", "date", moved="amount")
        .join(first, on=["account_id", "currency"])
        .filter(pl.col("date") <= pl.col("as_of"))
        .group_by("account_id", "currency")
        .agg(pl.col("moved").sum())
    )
    rows = first.join(known, on=["account_id", "currency"], how="left").sort(
        "account_id", "as_of", "currency"
    )
    entries = []
    for (account_id, as_of, source), stated in rows.group_by(
        "account_id", "as_of", "source", maintain_order=True
    ):
        account, lines = own[str(account_id)], []
        for row in stated.iter_rows(named=True):
            amount = row["amount"] - (row["moved"] or 0)
            lines.append(Line(account.cash, amount, row["currency"], account_id=account.account_id))
            lines.append(Line(OPENING_BALANCES, -amount, row["currency"]))
        source_id = f"{account_id}/{as_of}"
        day = days[account.account_id]
        entries.append(Entry(day, "opening", "Opening balance", str(source), source_id, tuple(lines)))
    return entries
