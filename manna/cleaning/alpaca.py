"""What Alpaca's fields mean. Sources: Alpaca's OpenAPI documents for trading and market data.

What belongs here: one reader per kind of record. What does not: typing and validation (``decoding``).
Alpaca's amounts already are the account's: positive = money in.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from manna.cleaning.decoding import Payload
from manna.money import round_money

Row = Mapping[str, Any]
CURRENCY = "USD"
CASH = f"CUR:{CURRENCY}"

ACTIVITY_KINDS = {
    "DIV": "dividend",
    "DIVCGL": "dividend",
    "DIVCGS": "dividend",
    "DIVNRA": "fee",
    "DIVROC": "dividend",
    "DIVTXEX": "dividend",
    "INT": "interest",
    "FEE": "fee",
    "CFEE": "fee",
    "PTC": "fee",
    "CSD": "deposit",
    "CSW": "withdrawal",
    "JNLC": "deposit",
    "SPLIT": "split",
    "SSP": "split",
    "RSP": "split",
    "JNLS": "transfer",
    "ACATS": "transfer",
    "ACATC": "deposit",
}
"""Non-trade activities by Alpaca's type."""


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


def activity(payload: Payload, row: Row) -> dict[str, Any]:
    """``TradingActivities`` (fills) and ``NonTradeActivities``."""
    common = {"trade_id": payload.get("id"), "book": row["book"], "account_id": row["account_id"]}
    common |= {"currency": CURRENCY, "fees": 0}
    if payload.get("activity_type") == "FILL":
        return common | _fill(payload)
    kind = ACTIVITY_KINDS.get(str(payload.get("activity_type")), "other")
    amount = payload.get("net_amount")
    if kind == "deposit" and str(amount).startswith("-"):
        kind = "withdrawal"
    symbol, quantity = payload.get("symbol"), payload.get("qty")
    return common | {
        "security_id": symbol or None,
        "date": payload.get("date"),
        "moment": None,
        "kind": kind,
        "quantity": quantity if kind in ("split", "transfer") and quantity is not None else 0,
        "price": None,
        "amount": amount if amount is not None else 0,
        "description": payload.get("description")
        or " ".join(filter(None, [payload["activity_type"], symbol])),
    }


def _fill(payload: Payload) -> dict[str, Any]:
    """A fill's cash is quantity times price, to the cent."""
    buying = payload["side"] == "buy"
    quantity, price = Decimal(str(payload["qty"])), Decimal(str(payload["price"]))
    cash = round_money(quantity * price, CURRENCY)
    moment = str(payload.get("transaction_time"))
    return {
        "security_id": payload.get("symbol"),
        "date": moment[:10],
        "moment": moment,
        "kind": "buy" if buying else "sell",
        "quantity": quantity if buying else -quantity,
        "price": price,
        "amount": -cash if buying else cash,
        "description": f"{'Buy' if buying else 'Sell'} {payload['qty']} {payload['symbol']} at {payload['price']}",
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


def bar(payload: Payload, row: Row) -> dict[str, Any]:
    """``stock_bar``; its symbol and New York day are in the raw id."""
    symbol, _, day = row["source_id"].rpartition(":")
    return {
        "symbol": symbol,
        "date": day,
        "open": payload.get("o"),
        "high": payload.get("h"),
        "low": payload.get("l"),
        "close": payload.get("c"),
        "volume": payload.get("v"),
    }


def corporate_action(payload: Payload, row: Row) -> dict[str, Any]:
    """``forward_splits``, ``reverse_splits`` and ``cash_dividends``; the raw id says which."""
    kind = row["source_id"].partition(":")[0]
    is_split = kind.endswith("splits")
    return {
        "action_id": row["source_id"],
        "symbol": payload.get("symbol"),
        "kind": "split" if is_split else "dividend",
        "ex_date": payload.get("ex_date"),
        "ratio": Decimal(str(payload["new_rate"])) / Decimal(str(payload["old_rate"])) if is_split else None,
        "cash": None if is_split else payload.get("rate"),
    }
