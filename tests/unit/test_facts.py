"""What is new in an answer, and the rows it becomes."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.contracts import CONTRACTS
from manna.contracts.raw import BATCHES
from manna.facts import Answer, Record, Source, batch_rows, new_records, source_id

TABLE = "raw.plaid_accounts"
MORNING = datetime(2026, 3, 16, 8, tzinfo=UTC)
NOON, NEXT_DAY = MORNING + timedelta(hours=4), MORNING + timedelta(days=1)
SOURCE = Source("book", "connection", "plaid", "plaid_accounts", "run", "0.1.0")


def snapshot(**payloads: str) -> Answer:
    return Answer(tuple(Record(name, "snapshot", text) for name, text in payloads.items()), is_whole=True)


def update(*records: tuple[str, str, str], before: str | None = None, after: str | None = None) -> Answer:
    return Answer(tuple(Record(*record) for record in records), ("request",), before, after)


class Raw:
    """One raw table of one connection, kept as the product keeps it."""

    def __init__(self) -> None:
        self.rows = CONTRACTS[TABLE].empty()
        self.batches = BATCHES.empty()

    def tell(self, answer: Answer, at: datetime) -> list[tuple[str, str, str]]:
        """Keeps what is new, and returns it."""
        fresh = new_records(answer, self.rows, at)
        if fresh or answer.cursor_after != answer.cursor_before:
            batch, rows = batch_rows(SOURCE, answer, fresh, at, TABLE, self.rows.height)
            self.batches, self.rows = pl.concat([self.batches, batch]), pl.concat([self.rows, rows])
        return [(record.source_id, record.change, record.payload) for record in fresh]


S, R = "snapshot", "removed"


@pytest.mark.parametrize(
    ("told", "new"),
    [
        pytest.param([(MORNING, snapshot(a="1"))], [("a", S, "1")], id="first"),
        pytest.param([(MORNING, snapshot(a="1")), (NOON, snapshot(a="1"))], [], id="same, same day"),
        pytest.param(
            [(MORNING, snapshot(a="1")), (NEXT_DAY, snapshot(a="1"))], [("a", S, "1")], id="same, next day"
        ),
        pytest.param(
            [(MORNING, snapshot(a="1")), (NOON, snapshot(a="2"))], [("a", S, "2")], id="changed, same day"
        ),
        pytest.param(
            [
                (MORNING, snapshot(a="1")),
                (NOON, snapshot(a="2")),
                (NOON + timedelta(hours=1), snapshot(a="1")),
            ],
            [("a", S, "1")],
            id="changed back, same day",
        ),
        pytest.param(
            [(MORNING, snapshot(a="1", b="2")), (NOON, snapshot(b="2"))], [("a", R, "1")], id="vanished"
        ),
        pytest.param([(MORNING, snapshot(a="1")), (NOON, snapshot())], [("a", R, "1")], id="all vanished"),
        pytest.param(
            [(MORNING, snapshot(a="1")), (NOON, update())], [], id="a part says nothing of the rest"
        ),
        pytest.param(
            [(MORNING, snapshot(a="1", b="2")), (NOON, snapshot(b="2")), (NEXT_DAY, snapshot(b="2"))],
            [("b", S, "2")],
            id="vanished once",
        ),
        pytest.param(
            [
                (MORNING, snapshot(a="1")),
                (NOON, snapshot(b="2")),
                (NOON + timedelta(hours=1), snapshot(a="1", b="2")),
            ],
            [("a", S, "1")],
            id="re-appearing, same day",
        ),
        pytest.param(
            [(MORNING, update(("t", "added", "1"))), (NEXT_DAY, update(("t", "added", "1")))],
            [],
            id="added once, however often it is said",
        ),
        pytest.param(
            [(MORNING, update(("t", "added", "1"))), (NOON, update(("t", "modified", "2")))],
            [("t", "modified", "2")],
            id="modified",
        ),
        pytest.param(
            [(MORNING, update(("t", "added", "1"))), (NOON, update(("t", "removed", "{}")))],
            [("t", "removed", "{}")],
            id="removed",
        ),
        pytest.param(
            [
                (MORNING, update(("t", "added", "1"))),
                (NOON, update(("t", "removed", "{}"))),
                (NEXT_DAY, update(("t", "added", "1"))),
            ],
            [("t", "added", "1")],
            id="removed and added again",
        ),
        pytest.param(
            [(MORNING, update(("t", "added", "1"), ("t", "added", "1"), ("u", "added", "1")))],
            [("t", "added", "1"), ("u", "added", "1")],
            id="twice within an answer",
        ),
        pytest.param(
            [(MORNING, update(("t", "added", "1"), ("t", "modified", "2"), ("t", "modified", "1")))],
            [("t", "added", "1"), ("t", "modified", "2"), ("t", "modified", "1")],
            id="to and fro within an answer",
        ),
    ],
)
def test_what_is_new_in_the_last_answer(
    told: list[tuple[datetime, Answer]], new: list[tuple[str, str, str]]
) -> None:
    raw = Raw()
    for at, answer in told[:-1]:
        raw.tell(answer, at)
    at, answer = told[-1]
    assert raw.tell(answer, at) == new


def test_the_rows_say_whose_they_are_and_what_was_asked() -> None:
    answer = update(("t", "added", '{"ä": 1}'), before="c1", after="c2")
    batch, rows = batch_rows(SOURCE, answer, answer.records, MORNING, TABLE, 0)
    assert BATCHES.violations(batch).to_list() == [[]]
    assert CONTRACTS[TABLE].violations(rows).to_list() == [[]]
    assert batch.select("book", "cursor_before", "cursor_after", "row_count", "request_ids").row(0) == (
        "book",
        "c1",
        "c2",
        1,
        "request",
    )
    assert rows["batch_id"].to_list() == batch["batch_id"].to_list()
    assert rows.select("seq", "change", "source_id", "payload", "known_at").row(0) == (
        0,
        "added",
        "t",
        '{"ä": 1}',
        MORNING,
    )


def test_a_batch_id_does_not_depend_on_clock_or_run() -> None:
    answer = update(("t", "added", "1"))
    other = Source("book", "connection", "plaid", "plaid_accounts", "another run", "9.9.9")
    ids = {
        batch_rows(source, answer, answer.records, at, TABLE, 7)[0]["batch_id"][0]
        for source in (SOURCE, other)
        for at in (MORNING, NEXT_DAY)
    }
    assert len(ids) == 1


def test_to_and_fro_within_a_day_gives_a_batch_each() -> None:
    raw = Raw()
    for hour, text in enumerate("ababa"):
        raw.tell(update(("t", "added", text)), MORNING + timedelta(hours=hour))
    assert raw.rows["payload"].to_list() == list("ababa")
    assert raw.batches["batch_id"].n_unique() == 5


def test_a_cursor_that_moved_is_kept_without_records() -> None:
    raw = Raw()
    raw.tell(update(before=None, after="c1"), MORNING)
    raw.tell(update(before="c1", after="c1"), NOON)
    assert raw.batches["cursor_after"].to_list() == ["c1"]


def test_records_without_an_id_stay_two() -> None:
    assert source_id("{}", "a", "b") == "a:b"
    assert source_id("1", None) != source_id("2", None)
    assert source_id("1", "a", None) == f"a:{source_id('1', None)}"
    assert source_id("1", "").startswith("?")


ZONES = ("UTC", "America/New_York", "Pacific/Kiritimati")
NAMES, TEXTS = st.sampled_from("abc"), st.sampled_from("123")
SNAPSHOTS = st.dictionaries(NAMES, TEXTS).map(lambda payloads: snapshot(**payloads))
CHANGES = st.tuples(NAMES, st.sampled_from(["added", "modified", "removed"]), TEXTS)
UPDATES = st.lists(CHANGES, max_size=4).map(lambda records: update(*records))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SNAPSHOTS, st.integers(0, 30)), max_size=8))
def test_the_state_after_any_snapshots_is_the_last_one(told: list[tuple[Answer, int]]) -> None:
    raw, at = Raw(), MORNING
    for answer, hours in told:
        at += timedelta(hours=hours, microseconds=1)
        raw.tell(answer, at)
        assert raw.tell(answer, at + timedelta(microseconds=1)) == []
        at += timedelta(microseconds=2)
    last = raw.rows.sort("known_at", "seq").unique("source_id", keep="last")
    held = dict(last.filter(pl.col("change") != "removed").select("source_id", "payload").iter_rows())
    assert held == ({record.source_id: record.payload for record in told[-1][0].records} if told else {})
    assert not raw.rows.select("batch_id", "seq").is_duplicated().any()
    assert not raw.batches["batch_id"].is_duplicated().any()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SNAPSHOTS, st.integers(0, 60)), max_size=8), st.sampled_from(ZONES))
def test_of_whole_answers_the_last_two_days_are_enough(told: list[tuple[Answer, int]], zone: str) -> None:
    raw, at = Raw(), MORNING
    for answer, hours in told:
        at += timedelta(hours=hours, microseconds=1)
        last = raw.rows["known_at"].max()
        lately = raw.rows if last is None else raw.rows.filter(pl.col("known_at") >= last - timedelta(days=2))
        assert new_records(answer, lately, at, zone) == new_records(answer, raw.rows, at, zone)
        raw.tell(answer, at)


@settings(deadline=None, max_examples=60)
@given(st.lists(UPDATES, max_size=6))
def test_of_other_answers_the_things_they_name_are_enough(told: list[Answer]) -> None:
    raw = Raw()
    for hour, answer in enumerate(told):
        at = MORNING + timedelta(hours=hour)
        named = raw.rows.filter(pl.col("source_id").is_in([record.source_id for record in answer.records]))
        assert new_records(answer, named.drop("payload"), at) == new_records(answer, raw.rows, at)
        raw.tell(answer, at)


@settings(deadline=None, max_examples=60)
@given(st.lists(UPDATES, max_size=6))
def test_the_last_word_on_a_thing_is_the_last_that_was_said(told: list[Answer]) -> None:
    raw = Raw()
    said = {}
    for hour, answer in enumerate(told):
        raw.tell(answer, MORNING + timedelta(hours=hour))
        said |= {record.source_id: (record.change, record.payload) for record in answer.records}
    last = raw.rows.sort("known_at", "seq").unique("source_id", keep="last")
    found = {
        name: (change, payload)
        for name, change, payload in last.select("source_id", "change", "payload").iter_rows()
    }
    assert found == said
    assert not raw.batches["batch_id"].is_duplicated().any()


def test_a_day_is_that_of_the_book() -> None:
    """23:00 in New York and 01:00 there are two days, though one in UTC: both say what the balance was."""
    evening = datetime(2026, 3, 17, 3, tzinfo=UTC)
    raw = Raw()
    raw.tell(snapshot(a="1"), evening)
    later = evening + timedelta(hours=2)
    assert new_records(snapshot(a="1"), raw.rows, later, "America/New_York") != []
    assert new_records(snapshot(a="1"), raw.rows, later, "UTC") == []
