"""The same thing perhaps told twice: twins within an account, and accounts that are one.

What belongs here: what looks like a double. What does not: merging anything: two rows with different ids
are two rows, and only the bank or a person can say otherwise.
"""

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.validating.finding import Finding

TWIN_DAYS = 3
OFTEN = 0.05
"""A payment that comes close to its like more than once, and in more than this share of cases, is a habit."""
LEAST_SHARED, MOST_ALIKE = 5, 0.8
"""Two accounts are one when so many rows, and this share of the smaller one's rows, are the same."""


def possible_duplicates(transactions: pl.DataFrame) -> list[Finding]:
    """A finding for every two posted rows of an account with equal amount and text within a few days.

    Not for a habit: a fare paid twice a day, a top-up that comes when it must. That is told by the account's
    own history: where such closeness happened more than once, and in more than one of twenty cases, it is
    normal there. A monthly payment that comes twice in one month is not.

    Args:
        transactions: rows of ``clean.transactions``.

    Returns:
        Kind ``possible_duplicate``: ``warning`` on the same day, else ``info``; at stake is the amount.
    """
    key = ["account_id", "currency", "amount", "description"]
    posted = transactions.filter(~pl.col("removed"), ~pl.col("pending"))
    ordered = posted.sort(*key, "date", "transaction_id").with_columns(
        days=(pl.col("date") - pl.col("date").shift(1).over(key)).dt.total_days(),
        former=pl.col("transaction_id").shift(1).over(key),
    )
    close = pl.col("days") <= TWIN_DAYS
    twins = ordered.with_columns(close=close.sum().over(key), pauses=pl.col("days").count().over(key)).filter(
        close, (pl.col("close") == 1) | (pl.col("close") <= OFTEN * pl.col("pauses"))
    )
    return [
        Finding(
            book=row["book"],
            kind="possible_duplicate",
            severity="info" if row["days"] else "warning",
            subject=row["account_id"],
            since=row["date"] - timedelta(days=row["days"]),
            until=row["date"],
            message=f"{row['description']}: {row['amount']:,.2f} {row['currency']} twice, "
            + (f"{row['days']} days apart" if row["days"] else "on the same day"),
            amount=abs(row["amount"]),
            currency=row["currency"],
            rows=(row["former"], row["transaction_id"]),
        )
        for row in twins.sort("book", "account_id", "date", "transaction_id").iter_rows(named=True)
    ]


def doubled_accounts(
    accounts: pl.DataFrame, transactions: pl.DataFrame, apart: Collection[str] = ()
) -> list[Finding]:
    """A finding for every two accounts of a book that tell the same rows: linked twice, and not recognised.

    Rows are the same by day, amount, currency and text. A transfer between two own accounts has opposite
    signs, so it is not.

    Args:
        accounts, transactions: the tables of ``clean``.
        apart: accounts of which a person has said that they are no other account.

    Returns:
        Kind ``doubled_account``, ``critical``: every figure of that account is counted twice. At stake is
        what the shared rows move, in and out.
    """
    key = ["date", "amount", "currency", "description"]
    posted = transactions.filter(~pl.col("removed"), ~pl.col("pending"))
    whose = accounts.select("account_id", "book", "type")
    own = posted.drop("book").join(whose, on="account_id").sort("transaction_id")
    own = own.unique(["account_id", *key], keep="first", maintain_order=True)
    told = own.select("book", "type", *key, "account_id")
    both = told.join(told, on=["book", "type", *key], suffix="_other")
    shared = both.filter(pl.col("account_id") < pl.col("account_id_other"))
    counts = shared.group_by(one="account_id", other="account_id_other").len()
    likely = counts.filter(pl.col("len") >= LEAST_SHARED).sort("one", "other")
    named = {row["account_id"]: row for row in accounts.iter_rows(named=True)}
    return [
        found
        for pair in likely.select("one", "other").iter_rows()
        if not set(pair) & set(apart)
        for found in _doubled(pair, own, named, key)
    ]


def _doubled(
    pair: tuple[str, ...], own: pl.DataFrame, named: dict[str, Any], key: list[str]
) -> Iterator[Finding]:
    one, other = (named[account_id] for account_id in pair)
    first, second = (own.filter(pl.col("account_id") == account_id) for account_id in pair)
    days: list[list[date]] = [part["date"].sort().to_list() for part in (first, second)]
    begin, end = max(known[0] for known in days), min(known[-1] for known in days)
    both = [part.filter(pl.col("date").is_between(begin, end)) for part in (first, second)]
    shared = both[1].join(both[0].select(key), on=key, how="semi")
    if shared.height < max(LEAST_SHARED, MOST_ALIKE * min(part.height for part in both)):
        return
    yield Finding(
        book=one["book"],
        kind="doubled_account",
        severity="critical",
        subject=pair[1],
        since=begin,
        until=end,
        message=f"{one['institution']} {one['name']} and {other['institution']} {other['name']} tell the same "
        f"{shared.height} rows: one account, linked twice?",
        amount=sum((abs(amount) for amount in shared["amount"]), Decimal(0)),
        currency=one["currency"],
        rows=tuple(shared["transaction_id"]),
    )
