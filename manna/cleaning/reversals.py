"""Which of Alpaca's activities were taken back, by a later word or by themselves.

What belongs here: reading that out of activities. What does not: what an activity means (``alpaca``).

Which field names what, by Alpaca's OpenAPI document:

- ``status`` (``NonTradeActivities``): ``executed``, ``correct`` or ``canceled``, of the activity itself. One
  that is ``canceled`` has no effect, and may have been told as ``executed`` before, under the same id.
- ``execution_type`` (``ActivityV2DetailTRD``): ``fill``, ``trade_correct`` or ``trade_bust``; a bust has no
  effect of its own.
- ``previous_id`` (``ActivityEventV2CommonFields``): "presented if this activity corrects or cancels a
  previous trade or non trade activity. It contains execution_id or trns_id respectively". That is the part
  of an activity's ``id`` after the two colons. Whatever is named there has no effect any more; a correction
  has its own in its place.
- ``group_id``: siblings, such as the two sides of a merger. It names nothing that is taken back.

A ``correct`` one that names nothing corrects what was told before under its own id. Where nothing was, and another
activity of that type, symbol and day stands beside it, nobody can say whether it replaces that one, and both might
count: it is refused (``corrects_nothing``).

So the outcome depends on what was said and not on its order: a reversal may be told before the activity
that it names.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from manna.cleaning.decoding import latest, local_day

_TELLING = "previous_id|canceled|trade_bust"


class _Said(msgspec.Struct):
    status: Any = None
    execution_type: Any = None
    previous_id: Any = None
    activity_type: Any = None
    symbol: Any = None
    date: Any = None

    @property
    def about(self) -> tuple[str, ...]:
        """What an activity and its correction have in common: type, symbol and day."""
        return str(self.activity_type), str(self.symbol or ""), str(self.date)[:10]


def latest_activities(raw: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    """``latest`` of ``raw.alpaca_activities``, with ``removed`` and ``removed_on`` for what was taken back.

    ``removed_on`` is the day on which we first heard of that; ``corrects_nothing`` as said above.
    """
    listed = _with_doubts(latest(raw, zones), raw)
    telling = raw.filter(
        pl.col("payload").str.contains(_TELLING),
        pl.col("payload_sha256").is_in(listed["payload_sha256"].implode()),
    )
    if telling.is_empty():
        return listed
    days = telling.with_columns(day=local_day(zones)).sort("known_at", "batch_id", "seq")
    rows = [
        (connection, named, day)
        for connection, source_id, payload, day in days.select(
            "connection_id", "source_id", "payload", "day"
        ).iter_rows()
        for named in _taken_back(source_id, payload)
    ]
    schema = {"connection_id": pl.String, "execution": pl.String, "taken_back_on": pl.Date}
    gone = (
        pl.DataFrame(rows, schema=schema, orient="row")
        .group_by("connection_id", "execution")
        .agg(pl.col("taken_back_on").min())
    )
    execution = pl.col("source_id").str.split("::").list.last()
    found = listed.with_columns(execution=execution).join(
        gone, on=["connection_id", "execution"], how="left", maintain_order="left"
    )
    is_gone = pl.col("taken_back_on").is_not_null()
    return found.with_columns(
        removed=pl.col("removed") | is_gone, removed_on=pl.coalesce("removed_on", "taken_back_on")
    ).drop("execution", "taken_back_on")


def _with_doubts(listed: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
    """``listed`` with ``corrects_nothing``: corrections without a name, beside something they may correct."""
    correct = listed.filter(pl.col("payload").str.contains('"correct"', literal=True))
    said = {name: _read(payload) for name, payload in correct.select("source_id", "payload").iter_rows()}
    bare = {name for name, one in said.items() if one.status == "correct" and not one.previous_id}
    # What was told under the same id before is what it corrects.
    versions = raw.filter(pl.col("source_id").is_in(list(bare))).group_by("source_id")
    told = versions.agg(pl.col("payload_sha256").n_unique()).filter(pl.col("payload_sha256") > 1)
    bare -= set(told["source_id"])
    doubted = set()
    if bare:
        others: dict[Any, set[str]] = {}
        for login, name, payload in listed.select("connection_id", "source_id", "payload").iter_rows():
            others.setdefault((login, *_read(payload).about), set()).add(name)
        doubted = {name for same in others.values() if len(same) > 1 for name in same & bare}
    return listed.with_columns(corrects_nothing=pl.col("source_id").is_in(list(doubted)))


def _read(payload: str) -> _Said:
    try:
        return msgspec.json.decode(payload, type=_Said)
    except (msgspec.DecodeError, RecursionError):  # not as documented: refused as a whole later
        return _Said()


def _taken_back(source_id: str, payload: str) -> list[str]:
    """What this activity says is without effect: itself, another, both, or nothing."""
    said = _read(payload)
    own, named = (name.rpartition("::")[2] for name in (source_id, str(said.previous_id or "")))
    itself = said.status == "canceled" or said.execution_type == "trade_bust"
    return [own] * itself + [named] * (named not in ("", own))
