"""The life of a connection: which state it is in, and why, as pure functions.

What belongs here: what Plaid's error codes, webhooks and ``/item/get`` say of a login, and what follows from
it. What does not: asking Plaid, or storing a state (``resources.connections``).

healthy → degraded → login_required → (repaired) healthy; pending_expiration still works; revoked and unlinked
have ended: nobody asks through them any more.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manna.cleaning.identity import Status

ENDED = frozenset({"revoked", "unlinked"})
BROKEN = frozenset({"degraded", "login_required", "revoked"})
_ANSWERED = frozenset({"healthy", "pending_expiration"})
WARNING = timedelta(days=7)
"""So long before the end of a consent Plaid sends its webhook, and a connection is pending expiration."""

PASTS = ("not_ready", "initial", "complete")
"""How much of its past a login has told, in the order in which it does."""

LOGIN_CODES = frozenset(
    {
        "ITEM_LOGIN_REQUIRED",
        "INVALID_CREDENTIALS",
        "INVALID_MFA",
        "INVALID_UPDATED_USERNAME",
        "ITEM_LOCKED",
        "ACCESS_NOT_GRANTED",
        "USER_SETUP_REQUIRED",
        "MFA_NOT_SUPPORTED",
        "PENDING_EXPIRATION",
    }
)
"""Plaid's error codes that the account holder ends in Link's update mode."""
REVOKED_CODES = frozenset({"ITEM_NOT_FOUND", "USER_PERMISSION_REVOKED"})
"""Plaid's error codes of a login that is gone."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a provider says of a login beside its data.

    ``error_code`` and ``error``: why it gets no new data, though old data may still be served.
    ``expires_at``: when the consent ends. ``updated_at``: when the provider itself last got data from the
    institution. Null where there is no such thing.
    """

    error_code: str | None = None
    error: str | None = None
    expires_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A connection's next status, the reason, and when it will end if that has been told."""

    status: str
    reason: str
    expires_at: datetime | None = None


def has_ended(connection: Mapping[str, Any]) -> bool:
    """Whether nobody asks through this row of ``ops.connections`` any more."""
    return connection["status"] in ENDED


def as_it_stood(
    connections: Iterable[Mapping[str, Any]], events: "Iterable[Status]", moment: datetime
) -> list[dict[str, Any]]:
    """Rows of ``ops.connections`` as they stood at a past ``moment``, from their present state and their life.

    Those linked later are left out. Nothing is known of when exactly a login answered, but that it had answered by
    the time it was first healthy: ``last_success_at`` and ``complete_through`` are never after ``moment``.

    Args:
        connections: rows as they are now.
        events: every change of status, oldest first.
        moment: the moment.
    """
    lives: dict[str, list[str]] = {}
    for event in events:
        if event.at <= moment:
            lives.setdefault(event.connection_id, []).append(event.status)
    found = []
    for row in connections:
        if row["linked_at"] > moment:
            continue
        life = lives.get(row["connection_id"], [row["status"]])
        answered = row["last_success_at"] if any(status in _ANSWERED for status in life) else None
        through = row["complete_through"] if answered else None
        found.append(
            {
                **row,
                "status": life[-1],
                "last_success_at": min(answered, moment) if answered else None,
                "complete_through": min(through, moment.date()) if through else None,
            }
        )
    return found


def replaced(connections: Iterable[Mapping[str, Any]], through: Container[str]) -> set[str]:
    """Ids of broken logins of which nobody need hear: their bank is linked anew, and the new login answers.

    Args:
        connections: rows of ``ops.connections``.
        through: the login each account of ``clean.accounts`` comes through now. One that has answered once and
            through which none comes any more is continued in full by others.
    """
    rows = list(connections)
    works = {
        (row["book"], row["institution"])
        for row in rows
        if row["connection_id"] in through and row["status"] in ("healthy", "pending_expiration")
    }
    return {
        row["connection_id"]
        for row in rows
        if row["status"] in BROKEN
        and row["last_success_at"] is not None
        and row["connection_id"] not in through
        and (row["book"], row["institution"]) in works
    }


def status_of_error(code: str) -> str:
    """The status of a login that Plaid refuses with an error code."""
    if code in REVOKED_CODES:
        return "revoked"
    return "login_required" if code in LOGIN_CODES else "degraded"


def expiry(before: datetime | None, told: datetime | None, now: datetime) -> datetime | None:
    """When a login ends, by what was known ``before`` and what ``/item/get`` has ``told``.

    An end that a webhook has announced and that is near counts until it has passed, for ``/item/get`` does
    not repeat every one of them.
    """
    if before is not None and now < before <= now + WARNING:
        return before if told is None else min(before, told)
    return told


def status_after_answer(health: Health | None, expires_at: datetime | None, now: datetime) -> Change:
    """The status of a connection that has just answered.

    Args:
        health: what was said of the login, where the provider says it.
        expires_at: :func:`expiry`.
        now: the moment of the answer.
    """
    if health is not None and health.error_code:
        said = f"Plaid: {health.error_code}: {health.error or 'no words given'}"
        return Change(status_of_error(health.error_code), said, expires_at)
    if expires_at is not None and now < expires_at <= now + WARNING:
        return Change("pending_expiration", f"access ends on {expires_at:%Y-%m-%d}", expires_at)
    return Change("healthy", "it answers", expires_at)


def change_by_webhook(code: str, body: Mapping[str, Any], at: datetime) -> Change | None:
    """What an ``ITEM`` webhook of Plaid says of its connection; null where it says nothing of its status.

    Args:
        code: ``webhook_code``.
        body: the whole event.
        at: when it was issued.
    """
    error = body.get("error") or {}
    match code:
        case "ERROR":
            said = f"Plaid: {error.get('error_code')}: {error.get('error_message')}"
            return Change(status_of_error(str(error.get("error_code"))), said)
        case "PENDING_EXPIRATION" | "PENDING_DISCONNECT":
            told = moment(body.get("consent_expiration_time") or body.get("disconnect_time"))
            ends = told or at + WARNING
            why = f" ({body['reason']})" if body.get("reason") else ""
            return Change("pending_expiration", f"access ends on {ends:%Y-%m-%d}{why}", ends)
        case "USER_PERMISSION_REVOKED":
            return Change("revoked", "Plaid: USER_PERMISSION_REVOKED: the account holder withdrew access")
        case "LOGIN_REPAIRED":
            return Change("healthy", "the login was repaired elsewhere")
    return None


def moment(text: object) -> datetime | None:
    """An ISO 8601 moment in UTC; null where there is none, or none that can be read."""
    try:
        read = datetime.fromisoformat(text) if isinstance(text, str) else None
        if read is None:
            return None
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
