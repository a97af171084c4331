"""All findings at once, from the clean tables: the one call that ``assets.findings`` makes.

What belongs here: which finding needs which table. What does not: any finding itself (the modules beside).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from manna.validating import balances, duplicates, history, prices, splits, unlisted
from manna.validating.finding import Finding, as_rows

SOURCES = (
    "clean.accounts",
    "clean.balances",
    "clean.coverage",
    "clean.transactions",
    "clean.securities",
    "clean.holdings",
    "clean.trades",
    "clean.bars",
    "clean.market_days",
    "clean.corporate_actions",
)


def findings(
    tables: Mapping[str, pl.DataFrame],
    connections: Iterable[Mapping[str, Any]],
    stale_after: Mapping[str, int],
    today: Mapping[str, date],
    apart: Collection[str] = (),
) -> pl.DataFrame:
    """Rows of ``clean.findings``.

    Args:
        tables: the tables of :data:`SOURCES`, by address, all books together.
        connections: rows of ``ops.connections`` that have not ended.
        stale_after: per book, after how many days a connection or balance is stale.
        today: per book, the day it is there.
        apart: accounts of which a person has said that they are no other account.
    """
    t = {address.partition(".")[2]: frame for address, frame in tables.items()}
    through = dict(
        t["coverage"]
        .filter(pl.col("complete_through").is_not_null())
        .select("account_id", "complete_through")
        .rows()
    )
    held = prices.holders(t["holdings"], t["securities"])
    known, due = splits.splits(t["corporate_actions"]), _due(t["bars"], t["market_days"])
    parts: Sequence[Sequence[Finding]] = (
        balances.roll_forward(t["accounts"], t["balances"], t["transactions"]),
        history.history_gaps(t["transactions"], through),
        history.stale_connections(connections, stale_after, today),
        history.stale_balances(t["accounts"], t["balances"], stale_after, through),
        duplicates.possible_duplicates(t["transactions"]),
        duplicates.doubled_accounts(t["accounts"], t["transactions"], apart),
        unlisted.unlisted_rows(t["transactions"], t["trades"]),
        prices.missing_prices(t["bars"], due, held),
        prices.price_jumps(t["bars"], known, held),
        splits.unknown_splits(t["bars"], known, held),
        splits.splits_without_jump(t["bars"], known, held),
        splits.splits_told_twice(known, held),
        splits.splits_in_positions(t["trades"], t["securities"], t["bars"], known),
        splits.splits_in_holdings(t["holdings"], t["trades"], t["securities"], known),
    )
    return as_rows(found for part in parts for found in part)


def _due(bars: pl.DataFrame, market_days: pl.DataFrame) -> list[date]:
    """Market days whose bars have been asked for: up to the last one of which we have any.

    Where the broker's calendar is not known, days on which some symbol has a bar.
    """
    days: set[date] = set(market_days["date"]) or set(bars["date"])
    last: list[date] = bars["date"].sort().tail(1).to_list()
    return sorted(day for day in days if last and day <= last[0])
