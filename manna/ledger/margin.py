"""Margin loans: what an investment account owes its institution, as a liability.

What belongs here: the entries that move the negative part of an account's cash to a liability account, and back. What does
not: the interest on it, which is a trade as any other (:mod:`trades`), or an overdrawn bank account.

A broker states its loan as negative cash. The leaf ``:Cash`` would then be a negative asset, so whatever it falls below
zero by at the end of a day stands on ``Liabilities:...:Margin`` instead. By the end of a day and not by trade, because
within a day the rows of an account have no order that all providers tell, and a broker charges by the day too. As entries
and not in the layout of a statement, because then every statement, export and closing has the loan without knowing of it.
"""

from collections.abc import Mapping

import polars as pl

from manna.ledger.chart import INVESTMENT_TYPES, OwnAccount
from manna.ledger.journal import Entry, Line

SOURCE = "ledger.postings"


def margin_loans(
    own: Mapping[str, OwnAccount], postings: pl.DataFrame, provider: pl.DataFrame
) -> list[Entry]:
    """One entry per account, currency and day on which the loan changes.

    Only of money that the institution has stated: where it never did, the opening is not known, and what a sum falls short
    of zero by is not known to be owed.

    Args:
        own: the chart.
        postings: everything else that is booked.
        provider: :func:`manna.ledger.reconciliation.provider_money`.

    Returns:
        Entries that leave the leaf ``:Cash`` of each account at zero or more at each day's end. Both lines are the
        account's own, so that its balance stays what the institution says.
    """
    leaves = {account.cash: account for account in own.values() if account.type in INVESTMENT_TYPES}
    stated = set(provider.select("account_id", "currency").unique().iter_rows())
    key = ["account", "currency"]
    daily = (
        postings.filter(pl.col("account").is_in(list(leaves)))
        .group_by(*key, "date")
        .agg(pl.col("amount").sum())
        .sort(*key, "date")
        .with_columns(owed=-pl.col("amount").cum_sum().over(key).clip(upper_bound=0))
        .with_columns(change=pl.col("owed") - pl.col("owed").shift(1).over(key).fill_null(0))
        .filter(pl.col("change") != 0)
    )
    entries = []
    for leaf, currency, day, change in daily.select(*key, "date", "change").iter_rows():
        account = leaves[leaf]
        if (account.account_id, currency) not in stated:
            continue
        lines = (
            Line(leaf, change, currency, account.account_id),
            Line(account.margin, -change, currency, account.account_id),
        )
        text = "Borrowed on margin" if change > 0 else "Margin loan repaid"
        source_id = f"{account.account_id}/{currency}/{day}"
        entries.append(Entry(day, "margin", text, SOURCE, source_id, lines))
    return entries
