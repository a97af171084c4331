"""Alpaca's stream ``trade_updates``: each change of an order, told as it happens.

What belongs here: one connection in a thread of its own, and the messages as they came. What does not: what they mean
(``manna.trading.alpaca``).

The stream is only ever ahead of polling, never instead of it: nothing is repeated to who was not listening. So when it
breaks it is begun anew after a while, and nobody needs to know. alpaca-py's own stream is not used: it takes up to five
seconds to stop.
"""

import json
import logging
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from manna.trading.alpaca import PayloadError, decoded

_log = logging.getLogger("manna.trade_updates")
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 0.5
PAUSE_SECONDS = 5.0


class TradeUpdates:
    """Messages of the stream as they come, until it is closed."""

    def __init__(self, url: str, key_id: str, secret_key: str) -> None:
        self._url, self._keys = url, {"key_id": key_id, "secret_key": secret_key}
        self._came: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._ended, self._listens = threading.Event(), threading.Event()
        self._socket: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="trade_updates")
        self._thread.start()

    def next(self, seconds: float) -> Mapping[str, Any] | None:
        """The ``data`` of the next message; None when none has come within ``seconds``."""
        try:
            return self._came.get(timeout=seconds) if seconds > 0 else self._came.get_nowait()
        except queue.Empty:
            return None

    def listens(self, seconds: float) -> bool:
        """Whether the stream has begun, waiting for it ``seconds`` at most."""
        return self._listens.wait(seconds)

    def close(self) -> None:
        """Ends the connection and its thread."""
        self._ended.set()
        if self._socket is not None:
            self._socket.close()  # which wakes the thread
        self._thread.join(CONNECT_SECONDS + CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001  whatever broke it, polling goes on
                _log.info("the stream broke: %s: %s", type(error).__name__, error)
            self._ended.wait(PAUSE_SECONDS)

    def _listen(self) -> None:
        from websockets.sync.client import connect

        with connect(self._url, open_timeout=CONNECT_SECONDS, close_timeout=CLOSE_SECONDS) as socket:
            self._socket = socket
            socket.send(json.dumps({"action": "authenticate", "data": self._keys}))
            said = decoded(socket.recv(timeout=CONNECT_SECONDS))
            if said.get("data", {}).get("status") != "authorized":
                raise PayloadError("the stream refuses the keys")
            socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
            while not self._ended.is_set():
                message = decoded(socket.recv())
                if message.get("stream") == "trade_updates" and isinstance(message.get("data"), Mapping):
                    self._came.put(message["data"])
                elif message.get("stream") == "listening":
                    self._listens.set()


@contextmanager
def trade_updates(url: str, key_id: str, secret_key: str) -> Iterator[TradeUpdates]:
    """The stream, until the block ends."""
    stream = TradeUpdates(url, key_id, secret_key)
    try:
        yield stream
    finally:
        stream.close()
