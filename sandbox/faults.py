"""Faults that a test or an operator switches on from outside, one endpoint at a time.

Here belong the store of faults and the middleware that plays those any HTTP service can have. The two
that only Plaid knows (`mutation_during_pagination`, `login_required`) are taken from the same store by
Plaid's half, which alone can phrase them.
"""

import asyncio
import json
import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.state import Document, State

GENERIC_KINDS = frozenset(
    {"rate_limit", "server_error", "timeout", "slow", "truncated", "accepted_but_timed_out"}
)
PLAID_KINDS = frozenset({"mutation_during_pagination", "login_required"})
KINDS = GENERIC_KINDS | PLAID_KINDS


class FaultError(ValueError):
    """A fault was described wrongly; `violations` has every reason."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("; ".join(violations))
        self.violations = violations


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, where, and how often.

    `endpoint` is a path of this server and may end in `*`; `method` narrows it ("" = any); `times` is how
    many requests are still to fail; `status` is the code of a `server_error`; `retry_after` (seconds) goes
    with a `rate_limit`; `seconds` is the delay of `slow` and the longest that a time-out holds the client.
    """

    id: int
    endpoint: str
    kind: str
    method: str = ""
    times: int = 1
    status: int = 500
    retry_after: int = 1
    seconds: float = 60.0

    def hits(self, method: str, path: str) -> bool:
        """Whether this fault is meant for such a request."""
        return self.method in ("", method) and fnmatchcase(path, self.endpoint)


class FaultStore:
    """The faults that are switched on, kept in the state file so that both halves see the same ones."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, description: Document) -> Fault:
        """Switch a fault on. Raises FaultError with every reason why `description` is not one."""
        violations = _violations(description)
        if violations:
            raise FaultError(violations)
        with self._state.transaction():
            document = self._state.get("faults") or {"next": 1, "faults": []}
            fault = Fault(id=document["next"], **description)
            self._save([*self._load(document), fault], document["next"] + 1)
        return fault

    def all(self) -> list[Fault]:
        """The faults still switched on, oldest first."""
        return self._load(self._state.get("faults"))

    def clear(self, endpoint: str | None = None) -> None:
        """Switch off the faults of `endpoint` (as it was written when added), or all of them."""
        with self._state.transaction():
            document = self._state.get("faults") or {"next": 1, "faults": []}
            kept = [fault for fault in self._load(document) if endpoint not in (None, fault.endpoint)]
            self._save(kept, document["next"])

    def take(self, path: str, kinds: Collection[str], method: str = "POST") -> Fault | None:
        """Use up one occurrence of the oldest fault of these kinds that is meant for the request, if any."""
        with self._state.transaction():
            document = self._state.get("faults")
            faults = self._load(document)
            for position, fault in enumerate(faults):
                if fault.kind in kinds and fault.hits(method, path):
                    left = [Fault(**{**asdict(fault), "times": fault.times - 1})] if fault.times > 1 else []
                    assert document is not None
                    self._save([*faults[:position], *left, *faults[position + 1 :]], document["next"])
                    return fault
        return None

    @staticmethod
    def _load(document: Document | None) -> list[Fault]:
        return [Fault(**each) for each in document["faults"]] if document else []

    def _save(self, faults: list[Fault], following: int) -> None:
        self._state.put("faults", {"next": following, "faults": [asdict(fault) for fault in faults]})


def _violations(description: Document) -> list[str]:
    """Every reason why `description` is not a fault."""
    found = [
        f"unknown field {name!r}"
        for name in sorted(description)
        if name not in Fault.__slots__ or name == "id"
    ]
    endpoint = description.get("endpoint")
    if not isinstance(endpoint, str) or not endpoint.startswith("/"):
        found.append("endpoint must be a path of this server, beginning with /")
    if description.get("kind") not in KINDS:
        found.append(f"kind must be one of {', '.join(sorted(KINDS))}")
    if description.get("status", 500) not in (500, 502, 503, 504):
        found.append("status must be 500, 502, 503 or 504")
    if not isinstance(description.get("method", ""), str):
        found.append("method must be text")
    for name, smallest in (("times", 1), ("retry_after", 0), ("seconds", 0)):
        value = description.get(name, smallest)
        whole = isinstance(value, int) or (name == "seconds" and isinstance(value, float))
        if isinstance(value, bool) or not whole or value < smallest:
            found.append(f"{name} must be a number, at least {smallest}")
    return found


class FaultMiddleware:
    """Plays the generic faults in front of `app`; requests under `/_sandbox` always pass."""

    def __init__(self, app: ASGIApp, store: FaultStore, stopping: "Stopping") -> None:
        self._app = app
        self._store = store
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None
        if scope["type"] == "http" and not scope["path"].startswith("/_sandbox"):
            fault = self._store.take(scope["path"], GENERIC_KINDS, scope["method"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        play = {
            "rate_limit": self._refuse,
            "server_error": self._refuse,
            "timeout": self._hold,
            "slow": self._delay,
            "truncated": self._truncate,
            "accepted_but_timed_out": self._accept_and_hold,
        }[fault.kind]
        await play(fault, scope, receive, send)

    async def _refuse(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        limited = fault.kind == "rate_limit"
        status = 429 if limited else fault.status
        headers = {"Retry-After": str(fault.retry_after)} if limited else {}
        await JSONResponse(_error_body(scope["path"], limited, fault.id), status, headers)(
            scope, receive, send
        )

    async def _hold(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Say nothing until the client gives up, the server stops or the longest time has passed."""
        gone = asyncio.ensure_future(_disconnected(receive))
        stopped = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({gone, stopped}, timeout=fault.seconds, return_when=asyncio.FIRST_COMPLETED)
        left = gone.done()
        for task in (gone, stopped):
            task.cancel()
        await asyncio.gather(gone, stopped, return_exceptions=True)
        if not left:
            await JSONResponse({"message": "gateway timeout"}, 504)(scope, receive, send)

    async def _delay(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        stopped = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({stopped}, timeout=fault.seconds)
        stopped.cancel()
        await self._app(scope, receive, send)

    async def _truncate(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise the whole body, send half of it, hang up."""
        start, body = await self._answer(scope, receive)
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await send(start)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})

    async def _accept_and_hold(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive)
        await self._hold(fault, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """What the application answers, kept from the client."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


class Stopping:
    """Tells every held request that the server is going down; may be set from any thread."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def set(self) -> None:
        """Release whoever waits, now and later."""
        self._set.set()

    async def wait(self) -> None:
        """Return once the server is stopping."""
        while not self._set.is_set():  # polled, because an asyncio.Event belongs to one loop
            await asyncio.sleep(0.05)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _error_body(path: str, limited: bool, fault_id: int) -> Document:
    """A refusal in the words of the provider that `path` belongs to."""
    if not path.startswith("/plaid"):
        return {"message": "too many requests."} if limited else {"message": "internal server error"}
    kind, code = ("RATE_LIMIT_EXCEEDED", "RATE_LIMIT") if limited else ("API_ERROR", "INTERNAL_SERVER_ERROR")
    message = "rate limit exceeded for this endpoint" if limited else "an unexpected error occurred"
    return {
        "error_type": kind,
        "error_code": code,
        "error_code_reason": None,
        "error_message": message,
        "display_message": None,
        "documentation_url": "https://plaid.com/docs/errors/",
        "suggested_action": None,
        "request_id": f"fault{fault_id:010d}",
    }


def fault_routes(store: FaultStore) -> list[Route]:
    """`/_sandbox/faults`: POST switches one on, GET lists them, DELETE (`?endpoint=`) switches them off."""

    async def add(request: Request) -> JSONResponse:
        try:
            description: Any = json.loads(await request.body())
        except ValueError:
            return JSONResponse({"errors": ["the body is not JSON"]}, 400)
        if not isinstance(description, dict):
            return JSONResponse({"errors": ["the body is not a JSON object"]}, 400)
        try:
            return JSONResponse(asdict(store.add(description)), 201)
        except FaultError as error:
            return JSONResponse({"errors": error.violations}, 400)

    async def list_all(request: Request) -> JSONResponse:
        return JSONResponse({"faults": [asdict(fault) for fault in store.all()]})

    async def clear(request: Request) -> JSONResponse:
        store.clear(request.query_params.get("endpoint"))
        return JSONResponse({"faults": [asdict(fault) for fault in store.all()]})

    return [
        Route("/_sandbox/faults", add, methods=["POST"]),
        Route("/_sandbox/faults", list_all, methods=["GET"]),
        Route("/_sandbox/faults", clear, methods=["DELETE"]),
    ]
