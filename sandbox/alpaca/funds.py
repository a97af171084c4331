"""What the account can pay for and what it holds, net of the promises of its open orders.

Here belongs the arithmetic of buying power and of shares held for sales.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from sandbox.alpaca.book import CENT, shares_for
from sandbox.alpaca.wire import FORBIDDEN, AlpacaError, number
from sandbox.alpaca.world import AlpacaWorld
from sandbox.state import Document


def left_to_fill(order: Document, price: Decimal) -> Decimal:
    """The shares still to be filled; of an order in dollars, as many as the rest of them buys at `price`."""
    filled = Decimal(order["filled_qty"])
    if order["notional"] is None:
        return Decimal(order["qty"]) - filled
    return shares_for(Decimal(order["notional"]) - filled * Decimal(order["filled_avg_price"] or 0), price)


def buying_power(world: AlpacaWorld, open_orders: Iterable[Document]) -> Decimal:
    """Cash (USD) that no open buy order lays claim to; negative when there is less than promised."""
    return world.book().cash - sum((_cost(world, order) for order in open_orders), Decimal(0))


def held_for_sales(world: AlpacaWorld, symbol: str, open_orders: Iterable[Document]) -> Decimal:
    """Shares that open sell orders lay claim to."""
    price = world.price(symbol, world.now())
    sales = (order for order in open_orders if order["side"] == "sell" and order["symbol"] == symbol)
    return sum((left_to_fill(order, price) for order in sales), Decimal(0))


def check_funds(world: AlpacaWorld, order: Document, open_orders: list[Document]) -> None:
    """Raise AlpacaError (403) when the account cannot pay for the order or does not hold what it sells."""
    if order["side"] == "buy":
        available, cost = buying_power(world, open_orders), _cost(world, order)
        if cost > available:
            details = {"buying_power": number(max(available, Decimal(0))), "cost_basis": number(cost)}
            raise AlpacaError(403, FORBIDDEN, "insufficient buying power", **details)
        return
    symbol = order["symbol"]
    held, locked = world.book().qty(symbol), held_for_sales(world, symbol, open_orders)
    wanted = left_to_fill(order, world.price(symbol, world.now()))
    if wanted > held - locked:
        free = number(held - locked)
        message = f"insufficient qty available for order (requested: {number(wanted)}, available: {free})"
        details = {"existing_qty": number(held), "held_for_orders": number(locked), "available": free}
        raise AlpacaError(403, FORBIDDEN, message, symbol=symbol, **details)


def _cost(world: AlpacaWorld, order: Document) -> Decimal:
    """What the unfilled part of a buy order will cost, as far as known; zero for a sale."""
    if order["side"] == "sell":
        return Decimal(0)
    if order["notional"] is not None:
        return Decimal(order["notional"]) - Decimal(order["filled_qty"]) * Decimal(
            order["filled_avg_price"] or 0
        )
    price = Decimal(order["limit_price"] or world.price(order["symbol"], world.now()))
    return (left_to_fill(order, price) * price).quantize(CENT, ROUND_HALF_UP)
