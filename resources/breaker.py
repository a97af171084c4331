"""Circuit breakers, one per thing that is asked of a provider: after some failures in a row it is left alone for a while.

What belongs here: which failures count, how many, how long, and where the state is kept (``ops.circuits``: every run is a process of its own).
What does not: the state machine (pybreaker), a list of all (``circuits``), or what becomes of a login that was not asked (``assets.raw.receiving``).

When a provider is down each login costs four attempts and their time-outs, under a lock. So the third that finds nobody there opens
the circuit, and the others of the night are marked without being asked. After a pause one is tried; it closes the circuit, or opens it again.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pybreaker
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.ops_tables import CIRCUITS
from resources.providers import ProviderError, ProviderUnavailableError

FAILURES, PAUSE = 3, timedelta(minutes=5)
_ONE_BANK, _OUR_BUDGET = "INSTITUTION_", "BUDGET"
"""How the codes of errors begin for which the provider itself is not to blame."""
Result = TypeVar("Result")


class CircuitOpenError(ProviderUnavailableError):
    """The provider was not asked: it has not answered lately."""


class Circuit:
    """One circuit breaker. Read once when it is made, written when it changes: where all is well a night costs one query."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._row = _Row(engine, name)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES,
            reset_timeout=PAUSE.total_seconds(),
            exclude=[_has_answered],
            state_storage=self._row,
            throw_new_error_on_trip=False,
        )

    def call(self, ask: Callable[[], Result]) -> Result:
        """What ``ask`` returns.

        Raises:
            CircuitOpenError: it was not called.
            Exception: whatever it raises.
        """
        try:
            return self._breaker.call(ask)
        except pybreaker.CircuitBreakerError:
            again = ((self._row.opened_at or datetime.now(UTC)) + PAUSE).astimezone(UTC)
            raise CircuitOpenError(
                f"not asked, because {FAILURES} in a row had no answer; asked again from {again:%H:%M} UTC on. "
                f"The last: {self._row.reason}"
            ) from None
        except ProviderUnavailableError as error:
            if not error.code.startswith((_ONE_BANK, _OUR_BUDGET)):
                self._row.write(reason=str(error))
            raise


def _has_answered(error: BaseException) -> bool:
    """Whether the provider is there, whatever it said, or one bank behind Plaid is all that does not answer.

    pybreaker takes that for a success, and knows nothing between a success and a failure. So what says nothing of the provider
    (our own budget of calls, a lake that cannot be written, Ctrl-C) leaves from here, before anything is counted.
    """
    if not isinstance(error, ProviderError) or error.code.startswith(_OUR_BUDGET):
        raise error
    return not isinstance(error, ProviderUnavailableError) or error.code.startswith(_ONE_BANK)


class _Row(pybreaker.CircuitBreakerStorage):
    """A row of ``ops.circuits`` as pybreaker's storage. One success closes, so successes need not be kept."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        super().__init__(name)
        self._engine, self._successes = engine, 0
        with engine.connect() as connection:
            query = sa.select(CIRCUITS).where(CIRCUITS.c.name == name)
            found = connection.execute(query).mappings().first()
        self._kept: dict[str, Any] = dict(found or {"state": pybreaker.STATE_CLOSED, "failures": 0})

    def write(self, **values: Any) -> None:
        """Changes columns of the row, which is made when it is not there; nothing happens where all are as wanted."""
        if all(self._kept.get(name) == value for name, value in values.items()):
            return
        with self._engine.begin() as connection:
            row = {"name": self.name, "state": pybreaker.STATE_CLOSED, "failures": 0, **values}
            query = insert(CIRCUITS).values(**row)
            changed = query.on_conflict_do_update(index_elements=["name"], set_=values).returning(CIRCUITS)
            self._kept = dict(connection.execute(changed).mappings().one())

    @property
    def reason(self) -> str | None:
        """Of the last failure."""
        return self._kept.get("reason")

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return str(self._kept["state"])

    @state.setter
    def state(self, state: str) -> None:
        self.write(state=state)

    @property
    def counter(self) -> int:
        """Failures in a row."""
        return int(self._kept["failures"])

    def increment_counter(self) -> None:
        """One more failure."""
        self.write(failures=self.counter + 1)

    def reset_counter(self) -> None:
        """A success."""
        self.write(failures=0)

    @property
    def success_counter(self) -> int:
        """Successes since it was half open."""
        return self._successes

    def increment_success_counter(self) -> None:
        """One more success."""
        self._successes += 1

    def reset_success_counter(self) -> None:
        """None."""
        self._successes = 0

    @property
    def opened_at(self) -> datetime | None:
        """When it opened last."""
        return self._kept.get("opened_at")

    @opened_at.setter
    def opened_at(self, datetime: datetime) -> None:
        self.write(opened_at=datetime)
