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
    "ACATC": "deposit",
    "ACATS": "transfer",
    "CFEE": "fee",
    "CGD": "dividend",
    "CSD": "deposit",
    "CSW": "withdrawal",
    "DIV": "dividend",
    "DIVCGL": "dividend",
    "DIVCGS": "dividend",
    "DIVFEE": "fee",
    "DIVFT": "fee",
    "DIVNRA": "fee",
    "DIVROC": "dividend",
    "DIVTW": "fee",
    "DIVTXEX": "dividend",
    "FEE": "fee",
    "FOPT": "transfer",
    "INT": "interest",
    "INTNRA": "fee",
    "INTTW": "fee",
    "JNLC": "deposit",
    "JNLS": "transfer",
    "PTC": "fee",
    "RSP": "split",
    "SPLIT": "split",
    "SSP": "split",
    "TRANS": "deposit",
}
"""Non-trade activities by Alpaca's type; ``other`` when unfamiliar. Tax withheld is a fee."""

_SIDES = {"buy": 1, "sell": -1, "sell_short": -1}


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
    """``TradingActivities`` (fills) and ``NonTradeActivities``. One that was canceled moves nothing."""
    common = {"trade_id": payload.get("id"), "book": row["book"], "account_id": row["account_id"], "fees": 0}
    common |= {"currency": payload.get("currency") or CURRENCY, "first_known_on": row["first_known_on"]}
    if payload.get("activity_type") == "FILL":
        return common | _fill(payload)
    code, symbol = payload["activity_type"], payload.get("symbol")
    kind, amount, quantity = ACTIVITY_KINDS.get(code, "other"), payload.get("net_amount"), payload.get("qty")
    description = payload.get("description") or " ".join([code, *filter(None, [symbol])])
    if payload.get("status") == "canceled":
        kind, amount, quantity, description = "other", None, None, f"canceled: {description}"
    if kind == "deposit" and str(amount).startswith("-"):
        kind = "withdrawal"
    return common | {
        "security_id": symbol or None,
        "date": _day(payload.get("date")),
        "moment": None,
        "kind": kind,
        # Of a dividend the quantity is what it was paid on, no change of the position.
        "quantity": quantity if kind in ("split", "transfer") and quantity is not None else 0,
        "price": None,
        "amount": amount if amount is not None else 0,
        "description": description,
    }


def _fill(payload: Payload) -> dict[str, Any]:
    """A fill's cash is quantity times price, to the cent."""
    direction = _SIDES[payload["side"]]
    quantity, price = Decimal(str(payload["qty"])), Decimal(str(payload["price"]))
    moment = payload.get("transaction_time")
    verb = "Buy" if direction > 0 else "Sell"
    return {
        "security_id": payload.get("symbol"),
        "date": _day(moment),
        "moment": moment,
        "kind": verb.lower(),
        "quantity": direction * quantity,
        "price": price,
        "amount": -direction * round_money(quantity * price, CURRENCY),
        "description": f"{verb} {payload['qty']} {payload['symbol']} at {payload['price']}",
    }


def _day(moment: Any) -> Any:
    """Alpaca documents days as moments, and sends both."""
    return moment[:10] if isinstance(moment, str) else moment


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
    sent = row["source_id"].partition(":")[0]
    kind = {"forward_splits": "split", "reverse_splits": "split", "cash_dividends": "dividend"}.get(
        sent, sent
    )
    is_split = kind == "split"
    return {
        "action_id": row["source_id"],
        "symbol": payload.get("symbol"),
        "kind": kind,
        "ex_date": payload.get("ex_date"),
        "ratio": Decimal(str(payload["new_rate"])) / Decimal(str(payload["old_rate"])) if is_split else None,
        "cash": None if is_split else payload.get("rate"),
    }
