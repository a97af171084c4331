"""Webhooks of Plaid: what an event says, and what is to be done about a number of them.

What belongs here: reading an event, and the plan that follows, as pure functions. What does not: whether Plaid
has sent it (``resources.webhooks``), what it means for a login's status (``manna.connections``), or doing it
(``pipelines.webhooks``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from manna.connections import Change, change_by_webhook, has_ended

ROWS = frozenset({"TRANSACTIONS", "HOLDINGS", "INVESTMENTS_TRANSACTIONS", "LIABILITIES"})
"""Webhook types that tell of new, changed or removed rows."""
NOT_ASKED_FOR = frozenset({"RECURRING_TRANSACTIONS_UPDATE"})
"""Codes of these types about something that is not pulled."""
ITEM_ROWS = frozenset({"LOGIN_REPAIRED", "NEW_ACCOUNTS_AVAILABLE", "USER_ACCOUNT_REVOKED"})
"""Codes of the type ``ITEM`` after which there is something to pull."""
NOTES = {
    "NEW_ACCOUNTS_AVAILABLE": "there are new accounts at the institution; `manna link --repair` lets one add them",
    "USER_ACCOUNT_REVOKED": "the account holder withdrew access to one of the accounts",
}
"""Codes of the type ``ITEM`` that leave a login's status as it is, and what is written down of them."""
SILENT = frozenset({"login_required", "revoked"})
"""Statuses in which a login gives no rows."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``TYPE:CODE``, Plaid's item where it names one, and what else it says, without tokens."""

    kind: str
    item_id: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The change of a connection's status that follows from one event."""

    webhook_id: int
    connection_id: str
    change: Change


@dataclass(frozen=True, slots=True)
class Note:
    """What one event says of a connection whose status stays as it is."""

    webhook_id: int
    connection_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from a number of events.

    Attributes:
        pull: connections to pull, in order of their ids.
        changes: changes of status, in the order in which Plaid issued them.
        notes: what is written down beside.
        unknown: items that are nobody's here.
    """

    pull: tuple[str, ...]
    changes: tuple[StatusChange, ...]
    notes: tuple[Note, ...]
    unknown: tuple[str, ...]


def read_event(body: bytes) -> Event:
    """Reads the body of a webhook. Tokens in it are left out: they are secrets, and of no use here.

    Raises:
        ValueError: it is not a JSON object with ``webhook_type`` and ``webhook_code``.
    """
    try:
        read = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    fields = read if isinstance(read, dict) else {}
    kind, code, item_id = (fields.get(name) for name in ("webhook_type", "webhook_code", "item_id"))
    if not (isinstance(kind, str) and isinstance(code, str) and kind and code):
        raise ValueError("no webhook_type and webhook_code")
    kept = {name: value for name, value in fields.items() if not name.endswith(("token", "tokens"))}
    return Event(f"{kind}:{code}", item_id if isinstance(item_id, str) else None, kept)


def brings_rows(kind: str) -> bool:
    """Whether there is something to pull after an event of this kind (``TYPE:CODE``)."""
    of, _, code = kind.partition(":")
    return code not in NOT_ASKED_FOR if of in ROWS else of == "ITEM" and code in ITEM_ROWS


def plan(events: Iterable[Mapping[str, Any]], connections: Iterable[Mapping[str, Any]]) -> Plan:
    """What to do about ``events`` (rows of ``ops.webhooks``) with these ``connections`` at Plaid.

    Events count in the order in which Plaid issued them, whichever came in first.
    """
    by_item = {connection["external_id"]: connection for connection in connections}
    pull: set[str] = set()
    changes: list[StatusChange] = []
    notes: list[Note] = []
    unknown: set[str] = set()
    for event in sorted(events, key=lambda event: (event["issued_at"], event["webhook_id"])):
        if event["item_id"] is None:
            continue
        connection = by_item.get(event["item_id"])
        if connection is None:
            unknown.add(event["item_id"])
            continue
        of, _, code = event["kind"].partition(":")
        connection_id = connection["connection_id"]
        change = change_by_webhook(code, event["body"], event["issued_at"]) if of == "ITEM" else None
        if change is not None:
            changes.append(StatusChange(event["webhook_id"], connection_id, change))
        if of == "ITEM" and code in NOTES:
            notes.append(Note(event["webhook_id"], connection_id, NOTES[code]))
        if brings_rows(event["kind"]) and not has_ended(connection):
            pull.add(connection_id)
    last = {change.connection_id: change.change.status for change in changes}
    silent = {connection_id for connection_id, status in last.items() if status in SILENT}
    return Plan(tuple(sorted(pull - silent)), tuple(changes), tuple(notes), tuple(sorted(unknown)))
