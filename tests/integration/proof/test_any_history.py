"""Whatever happens at the bank and on the way: the clean tables say what a notebook says."""

from collections.abc import Sequence

import pytest
from histories import (
    SNAPSHOTS,
    TRANSACTIONS,
    Happening,
    Night,
    ask_for_holdings,
    ask_for_transactions,
    examples,
    live,
    snapshots_differ,
    transactions_differ,
)
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.mark.slow
@examples(500, 20_000)
@given(history=TRANSACTIONS)
def test_transactions_are_those_of_the_notebook(history: Sequence[Happening | Night]) -> None:
    difference = transactions_differ(live(history, ask_for_transactions))
    assert difference is None


@examples(60, 4_000)
@given(history=TRANSACTIONS, which=st.integers(0, 9))
def test_transactions_as_known_on_a_moment_are_those_of_the_notebook_then(
    history: Sequence[Happening | Night], which: int
) -> None:
    lived = live(history, ask_for_transactions)
    moment, _ = lived.heard[which % len(lived.heard)]
    difference = transactions_differ(lived, until=moment)
    assert difference is None


@pytest.mark.slow
@examples(60, 4_000)
@given(history=SNAPSHOTS)
def test_accounts_balances_holdings_and_trades_are_those_of_the_notebook(
    history: Sequence[Happening | Night],
) -> None:
    difference = snapshots_differ(live(history, ask_for_holdings))
    assert difference is None
