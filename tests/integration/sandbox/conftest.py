"""A real sandbox for each module: uvicorn on a free port, its own data directory, a clock that tests set."""

import json
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

with warnings.catch_warnings():
    # alpaca-py 0.44 imports websockets.legacy, which websockets 14 deprecates
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import alpaca.trading.stream  # noqa: F401

from sandbox.server import HOST, Sandbox, SandboxServer, bind, build, endpoints
from sandbox.state import State, parse_instant

REFERENCE = Path(__file__).resolve().parents[3] / ".." / "shared" / "reference"
MONDAY_BEFORE_THE_OPEN = "2026-03-16T12:00:00Z"
CREDENTIALS = {
    "plaid_client_id": "client-id-of-the-tests",
    "plaid_secret": "secret-of-the-tests",
    "alpaca_key_id": "key-id-of-the-tests",
    "alpaca_secret_key": "secret-key-of-the-tests",
}


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, text: str) -> None:
        self.set(text)

    def set(self, text: str) -> None:
        self._now = parse_instant(text)

    def __call__(self) -> datetime:
        return self._now


class RunningSandbox:
    """Where a sandbox answers, what it accepts, and its clock."""

    def __init__(self, url: str, clock: Clock, state: State) -> None:
        found = endpoints(url)
        self.url = url
        self.plaid_url = found["plaid_url"]
        self.alpaca_trading_url = found["alpaca_trading_url"]
        self.alpaca_data_url = found["alpaca_data_url"]
        self.alpaca_stream_url = found["alpaca_stream_url"]
        self.control_url = found["control_url"]
        self.credentials = CREDENTIALS
        self.clock = clock
        self.state = state
        keys = {
            "APCA-API-KEY-ID": CREDENTIALS["alpaca_key_id"],
            "APCA-API-SECRET-KEY": CREDENTIALS["alpaca_secret_key"],
        }
        # No connection is kept: the server may close an idle one at the moment it is used again.
        given: dict[str, Any] = {"timeout": 60, "limits": httpx.Limits(max_keepalive_connections=0)}
        self.trading = httpx.Client(base_url=self.alpaca_trading_url, headers=keys, **given)
        self.data = httpx.Client(base_url=self.alpaca_data_url, headers=keys, **given)
        self.control = httpx.Client(base_url=self.control_url, **given)

    def fault(self, endpoint: str, kind: str, **details: Any) -> None:
        """Switch a fault on."""
        response = self.control.post("/faults", json={"endpoint": endpoint, "kind": kind, **details})
        assert response.status_code == 201, response.text

    def close(self) -> None:
        for client in (self.trading, self.data, self.control):
            client.close()


class AnnouncingServer(SandboxServer):
    """Tells other threads when it answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.answers = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


@contextmanager
def run_sandbox(
    data_dir: Path, now: str = MONDAY_BEFORE_THE_OPEN, people: Path | None = None, seed: int = 1
) -> Iterator[RunningSandbox]:
    """A sandbox that answers until the block is left."""
    clock = Clock(now)
    state = State(data_dir / "sandbox.sqlite", clock, seed)
    server = AnnouncingServer(build(state, CREDENTIALS, people))
    listener = bind(0)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.answers.wait(120), "the sandbox did not start"
    running = RunningSandbox(url, clock, state)
    try:
        yield running
    finally:
        running.close()
        server.should_exit = True
        thread.join()
        state.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One sandbox for the module. Tests that change the account use `own_sandbox`."""
    with run_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """A fresh sandbox for one test."""
    with run_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def start_sandbox() -> Callable[..., AbstractContextManager[RunningSandbox]]:
    """`with start_sandbox(data_dir, now=..., people=..., seed=...) as running:`."""
    return run_sandbox


class OpenApi:
    """An official OpenAPI document, as something to hold responses against."""

    def __init__(self, path: Path) -> None:
        self._document = _without_nullable(yaml.load(path.read_text(), yaml.CSafeLoader))

    def check(self, path: str, response: httpx.Response, method: str = "get") -> Any:
        """The body, after every violation of the schema of this path, method and status has been ruled out."""
        answers = self._document["paths"][path][method]["responses"]
        assert str(response.status_code) in answers, (
            f"{method} {path}: {response.status_code} {response.text}"
        )
        content = answers[str(response.status_code)].get("content")
        if content is None:
            return None
        schema = {**content["application/json"]["schema"], "components": self._document["components"]}
        validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["uuid"]))
        body = json.loads(response.content)
        violations = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]
        assert not violations, f"{method} {path}: {violations[:10]}"
        return body


def _without_nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as the JSON Schema of 3.1: null is one of the types."""
    if isinstance(node, list):
        return [_without_nullable(each) for each in node]
    if not isinstance(node, dict):
        return node
    converted = {key: _without_nullable(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") is True:
        return {"anyOf": [converted, {"type": "null"}]}
    return converted


def _official(*parts: str) -> OpenApi:
    path = REFERENCE.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"the official document {'/'.join(parts)} is not beside the checkout (../shared/reference)"
        )
    return OpenApi(path)


@pytest.fixture(scope="session")
def trading_api() -> OpenApi:
    return _official("alpaca", "openapi", "trading.yaml")


@pytest.fixture(scope="session")
def data_api() -> OpenApi:
    return _official("alpaca", "openapi", "market_data.yaml")
