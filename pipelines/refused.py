"""What `manna quarantine` does: refused rows found, shown, tried again, discarded and restored.

What belongs here: that. What does not: why a row is refused (``manna.cleaning``), which rows are open
(``manna.validating.quarantine``), or the commands (``pipelines.cli.quarantine``).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl

from manna.contracts.clean import QUARANTINE
from manna.validating.quarantine import ROW, named
from resources.installation import Installation

COLUMNS = ("id", "book", "table_name", "status", "source_id", "reasons", "known_at")
_SHORTEST = 4
_RUN = "SELECT batch_id, run_id, endpoint, request_ids, connection_id FROM raw.batches WHERE batch_id IN "


class QuarantineError(Exception):
    """There is no such row, or it cannot be done. One line that says what can."""


def listed(
    manna: Installation, books: Sequence[str] = (), tables: Sequence[str] = (), *, everything: bool = False
) -> pl.DataFrame:
    """Refused rows with the columns :data:`COLUMNS`, by book and table.

    Args:
        books, tables: only these; none means all. A table may be named without its schema.
        everything: also those that were discarded.
    """
    found = _rows(manna)
    if books:
        found = found.filter(pl.col("book").is_in(list(books)))
    if tables:
        found = found.filter(pl.col("table_name").is_in([_address(table) for table in tables]))
    if not everything:
        found = found.filter(pl.col("status") == "open")
    return found.select(COLUMNS)


def shown(manna: Installation, name: str) -> dict[str, Any]:
    """All that is known of one refused row; ``payload`` is the text as sent, ``reasons`` and ``request_ids`` lists.

    Raises:
        QuarantineError: there is no such row.
    """
    row = _one(_rows(manna), name)
    batch = manna.lake.query(f"{_RUN} (?)", [row["batch_id"]]).row(0, named=True)
    return {
        **{column: row[column] for column in ("id", "status", "book", "table_name", "source_id")},
        "reasons": row["reasons"].split("; "),
        "known_at": row["known_at"].isoformat(),
        "batch_id": row["batch_id"],
        "connection_id": batch["connection_id"],
        "endpoint": batch["endpoint"],
        "run_id": batch["run_id"],
        "request_ids": [text for text in batch["request_ids"].split(",") if text],
        "decision": _decision(row),
        "payload_sha256": row["payload_sha256"],
        "payload": row["payload"],
    }


def tried_again(manna: Installation, names: Sequence[str]) -> list[str]:
    """Makes the tables of the rows named (of all open rows, if none is) again from ``raw``; says what left.

    Raises:
        QuarantineError: there is no such row, or a table could not be made.
    """
    from assets.clean import cleaning_context, refresh
    from manna.cleaning import CLEANERS

    before = _rows(manna)
    rows = [_one(before, name) for name in names] or before.filter(pl.col("status") == "open").to_dicts()
    if not rows:
        return ["no row is open"]
    context = cleaning_context(manna)
    tables = sorted({row["table_name"] for row in rows})
    for table in tables:
        found, _ = refresh(manna, CLEANERS[table], context, "manna quarantine retry")
        if found.received != found.rows.height + found.quarantined.height:
            raise QuarantineError(f"{table}: rows in are not rows out + quarantined; nothing was written")
    after = _rows(manna)
    still = {row["id"]: row for row in after.iter_rows(named=True)}
    told = [
        f"{row['id']} is still refused: {still[row['id']]['reasons']}"
        if row["id"] in still
        else f"{row['id']} has left the quarantine for {row['table_name']}; `manna run nightly_close` books it"
        for row in rows
    ]
    others = before.filter(pl.col("table_name").is_in(tables)).join(after, on="id", how="anti").height
    others -= sum(row["id"] not in still for row in rows)
    return told + ([f"{others} other row{'s' if others > 1 else ''} left too"] if others else [])


def decide(manna: Installation, decision: str, names: Sequence[str], reason: str, by: str) -> list[str]:
    """Discards or restores the rows named, all or none; says what was done.

    Args:
        decision: ``discard`` or ``restore``.
        reason, by: why, and who says so.

    Raises:
        QuarantineError: there is no such row, or no reason is given.
    """
    if not reason.strip():
        raise QuarantineError("say why: --reason must not be empty")
    before = _rows(manna)
    rows = {row["id"]: row for row in (_one(before, name) for name in names)}
    wanted = "discarded" if decision == "discard" else "open"
    done = f"is {wanted}" if decision == "discard" else "is open again"
    new = [row for row in rows.values() if row["status"] != wanted]
    common = {
        "decision": decision,
        "reason": reason.strip(),
        "decided_by": by,
        "known_at": manna.settings.now(),
    }
    if new:
        manna.ops.decide_on_quarantine([{**{name: row[name] for name in ROW}, **common} for row in new])
    return [f"{name} {done}" if row in new else f"{name} was {wanted} already" for name, row in rows.items()]


def _rows(manna: Installation) -> pl.DataFrame:
    return named(manna.lake.read(QUARANTINE.address), manna.ops.quarantine_decisions())


def _one(rows: pl.DataFrame, name: str) -> dict[str, Any]:
    """The row that ``name`` is the id of, or the beginning of its id or of the provider's.

    Raises:
        QuarantineError: none is, or several are.
    """
    fitting = rows.filter(
        pl.col("id").str.starts_with(name.lower()) | pl.col("source_id").str.starts_with(name)
    )
    if len(name) < _SHORTEST or fitting["id"].n_unique() == 0:
        raise QuarantineError(f"no refused row {name!r}; `manna quarantine list --all` shows all of them")
    if fitting["id"].n_unique() > 1:
        several = ", ".join(fitting["id"].unique().sort().head(5))
        raise QuarantineError(f"{name!r} fits several rows: {several}; write more of it")
    return fitting.row(-1, named=True)


def _address(table: str) -> str:
    return table if "." in table else f"clean.{table}"


def _decision(row: dict[str, Any]) -> str | None:
    if row["decision"] is None:
        return None
    done = "discarded" if row["decision"] == "discard" else "restored"
    return (
        f"{done} by {row['decided_by']} on {row['decided_at']:%Y-%m-%d %H:%M} UTC: {row['decision_reason']}"
    )


def pretty(payload: str) -> str:
    """A payload with a line per value, numbers exactly as sent; what is no JSON as it is."""
    try:
        return msgspec.json.format(payload, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return payload


def as_json(row: dict[str, Any]) -> str:
    """What :func:`shown` returns as JSON, with the payload as the object it is, numbers exactly as sent."""
    try:
        msgspec.json.decode(row["payload"])
    except (msgspec.DecodeError, RecursionError):
        return msgspec.json.format(msgspec.json.encode(row), indent=2).decode()
    whole = msgspec.json.encode({**row, "payload": msgspec.Raw(row["payload"].encode())})
    return msgspec.json.format(whole, indent=2).decode()
