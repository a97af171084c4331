"""Whatever happened before a bank was linked anew, and happens since: every movement is alive exactly once."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bank_model import BANKING, Login, linked_anew
from histories import (
    DAWN,
    Happening,
    Lived,
    Memory,
    Night,
    ask_for_transactions,
    examples,
    histories,
    live,
)
from hypothesis import given
from hypothesis import strategies as st
from notebook import exact

pytestmark = pytest.mark.usefixtures("no_pauses")

HISTORY = histories([name for name in BANKING if name != "garble"], most=15, share=2)
MEANWHILE = st.lists(
    st.builds(
        Happening,
        st.just("z"),
        st.sampled_from(sorted(set(BANKING) - {"garble"})),
        st.integers(1, 9),
        st.integers(1, 999),
    ),
    max_size=3,
)
"""Few enough to be believed: of many more the product would say that the new login's history has a hole."""
LONG_BEFORE = "2025-01-01"
LONG_AFTER = DAWN + timedelta(days=90)


@pytest.mark.slow
@examples(100, 5_000)
@given(before=HISTORY, meanwhile=MEANWHILE, since=HISTORY, dice=st.integers(0, 99))
def test_every_movement_is_alive_once(
    before: Sequence[Happening | Night],
    meanwhile: Sequence[Happening],
    since: Sequence[Happening | Night],
    dice: int,
) -> None:
    memory, former = Memory(), Login("x")
    live(of(before, "x"), ask_for_transactions, {"x": former}, memory)
    login = linked_anew(former, "z", random.Random(dice))
    for step in meanwhile:  # while no login answered
        login.happen(step.what, step.which, step.cents)
    for account in range(2):  # so that what the new login sends begins before all that may have changed
        login.post(account, 1, date=LONG_BEFORE)
    login.feed = [("added", row) for row in login.rows().values()]  # a new login tells what there is now
    listed = Night("z", 1, 3, (), None, False)
    lived = live([listed, *of(since, "z")], ask_for_transactions, {"z": login}, memory, LONG_AFTER)
    assert alive(lived) == Counter(map(movement, login.rows().values()))


def of(history: Sequence[Happening | Night], login: str) -> list[Happening | Night]:
    """The history as that of one login."""
    return [replace(step, login=login) for step in history]


def movement(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a person recognises a movement by."""
    account = row["account_id"].rpartition("-")[2]
    return account, row["date"], -exact(row["amount"]), row["name"], row["pending"]


def alive(lived: Lived) -> Counter[tuple[Any, ...]]:
    """The movements in ``clean.transactions`` that are not removed, under one id per account."""
    found = lived.cleaned("clean.transactions")
    assert found.quarantined.is_empty()
    rows = found.rows.filter(~found.rows["removed"])
    assert set(rows["account_id"]) <= {"x-a0", "x-a1", "x-a2"}
    return Counter(
        (
            row["account_id"].rpartition("-")[2],
            str(row["date"]),
            row["amount"],
            row["description"],
            row["pending"],
        )
        for row in rows.iter_rows(named=True)
    )
