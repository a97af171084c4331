"""What is asked of Plaid: accounts, transactions, investments, liabilities, in one go per login.

What belongs here: which endpoints, for which products, over which days. What does not: how an answer is
kept (``receiving``) or read (``manna.cleaning``).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from assets.common import BooksConfig, Manna, chosen, spec, stopping_for_good
from assets.raw.receiving import Told, answered, receive, rows_received
from manna.facts import Answer
from resources.installation import Installation
from resources.plaid import DAYS_REQUESTED
from resources.plaid_wire import is_loading, lacks_product
from resources.providers import ProviderError

TABLES = (
    "raw.plaid_accounts",
    "raw.plaid_transactions",
    "raw.plaid_securities",
    "raw.plaid_holdings",
    "raw.plaid_investment_transactions",
    "raw.plaid_liabilities",
    "raw.plaid_items",
)
TRANSACTIONS, TRADES = "raw.plaid_transactions", "raw.plaid_investment_transactions"
OVERLAP = timedelta(days=30)
"""Brokers book late and correct: every window of investment transactions repeats the last days."""


class LoginsConfig(BooksConfig):
    """Which logins a run pulls: of these books, and of them only these connections where any is named."""

    connections: list[str] = Field(default_factory=list)


@dg.multi_asset(
    name="pull_plaid",
    specs=[spec(table, skippable=False) for table in TABLES],
    check_specs=[answered("raw.plaid_accounts")],
    retry_policy=dg.RetryPolicy(max_retries=1),
    pool="plaid",
)
def plaid(context: dg.AssetExecutionContext, config: LoginsConfig, manna: Manna) -> Iterator[Any]:
    """Pulls every login at Plaid. A login's answers and its new cursor land in one lake transaction."""
    with stopping_for_good():
        wanted = chosen(manna.books, config.books)
        connections = [c for c in manna.ops.live_connections(provider="plaid") if c["book"] in wanted]
        if config.connections:
            connections = _named(connections, config.connections)
        received = receive(manna, context.run.run_id, connections, "plaid", lambda told: _ask(manna, told))
    yield from received.materializations(TABLES, rows_received(manna))
    yield received.check("raw.plaid_accounts")


def _named(connections: list[dict[str, Any]], ids: list[str]) -> list[dict[str, Any]]:
    """The connections of these ids; a run that finds none of what it was asked for must not go green."""
    if unknown := sorted(set(ids) - {c["connection_id"] for c in connections}):
        raise dg.Failure(f"unknown connection {', '.join(unknown)}", allow_retries=False)
    return [c for c in connections if c["connection_id"] in ids]


def _ask(manna: Installation, told: Told) -> dict[str, Answer]:
    """Everything one login has. Products it lacks, or that Plaid has not fetched yet, are no error."""
    token = manna.vault.open(told.connection["token"])
    client, products = manna.plaid, told.connection["products"]
    answers: dict[str, Answer] = {}
    if "transactions" in products:
        try:
            answers[TRANSACTIONS] = client.transactions(token, told.cursor)
        except ProviderError as error:
            if not is_loading(error):
                raise
            answers[TRANSACTIONS] = Answer((), (), told.cursor, told.cursor, "not_ready")
    # After the transactions: a balance then includes every row just read, not fewer.
    answers["raw.plaid_accounts"] = client.accounts(token)
    if "investments" in products:
        loading = {TRADES: Answer((), history="not_ready")}
        answers |= _if_there(lambda: _investments(manna, token, told), loading)
    if "liabilities" in products:
        answers |= _if_there(lambda: {"raw.plaid_liabilities": client.liabilities(token)}, {})
    # Last, for it tells of the products too, and asking for one may add it.
    answers["raw.plaid_items"] = client.item(token)
    return answers


def _if_there(ask: Callable[[], dict[str, Answer]], loading: dict[str, Answer]) -> dict[str, Answer]:
    """What a product answers: nothing where a login lacks it, ``loading`` until Plaid has fetched it."""
    try:
        return ask()
    except ProviderError as error:
        if is_loading(error):
            return loading
        if lacks_product(error):
            return {}
        raise


def _investments(manna: Installation, token: str, told: Told) -> dict[str, Answer]:
    today = told.now.date()
    holdings, held = manna.plaid.holdings(token)
    trades, traded = manna.plaid.investment_transactions(token, _window_start(told, today), today)
    if told.of(TRADES).history == "not_ready":  # it was the last time
        trades = replace(trades, history="complete")
    securities = {record.source_id: record for record in (*traded.records, *held.records)}
    return {
        "raw.plaid_holdings": holdings,
        TRADES: trades,
        "raw.plaid_securities": Answer(tuple(securities.values()), held.request_ids + traded.request_ids),
    }


def _window_start(told: Told, today: date) -> date:
    """The whole history the first time, then a window that overlaps what is known."""
    last = told.of(TRADES).last
    whole = today - timedelta(days=DAYS_REQUESTED)
    return whole if last is None else max(whole, last.date() - OVERLAP)
