"""The audit log's chain: each entry is hashed together with the hash of the entry before.

What belongs here: the hash of an entry, and finding the first one that does not fit. What does not: storing entries
(``resources.audit``).

The hash is SHA-256 of canonical JSON: keys sorted, no spaces, ASCII, moments in UTC to the microsecond. Whoever changes,
inserts or takes out an entry has to compute all later ones anew; only a hash noted elsewhere shows that.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

BEFORE_THE_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry says: who did what, when, to which plan, order or switch. ``book`` is null for all books."""

    number: int
    at: datetime
    book: str | None
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit: its number in the log, and what is wrong with it."""

    number: int
    reason: str


def entry_hash(entry: Entry, previous: str) -> str:
    """SHA-256 (hex) of an entry and of the hash before it.

    Raises:
        TypeError: ``detail`` holds a float, whose text a database may change; write amounts as text.
    """
    _refuse_floats(entry.detail)
    said = {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "book": entry.book,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "previous_sha256": previous,
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def first_broken(rows: Iterable[tuple[Entry, str, str]]) -> Broken | None:
    """The first entry that breaks the chain, None for a whole one.

    Args:
        rows: entry, the hash it names as the one before, its own hash; in the order of their numbers.
    """
    previous = BEFORE_THE_FIRST
    for expected, (entry, before, own) in enumerate(rows, 1):
        if entry.number != expected:
            return Broken(entry.number, f"entry {expected} is missing")
        if before != previous:
            return Broken(entry.number, "it does not follow the entry before it")
        try:
            computed = entry_hash(entry, previous)
        except TypeError as error:
            return Broken(entry.number, str(error))
        if computed != own:
            return Broken(entry.number, "its content is not what was written")
        previous = own
    return None


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a float; an audit entry holds amounts as text")
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _refuse_floats(each)
