"""Alpaca as a broker: orders sent, looked up and cancelled; what account, market and securities allow.

What belongs here: one method per endpoint that trading needs, asked through the official SDK for raw bytes. What does
not: what a payload means (``manna.trading.alpaca``), what to do next (``manna.trading.orders``), or the endpoints the
nightly close reads (``alpaca``).

A question may be asked again, an order may not: nobody knows what became of one whose answer did not come. So reading
and cancelling are repeated (``providers.retrying``), and :meth:`Broker.submit` makes one call, with a time-out, without
the SDK's retries (alpaca-py sets no time-out and repeats a POST on 429 and 504).
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from manna.trading.alpaca import PayloadError, decoded
from resources.alpaca import PAGE, Session
from resources.alpaca_wire import translated
from resources.providers import ProviderError, ProviderUnavailableError, retrying

if TYPE_CHECKING:
    from resources.rate import Rate  # SQLAlchemy takes 0.4 s to import

READ_SECONDS = 10.0
MOST_PAGES = 200
PAPER_HOSTS = ("paper-api.alpaca.markets", "127.0.0.1", "localhost")
_REFUSALS = ("403", "422")
_WRONG_KEYS = 40110000
_MUST_BE_UNIQUE = "must be unique"


class LiveTradingError(Exception):
    """The broker's address is that of real money, and one of the two switches is off."""


class OrderRefusedError(ProviderError):
    """The broker has refused this order. With ``is_taken`` it has one of this id already, so it is to be looked up."""

    def __init__(self, message: str, code: str, *, is_taken: bool) -> None:
        super().__init__(message, code)
        self.is_taken = is_taken


def require_paper(url: str, *, environment: bool, book: bool) -> None:
    """Refuses any address that is not of a paper account or the sandbox, unless both switches are on.

    Args:
        url: where orders would go.
        environment: ``MANNA_LIVE_TRADING``.
        book: ``trading: {live: true}`` in the book's file.

    Raises:
        LiveTradingError: real money, and a switch is off.
    """
    host = urlsplit(url).hostname
    if host in PAPER_HOSTS or (environment and book):
        return
    off = [
        name
        for name, on in (
            ("MANNA_LIVE_TRADING=yes", environment),
            ("trading: {live: true} in the book's file", book),
        )
        if not on
    ]
    raise LiveTradingError(
        f"{host} is not a paper account: nothing is sent; to trade real money set {' and '.join(off)}"
    )


class Broker:
    """One account's orders."""

    def __init__(
        self,
        trading_url: str,
        key_id: str,
        secret_key: str,
        rate: "Rate | None" = None,
        *,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """``rate`` holds the budgets of calls; without it nothing is counted."""
        self._url, self._key_id, self._secret_key = trading_url, key_id, secret_key
        self._session, self._rate = Session(read_seconds), rate
        self._budget = f"alpaca:{hashlib.sha256(key_id.encode()).hexdigest()[:16]}:trading"

    @cached_property
    def _client(self) -> Any:
        from alpaca.trading.client import TradingClient

        client = TradingClient(self._key_id, self._secret_key, raw_data=True, url_override=self._url)
        client._session = self._session
        client._retry = 0
        return client

    # -- orders -------------------------------------------------------------------------------------

    def submit(self, terms: Mapping[str, str]) -> Mapping[str, Any]:
        """Sends an order, once; the order as the broker has taken it.

        Raises:
            OrderRefusedError: it was refused, or the broker has one of this id.
            ProviderUnavailableError: nobody knows whether it was taken: look it up.
            ProviderError: the keys are wrong.
        """
        try:
            taken = self._once("post", "/orders", dict(terms))
        except ProviderUnavailableError:
            raise
        except ProviderError as error:
            # A 403 is not always about the keys: it is also what an order gets that cannot be paid for.
            if error.code in _REFUSALS and _code(self._session.body) != _WRONG_KEYS:
                said = _message(self._session.body) or str(error)
                raise OrderRefusedError(said, error.code, is_taken=_MUST_BE_UNIQUE in said) from None
            raise
        if not isinstance(taken, Mapping):
            raise ProviderUnavailableError("Alpaca's answer to an order is not an order")
        return taken

    def find(self, client_order_id: str) -> Mapping[str, Any] | None:
        """The order of this id. None is no proof that there is none: an order may show late."""
        try:
            return self._get("/orders:by_client_order_id", {"client_order_id": client_order_id})
        except ProviderError as error:
            if error.code == "404":
                return None
            raise

    def cancel(self, broker_order_id: str) -> None:
        """Asks for a cancellation; whether it came in time only the order can tell."""
        try:
            retrying(lambda: self._once("delete", f"/orders/{broker_order_id}", None))
        except ProviderError as error:
            if error.code not in ("404", "422"):  # there is none, or it is over already
                raise

    def open_orders(self) -> list[Mapping[str, Any]]:
        """Every open order of the account, whoever made it."""
        return self._listed("/orders", {"status": "open", "limit": 500, "nested": "false"})

    def orders_since(self, moment: datetime) -> list[Mapping[str, Any]]:
        """Orders submitted after ``moment``, open and closed, oldest first; 500 at most."""
        parameters = {"status": "all", "limit": 500, "direction": "asc", "nested": "false"}
        return self._listed("/orders", {**parameters, "after": moment.isoformat()})

    def fills_since(self, moment: datetime) -> list[Mapping[str, Any]]:
        """FILL activities after ``moment``, oldest first."""
        return self._paged("/account/activities/FILL", moment)

    def movements_since(self, moment: datetime) -> list[Mapping[str, Any]]:
        """All other activities after ``moment``, oldest first: money and securities that came or went, and more."""
        return self._paged("/account/activities", moment, category="non_trade_activity")

    # -- account and market -------------------------------------------------------------------------

    def account(self) -> Mapping[str, Any]:
        """``/v2/account``."""
        return self._get("/account")

    def takes_fractions(self) -> bool:
        """Whether the account's configuration allows fractional orders; not where it says nothing."""
        try:
            return self._get("/account/configurations").get("fractional_trading") is True
        except ProviderError as error:
            if error.code == "404":
                return False
            raise

    def positions(self) -> list[Mapping[str, Any]]:
        """``/v2/positions``."""
        return self._listed("/positions", {})

    def asset(self, symbol: str) -> Mapping[str, Any] | None:
        """A security: whether it is ``tradable`` and ``fractionable``; None where the broker knows none."""
        try:
            return self._get(f"/assets/{symbol}")
        except ProviderError as error:
            if error.code == "404":
                return None
            raise

    def clock(self) -> Mapping[str, Any]:
        """``/v2/clock``: the broker's time, whether its market ``is_open``, and when it opens and closes next."""
        return self._get("/clock")

    # -- the call itself ----------------------------------------------------------------------------

    def _get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        found = retrying(lambda: self._once("get", path, dict(parameters or {})))
        if not isinstance(found, Mapping):
            raise ProviderUnavailableError(f"Alpaca's answer to {path} is not an object")
        return found

    def _listed(self, path: str, parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        found = retrying(lambda: self._once("get", path, dict(parameters)))
        if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
            raise ProviderUnavailableError(f"Alpaca's answer to {path} is not a list")
        return found

    def _paged(self, path: str, moment: datetime, **parameters: Any) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        parameters |= {"page_size": PAGE, "direction": "asc", "after": moment.isoformat()}
        for _ in range(MOST_PAGES):
            page = self._listed(path, parameters)
            found += page
            if len(page) < PAGE:
                return found
            parameters["page_token"] = page[-1]["id"]
        raise ProviderError(f"Alpaca: more than {MOST_PAGES} pages of activities")

    def _once(self, method: str, path: str, data: dict[str, Any] | None) -> Any:
        from alpaca.common.exceptions import APIError

        if self._rate is not None:
            self._rate.take(self._budget)
        self._session.body = b""
        try:
            getattr(self._client, method)(path, data)
        except APIError as error:
            said = translated(error)
            if self._rate is not None and said.code == "429":
                self._rate.empty(self._budget, getattr(said, "retry_after", None) or 0)
            raise said from None
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise ProviderUnavailableError(f"Alpaca did not answer: {type(error).__name__}") from error
        if not self._session.body:
            return {}
        try:
            return decoded(self._session.body)
        except PayloadError as error:
            raise ProviderUnavailableError(f"Alpaca's answer to {path} cannot be read: {error}") from error


def _code(body: bytes) -> int | None:
    found = _object(body).get("code")
    return int(found) if found is not None else None


def _message(body: bytes) -> str:
    return str(_object(body).get("message") or "")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = decoded(body)
    except PayloadError:
        return {}
    return found if isinstance(found, Mapping) else {}
