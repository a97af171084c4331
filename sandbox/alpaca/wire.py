"""How Alpaca spells things: numbers as text, instants, ids, orders, refusals.

Here belong shapes and spelling only; what the values are is decided elsewhere.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse

NEW_YORK = ZoneInfo("America/New_York")
OPEN_STATUSES = frozenset({"accepted", "new", "partially_filled"})
INTERNAL_FIELDS = frozenset({"sequence", "fills"})
NOT_FOUND, FORBIDDEN, UNPROCESSABLE, MALFORMED = 40410000, 40310000, 42210000, 40010001

_NAMESPACE = uuid.UUID("6c0b1f0e-5f0c-4d2f-9a54-3f1f1d1c7a11")
_NANOSECONDS = re.compile(r"(\.\d{6})\d+")


class AlpacaError(Exception):
    """A request that Alpaca would answer with an error: HTTP status and body."""

    def __init__(self, status: int, code: int, message: str, **details: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message, **details}


async def refused(request: Request, error: Exception) -> JSONResponse:
    """The response to a request that raised a AlpacaError."""
    assert isinstance(error, AlpacaError)
    return JSONResponse(error.body, error.status)


def identifier(*parts: object) -> str:
    """A UUID that depends on `parts` alone."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(str(part) for part in parts)))


def asset_id(symbol: str) -> str:
    """The UUID of a listed security."""
    return identifier("asset", symbol)


def number(value: Decimal) -> str:
    """A number as Alpaca writes it: plain digits without trailing zeros."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def decimal(value: Any, name: str) -> Decimal:
    """A number that a client sent as text or JSON number. Raises AlpacaError when it is not finite."""
    try:
        parsed = Decimal(str(value))
    except InvalidOperation:
        parsed = Decimal("NaN")
    if isinstance(value, bool) or not parsed.is_finite():
        raise AlpacaError(422, MALFORMED, f"{name} is not a number: {value}")
    return parsed


def instant(moment: datetime) -> str:
    """An aware instant in UTC, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parsed(text: str) -> datetime:
    """The inverse of `instant`."""
    return datetime.fromisoformat(text)


def new_york(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A time of day in New York, in UTC."""
    return datetime.combine(day, time(hour, minute, second), NEW_YORK).astimezone(UTC)


def bound(text: str, *, end: bool = False, status: int = 422) -> datetime:
    """The instant a client means by RFC 3339 text or YYYY-MM-DD (a day in New York, its end if `end`).

    Raises AlpacaError with `status` when it is neither.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime.combine(day, time.max if end else time.min, NEW_YORK).astimezone(UTC)
        # RFC 3339 allows nanoseconds, datetime does not; and a "+" in a query string arrives as a space.
        moment = datetime.fromisoformat(_NANOSECONDS.sub(r"\1", text.replace(" ", "+")))
    except ValueError:
        raise AlpacaError(status, MALFORMED, f"invalid date or time: {text}") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def whole(text: str, name: str, smallest: int, largest: int, status: int = 422) -> int:
    """A whole number in a range, or a AlpacaError with `status`."""
    if not text.isascii() or not text.isdigit() or not smallest <= int(text) <= largest:
        raise AlpacaError(
            status, MALFORMED, f"{name} must be a whole number from {smallest} to {largest}: {text}"
        )
    return int(text)


def symbols_of(params: Mapping[str, str], status: int = 400) -> list[str]:
    """The symbols of a request, sorted, each once. Raises AlpacaError when there is none or one is malformed."""
    found = sorted({part.strip() for part in params.get("symbols", "").split(",") if part.strip()})
    wrong = [symbol for symbol in found if not re.fullmatch(r"[A-Z][A-Z0-9.]{0,9}", symbol)]
    if wrong or not found:
        raise AlpacaError(
            status, MALFORMED, f"invalid symbol: {', '.join(wrong)}" if wrong else "symbol is required"
        )
    return found


def blank_order(
    sequence: int, symbol: str, side: str, order_type: str, time_in_force: str, placed: datetime
) -> dict[str, Any]:
    """An order that has just arrived, with every field of Alpaca's and our own two (INTERNAL_FIELDS)."""
    moment = instant(placed)
    return {
        "id": "",
        "client_order_id": "",
        "created_at": moment,
        "updated_at": moment,
        "submitted_at": moment,
        "filled_at": None,
        "expired_at": None,
        "expires_at": moment,
        "canceled_at": None,
        "failed_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "asset_class": "us_equity",
        "notional": None,
        "qty": None,
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "order_type": order_type,
        "type": order_type,
        "side": side,
        "position_intent": "buy_to_open" if side == "buy" else "sell_to_close",
        "time_in_force": time_in_force,
        "limit_price": None,
        "stop_price": None,
        "status": "accepted",
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
        "sequence": sequence,
        "fills": [],
    }


def order_on_the_wire(order: Mapping[str, Any]) -> dict[str, Any]:
    """The order without what only the sandbox knows about it."""
    return {name: value for name, value in order.items() if name not in INTERNAL_FIELDS}
