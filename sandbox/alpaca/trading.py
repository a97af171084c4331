"""Alpaca's trading service: account, positions, orders, activities, clock, calendar, assets.

Here belong the endpoints: what a request says, what the answer looks like.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.alpaca.activities import select_activities
from sandbox.alpaca.booking import book_activity
from sandbox.alpaca.desk import Desk
from sandbox.alpaca.documents import (
    account_document,
    asset_document,
    configurations_document,
    position_document,
)
from sandbox.alpaca.wire import (
    MALFORMED,
    NEW_YORK,
    NOT_FOUND,
    OPEN_STATUSES,
    AlpacaError,
    asset_id,
    bound,
    order_on_the_wire,
    parsed,
    whole,
)
from sandbox.alpaca.world import AlpacaWorld
from sandbox.listings import Listing
from sandbox.market import next_market_day, sessions_between
from sandbox.state import Document

Endpoint = Callable[[Request], Awaitable[Response]]
LAST_CALENDAR_DAY = date(2029, 12, 31)


def trading_routes(world: AlpacaWorld, desk: Desk) -> list[Route]:
    """The routes of the trading service, relative to its base URL."""
    service = _Trading(world, desk)
    orders, one, by_client = "/v2/orders", "/v2/orders/{order_id}", "/v2/orders:by_client_order_id"
    table: list[tuple[str, str, Endpoint]] = [
        ("GET", "/v2/account", service.account),
        ("GET", "/v2/account/configurations", service.configurations),
        ("GET", "/v2/account/activities", service.activities),
        ("GET", "/v2/account/activities/{activity_type}", service.activities),
        ("GET", "/v2/positions", service.positions),
        ("GET", "/v2/positions/{symbol}", service.position),
        ("POST", orders, service.place),
        ("GET", orders, service.orders),
        ("DELETE", orders, service.cancel_all),
        ("GET", by_client, service.order_by_client_id),
        ("GET", one, service.order),
        ("PATCH", one, service.replace),
        ("DELETE", one, service.cancel),
        ("GET", "/v2/clock", service.clock),
        ("GET", "/v2/calendar", service.calendar),
        ("GET", "/v2/assets", service.assets),
        ("GET", "/v2/assets/{symbol}", service.asset),
    ]
    return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]


def control_routes(world: AlpacaWorld, desk: Desk) -> list[Route]:
    """What no broker offers: deciding from outside what becomes of an order, and what else is booked."""

    async def book(request: Request) -> Response:
        desk.settle()
        return JSONResponse(book_activity(world, await _object_in(request)), 201)

    async def fill(request: Request) -> Response:
        body = await _object_in(request)
        return _order(desk.fill(request.path_params["order_id"], body.get("qty"), body.get("price")))

    async def reject(request: Request) -> Response:
        return _order(desk.reject(request.path_params["order_id"]))

    async def expire(request: Request) -> Response:
        return _order(desk.expire(request.path_params["order_id"]))

    async def change(request: Request) -> Response:
        body = await _object_in(request)
        if set(body) - {"tradable", "fractionable", "fractional_trading", "symbol", "bid", "ask"}:
            raise AlpacaError(422, MALFORMED, f"cannot be changed: {', '.join(sorted(body))}")
        world.change(body.pop("symbol", ""), body)
        return Response(status_code=204)

    return [
        Route("/_sandbox/activities", book, methods=["POST"]),
        Route("/_sandbox/alpaca", change, methods=["POST"]),
        *_order_controls(fill=fill, reject=reject, expire=expire),
    ]


def _order_controls(**endpoints: Endpoint) -> list[Route]:
    return [
        Route(f"/_sandbox/orders/{{order_id}}/{name}", endpoint, methods=["POST"])
        for name, endpoint in endpoints.items()
    ]


class _Trading:
    def __init__(self, world: AlpacaWorld, desk: Desk) -> None:
        self._world = world
        self._desk = desk

    async def account(self, request: Request) -> Response:
        self._desk.settle()
        return JSONResponse(account_document(self._world, self._desk))

    async def configurations(self, request: Request) -> Response:
        return JSONResponse(configurations_document(self._world))

    async def activities(self, request: Request) -> Response:
        self._desk.settle()
        params = {**request.query_params, **request.path_params}
        return JSONResponse(select_activities(self._world.book().activities, params))

    async def positions(self, request: Request) -> Response:
        self._desk.settle()
        held = sorted(self._world.book().positions.items())
        return JSONResponse(
            [position_document(self._world, self._desk, symbol, position) for symbol, position in held]
        )

    async def position(self, request: Request) -> Response:
        self._desk.settle()
        listing = _listing(self._world, request.path_params["symbol"], "position does not exist")
        position = self._world.book().positions.get(listing.symbol)
        if position is None:
            raise AlpacaError(404, NOT_FOUND, "position does not exist")
        return JSONResponse(position_document(self._world, self._desk, listing.symbol, position))

    async def place(self, request: Request) -> Response:
        self._desk.settle()
        return _order(self._desk.place(await _object_in(request)))

    async def orders(self, request: Request) -> Response:
        self._desk.settle()
        return JSONResponse(_select_orders(self._desk.all(), dict(request.query_params)))

    async def order_by_client_id(self, request: Request) -> Response:
        self._desk.settle()
        wanted = request.query_params.get("client_order_id", "")
        for order in self._desk.all():
            if order["client_order_id"] == wanted:
                return _order(order)
        raise AlpacaError(404, NOT_FOUND, f"order not found for {wanted}")

    async def order(self, request: Request) -> Response:
        self._desk.settle()
        return _order(self._desk.find(request.path_params["order_id"]))

    async def replace(self, request: Request) -> Response:
        self._desk.settle()
        return _order(self._desk.replace(request.path_params["order_id"], await _object_in(request)))

    async def cancel(self, request: Request) -> Response:
        self._desk.settle()
        self._desk.cancel(request.path_params["order_id"])
        return Response(status_code=204)

    async def cancel_all(self, request: Request) -> Response:
        self._desk.settle()
        open_orders = self._desk.open()
        for order in open_orders:
            self._desk.cancel(order["id"])
        return JSONResponse([{"id": order["id"], "status": 200} for order in open_orders], 207)

    async def clock(self, request: Request) -> Response:
        now = self._world.now()
        today = now.astimezone(NEW_YORK).date()
        sessions = sessions_between(today, next_market_day(next_market_day(today) + timedelta(days=1)))
        closing = next(session for session in sessions if session.closes > now)
        opening = next(session for session in sessions if session.opens > now)
        return JSONResponse(
            {
                "timestamp": now.astimezone(NEW_YORK).isoformat(),
                "is_open": closing.opens <= now,
                "next_open": opening.opens.astimezone(NEW_YORK).isoformat(),
                "next_close": closing.closes.astimezone(NEW_YORK).isoformat(),
            }
        )

    async def calendar(self, request: Request) -> Response:
        return JSONResponse(_calendar(dict(request.query_params), self._world.market.first_day))

    async def assets(self, request: Request) -> Response:
        wanted = request.query_params
        listings = [self._world.market.listing(symbol) for symbol in self._world.market.symbols]
        if wanted.get("asset_class", "us_equity") != "us_equity" or wanted.get("status") == "inactive":
            listings = []
        if wanted.get("exchange"):
            listings = [listing for listing in listings if listing.exchange == wanted["exchange"]]
        listings.sort(key=lambda listing: (listing.exchange, listing.symbol))
        return JSONResponse([asset_document(listing, self._world) for listing in listings])

    async def asset(self, request: Request) -> Response:
        wanted = request.path_params["symbol"]
        return JSONResponse(
            asset_document(_listing(self._world, wanted, f"asset not found for {wanted}"), self._world)
        )


def _select_orders(orders: list[Document], params: dict[str, str]) -> list[Document]:
    """The orders a client asks for, on the wire."""
    status, direction = params.get("status", "open"), params.get("direction", "desc")
    if status not in ("open", "closed", "all") or direction not in ("asc", "desc"):
        raise AlpacaError(422, MALFORMED, f"invalid status or direction: {status}, {direction}")
    if status != "all":
        orders = [order for order in orders if (order["status"] in OPEN_STATUSES) == (status == "open")]
    if params.get("symbols"):
        symbols = params["symbols"].split(",")
        orders = [order for order in orders if order["symbol"] in symbols]
    if params.get("side"):
        orders = [order for order in orders if order["side"] == params["side"]]
    if params.get("after"):
        after = bound(params["after"])
        orders = [order for order in orders if parsed(order["submitted_at"]) > after]
    if params.get("until"):
        until = bound(params["until"])
        orders = [order for order in orders if parsed(order["submitted_at"]) < until]
    for name, later in (("after_order_id", True), ("before_order_id", False)):
        if params.get(name):
            here = next((order["sequence"] for order in orders if order["id"] == params[name]), None)
            if here is None:
                raise AlpacaError(422, MALFORMED, f"{name} is not an order: {params[name]}")
            orders = [
                each for each in orders if each["sequence"] != here and (each["sequence"] > here) == later
            ]
    if direction == "desc":
        orders = orders[::-1]
    return [order_on_the_wire(order) for order in orders[: whole(params.get("limit", "50"), "limit", 1, 500)]]


def _calendar(params: dict[str, str], first_day: date) -> list[Document]:
    kind = params.get("date_type", "TRADING")
    if kind not in ("TRADING", "SETTLEMENT"):
        raise AlpacaError(400, MALFORMED, f"invalid date_type: {kind}")
    first, last = (
        bound(params[name][:10], status=400).astimezone(NEW_YORK).date() if params.get(name) else default
        for name, default in (("start", first_day), ("end", LAST_CALENDAR_DAY))
    )
    sessions = sessions_between(first - timedelta(days=10), last + timedelta(days=10))
    days = []
    for session, following in pairwise(sessions):
        if first <= (session.day if kind == "TRADING" else following.day) <= last:
            days.append(
                {
                    "date": session.day.isoformat(),
                    "open": f"{session.opens.astimezone(NEW_YORK):%H:%M}",
                    "close": f"{session.closes.astimezone(NEW_YORK):%H:%M}",
                    "session_open": "0400",
                    "session_close": "2000",
                    "settlement_date": following.day.isoformat(),
                }
            )
    return days


def _listing(world: AlpacaWorld, wanted: str, message: str) -> Listing:
    """The listing with this symbol or asset id. Raises AlpacaError (404, `message`) when there is none."""
    for symbol in world.market.symbols:
        if wanted in (symbol, asset_id(symbol)):
            return world.market.listing(symbol)
    raise AlpacaError(404, NOT_FOUND, message)


async def _object_in(request: Request) -> Document:
    """The JSON object in the body, {} when the body is empty."""
    try:
        body: Any = json.loads(await request.body() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise AlpacaError(422, MALFORMED, "request body format is invalid")
    return body


def _order(order: Document) -> JSONResponse:
    return JSONResponse(order_on_the_wire(order))
