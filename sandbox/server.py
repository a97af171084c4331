"""The sandbox as one HTTP server on loopback: both providers, the faults, and what controls them.

Here belongs the assembly. `build` makes the application from a state and credentials; `SandboxServer`
runs it and stops it; `sandbox.__main__` is the command.
"""

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.alpaca.data import data_routes
from sandbox.alpaca.desk import Desk
from sandbox.alpaca.keys import KeyCheck
from sandbox.alpaca.stream import TradeStream
from sandbox.alpaca.trading import control_routes, trading_routes
from sandbox.alpaca.wire import AlpacaError, instant, refused
from sandbox.alpaca.world import AlpacaWorld
from sandbox.faults import FaultMiddleware, FaultStore, Stopping, fault_routes
from sandbox.market import Market
from sandbox.people import Person, load_people
from sandbox.plaid import PlaidWorld
from sandbox.plaid import routes as plaid_routes
from sandbox.plaid.controls import control_routes as item_routes
from sandbox.state import State

CREDENTIAL_NAMES = ("plaid_client_id", "plaid_secret", "alpaca_key_id", "alpaca_secret_key")
HOST = "127.0.0.1"


class SandboxError(Exception):
    """The sandbox cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A built application and what belongs to it."""

    app: Starlette
    state: State
    market: Market
    stopping: Stopping


def build(state: State, credentials: dict[str, str], people_path: Path | None = None) -> Sandbox:
    """The application that serves the world of `state`. Raises PeopleError for a malformed people file."""
    market = Market(state.seed, state.start)
    people = load_people(people_path, state.start, state.seed, market)
    plaid = PlaidWorld(state, people, credentials, market)
    funded = any(person.describe()["alpaca"] for person in people)
    alpaca = AlpacaWorld(state, market, credentials, funded)
    desk = Desk(alpaca)
    stream = TradeStream(desk, credentials)
    faults, stopping = FaultStore(state), Stopping()
    keys = [Middleware(KeyCheck, credentials=credentials, now=state.now)]
    dated = Middleware(Dated, now=state.now)
    keys = [dated, *keys]
    routes = [
        Mount("/plaid", routes=plaid_routes(plaid), middleware=[dated]),
        Mount("/alpaca/trading", routes=trading_routes(alpaca, desk), middleware=keys),
        Mount("/alpaca/data", routes=data_routes(alpaca), middleware=keys),
        WebSocketRoute("/alpaca/stream", stream.connect),
        *_sandbox_routes(state, people),
        *control_routes(alpaca, desk),
        *item_routes(plaid),
        *fault_routes(faults),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(FaultMiddleware, store=faults, stopping=stopping)],
        exception_handlers={AlpacaError: refused, HTTPException: _http_error},
    )
    return Sandbox(app, state, market, stopping)


def _sandbox_routes(state: State, people: list[Person]) -> list[Route]:
    async def health(request: Request) -> JSONResponse:
        now = instant(state.now())
        return JSONResponse(
            {
                "status": "ok",
                "now": now,
                "start": state.start.isoformat(),
                "seed": state.seed,
                "pid": os.getpid(),
            }
        )

    async def describe(request: Request) -> JSONResponse:
        return JSONResponse({"people": [person.describe() for person in people]})

    return [Route("/_sandbox/health", health), Route("/_sandbox/people", describe)]


class Dated:
    """Puts the sandbox's own time into the header ``Date`` of every answer, as a provider does with the real one."""

    def __init__(self, app: ASGIApp, now: Callable[[], datetime]) -> None:
        self._app, self._now = app, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = format_datetime(self._now(), usegmt=True)
                message = {**message, "headers": [*message["headers"], (b"date", said.encode())]}
            await send(message)

        await self._app(scope, receive, dated)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"message": error.detail}, error.status_code, error.headers)


class SandboxServer(uvicorn.Server):
    """One uvicorn server for one sandbox, on an already bound socket.

    Prints `ready` as one line of JSON once requests are answered, and stops when signalled, when
    `should_exit` is set, or when the process `parent` is no more.
    """

    def __init__(
        self, sandbox: Sandbox, parent: psutil.Process | None = None, ready: dict[str, Any] | None = None
    ) -> None:
        # The real time is in no header: the same request to the same world gets the same bytes (see Dated).
        config = uvicorn.Config(
            sandbox.app,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="error",
            date_header=False,
            server_header=False,
            ws="websockets-sansio",
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self.sandbox = sandbox
        self._parent = parent
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None:
            sys.stdout.write(json.dumps(self._ready) + "\n")
            sys.stdout.flush()

    async def on_tick(self, counter: int) -> bool:
        if self._parent is not None and counter % 5 == 0 and not _alive(self._parent):
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.sandbox.stopping.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again after a clean stop, which turns it into a failure. Ours is exit 0.
        try:
            for number in (SIGINT, SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, self._stop)
        except ValueError:  # not the main thread: whoever runs us there sets should_exit
            pass
        yield

    def _stop(self) -> None:
        self.should_exit = True


def _alive(process: psutil.Process) -> bool:
    """Whether the very process still runs: not another one with its pid, not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def endpoints(url: str) -> dict[str, str]:
    """The base URLs that clients are given, below the server's own `url`."""
    return {
        "url": url,
        "plaid_url": f"{url}/plaid",
        "alpaca_trading_url": f"{url}/alpaca/trading",
        "alpaca_data_url": f"{url}/alpaca/data",
        "alpaca_stream_url": f"{url.replace('http', 'ws', 1)}/alpaca/stream",
        "control_url": f"{url}/_sandbox",
    }


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one. Raises SandboxError when it is taken."""
    # asyncio turns Nagle's delay off only for sockets that say they are TCP: 40 ms a request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "ports go from 0 to 65535"
        raise SandboxError(f"cannot listen on {HOST}:{port}: {reason}. Choose another --port.") from error
    return listener


def load_credentials(path: Path) -> dict[str, str]:
    """The credentials that clients must present; made at random (mode 0600) when the file is absent.

    Raises SandboxError when the file cannot be read or written, or lacks one.
    """
    try:
        if not path.exists():
            made = {name: secrets.token_hex(16) for name in CREDENTIAL_NAMES}
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(made, file, indent=2)
            return made
        found = json.loads(path.read_text())
    except OSError as error:
        raise SandboxError(f"cannot use the credentials file {path}: {error.strerror}") from error
    except ValueError as error:
        raise SandboxError(f"the credentials file {path} is not JSON: {error}") from error
    given = found if isinstance(found, dict) else {}
    missing = [name for name in CREDENTIAL_NAMES if not (isinstance(given.get(name), str) and given[name])]
    if missing:
        raise SandboxError(f"the credentials file {path} has no text for {', '.join(missing)}")
    return {name: given[name] for name in CREDENTIAL_NAMES}
