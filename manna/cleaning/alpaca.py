"""What Alpaca's fields mean: the account, what it holds and orders. Source: its OpenAPI document for trading.

What belongs here: one reader per kind of record. What does not: activities (``activities``), market data
(``market``), typing and validation (``decoding``).
"""

from collections.abc import Mapping
from typing import Any

from manna.cleaning.activities import CURRENCY
from manna.cleaning.decoding import Payload

Row = Mapping[str, Any]
CASH = f"CUR:{CURRENCY}"


def account(payload: Payload, row: Row) -> dict[str, Any]:
    """``Account``."""
    number = str(payload.get("account_number") or "")
    return {
        "account_id": payload.get("id"),
        "book": row["book"],
        "connection_id": row["connection_id"],
        "provider": "alpaca",
        "institution": "Alpaca",
        "name": "Brokerage",
        "mask": number[-4:] or None,
        "type": "brokerage",
        "subtype": None,
        "currency": payload.get("currency") or CURRENCY,
    }


def balance(payload: Payload, row: Row) -> dict[str, Any]:
    """``Account``: equity is what the account is worth, cash what could be withdrawn."""
    return {
        "account_id": payload.get("id"),
        "book": row["book"],
        "as_of": row["as_of"],
        "current": payload.get("equity"),
        "available": payload.get("cash"),
        "credit_limit": None,
        "currency": payload.get("currency") or CURRENCY,
    }


def cash(payload: Payload, row: Row) -> dict[str, Any]:
    """``Account``'s cash as a holding, in the shape other brokers give it."""
    return {
        "account_id": payload.get("id"),
        "book": row["book"],
        "security_id": CASH,
        "as_of": row["as_of"],
        "quantity": payload.get("cash"),
        "price": 1,
        "price_as_of": row["as_of"],
        "value": payload.get("cash"),
        "cost_basis": None,
        "currency": payload.get("currency") or CURRENCY,
    }


def position(payload: Payload, row: Row) -> dict[str, Any]:
    """``Position``. It does not name its account: the connection has exactly one."""
    gone = row["removed"]
    return {
        "account_id": row["account_id"],
        "book": row["book"],
        "security_id": payload.get("symbol"),
        "as_of": row["as_of"],
        "quantity": 0 if gone else payload.get("qty"),
        "price": payload.get("current_price"),
        "price_as_of": row["as_of"],
        "value": 0 if gone else payload.get("market_value"),
        "cost_basis": None if gone else payload.get("cost_basis"),
        "currency": CURRENCY,
    }


def security(payload: Payload, row: Row) -> dict[str, Any]:
    """``Assets``."""
    return {
        "security_id": payload.get("symbol"),
        "name": payload.get("name"),
        "type": "equity",
        "symbol": payload.get("symbol"),
        "is_cash": False,
        "currency": CURRENCY,
        "close_price": None,
        "close_price_as_of": None,
    }


def money(payload: Payload, row: Row) -> dict[str, Any]:
    """The currency of ``Account``'s cash as a security, which Alpaca does not list among its own: :func:`cash` is held in it."""
    return {
        "security_id": CASH,
        "name": "US dollar",
        "type": "cash",
        "symbol": CASH,
        "is_cash": True,
        "currency": CURRENCY,
        "close_price": 1,
        "close_price_as_of": None,
    }


def order(payload: Payload, row: Row) -> dict[str, Any]:
    """``Order``."""
    return {
        "order_id": payload.get("id"),
        "client_order_id": payload.get("client_order_id"),
        "book": row["book"],
        "account_id": row["account_id"],
        "symbol": payload.get("symbol"),
        "side": payload.get("side"),
        "status": payload.get("status"),
        "quantity": payload.get("qty"),
        "filled_quantity": payload.get("filled_qty") or 0,
        "filled_price": payload.get("filled_avg_price"),
        "submitted_at": payload.get("submitted_at"),
    }
