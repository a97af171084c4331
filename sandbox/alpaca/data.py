"""Alpaca's market data service: daily bars, latest bars and quotes, corporate actions.

Here belong the endpoints. A bar is served once its session is over, so what was served never changes,
except that a later split or dividend changes the adjusted past, as it does at Alpaca.
"""

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.alpaca.adjustment import ADJUSTMENTS, adjusted
from sandbox.alpaca.corporate_actions import select_corporate_actions
from sandbox.alpaca.wire import MALFORMED, AlpacaError, bound, instant, new_york, symbols_of, whole
from sandbox.alpaca.world import AlpacaWorld
from sandbox.market import Bar

LARGEST_PAGE = 10_000
TAPES = {"NYSE": "A", "ARCA": "B", "NASDAQ": "C"}
Rows = tuple[list[datetime], list[str]]  # instants, and the bars as JSON text, of one symbol


def data_routes(world: AlpacaWorld) -> list[Route]:
    """The routes of the market data service, relative to its base URL."""
    service = _MarketData(world)
    table: list[tuple[str, Callable[[Request], Awaitable[Response]]]] = [
        ("/v2/stocks/bars", service.bars),
        ("/v2/stocks/bars/latest", service.latest_bars),
        ("/v2/stocks/quotes/latest", service.latest_quotes),
        ("/v2/stocks/{symbol}/bars", service.bars),
        ("/v2/stocks/{symbol}/bars/latest", service.latest_bars),
        ("/v2/stocks/{symbol}/quotes/latest", service.latest_quotes),
        ("/v1/corporate-actions", service.corporate_actions),
    ]
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in table]


class _MarketData:
    def __init__(self, world: AlpacaWorld) -> None:
        self._world = world
        self._rows: dict[tuple[str, frozenset[str]], Rows] = {}
        self._rows_until: date | None = None

    async def bars(self, request: Request) -> Response:
        params = dict(request.query_params)
        single = request.path_params.get("symbol")
        symbols = symbols_of({"symbols": single} if single else params)
        if params.get("timeframe") not in ("1Day", "1D"):
            message = f"invalid timeframe: {params.get('timeframe')} (only 1Day is served here)"
            raise AlpacaError(400, MALFORMED, message)
        descending = _descending(params)
        adjustment = _adjustment(params.get("adjustment") or "raw")
        first, last = self._interval(params)
        limit = whole(params.get("limit", "1000"), "limit", 1, LARGEST_PAGE, 400)
        after = _opened(params["page_token"], symbols) if params.get("page_token") else None
        page, token = self._page(symbols, adjustment, (first, last), limit, descending, after)
        following = json.dumps(token)
        if single:
            rows = ",".join(page.get(single, []))
            body = f'{{"bars":[{rows}],"next_page_token":{following},"symbol":{json.dumps(single)}}}'
        else:
            groups = ",".join(f'"{symbol}":[{",".join(rows)}]' for symbol, rows in page.items())
            body = f'{{"bars":{{{groups}}},"next_page_token":{following}}}'
        return Response(body, media_type="application/json")

    async def latest_bars(self, request: Request) -> Response:
        day = self._world.last_session(self._world.now()).day
        market = self._world.market
        return self._latest(request, "bar", lambda symbol: json.loads(bar_text(market.bar(symbol, day))))

    async def latest_quotes(self, request: Request) -> Response:
        return self._latest(request, "quote", self._quote)

    async def corporate_actions(self, request: Request) -> Response:
        world = self._world
        return JSONResponse(select_corporate_actions(world.market, world.today(), dict(request.query_params)))

    def _page(
        self,
        symbols: list[str],
        adjustment: frozenset[str],
        span: tuple[datetime, datetime],
        limit: int,
        descending: bool,
        after: tuple[str, datetime] | None,
    ) -> tuple[dict[str, list[str]], str | None]:
        """Rows by symbol, and the token of the next page if there is one."""
        page: dict[str, list[str]] = {}
        token = None
        for symbol in symbols:
            if symbol not in self._world.market.symbols or (after and symbol < after[0]):
                continue
            instants, rows = self._rows_of(symbol, adjustment)
            begin, stop = bisect_left(instants, span[0]), bisect_right(instants, span[1])
            if after and symbol == after[0]:
                if descending:
                    stop = min(stop, bisect_left(instants, after[1]))
                else:
                    begin = max(begin, bisect_right(instants, after[1]))
            if begin >= stop:
                continue
            if limit == 0:
                return page, token
            positions = range(begin, stop)[::-1] if descending else range(begin, stop)
            taken = positions[:limit]
            page[symbol] = [rows[position] for position in taken]
            token = _sealed(symbol, instants[taken[-1]])
            limit -= len(taken)
            if len(taken) < len(positions):
                return page, token
        return page, None

    def _rows_of(self, symbol: str, adjustment: frozenset[str]) -> Rows:
        world = self._world
        last = world.last_session(world.now()).day
        if self._rows_until != last:
            self._rows.clear()
            self._rows_until = last
        key = (symbol, adjustment)
        if key not in self._rows:
            bars = world.market.bars(symbol, world.market.first_day, last)
            shown = adjusted(bars, world.market, symbol, world.today(), adjustment)
            self._rows[key] = (
                [new_york(bar.day, 0) for bar in bars],
                [bar_text(bar) for bar in shown],
            )
        return self._rows[key]

    def _interval(self, params: dict[str, str]) -> tuple[datetime, datetime]:
        first = (
            bound(params["start"], status=400) if params.get("start") else new_york(self._world.today(), 0)
        )
        last = bound(params["end"], end=True, status=400) if params.get("end") else self._world.now()
        if last < first:
            raise AlpacaError(400, MALFORMED, "end should not be before start")
        return first, last

    def _latest(self, request: Request, name: str, show: Callable[[str], dict[str, Any]]) -> Response:
        single = request.path_params.get("symbol")
        symbols = symbols_of({"symbols": single} if single else dict(request.query_params))
        found = {symbol: show(symbol) for symbol in symbols if symbol in self._world.market.symbols}
        if single and not found:
            raise AlpacaError(404, MALFORMED, f"no {name} found for {single}")
        return JSONResponse({"symbol": single, name: found[single]} if single else {f"{name}s": found})

    def _quote(self, symbol: str) -> dict[str, Any]:
        """A cent around the latest close, at the moment of that close; or what it was changed to, of now."""
        cent, now, changed = Decimal("0.01"), self._world.now(), self._world.changes(symbol)
        moment = now if changed.get("bid") else self._world.last_session(now).closes - timedelta(seconds=1)
        close = self._world.price(symbol, now).quantize(cent)
        return {
            "t": instant(moment),
            "bp": float(changed.get("bid") or close - cent),
            "bs": 200,
            "bx": "N",
            "ap": float(changed.get("ask") or close + cent),
            "as": 300,
            "ax": "N",
            "c": ["R"],
            "z": TAPES[self._world.market.listing(symbol).exchange],
        }


def bar_text(bar: Bar) -> str:
    """A daily bar as JSON; its instant is the midnight in New York with which the day begins.

    Written by hand, because ten thousand of them are a page.
    """
    return (
        f'{{"t":"{instant(new_york(bar.day, 0))}","o":{bar.open},"h":{bar.high},"l":{bar.low},"c":{bar.close},'
        f'"v":{bar.volume},"n":{bar.trade_count},"vw":{bar.vwap}}}'
    )


def _descending(params: dict[str, str]) -> bool:
    sort = params.get("sort", "asc")
    if sort not in ("asc", "desc"):
        raise AlpacaError(400, MALFORMED, f"invalid sort: {sort}")
    return sort == "desc"


def _adjustment(text: str) -> frozenset[str]:
    """The adjustments meant by `raw`, `all` or a list of names."""
    if text == "raw":
        return frozenset()
    if text == "all":
        return ADJUSTMENTS
    names = frozenset(text.split(","))
    if not names <= ADJUSTMENTS:
        raise AlpacaError(400, MALFORMED, f"invalid adjustment: {text}")
    return names


def _sealed(symbol: str, at: datetime) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|D|{instant(at)}".encode()).decode()


def _opened(token: str, symbols: list[str]) -> tuple[str, datetime]:
    """The symbol and the instant of the last bar of the page before."""
    try:
        symbol, _, at = base64.urlsafe_b64decode(token.encode()).decode().split("|")
        opened = symbol, datetime.fromisoformat(at)
    except ValueError:
        raise AlpacaError(400, MALFORMED, "invalid page_token") from None
    if symbol not in symbols:
        raise AlpacaError(400, MALFORMED, "invalid page_token")
    return opened
