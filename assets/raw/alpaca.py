"""What is asked of Alpaca: account, positions, activities, orders, descriptions, corporate actions, calendar.

What belongs here: which endpoints, for which symbols. What does not: daily bars (``bars``: they are
partitioned by market day), how an answer is kept (``receiving``) or read (``manna.cleaning``).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg

from assets.common import BooksConfig, Manna, chosen, spec, stopping_for_good
from assets.raw.bars import symbols_of_interest
from assets.raw.receiving import Told, answered, receive, rows_received
from manna.facts import Answer
from resources.installation import Installation
from resources.plaid import DAYS_REQUESTED

TABLES = (
    "raw.alpaca_account",
    "raw.alpaca_positions",
    "raw.alpaca_activities",
    "raw.alpaca_orders",
    "raw.alpaca_assets",
    "raw.alpaca_corporate_actions",
    "raw.alpaca_calendar",
)


@dg.multi_asset(
    name="pull_alpaca",
    specs=[spec(table) for table in TABLES],
    check_specs=[answered("raw.alpaca_account")],
    retry_policy=dg.RetryPolicy(max_retries=1),
    pool="alpaca",
)
def alpaca(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Pulls every brokerage account at Alpaca, each in one lake transaction."""
    with stopping_for_good():
        wanted = chosen(manna.books, config.books)
        connections = [c for c in manna.ops.live_connections(provider="alpaca") if c["book"] in wanted]
        received = receive(manna, context.run.run_id, connections, "alpaca", lambda told: _ask(manna, told))
    yield from received.materializations(TABLES, rows_received(manna))
    yield received.check("raw.alpaca_account")


def _ask(manna: Installation, told: Told) -> dict[str, Answer]:
    client = manna.alpaca(manna.vault.open(told.connection["token"]))
    # Activities before positions: a position then never lacks an activity that explains it for long.
    activities, positions = client.activities(), client.positions()
    symbols = symbols_of_interest(manna, told.transaction, (*activities.records, *positions.records))
    today = told.now.date()
    return {
        "raw.alpaca_activities": activities,
        "raw.alpaca_positions": positions,
        "raw.alpaca_account": client.account(),
        "raw.alpaca_orders": client.orders(),
        "raw.alpaca_assets": client.assets(symbols),
        "raw.alpaca_corporate_actions": client.corporate_actions(
            symbols, today - timedelta(days=DAYS_REQUESTED), today
        ),
        # To the end of a year, so that a night does not learn one more day each time.
        "raw.alpaca_calendar": client.calendar(manna.settings.first_month, date(today.year + 1, 12, 31)),
    }
