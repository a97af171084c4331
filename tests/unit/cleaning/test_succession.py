"""What every pending row became, by the provider's word or by likeness."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.cleaning.succession import chain, successions
from manna.contracts.clean import TRANSACTIONS
from manna.contracts.continuity import SUCCESSIONS

Row = dict[str, Any]
DAY = date(2026, 3, 2)


def row(row_id: str, amount: str = "-40.00", after: int = 0, **changed: Any) -> Row:
    """A posted row, some days after the 2nd of March."""
    facts = {
        "transaction_id": row_id,
        "book": "home",
        "account_id": "card",
        "date": DAY + timedelta(days=after),
        "amount": amount,
        "currency": "USD",
        "description": "RISTORANTE DA MARIO 0042",
        "pending": False,
        "removed": False,
        "first_known_on": DAY + timedelta(days=after),
        "batch_id": "b",
        "payload_sha256": "0",
        "known_at": datetime(2026, 3, 20, tzinfo=UTC),
    }
    return facts | changed


def vanished(row_id: str, amount: str = "-40.00", after: int = 0, **changed: Any) -> Row:
    """A pending row that its provider has removed."""
    gone = {"pending": True, "removed": True, "removed_on": DAY + timedelta(days=after + 2)}
    return row(row_id, amount, after, **gone) | changed


def table(*rows: Row) -> pl.DataFrame:
    wanted = [name for name in TRANSACTIONS.names if name != "amount"]
    schema = {name: TRANSACTIONS.polars_schema[name] for name in wanted} | {"amount": pl.String}
    return TRANSACTIONS.conform(pl.DataFrame(rows, schema=schema))


def found(*rows: Row) -> list[tuple[str, str, str]]:
    """Predecessor, successor and how."""
    every = successions(table(*rows))
    assert every.schema == SUCCESSIONS.polars_schema
    assert SUCCESSIONS.violations(every).list.len().sum() == 0
    return every.select("predecessor_id", "successor_id", "how").rows()


NAMED = {"pending_transaction_id": "p"}
STORIES: dict[str, tuple[list[Row], list[tuple[str, str, str]]]] = {
    "the bank names it": ([vanished("p"), row("q", "-55", 9, **NAMED)], [("p", "q", "provider")]),
    "named while it is still there": (
        [vanished("p", removed=False), row("q", **NAMED)],
        [("p", "q", "provider")],
    ),
    "a row named that we never saw": ([row("q", **NAMED)], []),
    "a row that names itself": ([vanished("p", **NAMED, removed=False)], []),
    "named by two, one of which is gone": (
        [vanished("p"), row("q1", removed=True, **NAMED), row("q2", **NAMED)],
        [("p", "q2", "provider")],
    ),
    "same amount": ([vanished("p"), row("q", after=3)], [("p", "q", "same_amount")]),
    "same amount after 14 days": ([vanished("p"), row("q", after=14)], [("p", "q", "same_amount")]),
    "same amount after 15 days": ([vanished("p"), row("q", after=15)], []),
    "posted before it was made": ([vanished("p", after=3), row("q", after=2)], []),
    "known before it": ([vanished("p"), row("q", first_known_on=DAY - timedelta(days=1))], []),
    "another account": ([vanished("p"), row("q", account_id="other")], []),
    "another currency": ([vanished("p"), row("q", currency="EUR")], []),
    "another shop": ([vanished("p"), row("q", description="SHELL OIL")], []),
    "a pending row that is still there": ([vanished("p", removed=False), row("q")], []),
    "a posted row that was removed": ([vanished("p", pending=False), row("q")], []),
    "a posted row that is removed too": ([vanished("p"), row("q", removed=True)], []),
    "a tip of 30 %": ([vanished("p"), row("q", "-52.00", 1)], [("p", "q", "changed_amount")]),
    "a tip of more": ([vanished("p"), row("q", "-52.01", 1)], []),
    "less than was held": ([vanished("p"), row("q", "-28.00", 1)], [("p", "q", "changed_amount")]),
    "a refund is no purchase": ([vanished("p"), row("q", "40.00", 1)], []),
    "the same amount comes before the nearer day": (
        [vanished("p"), row("tip", "-44", 1), row("same", after=4)],
        [("p", "same", "same_amount")],
    ),
    "the nearest day first": ([vanished("p"), row("far", after=4), row("near", after=2)], [("p", "near", "same_amount")]),
    "two and two": (
        [vanished("p1"), vanished("p2", after=1), row("q1", after=2), row("q2", after=3)],
        [("p1", "q2", "same_amount"), ("p2", "q1", "same_amount")],
    ),
    "two and one": ([vanished("p1"), vanished("p2"), row("q", after=1)], [("p1", "q", "same_amount")]),
    "a row with a known pending row of its own": (
        [vanished("p"), vanished("r"), row("q", **NAMED)],
        [("p", "q", "provider")],
    ),
    "sent again by a later login": (
        [row("o", removed=True, superseded_by="n"), row("n")],
        [("o", "n", "relinked")],
    ),
    "pending at a login that broke, posted at the next": (
        [vanished("p", removed_on=None), row("n", after=3, pending_transaction_id="never seen")],
        [("p", "n", "same_amount")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_what_a_row_became(story: str) -> None:
    rows, expected = STORIES[story]
    assert found(*rows) == expected
    assert found(*reversed(rows)) == expected


def test_only_a_changed_amount_is_uncertain_and_the_reason_says_by_how_much() -> None:
    every = successions(table(vanished("p"), row("q", "-46.5", 1), vanished("r", after=9), row("s", after=9)))
    assert every.select("certain", "reason").rows() == [
        (False, "-40.00 became -46.50, 1 day later, similar description"),
        (True, "same amount, the same day, similar description"),
    ]


def test_a_merchant_speaks_for_an_unlike_description() -> None:
    shop = {"merchant": "Da Mario"}
    rows = vanished("p", description="PENDING 99", **shop), row("q", description="POS 0042 NAPOLI", **shop)
    assert found(*rows) == [("p", "q", "same_amount")]


def test_nothing_succeeds_nothing() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("successors", "expected"),
    [
        ({}, ["a"]),
        ({"a": "b", "b": "c"}, ["a", "b", "c"]),
        ({"a": "b", "b": "a"}, ["a", "b"]),
        ({"a": "a"}, ["a"]),
    ],
)
def test_a_chain_ends(successors: dict[str, str], expected: list[str]) -> None:
    assert list(chain("a", successors)) == expected


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_one_to_one_whatever_the_order(data: st.DataObject) -> None:
    amounts, days = st.sampled_from(["-40", "-44", "-60"]), st.integers(0, 16)
    pending = [
        vanished(f"p{n}", *data.draw(st.tuples(amounts, days))) for n in range(data.draw(st.integers(0, 6)))
    ]
    names = st.sampled_from([None, None, *(each["transaction_id"] for each in pending)])
    posted = [
        row(f"q{n}", *data.draw(st.tuples(amounts, days)), pending_transaction_id=data.draw(names))
        for n in range(data.draw(st.integers(0, 6)))
    ]
    rows = [*pending, *posted]
    pairs = found(*rows)
    assert len({before for before, _, _ in pairs}) == len(pairs) == len({after for _, after, _ in pairs})
    assert found(*data.draw(st.permutations(rows))) == pairs
    named = {each["pending_transaction_id"] for each in posted} - {None}
    assert {before for before, _, how in pairs if how == "provider"} == named
