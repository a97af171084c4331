"""The test of the test: each defect that products of this kind are known for is planted, and is found."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import histories
import polars as pl
import pytest
import test_any_history_linked_anew as linked_anew_histories
from bank_model import ModelPlaid
from histories import (
    SNAPSHOTS,
    TRANSACTIONS,
    Ask,
    Happening,
    Lived,
    Memory,
    Night,
    ProcessDiedError,
    ask_for_holdings,
    ask_for_transactions,
    live,
    snapshots_differ,
    transactions_differ,
)
from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample

from manna import facts
from manna.cleaning import decoding, identity, tables
from manna.facts import Answer, Record

ENOUGH = settings(max_examples=300, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
Patch = pytest.MonkeyPatch


def _answers(patch: Patch, method: str, change: Callable[[Answer], Answer]) -> None:
    right = getattr(ModelPlaid, method)
    patch.setattr(ModelPlaid, method, lambda *args: change(right(*args)))


def _without(change: str) -> Callable[[Answer], Answer]:
    return lambda answer: replace(
        answer, records=tuple(record for record in answer.records if record.change != change)
    )


def removed_is_ignored(patch: Patch) -> None:
    _answers(patch, "transactions", _without("removed"))


def modified_is_ignored(patch: Patch) -> None:
    _answers(patch, "transactions", _without("modified"))


def the_first_page_is_enough(patch: Patch) -> None:
    _answers(patch, "transactions", lambda answer: replace(answer, records=answer.records[:3]))


def twins_are_merged(patch: Patch) -> None:
    """By what they look like: account, day, amount and text."""

    def merged(*args: Any) -> Any:
        found = latest(*args)
        seen = found["payload"].str.replace(r'"transaction_id": "[^"]*"', "")
        return found.filter(seen.is_first_distinct()) if "removed" in found.columns else found

    latest = decoding.latest
    patch.setattr(tables, "latest", merged)


def the_first_word_stands(patch: Patch) -> None:
    latest = decoding.latest
    patch.setattr(
        tables,
        "latest",
        lambda raw, *more: latest(raw.sort("known_at").unique(["source_id", "change"], keep="first"), *more),
    )


def posting_ends_a_pending_row(patch: Patch) -> None:
    latest = decoding.latest

    def ended(*args: Any) -> pl.DataFrame:
        found = latest(*args)
        posted = found["payload"].str.extract(r'"pending_transaction_id": "([^"]*)"').drop_nulls()
        return found.filter(~pl.col("source_id").is_in(posted.implode()))

    patch.setattr(tables, "latest", ended)


def a_removal_forgets_the_row(patch: Patch) -> None:
    latest = decoding.latest

    def forgetting(*args: Any) -> pl.DataFrame:
        return latest(*args).filter(~pl.col("removed"))

    patch.setattr(tables, "latest", forgetting)


def what_was_once_said_is_never_new(patch: Patch) -> None:
    """Known is what was *ever* said of it, not what was said last: a row restored stays removed."""

    def new(answer: Answer, known: pl.DataFrame, *_: Any) -> list[Record]:
        ever = set(known.select("source_id", "change", "payload").iter_rows())
        return [r for r in answer.records if (r.source_id, r.change, r.payload) not in ever]

    patch.setattr(histories, "new_records", new)


def a_snapshot_is_kept_once_for_ever(patch: Patch) -> None:
    right = facts.new_records
    patch.setattr(
        histories,
        "new_records",
        lambda answer, known, at, zone: [
            r for r in right(answer, known, at, zone) if r.payload_sha256 not in known["payload_sha256"]
        ],
    )


def the_cursor_is_saved_apart(patch: Patch) -> None:
    """Before its rows: who dies in between never hears of them again."""
    right = Memory.commit

    def commit(self: Memory, login: str, answers: Any, now: Any, dies_after: int | None) -> None:
        try:
            right(self, login, answers, now, dies_after)
        except ProcessDiedError:
            bare = {table: replace(answer, records=()) for table, answer in answers.items()}
            right(self, login, bare, now, None)
            raise

    patch.setattr(Memory, "commit", commit)


def rows_are_saved_before_the_cursor(patch: Patch) -> None:
    """Not wrong in itself as long as the repetition adds nothing; but part of an update is no state."""
    right = Memory.commit

    def commit(self: Memory, login: str, answers: Any, now: Any, dies_after: int | None) -> None:
        if dies_after:
            part = {table: replace(a, records=a.records[:1], is_whole=False) for table, a in answers.items()}
            right(self, login, part, now, None)
            raise ProcessDiedError
        right(self, login, answers, now, dies_after)

    patch.setattr(Memory, "commit", commit)


def a_new_login_is_another_bank(patch: Patch) -> None:
    patch.setattr(identity, "_how", lambda *_: None)


Check = Callable[[Lived], str | None]
PROPERTIES: dict[str, tuple[Any, Ask, Check]] = {
    "transactions": (TRANSACTIONS, ask_for_transactions, transactions_differ),
    "snapshots": (SNAPSHOTS, ask_for_holdings, snapshots_differ),
}


def is_found(of: str) -> bool:
    """Whether the property fails for one of a few hundred histories."""
    strategy, ask, differ = PROPERTIES[of]

    def fails(history: Sequence[Happening | Night]) -> bool:
        try:
            return differ(live(history, ask)) is not None
        except AssertionError:
            return True

    try:
        find(strategy, fails, settings=ENOUGH)
    except NoSuchExample:
        return False
    return True


@pytest.mark.parametrize(
    ("of", "plant"),
    [
        ("transactions", removed_is_ignored),
        ("transactions", modified_is_ignored),
        ("transactions", the_first_page_is_enough),
        ("transactions", twins_are_merged),
        ("transactions", the_first_word_stands),
        ("transactions", posting_ends_a_pending_row),
        ("transactions", a_removal_forgets_the_row),
        ("transactions", what_was_once_said_is_never_new),
        ("transactions", the_cursor_is_saved_apart),
        ("transactions", rows_are_saved_before_the_cursor),
        ("snapshots", a_snapshot_is_kept_once_for_ever),
    ],
)
@pytest.mark.usefixtures("no_pauses")
def test_a_planted_defect_is_found(monkeypatch: Patch, of: str, plant: Callable[[Patch], None]) -> None:
    plant(monkeypatch)
    assert is_found(of)


@pytest.mark.usefixtures("no_pauses")
def test_a_history_that_is_counted_twice_is_found(monkeypatch: Patch) -> None:
    a_new_login_is_another_bank(monkeypatch)
    with pytest.raises(AssertionError):
        linked_anew_histories.test_every_movement_is_alive_once.hypothesis.inner_test(  # type: ignore[attr-defined]
            [Happening("x", "post", 0, 1)], [], [], 0
        )
