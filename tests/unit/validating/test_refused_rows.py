"""Refused rows: which are open after a person's decision, and when they are too many to be single faults."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from validating_examples import rows

from manna.validating.quarantine import DECISIONS, named, still_open, too_many

NOW = datetime(2026, 3, 16, tzinfo=UTC)
ROW = {"table_name": "clean.bars", "source_id": "1", "payload_sha256": "a", "reasons": "x", "payload": "{}"}


def decided(**more: Any) -> pl.DataFrame:
    row = {name: ({"book": "home"} | ROW).get(name) for name in DECISIONS}
    row |= {"decision": "discard", "reason": "test", "decided_by": "ana", "known_at": NOW}
    return pl.DataFrame([row | more], schema=DECISIONS, orient="row")


NOTHING = decided().clear()


@pytest.mark.parametrize(
    ("decisions", "status"),
    [
        (NOTHING, "open"),
        (decided(), "discarded"),
        (decided(decision="restore"), "open"),
        (decided(payload_sha256="b"), "open"),
        (decided(book="shop"), "open"),
        (decided(table_name="clean.trades"), "open"),
        (decided(source_id="2"), "open"),
    ],
    ids=["none", "discarded", "restored", "another payload", "another book", "another table", "another row"],
)
def test_a_decision_is_on_one_payload_of_one_row(decisions: pl.DataFrame, status: str) -> None:
    refused = rows("quarantine", ROW)
    assert named(refused, decisions)["status"].to_list() == [status]
    assert still_open(refused, decisions).height == (status == "open")


def test_a_row_is_called_by_what_it_is() -> None:
    refused = rows("quarantine", ROW, ROW | {"batch_id": "later"}, ROW | {"payload_sha256": "b"})
    first, again, other = named(refused, NOTHING).sort("payload_sha256", "batch_id")["id"]
    assert first == again != other
    assert len(first) == 10
    found = named(refused.head(1), decided()).row(0, named=True)
    assert (found["decision_reason"], found["decided_by"], found["decided_at"]) == ("test", "ana", NOW)


@pytest.mark.parametrize(
    ("kept", "refused", "systemic"),
    [(1000, 1, False), (79, 20, True), (80, 20, False), (0, 19, False), (0, 20, True), (0, 0, False)],
)
def test_a_flood_is_no_fault_of_a_row(kept: int, refused: int, systemic: bool) -> None:
    found = too_many({"clean.bars": kept}, {"clean.bars": refused})
    assert list(found) == (["clean.bars"] if systemic else [])
