"""Alpaca: the official SDK, asked for raw bytes.

What belongs here: one method per endpoint we use, turning Alpaca's answers into :class:`Answer` records
exactly as sent. What does not: the shapes of answers and errors (``alpaca_wire``), what a payload means
(``manna.cleaning``).

Two things about alpaca-py 0.44 shape this module: it sets no time-out on any call, and it decodes JSON
before one can see it. So each SDK client gets an HTTP session of ours, which has a time-out and keeps the
body of the last answer.

Alpaca counts the calls of a key per minute, those for trading and those for data apart. Every call takes a
token of that budget first (``resources.rate``).
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import requests

from manna.facts import Answer, Record, source_id
from resources.alpaca_wire import Bars, CorporateActions, Quotes, identity, record, submitted_at, translated
from resources.providers import (
    CONNECT_SECONDS,
    READ_SECONDS,
    ProviderError,
    ProviderUnavailableError,
    require_same_time,
    retrying,
)

if TYPE_CHECKING:
    from resources.rate import Rate  # SQLAlchemy takes 0.4 s to import

PAGE = 100
ORDERS_PAGE = 500
SAME_MOMENT = timedelta(milliseconds=1)
BARS_PAGE = 10_000
MOST_PAGES = 5000


class Session(requests.Session):
    """A session with a time-out that remembers the last body, and when it was sent."""

    body: bytes = b""
    sent_at: str | None = None

    def __init__(self, read_seconds: float | None = None) -> None:
        super().__init__()
        self._read_seconds = read_seconds

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """As it is there, with our time-out."""
        kwargs.setdefault("timeout", (CONNECT_SECONDS, self._read_seconds or READ_SECONDS))
        response = super().request(*args, **kwargs)
        self.body, self.sent_at = response.content, response.headers.get("Date")
        return response


class Alpaca:
    """One brokerage account."""

    def __init__(
        self,
        trading_url: str,
        data_url: str,
        key_id: str,
        secret_key: str,
        rate: "Rate | None" = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """``rate`` holds the budgets of calls; without it nothing is counted. ``now``: the clock that Alpaca's is held against."""
        self._urls = {"trading": trading_url, "data": data_url}
        self._key_id, self._secret_key = key_id, secret_key
        self._session, self._rate, self._now = Session(), rate, now
        # The row in `ops` tells budgets apart, and must not tell the key.
        self._budget = f"alpaca:{hashlib.sha256(key_id.encode()).hexdigest()[:16]}"

    @cached_property
    def _trading(self) -> Any:
        from alpaca.trading.client import TradingClient

        return self._with_session(
            TradingClient(self._key_id, self._secret_key, raw_data=True, url_override=self._urls["trading"])
        )

    @cached_property
    def _stocks(self) -> Any:
        from alpaca.data.historical.stock import StockHistoricalDataClient

        return self._with_session(
            StockHistoricalDataClient(
                self._key_id, self._secret_key, raw_data=True, url_override=self._urls["data"]
            )
        )

    @cached_property
    def _actions(self) -> Any:
        from alpaca.data.historical.corporate_actions import CorporateActionsClient

        return self._with_session(
            CorporateActionsClient(
                self._key_id, self._secret_key, raw_data=True, url_override=self._urls["data"]
            )
        )

    def _with_session(self, client: Any) -> Any:
        client._session = self._session
        client._retry = 0  # one policy for all providers: resources.providers.retrying
        return client

    def account(self) -> Answer:
        """``/v2/account``."""
        return self._snapshot(self._trading, "/account", msgspec.Raw, "id")

    def positions(self) -> Answer:
        """``/v2/positions``: every open position, by symbol.

        Not by ``asset_id``, which a change of symbol may leave as it was: the former symbol would then
        never be listed as gone.
        """
        return self._snapshot(self._trading, "/positions", list[msgspec.Raw], "symbol")

    def orders(self) -> Answer:
        """``/v2/orders``: open and closed, oldest first, paged by submission time.

        ``after`` excludes its moment, and a page may end between two orders of one moment: so each page
        begins a little before the end of the last one, and what comes twice is kept once.
        """
        records: dict[str, Record] = {}
        parameters: dict[str, Any] = {
            "status": "all",
            "limit": ORDERS_PAGE,
            "direction": "asc",
            "nested": "false",
        }
        for _ in range(MOST_PAGES):
            listed = self._get(self._trading, "/orders", parameters, list[msgspec.Raw])
            fresh = [record("added", raw, "id") for raw in listed]
            is_last = len(listed) < ORDERS_PAGE or all(record.source_id in records for record in fresh)
            records.update((record.source_id, record) for record in fresh)
            if is_last:
                return Answer(tuple(records.values()))
            submitted = submitted_at(fresh[-1].payload)
            parameters["after"] = (submitted - SAME_MOMENT).isoformat()
        raise ProviderError(f"Alpaca: more than {MOST_PAGES} pages of orders")

    def activities(self) -> Answer:
        """``/v2/account/activities``: everything since the account exists, oldest first.

        All of it every time: an old activity may turn ``canceled``, and the endpoint cannot be asked for
        what has changed. Pages follow each other by id, so one may end between two of the same moment.
        """
        records: list[Record] = []
        parameters: dict[str, Any] = {"page_size": PAGE, "direction": "asc"}
        for _ in range(MOST_PAGES):
            listed = self._get(self._trading, "/account/activities", parameters, list[msgspec.Raw])
            records += [record("added", raw, "id") for raw in listed]
            if len(listed) < PAGE:
                return Answer(tuple(records))
            parameters["page_token"] = records[-1].source_id
        raise ProviderError(f"Alpaca: more than {MOST_PAGES} pages of activities")

    def calendar(self, first: date, last: date) -> Answer:
        """``/v2/calendar``: the market days from ``first`` to ``last`` with their hours, by date."""
        parameters = {"start": first.isoformat(), "end": last.isoformat()}
        listed = self._get(self._trading, "/calendar", parameters, list[msgspec.Raw])
        return Answer(tuple(record("added", raw, "date") for raw in listed))

    def assets(self, symbols: Sequence[str]) -> Answer:
        """``/v2/assets/{symbol}`` for each symbol; one Alpaca does not know is left out."""
        records = []
        for symbol in symbols:
            try:
                raw = self._get(self._trading, f"/assets/{symbol}", {}, msgspec.Raw)
            except ProviderError as error:
                if error.code == "404":
                    continue
                raise
            records.append(record("added", raw, "symbol"))
        return Answer(tuple(records))

    def bars(self, symbols: Sequence[str], first: date, last: date) -> Answer:
        """``/v2/stocks/bars``: raw daily bars. The source id is ``SYMBOL:YYYY-MM-DD``.

        The symbol is put into the record because Alpaca says it once per list, not once per bar.
        """
        records: list[Record] = []
        parameters: dict[str, Any] = {
            "symbols": ",".join(symbols),
            "timeframe": "1Day",
            "start": first.isoformat(),
            "end": last.isoformat(),
            "adjustment": "raw",
            "limit": BARS_PAGE,
            "sort": "asc",
        }
        for _ in range(MOST_PAGES):
            page = self._get(self._stocks, "/stocks/bars", parameters, Bars)
            for symbol, listed in (page.bars or {}).items():
                for raw in listed:
                    bar = bytes(raw).decode()
                    day = (identity(bar).t or "")[:10]
                    records.append(Record(f"{symbol}:{source_id(bar, day)}", "added", bar))
            if not page.next_page_token:
                return Answer(tuple(records))
            parameters["page_token"] = page.next_page_token
        raise ProviderError(f"Alpaca: more than {MOST_PAGES} pages of bars")

    def quotes(self, symbols: Sequence[str]) -> Answer:
        """``/v2/stocks/quotes/latest``: best bid and ask of each symbol now. The source id is the symbol."""
        found = self._get(self._stocks, "/stocks/quotes/latest", {"symbols": ",".join(symbols)}, Quotes)
        return Answer(
            tuple(Record(name, "snapshot", bytes(raw).decode()) for name, raw in found.quotes.items())
        )

    def corporate_actions(self, symbols: Sequence[str], first: date, last: date) -> Answer:
        """``/v1/corporate-actions``: every kind of them. It is put before the id: ``cash_dividends:ID``."""
        if not symbols:  # none named would mean all there are
            return Answer(())
        records: list[Record] = []
        parameters: dict[str, Any] = {
            "symbols": ",".join(symbols),
            "start": first.isoformat(),
            "end": last.isoformat(),
            "limit": 1000,
        }
        for _ in range(MOST_PAGES):
            page = self._get(self._actions, "/corporate-actions", parameters, CorporateActions)
            for kind, listed in page.corporate_actions.items():
                for raw in listed:
                    action = bytes(raw).decode()
                    named = identity(action)
                    own = (named.id,) if named.id else (named.symbol, named.ex_date)
                    records.append(Record(f"{kind}:{source_id(action, *own)}", "added", action))
            if not page.next_page_token:
                return Answer(tuple(records))
            parameters["page_token"] = page.next_page_token
        raise ProviderError(f"Alpaca: more than {MOST_PAGES} pages of corporate actions")

    # -- the call itself ----------------------------------------------------------------------------

    def _snapshot(self, client: Any, path: str, shape: Any, key: str) -> Answer:
        found = self._get(client, path, {}, shape)
        listed = found if isinstance(found, list) else [found]
        return Answer(tuple(record("snapshot", raw, key) for raw in listed), is_whole=True)

    def _get(self, client: Any, path: str, parameters: dict[str, Any], shape: Any) -> Any:
        service = "trading" if client is self.__dict__.get("_trading") else "data"
        return retrying(lambda: self._get_once(client, path, parameters, shape, f"{self._budget}:{service}"))

    def _get_once(self, client: Any, path: str, parameters: dict[str, Any], shape: Any, budget: str) -> Any:
        from alpaca.common.exceptions import APIError

        if self._rate is not None:
            self._rate.take(budget)
        try:
            client.get(path, parameters)
        except APIError as error:
            said = translated(error)
            if self._rate is not None and said.code == "429":
                self._rate.empty(budget, getattr(said, "retry_after", None) or 0)
            raise said from None
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise ProviderUnavailableError(f"Alpaca did not answer: {type(error).__name__}") from error
        if self._now is not None:
            require_same_time("Alpaca", self._session.sent_at, self._now())
        try:
            return msgspec.json.decode(self._session.body.decode(), type=shape)
        except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or not of this shape
            raise ProviderUnavailableError(f"Alpaca's answer to {path} cannot be read: {error}") from error
