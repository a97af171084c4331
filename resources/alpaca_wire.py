"""What comes back from Alpaca over the wire: shapes of answers, records as sent, errors in our words.

What belongs here: as much of an answer's shape as it takes to keep its records. What does not: calling an
endpoint (``alpaca``), or what a payload means (``manna.cleaning``).
"""

from datetime import datetime
from typing import Any

import msgspec

from manna.facts import Record, source_id
from resources.providers import CredentialsRefusedError, ProviderError, ProviderUnavailableError, ids_in


class Id(msgspec.Struct):
    """Whatever a record of any endpoint may be called by."""

    id: str | None = None
    symbol: str | None = None
    asset_id: str | None = None
    account_number: str | None = None
    t: str | None = None
    ex_date: str | None = None
    date: str | None = None


class _Submitted(msgspec.Struct):
    submitted_at: datetime


class Bars(msgspec.Struct):
    """A page of bars, by symbol."""

    bars: dict[str, list[msgspec.Raw]] | None = None
    next_page_token: str | None = None


class Quotes(msgspec.Struct):
    """The latest quotes, by symbol."""

    quotes: dict[str, msgspec.Raw]


class CorporateActions(msgspec.Struct):
    """A page of corporate actions, by group."""

    corporate_actions: dict[str, list[msgspec.Raw]]
    next_page_token: str | None = None


def submitted_at(order: str) -> datetime:
    """Where the next page of orders begins.

    Raises:
        ProviderError: the last order of a page does not say when it was submitted.
    """
    try:
        return msgspec.json.decode(order, type=_Submitted).submitted_at
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProviderError("Alpaca: the last order of a page has no moment; ask Alpaca's support") from error


def record(change: str, raw: msgspec.Raw, key: str) -> Record:
    """A record of ``raw`` under the id in its field ``key``."""
    payload = bytes(raw).decode()
    return Record(source_id(payload, getattr(identity(payload), key)), change, payload)


def identity(payload: str) -> Id:
    """What a record may be called by; nothing of it where it cannot be read."""
    return ids_in(payload, Id)


def translated(error: Any) -> ProviderError:
    """The SDK's ``APIError`` as one of ours, its HTTP status as the code."""
    response = error.response
    status = response.status_code if response is not None else 0
    said = f"Alpaca: HTTP {status}: {' '.join(str(error).split())[:200]}"
    if status in (401, 403):
        return CredentialsRefusedError(
            f"{said}; check ALPACA_API_KEY, ALPACA_SECRET_KEY and the URLs", str(status)
        )
    if status == 429 or status >= 500:
        asked = response.headers.get("Retry-After") if response is not None else None
        return ProviderUnavailableError(
            said, float(asked) if asked and asked.isdigit() else None, code=str(status)
        )
    return ProviderError(said, str(status))
