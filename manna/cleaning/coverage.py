"""How far what we know of each account reaches: ``clean.coverage``.

What belongs here: that table, from what was heard through each login and when. What does not: what it means for
a book's reports (``manna.standing``).

A login was *heard* whenever it answered with anything new. What it says is as old as what the institution last
told the provider (``/item/get``), and while Plaid has not begun to load an account's past it says nothing.
"""

from datetime import UTC, datetime

import polars as pl

from manna.cleaning.accounts import each_account, who_is_who
from manna.cleaning.context import Context, Raw
from manna.cleaning.decoding import Cleaned, local_day
from manna.contracts.clean import QUARANTINE
from manna.contracts.coverage import COVERAGE

SOURCES = ("batches", "plaid_items")
_INVESTMENT_TYPES = ("investment", "brokerage")
_STILL = datetime(9999, 1, 1, tzinfo=UTC)
_LOGIN = "connection_id"
_ROWS = {"transactions": "plaid_transactions", "investments": "plaid_investment_transactions"}
"""Where the rows of each product come from; each is loaded by steps of its own."""


def coverage(raw: Raw, context: Context) -> Cleaned:
    """``clean.coverage``: one row per account of ``clean.accounts``."""
    told = each_account(raw, context).rows.select("account_id", "book", _LOGIN, "type")
    reach = told.join(_listed(raw), on=["account_id", _LOGIN], how="left", maintain_order="left")
    reach = reach.sort("until").join_asof(
        _heard(raw, context), left_on="until", right_on="known_at", by=_LOGIN, check_sortedness=False
    )
    invests = pl.col("type").is_in(_INVESTMENT_TYPES)
    rows = reach.join(_pasts(raw), on=_LOGIN, how="left").with_columns(
        complete_through=pl.when(invests).then("investments").otherwise("transactions"),
        provisional=pl.col("is_loading").fill_null(False),
    )
    rows = _of_each_account(rows, raw, context)
    return Cleaned(COVERAGE.conform(rows), QUARANTINE.empty(), rows.height)


def without_rows_yet(balances: pl.DataFrame, raw: Raw, context: Context) -> pl.DataFrame:
    """``balances`` less those told on a day before any row was, once rows have been told.

    While Plaid loads a new login it tells balances and no rows. Which of the rows told some days later are in
    such a balance nobody can say, so nothing is to be reckoned from it. Until rows come it is all there is.

    Args:
        balances: rows of ``clean.balances`` with the account's ``type`` and ``connection_id``.
        raw: with ``raw.batches``.
        context: for the books' time zones.
    """
    steps = _histories(raw, _ROWS["transactions"]).with_columns(day=local_day(context.zones))
    is_waiting = pl.col("history") == "not_ready"
    first = steps.group_by(_LOGIN).agg(waited=is_waiting.any(), since=pl.col("day").filter(~is_waiting).min())
    told = balances.join(first.filter("waited"), on=_LOGIN, how="left", maintain_order="left")
    invests = pl.col("type").is_in(_INVESTMENT_TYPES)
    return told.filter(invests | pl.col("since").is_null() | (pl.col("as_of") >= pl.col("since")))


def pasts_in_full(raw: Raw, table: str, context: Context) -> pl.DataFrame:
    """Per account of Plaid when its login first listed it, and when all of the login's past had been told.

    Args:
        raw: with ``raw.plaid_accounts``, ``raw.batches`` and ``table``.
        table: the raw table whose rows count as told, e.g. ``raw.plaid_transactions``.
        context: for the books' time zones.

    Returns:
        ``account_id, listed_at, since`` (the day of that) and ``complete_at``: null while it is being loaded, the
        first answer with rows where Plaid says nothing of it.
    """
    listed = raw["raw.plaid_accounts"].filter(pl.col("change") != "removed")
    first = listed.group_by("book", _LOGIN, account_id="source_id").agg(pl.col("known_at").min())
    told = raw[table].group_by(_LOGIN).agg(told_at=pl.col("known_at").min())
    is_whole = pl.col("history") == "complete"
    whole = (
        _histories(raw, table.removeprefix("raw."))
        .group_by(_LOGIN)
        .agg(whole_at=pl.col("known_at").filter(is_whole).min(), steps=pl.lit(True))
    )
    return (
        first.join(told, on=_LOGIN, how="left")
        .join(whole, on=_LOGIN, how="left")
        .select(
            "account_id",
            since=local_day(context.zones),
            listed_at="known_at",
            complete_at=pl.when(pl.col("steps") & pl.col("whole_at").is_null())
            .then(None)
            .otherwise(pl.max_horizontal("told_at", "whole_at")),
        )
        .sort("listed_at")
        .unique("account_id", keep="first", maintain_order=True)
    )


def _listed(raw: Raw) -> pl.DataFrame:
    """Per account of a login whether it is ``listed``, and the moment ``until`` which it was."""
    said = pl.concat([raw[name] for name in ("raw.plaid_accounts", "raw.alpaca_account")])
    ordered = said.sort("known_at", "batch_id", "seq")
    is_listing = pl.col("change") != "removed"
    ever = ordered.group_by(account_id="source_id", connection_id=_LOGIN).agg(
        listed=is_listing.last(), last=pl.col("known_at").filter(is_listing).last()
    )
    until = pl.when("listed").then(pl.lit(_STILL)).otherwise("last")
    return ever.with_columns(until=until.cast(pl.Datetime("us", "UTC"))).drop("last")


def _heard(raw: Raw, context: Context) -> pl.DataFrame:
    """Per login and moment heard: the days up to which its ``transactions`` and ``investments`` are known."""
    batches = raw["raw.batches"].filter(
        pl.col("endpoint").str.starts_with("plaid_") | (pl.col("endpoint") == "alpaca_account")
    )
    heard = batches.select(_LOGIN, "book", "known_at").unique().sort("known_at")
    steps = [
        _histories(raw, endpoint).select(_LOGIN, "known_at", pl.col("history").alias(f"{product}_history"))
        for product, endpoint in _ROWS.items()
    ]
    for facts in (*steps, *_items(raw)):
        heard = heard.join_asof(facts, on="known_at", by=_LOGIN, check_sortedness=False)
    failing, days = pl.col("error_code").is_not_null(), []
    for product in _ROWS:
        updated = pl.col(f"{product}_updated")
        silent = (failing & updated.is_null()) | (pl.col(f"{product}_history") == "not_ready").fill_null(
            False
        )
        as_of = pl.min_horizontal("known_at", pl.coalesce(updated, "known_at"))
        day = heard.select("book", known_at=as_of).select(local_day(context.zones)).to_series()
        days.append(pl.when(~silent).then(day).alias(product))
    return heard.with_columns(days).select(
        _LOGIN, "known_at", pl.col("transactions", "investments").cum_max().forward_fill().over(_LOGIN)
    )


def _histories(raw: Raw, endpoint: str) -> pl.DataFrame:
    told = raw["raw.batches"].filter(pl.col("history").is_not_null(), pl.col("endpoint") == endpoint)
    return told.select(_LOGIN, "book", "known_at", "history").sort("known_at")


def _pasts(raw: Raw) -> pl.DataFrame:
    """Which logins have not told all of their past by now, of one product or another."""
    parts = [
        _histories(raw, endpoint).group_by(_LOGIN).agg(is_loading=pl.col("history").last() != "complete")
        for endpoint in _ROWS.values()
    ]
    return pl.concat(parts).group_by(_LOGIN).agg(pl.col("is_loading").any())


def _items(raw: Raw) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What ``/item/get`` said per moment: the error of a login, and when its products were last updated."""
    said = raw["raw.plaid_items"].filter(pl.col("change") != "removed").sort("known_at", "batch_id", "seq")
    is_status = pl.col("source_id").str.ends_with(":status")
    payload = pl.col("payload")
    errors = said.filter(~is_status).select(
        _LOGIN, "known_at", error_code=payload.str.json_path_match("$.error.error_code")
    )
    updates = said.filter(is_status).select(
        _LOGIN,
        "known_at",
        *(
            payload.str.json_path_match(f"$.{product}.last_successful_update")
            .str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
            .alias(f"{product}_updated")
            for product in ("transactions", "investments")
        ),
    )
    return errors, updates


def _of_each_account(rows: pl.DataFrame, raw: Raw, context: Context) -> pl.DataFrame:
    """One row per account of ours: of several logins the latest counts, but for the day known by any."""
    who = who_is_who(raw, context)
    ranked = rows.sort(
        pl.col("account_id").replace_strict(who.ranks, default=0, return_dtype=pl.Int64), maintain_order=True
    )
    owned = ranked.with_columns(pl.col("account_id").replace(who.owners))
    return owned.group_by("account_id", maintain_order=True).agg(
        pl.col("book", _LOGIN, "listed", "provisional").last(), pl.col("complete_through").max()
    )
