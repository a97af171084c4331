"""Which accounts are one: stories of logins, told to the function that recognises them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from cleaning_examples import ACCOUNT, raw_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.cleaning.identity import Decision, Identities, Status, identities

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
BANKS = {"old": "Platypus", "new": "PLATYPUS", "third": "Platypus", "elsewhere": "Gingham"}


def listing(
    day: float, login: str, *accounts: str | tuple[str, dict[str, Any]], book: str = "home"
) -> pl.DataFrame:
    """One login's list of accounts on a day; an account is its id, and in what it differs."""
    told = [(account, {}) if isinstance(account, str) else account for account in accounts]
    return raw_rows(
        "plaid_accounts",
        *(
            {
                "source_id": name,
                "payload": ACCOUNT | {"account_id": name} | changed,
                "at": START + timedelta(days=day),
                "connection": login,
                "book": book,
            }
            for name, changed in told
        ),
    )


def recognised(
    *listings: pl.DataFrame, decisions: Sequence[Decision] = (), statuses: Sequence[Status] = ()
) -> Identities:
    return identities(pl.concat(listings), BANKS, decisions, statuses)


def said(account_id: str, same_as: str | None, day: float = 20) -> Decision:
    return Decision("home", account_id, same_as, START + timedelta(days=day))


def status(login: str, state: str, day: float) -> Status:
    return Status(login, state, START + timedelta(days=day))


MASK_1, MASK_2 = {"mask": "1111"}, {"mask": "2222"}
NO_MASK = {"mask": None}
SAVINGS = {"subtype": "savings"}
PERSISTENT = {"persistent_account_id": "p"}

JOINED: dict[str, tuple[list[pl.DataFrame], set[tuple[str, ...]]]] = {
    "the login broke and was linked anew": ([listing(0, "old", "a"), listing(9, "new", "b")], {("a", "b")}),
    "three logins, one after the other": (
        [listing(0, "old", "a"), listing(9, "new", "b"), listing(19, "third", "c")],
        {("a", "b", "c")},
    ),
    "several accounts": (
        [
            listing(0, "old", ("a1", MASK_1), ("a2", MASK_2)),
            listing(9, "new", ("b2", MASK_2), ("b1", MASK_1)),
        ],
        {("a1", "b1"), ("a2", "b2")},
    ),
    "equal masks are told apart by name": (
        [
            listing(0, "old", ("a1", {"name": "His"}), ("a2", {"name": "Hers"})),
            listing(9, "new", ("b1", {"name": "Hers"}), ("b2", {"name": "His"})),
        ],
        {("a1", "b2"), ("a2", "b1")},
    ),
    "an account opened meanwhile is another one": (
        [listing(0, "old", ("a1", MASK_1)), listing(9, "new", ("b1", MASK_1), ("b2", MASK_2))],
        {("a1", "b1")},
    ),
    "a persistent id is certain even while both answer": (
        [listing(9, "old", ("a", PERSISTENT)), listing(9.1, "new", ("b", PERSISTENT | MASK_1))],
        {("a", "b")},
    ),
    "another bank": ([listing(0, "old", "a"), listing(9, "elsewhere", "b")], set()),
    "another book": ([listing(0, "old", "a"), listing(9, "new", "b", book="tokyo")], set()),
    "another number, both alive": (
        [listing(9, "old", ("a", MASK_1)), listing(9.1, "new", ("b", MASK_2))],
        set(),
    ),
    "twins of one login are two": ([listing(0, "old", "a1", "a2")], set()),
    "the former one answers again later": (
        [listing(0, "old", "a"), listing(9, "new", "b"), listing(12, "old", "a"), listing(12, "new", "b")],
        {("a", "b")},
    ),
    "what cannot be read is nobody": (
        [
            raw_rows("plaid_accounts", {"source_id": "x", "payload": "not JSON", "connection": "old"}),
            listing(9, "new", "b"),
        ],
        set(),
    ),
}


@pytest.mark.parametrize("story", JOINED)
def test_what_is_certain_is_joined(story: str) -> None:
    listings, chains = JOINED[story]
    found = recognised(*listings)
    assert set(found.chains) == chains
    assert found.questions == ()
    assert not found.held


ASKED: dict[str, tuple[list[pl.DataFrame], str, tuple[str, ...]]] = {
    "both logins answer": ([listing(9, "old", "a"), listing(9.1, "new", "b")], "still answered", ("a",)),
    "two candidates": ([listing(0, "old", "a1", "a2"), listing(9, "new", "b")], "several", ("a1", "a2")),
    "no mask": ([listing(0, "old", ("a", NO_MASK)), listing(9, "new", "b")], "missing", ("a",)),
    "another subtype": ([listing(0, "old", "a"), listing(9, "new", ("b", SAVINGS))], "subtype", ("a",)),
    "another number on the same name": (
        [listing(0, "old", ("a", MASK_1)), listing(9, "new", ("b", MASK_2))],
        "another end of the number",
        ("a",),
    ),
}


@pytest.mark.parametrize("story", ASKED)
def test_what_is_not_certain_is_asked_and_held(story: str) -> None:
    listings, reason, candidates = ASKED[story]
    found = recognised(*listings)
    (question,) = found.questions
    assert (question.account_id, question.candidates) == ("b", candidates)
    assert reason in question.reason
    assert found.held == {"b"}
    assert found.chains == ()


@pytest.mark.parametrize("story", ASKED)
def test_an_answer_settles_it_either_way(story: str) -> None:
    listings, _, candidates = ASKED[story]
    same = recognised(*listings, decisions=[said("b", candidates[0])])
    assert (same.chains, same.questions, same.held) == (((candidates[0], "b"),), (), frozenset())
    other = recognised(*listings, decisions=[said("b", candidates[0]), said("b", None)])
    assert (other.chains, other.questions, other.held) == ((), (), frozenset())


def test_two_candidates_for_two_accounts_are_asked_for_both() -> None:
    found = recognised(listing(0, "old", "a1", "a2"), listing(9, "new", "b1", "b2"))
    assert {question.account_id for question in found.questions} == {"b1", "b2"}
    answered = recognised(
        listing(0, "old", "a1", "a2"), listing(9, "new", "b1", "b2"), decisions=[said("b1", "a2")]
    )
    assert set(answered.chains) == {("a2", "b1"), ("a1", "b2")}


@pytest.mark.parametrize(
    ("state", "is_asked"),
    [
        ("unlinked", False),
        ("login_required", False),
        ("revoked", False),
        ("degraded", True),
        ("healthy", True),
    ],
)
def test_a_former_login_that_has_ended_answers_no_more(state: str, is_asked: bool) -> None:
    listings = listing(9, "old", "a"), listing(9.2, "new", "b")
    found = recognised(*listings, statuses=[status("old", "healthy", 0), status("old", state, 9.1)])
    assert bool(found.questions) == is_asked
    # What becomes of it later changes nothing.
    later = recognised(*listings, statuses=[status("old", state, 9.1), status("old", "unlinked", 9.3)])
    assert bool(later.questions) == is_asked


def test_a_person_may_part_what_was_joined_and_join_what_nobody_would_have() -> None:
    listings = listing(0, "old", "a"), listing(9, "new", "b"), listing(9, "elsewhere", ("e", MASK_2))
    found = recognised(*listings, decisions=[said("b", None), said("e", "a")])
    assert found.chains == (("a", "e"),)


def test_what_cannot_be_is_not_joined_whoever_says_so() -> None:
    twins = recognised(
        listing(0, "old", "a1", ("a2", MASK_2)),
        listing(9, "new", "b"),
        decisions=[said("a2", "a1"), said("b", "nobody")],
    )
    assert twins.chains == (("a1", "b"),)


def test_all_that_follows_a_held_account_is_held() -> None:
    found = recognised(listing(9, "old", "a"), listing(9.1, "new", "b"), listing(30, "third", "c"))
    # Both may be what the third login shows, so that is asked too.
    assert found.held == {"b", "c"}
    answered = recognised(
        listing(9, "old", "a"),
        listing(9.1, "new", "b"),
        listing(30, "third", "c"),
        decisions=[said("b", "a")],
    )
    assert answered.chains == (("a", "b", "c"),)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_order_of_rows_does_not_matter_and_nobody_is_in_two_chains(data: st.DataObject) -> None:
    masks = st.sampled_from([None, "1", "2"])
    names = st.sampled_from(["His", "Hers"])
    listings = []
    for number, login in enumerate(("old", "new", "third")):
        accounts = data.draw(st.lists(st.tuples(masks, names), min_size=1, max_size=3))
        told = [(f"{login}{n}", {"mask": mask, "name": name}) for n, (mask, name) in enumerate(accounts)]
        day = data.draw(st.sampled_from([0.0, 0.5, 9.0])) + number
        listings.append(listing(day, login, *told))
    rows = pl.concat(listings)
    found = identities(rows, BANKS)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=data.draw(st.integers(0, 99)))
    assert identities(shuffled, BANKS) == found
    members = [account_id for chain in found.chains for account_id in chain]
    assert len(members) == len(set(members))
    login_of = dict(rows.select("source_id", "connection_id").iter_rows())
    assert all(len({login_of[m] for m in chain}) == len(chain) for chain in found.chains)
    # A verdict never changes by itself: more of the same, later, leaves it as it is.
    again = rows.with_columns(known_at=pl.col("known_at") + timedelta(days=40), batch_id=pl.lit("again"))
    assert identities(pl.concat([rows, again]), BANKS) == found
    assert json.dumps(found.chains)
