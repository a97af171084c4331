"""Raw daily bars of every symbol that is held or wanted, one partition per market day.

What belongs here: which symbols and days are asked. What does not: the calendar (``pipelines.partitions``
hands it in) or how a bar is read (``manna.cleaning``).
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import dagster as dg
import msgspec

from assets.common import Manna, spec, stopping_for_good
from assets.raw.receiving import Told, receive, rows_received
from manna.facts import Answer, Record
from resources.installation import Installation
from resources.lake import Lake, LakeTransaction

TABLE = "raw.alpaca_bars"
TRADED_TYPES = ("equity", "etf")
"""Plaid's security types that have daily bars at Alpaca; funds and bonds have the institution's price."""


_LOOKING_BACK = timedelta(days=2)
"""Before the last record that is in the clean tables: logins are pulled at the same time."""
_CLEANED = f"""
    SELECT symbol FROM clean.securities WHERE symbol IS NOT NULL AND type IN {TRADED_TYPES}
    UNION
    SELECT security_id FROM clean.trades
    WHERE security_id IS NOT NULL AND security_id NOT IN (SELECT security_id FROM clean.securities)
"""
"""What is known already; of what was traded also what the broker has no description of any more."""

_SYMBOL = re.compile("[A-Z0-9]{1,10}([.-][A-Z0-9]+)*", re.ASCII)
"""A stock's ticker. One that is none, such as an option's or a pair of coins, would spoil the whole request."""


class _Symbol(msgspec.Struct):
    symbol: str | None = None
    ticker_symbol: str | None = None
    type: str | None = None


def bars_asset(market_days: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset ``raw.alpaca_bars``, partitioned by ``market_days``; a range of days is one run."""

    @dg.multi_asset(
        name="pull_bars",
        specs=[spec(TABLE, partitions_def=market_days)],
        partitions_def=market_days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=1),
        pool="alpaca",
    )
    def alpaca_bars(context: dg.AssetExecutionContext, manna: Manna) -> dg.MaterializeResult[Any]:
        """Pulls raw daily bars of the partitions' days, for every symbol that is held or wanted."""
        with stopping_for_good():
            days = sorted(date.fromisoformat(key) for key in context.partition_keys)

            def ask(told: Told) -> dict[str, Answer]:
                client = manna.alpaca(manna.vault.open(told.connection["token"]))
                symbols = symbols_of_interest(manna, told.transaction)
                return {TABLE: client.bars(symbols, days[0], days[-1]) if symbols else Answer(())}

            # Prices are the same through any account: one connection is enough.
            connections = manna.ops.live_connections(provider="alpaca")[:1]
            received = receive(manna, context.run.run_id, connections, "alpaca_bars", ask, of_accounts=False)
            return next(received.materializations([TABLE], rows_received(manna)))

    return alpaca_bars


def symbols_of_interest(
    manna: Installation, lake: Lake | LakeTransaction, just_told: Iterable[Record] = ()
) -> list[str]:
    """Every symbol a book targets or is measured by, a brokerage holds or held, or a bank's feed lists as traded; sorted.

    By the clean tables, which have a row per security, and by what ``raw`` was told since they were made: its
    payloads grow by every day's prices.
    """
    symbols = {
        symbol
        for book in manna.books.values()
        for symbol in (*book.targets.symbols, *book.performance.benchmark)
    } - {"CASH"}
    symbols |= set(lake.query(_CLEANED)["symbol"])
    last = lake.query("SELECT max(known_at) AS last FROM clean.securities")["last"].item()
    recent, since = ("", []) if last is None else (" WHERE known_at >= ?", [last - _LOOKING_BACK])
    payloads = [record.payload for record in just_told]
    for table in ("raw.alpaca_positions", "raw.alpaca_activities", "raw.plaid_securities"):
        payloads += lake.query(f"SELECT DISTINCT payload FROM {table}{recent}", since)["payload"].to_list()
    for payload in payloads:
        named = _named(payload)
        if named.symbol:
            symbols.add(named.symbol)
        elif named.ticker_symbol and named.type in TRADED_TYPES:
            symbols.add(named.ticker_symbol)
    # What is asked for becomes part of an address.
    return sorted(symbol for symbol in symbols if _SYMBOL.fullmatch(symbol))


def _named(payload: str) -> _Symbol:
    """What a payload names; nothing where it cannot be read: that is for the contract to say."""
    try:
        return msgspec.json.decode(payload, type=_Symbol)
    except (msgspec.DecodeError, RecursionError):
        return _Symbol()
