"""The audit log's chain: what it tells of an entry changed, inserted, taken out or moved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from manna.trading.chain import BEFORE_THE_FIRST, Broken, Entry, entry_hash, first_broken

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)


def log(count: int) -> list[tuple[Entry, str, str]]:
    rows, previous = [], BEFORE_THE_FIRST
    for number in range(1, count + 1):
        entry = Entry(number, NOON, "home", "ana", "approve", f"plan-{number}", {"why": "drift"})
        own = entry_hash(entry, previous)
        rows.append((entry, previous, own))
        previous = own
    return rows


def test_a_whole_chain_and_an_empty_one() -> None:
    assert first_broken(log(5)) is None
    assert first_broken([]) is None


def test_the_first_entry_that_was_touched_is_named() -> None:
    changed = log(5)
    changed[2] = (replace(changed[2][0], actor="eve"), *changed[2][1:])
    assert first_broken(changed) == Broken(3, "its content is not what was written")
    gone = log(5)
    del gone[1]
    assert first_broken(gone) == Broken(3, "entry 2 is missing")
    anew = log(5)
    own = entry_hash(replace(anew[1][0], actor="eve"), anew[1][1])
    anew[1] = (replace(anew[1][0], actor="eve"), anew[1][1], own)
    assert first_broken(anew) == Broken(3, "it does not follow the entry before it")
    first = log(2)[1:]
    assert first_broken(first) == Broken(2, "entry 1 is missing")


def test_the_same_moment_in_another_zone_is_the_same_entry() -> None:
    entry = log(1)[0][0]
    elsewhere = replace(entry, at=NOON.astimezone(timezone(timedelta(hours=9))))
    assert entry_hash(entry, BEFORE_THE_FIRST) == entry_hash(elsewhere, BEFORE_THE_FIRST)


def test_a_float_is_refused_wherever_it_stands() -> None:
    entry = replace(log(1)[0][0], detail={"orders": [{"price": 1.5}]})
    with pytest.raises(TypeError, match="amounts as text"):
        entry_hash(entry, BEFORE_THE_FIRST)
    assert first_broken([(entry, BEFORE_THE_FIRST, "x")]) is not None
