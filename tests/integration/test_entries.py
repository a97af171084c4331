"""People's entries in Postgres: numbered without gaps, all or none, never twice, as known on a moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from manna.ledger.entered import UnknownEntryError, Written, written
from manna.ledger.journal import Line
from resources.ops import Ops
from resources.ops_tables import TAX_FORMS
from resources.postgres import sqlalchemy_url

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def ops(database: str) -> Ops:
    return Ops(sqlalchemy_url(database))


def entry(text: str, amount: str = "10.50") -> Written:
    lines = (
        Line("Expenses:Rent", Decimal(amount), "USD"),
        Line("Liabilities:Accrued", -Decimal(amount), "USD"),
    )
    return Written(date(2026, 2, 28), text, lines, adjusting=True, reverses_on=date(2026, 3, 1))


def test_entries_are_numbered_per_book_and_read_as_they_were_written(ops: Ops) -> None:
    assert ops.enter("home", [entry("a"), entry("b")], "ana", AT) == [1, 2]
    assert ops.enter("studio", [entry("a")], "ana", AT) == [1]
    row = ops.entry("home", 2)
    assert written(row) == entry("b")
    assert (row["decided_by"], row["known_at"]) == ("ana", AT)
    with pytest.raises(UnknownEntryError, match="the book home has no entry 3"):
        ops.entry("home", 3)


def test_the_same_entries_twice_add_nothing_unless_told_to(ops: Ops) -> None:
    both = [entry("a"), entry("b")]
    assert ops.enter("home", both, "ana", AT) == [1, 2]
    assert ops.enter("home", both, "bob", AT) == []
    assert ops.enter("home", [*both, entry("c")], "bob", AT) == [3]
    assert ops.enter("home", [entry("a")], "bob", AT, again=True) == [4]


def test_the_past_is_read_as_it_was_known(ops: Ops) -> None:
    ops.enter("home", [entry("a")], "ana", AT)
    ops.void_entry("home", 1, "bob", AT + timedelta(days=1))
    assert ops.entries("home", AT - timedelta(seconds=1)).is_empty()
    assert ops.entries("home", AT)["number"].to_list() == [1]
    assert ops.entries("home")["voids"].to_list() == [None, 1]


def test_an_entry_is_taken_back_once(ops: Ops) -> None:
    ops.enter("home", [entry("a")], "ana", AT)
    assert ops.void_entry("home", 1, "ana", AT) == (2, True)
    assert ops.void_entry("home", 1, "ana", AT) == (2, False)
    with pytest.raises(UnknownEntryError, match="entry 2 takes back entry 1"):
        ops.void_entry("home", 2, "ana", AT)
    # What was taken back is not added again by the file that it came from.
    assert ops.enter("home", [entry("a")], "ana", AT) == []


def test_one_that_fails_leaves_none(ops: Ops) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        ops.enter("home", [entry("a"), entry(None)], "ana", AT)  # type: ignore[arg-type]
    assert ops.entries("home").is_empty()
    assert ops.enter("home", [entry("a")], "ana", AT) == [1]


def test_who_enters_at_once_gets_numbers_one_after_the_other(ops: Ops) -> None:
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda n: ops.enter("home", [entry(f"entry {n}")], "ana", AT), range(12)))
    assert sorted(number for numbers in given for number in numbers) == list(range(1, 13))
    assert ops.entries("home")["number"].to_list() == list(range(1, 13))


def test_of_several_forms_1098_the_last_counts(ops: Ops) -> None:
    form = {
        "book": "home",
        "year": 2025,
        "form": "1098",
        "issuer": "Bank",
        "decided_by": "ana",
        "known_at": AT,
    }
    values = [
        {**form, "boxes": {"1": "10.00"}},
        {**form, "form": "W-2", "boxes": {"1": "99.00"}},
        {**form, "boxes": {"1": "12.00"}, "known_at": AT + timedelta(days=1)},
    ]
    with ops.engine.begin() as connection:
        connection.execute(sa.insert(TAX_FORMS), values)
    assert ops.mortgage_forms("home")["boxes"].to_list() == ['{"1": "12.00"}']
    assert ops.mortgage_forms("home", AT)["boxes"].to_list() == ['{"1": "10.00"}']
    assert ops.mortgage_forms("studio").is_empty()
