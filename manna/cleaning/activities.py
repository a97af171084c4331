"""What Alpaca's account activities mean. Source: Alpaca's OpenAPI document for trading.

What belongs here: the reader of activities, and the kind of each type. What does not: which of them were
taken back (``reversals``); Alpaca's other records (``alpaca``, ``market``).

Alpaca's amounts already are the account's: positive = money in. So are its quantities where an activity
moves a position. The document says of ``qty`` only what it means for a dividend, the shares it was paid on;
that it is a signed movement elsewhere (old shares out, new shares in, or only the difference) is how the
brokerage sends it, and the check that rebuilt positions equal the broker's would tell otherwise.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from manna.cleaning.decoding import Payload
from manna.money import round_money

Row = Mapping[str, Any]
CURRENCY = "USD"
NEW_YORK = ZoneInfo("America/New_York")

ACTIVITY_KINDS = {
    "ACATC": "deposit",
    "ACATS": "transfer",
    "CFEE": "fee",
    "CGD": "dividend",
    "CIL": "dividend",
    "CSD": "deposit",
    "CSR": "deposit",
    "CSW": "withdrawal",
    "DIV": "dividend",
    "DIVCGL": "dividend",
    "DIVCGS": "dividend",
    "DIVFEE": "fee",
    "DIVFT": "fee",
    "DIVNRA": "fee",
    "DIVROC": "return_of_capital",
    "DIVTW": "fee",
    "DIVTXEX": "dividend",
    "DIVWH": "fee",
    "FEE": "fee",
    "FOPT": "transfer",
    "INT": "interest",
    "INTNRA": "fee",
    "INTTW": "fee",
    "JNL": "transfer",
    "JNLC": "deposit",
    "JNLS": "transfer",
    "MA": "merger",
    "NC": "symbol_change",
    "OCT": "transfer",
    "OPTRD": "trade",
    "PTC": "fee",
    "PTR": "fee",
    "REO": "reorganization",
    "REORG": "reorganization",
    "RSP": "split",
    "SC": "symbol_change",
    "SPIN": "spin_off",
    "SPLIT": "split",
    "SSO": "spin_off",
    "SSP": "split",
    "SWP": "interest",
    "TRANS": "deposit",
    "VOF": "reorganization",
    "WH": "fee",
}
"""Non-trade activities by Alpaca's type, former types among them; ``other`` when unfamiliar.

Tax withheld is a fee. A deposit that takes money is a withdrawal, a transfer of money alone (``JNL``) one or
the other. ``trade`` is a buy or a sell. Option assignments, exercises, expirations and adjustments are
``other``, with what they move.
"""

_SIDES = {"buy": 1, "sell": -1, "sell_short": -1}
_PAID_ON = ("dividend", "return_of_capital", "interest")
_OPTION = re.compile(r"[A-Z0-9]{1,6}[0-9]{6}[CP][0-9]{8}")
_SHARES_PER_CONTRACT = 100


def activity(payload: Payload, row: Row) -> dict[str, Any]:
    """``TradingActivities`` (fills) and ``NonTradeActivities``."""
    if row["corrects_nothing"]:
        raise ValueError("it is a correction and does not name what it corrects (previous_id)")
    common = {"trade_id": payload.get("id"), "book": row["book"], "account_id": row["account_id"], "fees": 0}
    common |= {"currency": payload.get("currency") or CURRENCY, "first_known_on": row["first_known_on"]}
    common |= {"removed": row["removed"], "removed_on": row["removed_on"], "unlisted": False}
    return common | (_fill(payload) if payload.get("activity_type") == "FILL" else _other(payload))


def _other(payload: Payload) -> dict[str, Any]:
    code, symbol = payload["activity_type"], payload.get("symbol") or None
    amount = payload.get("net_amount")
    kind, quantity = _kind(
        code, payload.get("activity_sub_type"), _signed(payload.get("qty")), _signed(amount)
    )
    return {
        "security_id": symbol,
        "date": _day(payload.get("date")),
        "moment": None,
        "kind": kind,
        "quantity": quantity,
        "price": payload.get("price") if kind in ("buy", "sell") else None,
        "amount": amount if amount is not None else 0,
        "description": payload.get("description") or " ".join([code, *filter(None, [symbol])]),
    }


def _kind(code: str, sub_type: str | None, quantity: Decimal, amount: Decimal) -> tuple[str, Decimal]:
    """Our kind, and by how much the position changes.

    Of a payment the quantity is what it was made on, no change of the position; so a stock dividend is one
    that brings no money, and adds its shares without cost, as a split does. A fee in coins is told with its
    quantity, and takes them. Shares that leave for money on the same row, in a cash merger, are sold.
    """
    kind = ACTIVITY_KINDS.get(code, "other")
    if kind == "dividend" and sub_type == "SDIV" and not amount and quantity:
        return "split", quantity
    if kind == "fee" and code == "CFEE" and quantity:
        return "other", quantity
    if kind in (*_PAID_ON, "fee"):
        return kind, Decimal(0)
    if kind == "trade" or (kind == "merger" and sub_type == "CMA" and quantity < 0 < amount):
        return ("buy" if quantity > 0 else "sell"), quantity
    if kind == "deposit" or (code == "JNL" and not quantity):
        return ("withdrawal" if amount < 0 else "deposit"), Decimal(0)
    return kind, quantity


def _signed(value: Any) -> Decimal:
    """A number as sent; zero where there is none, and where it is none (its column then says so)."""
    try:
        return Decimal(str(value or 0))
    except ArithmeticError:
        return Decimal(0)


def _fill(payload: Payload) -> dict[str, Any]:
    """A fill's cash is quantity times price, to the cent; an option's price is per share of its hundred."""
    direction = _SIDES[payload["side"]]
    quantity, price = Decimal(str(payload["qty"])), Decimal(str(payload["price"]))
    moment = payload.get("transaction_time")
    verb = "Buy" if direction > 0 else "Sell"
    units = _SHARES_PER_CONTRACT if _OPTION.fullmatch(str(payload.get("symbol"))) else 1
    return {
        "security_id": payload.get("symbol"),
        "date": _market_day(moment),
        "moment": moment,
        "kind": verb.lower(),
        "quantity": direction * quantity,
        "price": price,
        "amount": -direction * round_money(quantity * price * units, CURRENCY),
        "description": f"{verb} {payload['qty']} {payload['symbol']} at {payload['price']}",
    }


def _day(moment: Any) -> Any:
    """Alpaca documents days as moments, and sends both."""
    return moment[:10] if isinstance(moment, str) else moment


def _market_day(moment: Any) -> Any:
    """The trade date: New York's, which in extended hours is not UTC's."""
    try:
        return datetime.fromisoformat(moment).astimezone(NEW_YORK).date()
    except (TypeError, ValueError):
        return _day(moment)
