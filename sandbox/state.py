"""What the sandbox remembers between two starts: one SQLite file and the world's first day.

Here belongs the store itself: documents by key, transactions, the clock. What the documents mean
(orders, items, access tokens) belongs to the halves that write them.

The world is a pure function of (seed, first day); only what a client *did* to it is stored. The first
day is fixed at the first start, so that a later "today" lengthens the world and changes nothing in it.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sandbox.market import add_months

HISTORY_MONTHS = 24

Document = dict[str, Any]


class StateError(Exception):
    """The state file cannot be used; the message says which file and why."""


def clock_from_environment() -> Callable[[], datetime]:
    """The sandbox's clock: the instant in `MANNA_NOW` (ISO 8601, with an offset), else the real time.

    Raises ValueError when `MANNA_NOW` is set and is not such an instant.
    """
    text = os.environ.get("MANNA_NOW", "").strip()
    if not text:
        return lambda: datetime.now(UTC)
    fixed = parse_instant(text)
    return lambda: fixed


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant with an offset, in UTC. Raises ValueError naming the text."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not an ISO 8601 instant: {text!r} (example: 2026-03-16T12:00:00Z)") from None
    if instant.tzinfo is None:
        raise ValueError(f"the instant {text!r} has no offset from UTC (example: 2026-03-16T12:00:00Z)")
    return instant.astimezone(UTC)


class State:
    """Documents by key in one SQLite file, used from any thread of one process.

    `start` is the first day of the world and `seed` what it grows from; both are written at the first
    start and read at every later one. Raises StateError when the file cannot be opened or was made with
    another seed.
    """

    def __init__(self, path: Path, now: Callable[[], datetime], seed: int) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._depth = 0
        try:
            # Transactions are opened by hand: isolation_level=None keeps sqlite3 from opening its own.
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=1)
            # One process only: a second one on the same file is refused instead of corrupting the world.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, body TEXT NOT NULL)"
            )
        except sqlite3.Error as error:
            raise StateError(f"cannot use the state file {path}: {error}") from error
        world = self._world(seed)
        if world["seed"] != seed:
            self.close()
            raise StateError(
                f"{path} was made with seed {world['seed']}, not {seed}: use that seed or delete it"
            )
        self.seed = seed
        self.start = date.fromisoformat(world["start"])

    def _world(self, seed: int) -> Document:
        with self.transaction():
            world = self.get("world")
            if world is None:
                first_day = add_months(self.now().date(), -HISTORY_MONTHS)
                world = {"start": first_day.isoformat(), "seed": seed}
                self.put("world", world)
        return world

    def now(self) -> datetime:
        """The present instant of the sandbox, aware, in UTC."""
        return self._now()

    def get(self, key: str) -> Document | None:
        """The document under `key`, or None."""
        with self._lock:
            row = self._db.execute("SELECT body FROM documents WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, key: str, document: Document) -> None:
        """Store `document` (JSON values only) under `key`, replacing what was there."""
        body = json.dumps(document, separators=(",", ":"))
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (key, body))

    def delete(self, key: str) -> None:
        """Forget the document under `key`; no error when there is none."""
        with self.transaction():
            self._db.execute("DELETE FROM documents WHERE key = ?", (key,))

    def items(self, prefix: str) -> list[tuple[str, Document]]:
        """All (key, document) whose key begins with `prefix`, ordered by key."""
        with self._lock:
            rows = self._db.execute(
                "SELECT key, body FROM documents WHERE substr(key, 1, ?) = ? ORDER BY key",
                (len(prefix), prefix),
            ).fetchall()
        return [(key, json.loads(body)) for key, body in rows]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else between: reads and writes inside are one step.

        May be nested; only the outermost commits, and an exception undoes everything since it began.
        """
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file; the State cannot be used afterwards."""
        with self._lock:
            self._db.close()
