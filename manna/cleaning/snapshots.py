"""Balances and holdings of an account that came through several logins: whose word counts on which day.

What belongs here: that. What does not: rows that each login sends again (``relinking``).
"""

import polars as pl

from manna.cleaning.identity import Identities


def from_the_latest_login(rows: pl.DataFrame, who: Identities) -> pl.DataFrame:
    """Rows per account and ``as_of``: from a login's first day on its word counts, not a former login's.

    Args:
        rows: of clean.balances or clean.holdings, under the provider's account ids.
        who: which accounts are one.

    Returns:
        The rows that count, under Manna's account ids.
    """
    ranked = rows.with_columns(
        account=pl.col("account_id").replace(who.owners),
        rank=pl.col("account_id").replace_strict(who.ranks, default=0, return_dtype=pl.Int64),
    )
    begun = ranked.group_by("account", "rank").agg(begins=pl.col("as_of").min())
    later = begun.join(begun, on="account", suffix="_later").filter(pl.col("rank_later") > pl.col("rank"))
    ends = later.group_by("account", "rank").agg(ends=pl.col("begins_later").min())
    return (
        ranked.join(ends, on=["account", "rank"], how="left", maintain_order="left")
        .filter(pl.col("ends").is_null() | (pl.col("as_of") < pl.col("ends")))
        .with_columns(account_id="account")
        .select(rows.columns)
    )


def given_up(former: pl.DataFrame, counting: pl.DataFrame, who: Identities) -> pl.DataFrame:
    """What a former login listed last and the one that replaced it does not list: held at zero from then on.

    Without this a position that was sold while no login answered would stand as last told for ever.

    Args:
        former: all rows of clean.holdings, under the provider's account ids.
        counting: those of them that count (:func:`from_the_latest_login`).
        who: which accounts are one.

    Returns:
        Rows of clean.holdings on the first day of the replacing login, to be added to ``counting``.
    """
    key = ["account_id", "security_id"]
    told = former.with_columns(login="account_id", account_id=pl.col("account_id").replace(who.owners))
    starts = told.group_by("account_id", "login").agg(begins=pl.col("as_of").min())
    listed = told.select(*key, "login", "as_of").join(starts, on=["account_id", "login"])
    first_lists = listed.filter(pl.col("as_of") == pl.col("begins")).select(*key, "begins")
    last = (
        counting.join(starts.select("account_id", "begins"), on="account_id")
        .filter(pl.col("as_of") < pl.col("begins"))
        .sort("as_of")
        .unique([*key, "begins"], keep="last", maintain_order=True)
        .filter(pl.col("quantity") != 0)
        .join(first_lists, on=[*key, "begins"], how="anti")
    )
    return last.with_columns(
        pl.lit(0).cast(former.schema["quantity"]).alias("quantity"),
        pl.lit(0).cast(former.schema["value"]).alias("value"),
        pl.lit(None, dtype=former.schema["cost_basis"]).alias("cost_basis"),
        as_of="begins",
    ).select(former.columns)
