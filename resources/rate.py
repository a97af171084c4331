"""A provider's budget of calls per minute: one row of ``ops.rate_buckets``, shared by all runs.

What belongs here: taking a call from a budget, and emptying one. What does not: whose budget it is, and
what a call is (the clients know).

A pool of Dagster's bounds how many runs ask at once, not how often they ask. So a client takes a token
before each call, in one atomic statement, by the database's clock. A token may be taken before it is there:
the row goes below zero, and the caller is told how long to wait for what it took. So nobody polls, whoever
came first goes first, and processes need to agree on nothing else.

A quarter of the budget may be used at once, the rest flows in evenly. Together that is never more than the
budget in any minute, which a bucket as large as the budget would not keep: it gives twice that in its first.
"""

import threading
import time
from collections.abc import Callable

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from resources.providers import ProviderUnavailableError

PER_MINUTE = 200
LONGEST_WAIT = 300.0
"""Seconds. Who would have to wait longer is refused: a run holds its connection's lock while it waits."""

_REFILLED = (
    "least(:burst, bucket.tokens"
    " + :rate * greatest(0, extract(epoch FROM excluded.updated_at - bucket.updated_at)))"
)
_TAKE = """
    INSERT INTO ops.rate_buckets AS bucket (name, tokens, updated_at) VALUES (:name, :burst - 1, {clock})
    ON CONFLICT (name) DO UPDATE
        SET tokens = {refilled} - 1, updated_at = greatest(bucket.updated_at, excluded.updated_at)
        WHERE {refilled} - 1 >= -:longest * :rate
    RETURNING tokens
"""
_EMPTY = """
    INSERT INTO ops.rate_buckets AS bucket (name, tokens, updated_at) VALUES (:name, -:debt, {clock})
    ON CONFLICT (name) DO UPDATE
        SET tokens = least({refilled}, -:debt), updated_at = greatest(bucket.updated_at, excluded.updated_at)
"""


class Rate:
    """Budgets of ``per_minute`` calls each, by name. One connection is kept: a token costs one round trip."""

    def __init__(
        self,
        engine: sa.Engine,
        per_minute: int = PER_MINUTE,
        *,
        clock: str = "clock_timestamp()",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``clock`` is the SQL expression of the present moment; tests have one that they move."""
        self._burst = max(1.0, per_minute / 4)
        self._rate = (per_minute - self._burst) / 60
        self._take, self._empty = (
            sa.text(statement.format(refilled=_REFILLED, clock=clock)) for statement in (_TAKE, _EMPTY)
        )
        self._engine, self._sleep = engine, sleep
        self._connection: sa.Connection | None = None
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Takes one call from the budget ``name``, and returns when it may be made.

        Raises:
            ProviderUnavailableError: it may be made only after ``LONGEST_WAIT``; nothing was taken.
        """
        left = self._execute(
            self._take, {"name": name, "burst": self._burst, "rate": self._rate, "longest": LONGEST_WAIT}
        )
        if left is None:
            raise ProviderUnavailableError(
                f"{name.partition(':')[0].capitalize()}: the calls of the next {LONGEST_WAIT:.0f} s are taken by other runs",
                code="BUDGET",
            )
        if left < 0:
            self._sleep(-left / self._rate)

    def empty(self, name: str, seconds: float = 0.0) -> None:
        """Nobody may call for ``seconds``: the provider has said that the budget is used up."""
        self._execute(
            self._empty,
            {"name": name, "burst": self._burst, "rate": self._rate, "debt": seconds * self._rate},
        )

    def close(self) -> None:
        """Gives the connection back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _execute(self, statement: sa.TextClause, values: dict[str, object]) -> float | None:
        """The tokens that are left, where the statement returns them; once more after a lost connection."""
        for attempt in Retrying(retry=retry_if_exception(_is_lost), stop=stop_after_attempt(2), reraise=True):
            with attempt, self._lock:
                if self._connection is None or self._connection.invalidated:
                    self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                found = self._connection.execute(statement, values)
                return found.scalar() if found.returns_rows else None
        raise AssertionError("a retried call returns or raises")


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
