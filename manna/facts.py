"""What a provider told us becomes rows of ``raw``: identified by content, so that a repetition adds nothing.

What belongs here: ids of batches and records, and the rule for what is new. What does not: asking the
provider, or reading a meaning into a payload.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from manna.connections import Health
from manna.contracts import CONTRACTS
from manna.contracts.raw import BATCHES

MARGIN = "margin:"
"""Begins the id of a holding's record that is no holding: the account itself, with the margin loan that Plaid states of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing a provider said: its id there, what happened to it, the payload exactly as sent."""

    source_id: str
    change: str
    payload: str
    payload_sha256: str = field(init=False, compare=False, repr=False)
    """Hash of the payload's UTF-8 bytes, hex; made once, because it is asked for again and again."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "payload_sha256", _sha256(self.payload))


@dataclass(frozen=True, slots=True)
class Source:
    """Whose facts these are, and who asked for them."""

    book: str
    connection_id: str
    provider: str
    endpoint: str
    run_id: str
    code_version: str
    zone: str = "UTC"
    """The book's time zone, whose days count."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All pages of one answer. Cursors are null where the endpoint has none.

    ``history``: how much of the past has been told by now (``not_ready``, ``initial``, ``complete``), where the
    provider says so. ``is_whole``: the answer lists everything there is, so that what it does not list is gone. An empty
    whole answer is a fact: the last position has been sold. ``health``: what is said of the login itself.
    """

    records: tuple[Record, ...]
    request_ids: tuple[str, ...] = ()
    cursor_before: str | None = None
    cursor_after: str | None = None
    history: str | None = None
    is_whole: bool = False
    health: Health | None = None


def source_id(payload: str, *parts: str | None) -> str:
    """The provider's id of a record, in parts joined by colons.

    A part the payload lacks is replaced by its hash: two records without an id stay two, and the contract
    can refuse both.
    """
    return ":".join(part or f"?{_sha256(payload)[:16]}" for part in parts)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def new_records(answer: Answer, known: pl.DataFrame, known_at: datetime, zone: str = "UTC") -> list[Record]:
    """The records of ``answer`` that say something ``raw`` does not hold yet.

    Args:
        answer: what the provider just said.
        known: what the raw table holds of this connection and of what the answer may concern: of the things it
            names, at least the last record each; where it is whole, of all things, with ``payload``.
        known_at: now. A snapshot is kept once per day and content, because that a balance was
            *still* so today is a fact too; other records are kept once per content.
        zone: where the book is: its days count, as they do in ``clean``.

    Returns:
        The new records in order of arrival. A thing that was listed before and that a whole answer does
        not list is a new fact as well: a record ``removed`` with the last payload sent.
    """
    latest = known.sort("known_at", "seq").unique("source_id", keep="last", maintain_order=True)
    last = {row["source_id"]: row for row in latest.iter_rows(named=True)}
    there = ZoneInfo(zone)
    today = known_at.astimezone(there).date()
    said = {
        name: (row["change"], row["payload_sha256"])
        for name, row in last.items()
        if row["change"] != "snapshot" or row["known_at"].astimezone(there).date() == today
    }
    fresh = []
    for record in answer.records:
        saying = (record.change, record.payload_sha256)
        if said.get(record.source_id) != saying:
            said[record.source_id] = saying
            fresh.append(record)
    if answer.is_whole:
        listed = {record.source_id for record in answer.records}
        fresh += [
            Record(name, "removed", row["payload"])
            for name, row in last.items()
            if name not in listed and row["change"] != "removed"
        ]
    return fresh


def _batch_id(source: Source, answer: Answer, records: Sequence[Record], position: int) -> str:
    """The SHA-256 of connection, endpoint, ``position``, cursors and payload hashes.

    So it does not depend on the clock, and a thing that changes to and fro within a day gives a batch each time.
    """
    parts = [
        source.connection_id,
        source.endpoint,
        str(position),
        answer.cursor_before or "",
        answer.cursor_after or "",
        *([answer.history] if answer.history else []),
        *(f"{record.change} {record.source_id} {record.payload_sha256}" for record in records),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def batch_rows(
    source: Source, answer: Answer, records: Sequence[Record], known_at: datetime, table: str, position: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows for ``raw.batches`` (one) and for the record table ``table``, ready to append.

    ``position``: the number of records the table held of this connection before.
    """
    batch_id = _batch_id(source, answer, records, position)
    batch = {
        "batch_id": batch_id,
        "book": source.book,
        "connection_id": source.connection_id,
        "provider": source.provider,
        "endpoint": source.endpoint,
        "request_ids": ",".join(answer.request_ids),
        "cursor_before": answer.cursor_before,
        "cursor_after": answer.cursor_after,
        "history": answer.history,
        "row_count": len(records),
        "run_id": source.run_id,
        "code_version": source.code_version,
        "known_at": known_at,
    }
    rows = pl.DataFrame(
        {
            "seq": range(len(records)),
            "change": [record.change for record in records],
            "source_id": [record.source_id for record in records],
            "payload": [record.payload for record in records],
            "payload_sha256": [record.payload_sha256 for record in records],
        }
    ).with_columns(
        batch_id=pl.lit(batch_id),
        book=pl.lit(source.book),
        connection_id=pl.lit(source.connection_id),
        known_at=pl.lit(known_at),
    )
    return (
        pl.DataFrame([batch], schema=BATCHES.polars_schema),
        CONTRACTS[table].conform(rows),
    )
