"""What an order must be before it is considered: Alpaca's rules on fields, quantities and prices.

Here belongs what can be said of a request without knowing the account.
"""

from decimal import Decimal

from sandbox.alpaca.wire import MALFORMED, UNPROCESSABLE, AlpacaError, decimal
from sandbox.market import Market
from sandbox.state import Document

ORDER_FIELDS = (
    "symbol",
    "qty",
    "notional",
    "side",
    "type",
    "time_in_force",
    "limit_price",
    "client_order_id",
    "extended_hours",
)
_UNSERVED = ("legs", "take_profit", "stop_loss", "stop_price", "trail_price", "trail_percent")


def check_order(request: Document, market: Market) -> None:
    """Raise AlpacaError (422) with every reason why this request is not an order."""
    found: list[str] = []
    if request.get("symbol") not in market.symbols:
        found.append(f"asset {request.get('symbol')!r} not found")
    for name, served in (
        ("side", ("buy", "sell")),
        ("type", ("market", "limit")),
        ("time_in_force", ("day", "gtc")),
    ):
        if request.get(name) not in served:
            found.append(f"invalid {name}: {request.get(name)} (served here: {', '.join(served)})")
    if request.get("order_class") not in (None, "", "simple"):
        found.append("order_class is not served here: only simple orders are")
    found += [f"{name} is not served here" for name in _UNSERVED if request.get(name) is not None]
    client_order_id = request.get("client_order_id")
    if client_order_id is not None and (not isinstance(client_order_id, str) or len(client_order_id) > 128):
        found.append("client_order_id must be no more than 128 characters")
    found += _check_size(request)
    found += check_limit(request)
    if found:
        raise AlpacaError(422, MALFORMED if len(found) > 1 else UNPROCESSABLE, "; ".join(found))


def _check_size(request: Document) -> list[str]:
    qty, notional = request.get("qty"), request.get("notional")
    if (qty is None) == (notional is None):
        return ["exactly one of qty and notional is required"]
    day = request.get("time_in_force") == "day"
    if notional is not None:
        amount = decimal(notional, "notional")
        found = (
            [] if request.get("type") == "market" and day else ["notional orders must be market DAY orders"]
        )
        if amount < 1:
            found.append("notional amount must be >= 1.00")
        if amount != amount.quantize(Decimal("0.01")):
            found.append("notional value must be limited to 2 decimal places")
        return found
    shares = decimal(qty, "qty")
    found = [] if shares > 0 else ["qty must be > 0"]
    if shares != shares.quantize(Decimal("0.000000001")):
        found.append("qty must be limited to 9 decimal places")
    elif shares != shares.to_integral_value() and not day:
        found.append("fractional orders must be DAY orders")
    return found


def check_limit(request: Document) -> list[str]:
    """Every reason why the limit price of a request does not fit its type."""
    limit = request.get("limit_price")
    if request.get("type") == "market":
        return ["market orders must not have a limit_price"] if limit is not None else []
    if limit is None:
        return ["limit orders require a limit_price"]
    price = decimal(limit, "limit_price")
    if price <= 0:
        return ["limit_price must be > 0"]
    step = Decimal("0.01") if price >= 1 else Decimal("0.0001")
    if price != price.quantize(step):
        return [f"invalid limit_price {limit}. sub-penny increment does not fulfill minimum pricing criteria"]
    return []
