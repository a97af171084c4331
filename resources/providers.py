"""What all providers have in common: how they fail, and how often a call is repeated.

What belongs here: the errors a provider's client raises, the retry policy, what a record is called by. What does
not: a client.

Time-outs and 5xx and 429 are transient: the call is repeated a few times with growing pauses, or after
the pause the provider asks for. Everything else is permanent and raised at once.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from resources.settings import SettingsError

Result = TypeVar("Result")
Ids = TypeVar("Ids", bound=msgspec.Struct)

ATTEMPTS = 4
CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
LONGEST_PAUSE = 30.0
MOST_APART = timedelta(hours=1)
"""Between our clock and a provider's: an answer may have waited in a cache, and a clock may run a little wrong."""


class ProviderError(Exception):
    """A provider refused or failed. The message is one line, names the provider, and says what to do."""

    status = "degraded"
    """What the connection's status becomes (``ops.connections.status``)."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ProviderUnavailableError(ProviderError):
    """Transient: no answer, a broken one, 5xx, or too many requests."""

    def __init__(self, message: str, retry_after: float | None = None, code: str = "") -> None:
        super().__init__(message, code)
        self.retry_after = retry_after


class LoginRequiredError(ProviderError):
    """The person must log in again at the institution."""

    status = "login_required"


class AccessRevokedError(ProviderError):
    """The provider no longer knows the connection, or access was withdrawn."""

    status = "revoked"


class CredentialsRefusedError(ProviderError):
    """Our own credentials are wrong: no connection of this provider can work."""


class ChangedDuringPaginationError(ProviderError):
    """The data changed while its pages were being read: start again from the last committed cursor."""


def require_same_time(provider: str, told: str | None, now: datetime) -> None:
    """Nothing, where the provider's answer was sent at about the time it is here.

    What we learn is kept with the moment we learnt it, and what follows from it is made in that order. A clock that jumped
    would put it into the past or the future for good, so nothing is kept that comes while the two disagree.

    Args:
        provider: its name, for the message.
        told: the answer's ``Date`` header (RFC 9110, 6.6.1), if it has one. One that says no moment says nothing.
        now: the time it is here.

    Raises:
        SettingsError: they are further apart than :data:`MOST_APART`.
    """
    try:
        theirs = parsedate_to_datetime(told or "")
    except (ValueError, OverflowError):
        return
    theirs = theirs.replace(tzinfo=theirs.tzinfo or UTC)  # "-0000" is UTC of a machine that knows no zone
    if abs(theirs - now) > MOST_APART:
        raise SettingsError(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC and {provider}'s says {theirs:%Y-%m-%d %H:%M} UTC: set the "
            "clock (`timedatectl`; or MANNA_NOW, where it is set) and run it again. Nothing of it was kept"
        )


def ids_in(payload: str, shape: type[Ids]) -> Ids:
    """The identifying fields (texts) of a record as sent; one that is no text does not cost it the others.

    A record is kept whatever is wrong with it: that is for the contract to say.
    """
    try:
        return msgspec.json.decode(payload, type=shape)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        sent = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return shape()
    found = sent if isinstance(sent, dict) else {}
    texts = {name: found.get(name) for name in shape.__struct_fields__}
    return shape(**{name: text for name, text in texts.items() if isinstance(text, str)})


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ProviderUnavailableError) else None
    if asked is not None:
        return min(asked, LONGEST_PAUSE)
    return wait_random_exponential(multiplier=0.2, max=5)(state)


def retrying(call: Callable[[], Result], *, attempts: int = ATTEMPTS) -> Result:
    """``call()``, repeated while it raises :class:`ProviderUnavailableError`; then that error."""
    policy = Retrying(
        retry=retry_if_exception_type(ProviderUnavailableError),
        stop=stop_after_attempt(attempts),
        wait=_pause,
        reraise=True,
    )
    return policy(call)
