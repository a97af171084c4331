"""What may explain a difference between ledger and provider: rows that one of the two may have and the other not.

What belongs here: the candidates, and the few of them that come to the difference exactly. What does not: finding the
differences (:mod:`reconciliation`), or changing anything: which row is at fault is for a person to say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import polars as pl

NEAR = timedelta(days=5)
"""How far from a told balance a row may be dated that it counts, or does not count yet."""
MOST_ROWS, MOST_CANDIDATES = 3, 60
"""A difference is explained by so many rows at most, sought among so many nearest ones: of more, chance finds some."""

UNEXPLAINED = "no row explains it: ask the bank for its statement of that day"
_DAY = ("account_id", "as_of", "provider_balance", "ledger_balance", "difference", "currency")
_SCHEMA = {
    "account_id": pl.String(),
    "as_of": pl.Date(),
    "provider_balance": pl.Decimal(18, 4),
    "ledger_balance": pl.Decimal(18, 4),
    "difference": pl.Decimal(18, 4),
    "currency": pl.String(),
    "explained": pl.Boolean(),
    "reason": pl.String(),
    "row_id": pl.String(),
    "date": pl.Date(),
    "amount": pl.Decimal(18, 4),
    "description": pl.String(),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be on one side only. ``effect``: what it would add to ledger less provider."""

    row_id: str
    date: date
    amount: Decimal
    effect: Decimal
    description: str
    reason: str


def explained_differences(
    reconciliation: pl.DataFrame, transactions: pl.DataFrame, trades: pl.DataFrame
) -> pl.DataFrame:
    """Every day on which ledger and provider differ, with the rows that come to it exactly.

    What is explained is the *step* of a difference from one told day to the next: a row that is on one side only
    makes one step when it comes and the opposite when the other side has it too. A difference that does not change
    is as explained as it was the day before.

    Args:
        reconciliation: ledger.reconciliation of one book.
        transactions, trades: that book's rows of those tables of ``clean``, pending and removed ones too.

    Returns:
        One row per difference and row that explains it; where none does, one row whose ``row_id`` is null and whose
        ``reason`` says what to do. By account and day. ``amount`` has the ledger's sign.
    """
    rows = _rows(transactions, trades)
    found = []
    for (account_id,), days in reconciliation.sort("as_of").group_by(["account_id"], maintain_order=True):
        if (days["difference"] != 0).any():
            own = rows.filter(pl.col("account_id") == account_id).to_dicts()
            found += list(_of_account(days.to_dicts(), own))
    return pl.DataFrame(found, schema=_SCHEMA, orient="row").sort("account_id", "as_of", "row_id")


def unexplained(differences: pl.DataFrame) -> list[str]:
    """One line for every account with differences that no rows explain, in words: they stand against a closing."""
    left = differences.filter(~pl.col("explained"))
    return [
        f"{account_id} differs by {part['difference'][-1]:,.2f} {part['currency'][-1]} on {part['as_of'][-1]}"
        + (f" and on {part.height - 1} days before" if part.height > 1 else "")
        for (account_id,), part in left.group_by(["account_id"], maintain_order=True)
    ]


def _rows(transactions: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    columns = ["account_id", "date", "amount", "currency", "removed", "removed_on", "unlisted"]
    told = [
        transactions.select("description", "pending", *columns, row_id="transaction_id"),
        trades.select("description", *columns, pending=pl.lit(False), row_id="trade_id").select(
            "description", "pending", *columns, "row_id"
        ),
    ]
    return pl.concat(told).filter(pl.col("amount") != 0)


def _of_account(days: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    before, explained = Decimal(0), True
    last_day: date | None = None
    for day in days:
        difference, step = day["difference"], day["difference"] - before
        found: Sequence[Candidate] = ()
        if step and difference:
            found = _exactly(step, _candidates(day["as_of"], last_day, day["currency"], rows))
            explained = bool(found) and (explained or not before)
        elif not difference:
            explained = True
        if difference:
            head = (*(day[name] for name in _DAY), explained)
            for row in found:
                yield (*head, row.reason, row.row_id, row.date, row.amount, row.description)
            if not found:
                unchanged = "as on the day told before" if not step else UNEXPLAINED
                yield (*head, unchanged, None, None, None, None)
        before, last_day = difference, day["as_of"]


def _candidates(
    day: date, before: date | None, currency: str, rows: Sequence[dict[str, Any]]
) -> list[Candidate]:
    """Rows that may be on one side only on ``day`` and were not so on the day told ``before``; nearest first."""
    earliest = (before or day) - NEAR
    found = []
    for row in rows:
        if row["currency"] != currency or not earliest <= row["date"] <= day + NEAR:
            continue
        amount: Decimal = row["amount"]
        if row["removed"]:
            effect, reason = -amount, "taken back by the provider, and still in its balance"
        elif row["pending"]:
            effect, reason = -amount, "pending, and in the provider's balance already"
        elif row["date"] > day:
            effect, reason = -amount, "dated later, and in the provider's balance already"
        elif row["unlisted"]:
            effect, reason = (
                amount,
                "no longer listed by its provider: it may be there twice or never have been",
            )
        else:
            effect, reason = amount, "booked, and not in the provider's balance yet (or booked twice)"
        found.append(Candidate(row["row_id"], row["date"], amount, effect, row["description"], reason))
    found.sort(key=lambda one: (abs((one.date - day).days), one.row_id))
    return found[:MOST_CANDIDATES]


def _exactly(step: Decimal, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The fewest candidates that come to ``step`` together, the nearest of several; none where there are none."""
    for size in range(1, MOST_ROWS + 1):
        for chosen in combinations(candidates, size):
            if sum(one.effect for one in chosen) == step:
                return chosen
    return ()
