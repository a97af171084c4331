"""The `trade_updates` WebSocket, as Alpaca's trading stream speaks it: JSON in binary frames.

A client authenticates, listens, and is sent each update from then on; nothing is repeated to a latecomer.
"""

import asyncio
import json
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.alpaca.desk import Desk
from sandbox.alpaca.keys import same_credentials
from sandbox.state import Document

SETTLE_EVERY = 1.0  # seconds: an order that waits must also be filled for who only listens


class TradeStream:
    """One account's trade updates, for any number of connections."""

    def __init__(self, desk: Desk, credentials: dict[str, str]) -> None:
        self._desk = desk
        self._credentials = credentials
        self._listening: set[asyncio.Queue[Document]] = set()
        desk.listeners.append(self._publish)

    async def connect(self, socket: WebSocket) -> None:
        """Serve one connection until it is closed."""
        await socket.accept()
        queue: asyncio.Queue[Document] = asyncio.Queue()
        reading = asyncio.ensure_future(self._read(socket, queue))
        writing = asyncio.ensure_future(self._write(socket, queue))
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._listening.discard(queue)
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)

    def _publish(self, update: Document) -> None:
        for queue in self._listening:
            queue.put_nowait(update)

    async def _read(self, socket: WebSocket, queue: asyncio.Queue[Document]) -> None:
        authorized = False
        while True:
            message = await _received(socket)
            if message is None:
                return
            action, data = message.get("action"), message.get("data")
            data = data if isinstance(data, dict) else {}
            if action in ("authenticate", "auth"):
                authorized = self._authorized(data or message)
                status = "authorized" if authorized else "unauthorized"
                await _send(socket, "authorization", {"status": status, "action": "authenticate"})
            elif action == "listen" and not authorized:
                await _send(socket, "authorization", {"status": "unauthorized", "action": "listen"})
            elif action == "listen":
                streams = [name for name in data.get("streams", []) if name == "trade_updates"]
                (self._listening.add if streams else self._listening.discard)(queue)
                await _send(socket, "listening", {"streams": streams})
            else:
                await _send(socket, "error", {"error": f"unknown action: {action}"})

    async def _write(self, socket: WebSocket, queue: asyncio.Queue[Document]) -> None:
        while True:
            try:
                update = await asyncio.wait_for(queue.get(), SETTLE_EVERY)
            except TimeoutError:
                self._desk.settle()
                continue
            await _send(socket, "trade_updates", update)

    def _authorized(self, data: dict[str, Any]) -> bool:
        given = (str(data.get("key_id", data.get("key"))), str(data.get("secret_key", data.get("secret"))))
        return same_credentials(self._credentials, *given)


async def _received(socket: WebSocket) -> dict[str, Any] | None:
    """The next message, {} when it is no JSON object, None when the connection is over."""
    try:
        frame = await socket.receive()
    except (WebSocketDisconnect, RuntimeError):
        return None
    if frame["type"] == "websocket.disconnect":
        return None
    try:
        message = json.loads(frame.get("text") or frame.get("bytes") or b"")
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


async def _send(socket: WebSocket, stream: str, data: Document) -> None:
    await socket.send_bytes(json.dumps({"stream": stream, "data": data}).encode())
