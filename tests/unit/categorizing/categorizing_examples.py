"""Bank rows and brokerage rows from what an example cares about."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from manna.books import Book
from manna.categorizing import Facts
from manna.categorizing.following import DECISIONS
from manna.contracts.clean import ACCOUNTS, TRADES, TRANSACTIONS

_SOURCE = {"batch_id": "b", "payload_sha256": "0", "known_at": datetime(2026, 3, 20, tzinfo=UTC)}


def day(number: int) -> date:
    return date(2026, 3, number)


def bank(
    transaction_id: str, amount: str, on: int = 10, account: str = "checking", **more: Any
) -> dict[str, Any]:
    """A row of ``clean.transactions``; amounts as the ledger has them, positive = money in."""
    return {
        "transaction_id": transaction_id,
        "book": "home",
        "account_id": account,
        "date": day(on),
        "amount": Decimal(amount),
        "currency": "USD",
        "description": "whatever",
        "pending": False,
        "removed": False,
        **_SOURCE,
        **more,
    }


def broker(trade_id: str, amount: str, on: int = 10, kind: str = "deposit", **more: Any) -> dict[str, Any]:
    """A row of ``clean.trades``."""
    return {
        "trade_id": trade_id,
        "book": "home",
        "account_id": "brokerage",
        "date": day(on),
        "kind": kind,
        "quantity": Decimal(0),
        "amount": Decimal(amount),
        "fees": Decimal(0),
        "currency": "USD",
        "description": kind,
        "removed": False,
        **_SOURCE,
        **more,
    }


def transactions(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TRANSACTIONS.polars_schema)


def trades(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TRADES.polars_schema)


def decisions(
    decided: Mapping[str, str], divided: Mapping[str, list[dict[str, str]]] | None = None
) -> pl.DataFrame:
    """People's decisions, and splits, by transaction id."""
    rows = [
        (
            name,
            category,
            None,
            json.dumps((divided or {})[name]) if name in (divided or {}) else None,
            "ana",
            name,
        )
        for name, category in decided.items()
    ]
    return pl.DataFrame(rows, schema={**DECISIONS, "decided_on": pl.String}, orient="row")


def facts(
    of: Book,
    *rows: dict[str, Any],
    by_hand: Mapping[str, str] | None = None,
    divided: Mapping[str, list[dict[str, str]]] | None = None,
    **more: Any,
) -> Facts:
    """What is known of a book: its bank rows and what was decided on them."""
    told = transactions(*rows)
    accounts = [
        {"account_id": name, "book": of.id, "name": name.title(), "type": "depository"}
        for name in told["account_id"].unique().sort()
    ]
    return Facts(
        book=of,
        transactions=told,
        trades=trades(),
        accounts=pl.DataFrame(accounts, schema=ACCOUNTS.polars_schema),
        decisions=decisions(by_hand or {}, divided),
        merchants=told.select("transaction_id", merchant=pl.col("description").str.to_lowercase()),
        **more,
    )
