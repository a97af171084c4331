"""Who may ask: Alpaca's two headers, really checked; and the request id that every answer carries."""

import hmac
from collections.abc import Callable
from datetime import datetime
from itertools import count

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.alpaca.wire import identifier


class KeyCheck:
    """Lets only the account's owner through to `app`; anybody else gets a 401."""

    def __init__(self, app: ASGIApp, credentials: dict[str, str], now: Callable[[], datetime]) -> None:
        self._app = app
        self._credentials = credentials
        self._now = now
        self._served = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = identifier("request", self._now(), next(self._served))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        headers = Request(scope).headers
        key_id, secret = headers.get("APCA-API-KEY-ID", ""), headers.get("APCA-API-SECRET-KEY", "")
        if same_credentials(self._credentials, key_id, secret):
            await self._app(scope, receive, send_with_id)
            return
        body = {"code": 40110000, "message": "request is not authorized"}
        await JSONResponse(body, 401)(scope, receive, send_with_id)


def same_credentials(credentials: dict[str, str], key_id: str, secret_key: str) -> bool:
    """Whether a key id and a secret are the account's, in a time that does not tell how much of them is."""
    same_id = hmac.compare_digest(key_id.encode(), credentials["alpaca_key_id"].encode())
    same_secret = hmac.compare_digest(secret_key.encode(), credentials["alpaca_secret_key"].encode())
    return same_id and same_secret
