"""A broker's positions against those that its own activities amount to.

What belongs here: that comparison, which rests on no opening. What does not: the ledger's positions, which
do (:func:`manna.ledger.position_differences` compares those), and splits of the market (``splits``).
"""

import polars as pl

from manna.ledger.reconciliation import position_differences

COMPLETE = "alpaca"
"""The provider whose activities are complete: they are told since the account exists, and it began empty."""


def rebuilt_positions(
    accounts: pl.DataFrame, trades: pl.DataFrame, holdings: pl.DataFrame, securities: pl.DataFrame
) -> pl.DataFrame:
    """Every position, per day on which holdings were told, that is not the sum of the activities.

    An activity counts from the day on which it was first told, whatever day it is dated: it is asked for
    together with the positions, so what was told by then is what they consist of. One that was taken back
    counts until the day on which that was told.

    Args:
        accounts, trades, holdings, securities: the tables of ``clean``. Only accounts of a provider that
            tells all activities since the beginning are looked at.

    Returns:
        ``book, account_id, security_id, as_of, provider_quantity, ledger_quantity, difference`` (activities
        less broker), only where there is a difference; by book, account, security and day.
    """
    ours = accounts.filter(pl.col("provider") == COMPLETE).select("account_id", "book")
    moves = trades.filter(pl.col("quantity") != 0).join(ours, on="account_id", how="semi")
    key = ["account_id", "security_id", "quantity"]
    come = moves.select(*key, date="first_known_on")
    gone = moves.filter("removed").select(*key, date="removed_on").with_columns(-pl.col("quantity"))
    told = holdings.join(ours, on="account_id", how="semi")
    found = position_differences(pl.concat([come, gone]), told, securities)
    return found.join(ours, on="account_id").sort("book", "account_id", "security_id", "as_of")
