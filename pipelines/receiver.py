"""The receiver of Plaid's webhooks: a small HTTP server that `manna up` runs beside Dagster's.

What belongs here: HTTP, its limits and its answers, and telling Plaid the address. What does not: whether a
webhook is genuine (``resources.webhooks``), or what follows from it (``pipelines.webhooks``, a sensor).

It listens on 127.0.0.1, in a container where ``MANNA_WEBHOOK_HOST`` says; an operator's reverse proxy or tunnel brings webhooks from ``MANNA_WEBHOOK_URL`` to
``/plaid``. Who asks learns nothing but a status: 200 it is stored (now or before), 401 it is not Plaid's or not of
now, 400, 404, 405, 413 it is no webhook, 503 it cannot be judged or stored at present, so that Plaid sends it
again. Bodies and tokens are never logged.
"""

import asyncio
import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus

import uvicorn
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from manna.connections import has_ended
from manna.webhooks import read_event
from resources.installation import Installation
from resources.providers import ProviderError
from resources.settings import Settings, SettingsError
from resources.webhooks import Keys, NotVerifiableError, WebhookRefusedError, verify

HOST, PATH = "127.0.0.1", "/plaid"
HEADER = "Plaid-Verification"
MOST_BYTES = 256 * 1024
SECONDS_TO_SEND = 10
MOST_AT_ONCE = 64
"""Connections; more are answered 503."""

LOG = logging.getLogger("manna.webhooks")

Take = Callable[[str | None, bytes], bool]
"""Verifies and stores a webhook given its signature and body; returns whether it was new."""


def taker(manna: Installation) -> Take:
    """What becomes of a webhook: verified with Plaid's keys, then stored in ``ops.webhooks``."""
    keys = Keys(manna.plaid.webhook_key)

    def take(token: str | None, body: bytes) -> bool:
        now = manna.settings.now()
        signature = verify(token, body, keys, now)
        event = read_event(body)
        return manna.ops.store_webhook(
            {
                "signature_sha256": signature.sha256,
                "received_at": now,
                "issued_at": signature.issued_at,
                "item_id": event.item_id,
                "kind": event.kind,
                "body": event.body,
            }
        )

    return take


def application(take: Take) -> Starlette:
    """The application: ``POST /plaid`` and nothing else."""

    async def receive(request: Request) -> Response:
        try:
            async with asyncio.timeout(SECONDS_TO_SEND):
                body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=HTTPStatus.REQUEST_TIMEOUT)
        if body is None:
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "it is too large")
        tokens = request.headers.getlist(HEADER)
        try:
            new = await run_in_threadpool(take, tokens[0] if len(tokens) == 1 else None, body)
        except WebhookRefusedError as error:
            return _refused(HTTPStatus.UNAUTHORIZED, str(error))
        except (ValueError, DataError):  # Plaid's, but not one that can be read or kept
            return _refused(HTTPStatus.BAD_REQUEST, "its body is no event")
        except NotVerifiableError as error:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        except SQLAlchemyError as error:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, f"it cannot be stored: {type(error).__name__}")
        LOG.info("webhook %s", "stored" if new else "known already: nothing has changed")
        return Response(status_code=HTTPStatus.OK)

    return Starlette(routes=[Route(PATH, receive, methods=["POST"])])


def _refused(status: HTTPStatus, reason: str) -> Response:
    LOG.info("webhook refused with %d: %s", status, reason)
    return Response(status_code=status)


async def _body(request: Request) -> bytes | None:
    """The body as sent; None as soon as it is longer than any webhook."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def server(served: Starlette) -> uvicorn.Server:
    """The server of an application, still to be run on a listening socket."""
    return uvicorn.Server(
        uvicorn.Config(
            served,
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            ws="none",
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=2,
        )
    )


def listen(port: int, host: str = HOST) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when it is taken."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(MOST_AT_ONCE)
        stack.pop_all()
        return listener


def announce(manna: Installation, url: str) -> int:
    """Tells Plaid where to send the webhooks of every login, and returns of how many it took that.

    The address of a login is fixed when it is linked, and may have been another one then.
    """
    told = 0
    for connection in manna.ops.connections(provider="plaid"):
        if has_ended(connection):
            continue
        try:
            manna.plaid.send_webhooks_to(manna.vault.open(connection["token"]), url)
            told += 1
        except (ProviderError, SettingsError) as error:
            book = connection["book"]
            LOG.warning("%s (%s): %s", connection["institution"], book, error, extra={"book": book})
    LOG.info("Plaid sends the webhooks of %d logins to this server", told)
    return told


def main() -> int:
    """Serves until told to stop."""
    from pipelines.logs import logged

    settings = Settings.load()
    with logged(settings, "webhooks"):
        manna = Installation(settings)
        with listen(settings.receiver_port, str(settings.webhook_host)) as listener:
            host, port = listener.getsockname()
            LOG.info("listening on %s:%d", host, port)
            url = settings.webhook_url or f"http://{HOST}:{port}{PATH}"
            # Beside the server: what Plaid sends at once is answered at once.
            threading.Thread(target=announce, args=(manna, url), daemon=True).start()
            server(application(taker(manna))).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
