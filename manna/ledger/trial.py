"""The trial balance, and the proof that every entry balances.

What belongs here: sums over postings that must come out in a known way. What does not: comparison with a
provider (:mod:`reconciliation`).
"""

from datetime import date

import polars as pl

from manna.contracts.declaration import Kind


def trial_balance(postings: pl.DataFrame, as_of: date | None = None) -> pl.DataFrame:
    """Each account's balance per currency, of postings up to and including ``as_of`` (default: all).

    Returns:
        ``account, currency, debit, credit``, sorted; a balance stands in one of the two columns, as a
        positive number, the other is zero. Per currency both columns have the same sum.
    """
    kept = postings if as_of is None else postings.filter(pl.col("date") <= as_of)
    sums = kept.group_by("account", "currency").agg(pl.col("amount").sum()).sort("account", "currency")
    amount, money = pl.col("amount"), Kind.MONEY.polars
    return sums.select(
        "account",
        "currency",
        debit=amount.clip(lower_bound=0).cast(money),
        credit=(-amount).clip(lower_bound=0).cast(money),
    )


def out_of_balance(postings: pl.DataFrame) -> pl.DataFrame:
    """Every entry whose amounts do not sum to zero in a currency; empty when the books are sound.

    Returns:
        ``entry_id, date, currency, amount`` (what is left over, positive = debit), sorted.
    """
    sums = postings.group_by("entry_id", "date", "currency").agg(pl.col("amount").sum())
    return (
        sums.filter(pl.col("amount") != 0)
        .select("entry_id", "date", "currency", pl.col("amount").cast(Kind.MONEY.polars))
        .sort("entry_id", "date", "currency")
    )
