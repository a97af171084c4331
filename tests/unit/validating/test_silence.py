"""Gaps in an account's history, and logins and balances that have not been heard of."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from validating_examples import day, rows, transaction, transactions

from manna.validating import history

FIRST = date(2025, 1, 1)


def daily(*skipped: range, every: int = 1, until: int = 200) -> Any:
    """A row of 10 every few days, but for some days."""
    days = [n for n in range(0, until, every) if not any(n in gap for gap in skipped)]
    return transactions(*(transaction(f"t{n}", str(FIRST + timedelta(n)), -10) for n in days))


@pytest.mark.parametrize(
    ("moves", "gap"),
    [
        (daily(), None),
        (daily(range(100, 113)), None),
        (daily(range(100, 114)), (100, 113, "info")),
        (daily(range(100, 130)), (100, 129, "info")),
        (daily(range(100, 131)), (100, 130, "warning")),
        # Once a month is normal for a savings account: two months missing are not.
        (daily(every=30, until=900), None),
        (daily(range(300, 360), every=30, until=900), None),
        (daily(range(300, 390), every=30, until=900), (271, 389, "warning")),
        # Too few days to speak of a habit.
        (daily(range(10, 100), until=109), None),
    ],
)
def test_a_gap_is_what_is_far_longer_than_the_usual_pause(
    moves: Any, gap: tuple[int, int, str] | None
) -> None:
    found = history.history_gaps(moves, {})
    said = [((one.since - FIRST).days, (one.until - FIRST).days, one.severity) for one in found]
    assert said == ([] if gap is None else [gap])


def test_what_usually_moves_in_so_many_days_is_at_stake() -> None:
    (one,) = history.history_gaps(daily(range(100, 150), until=201), {})
    assert one.amount == Decimal("377.50")  # 151 rows of 10 in 200 days, 50 of them missing
    assert one.rows == ("t99", "t150")
    assert "no row for 50 days" in one.message


@pytest.mark.parametrize(("through", "count"), [(199 + 13, 0), (199 + 14, 1), (199, 0), (None, 0)])
def test_a_feed_that_fell_silent_while_its_login_answers(through: int | None, count: int) -> None:
    known = {} if through is None else {"a": FIRST + timedelta(through)}
    found = history.history_gaps(daily(), known)
    assert len(found) == count
    assert all(one.until == known["a"] for one in found)


@pytest.mark.parametrize("state", [{"pending": True}, {"removed": True}])
def test_pending_and_removed_rows_fill_no_gap(state: dict[str, bool]) -> None:
    more = transactions(transaction("x", str(FIRST + timedelta(110)), -10, **state))
    assert len(history.history_gaps(daily(range(100, 121)).vstack(more), {})) == 1


@pytest.mark.parametrize(
    ("complete_through", "linked", "stale"),
    [("03-13", "01-01", False), ("03-12", "01-01", True), (None, "03-13", False), (None, "03-12", True)],
)
def test_a_connection_is_stale_after_the_days_its_book_allows(
    complete_through: str | None, linked: str, stale: bool
) -> None:
    row = {
        "connection_id": "c",
        "book": "home",
        "institution": "Bank",
        "complete_through": complete_through and day(complete_through),
        "linked_at": datetime.combine(day(linked), datetime.min.time(), UTC),
    }
    found = history.stale_connections([row], {"home": 3}, {"home": day("03-16")})
    assert [one.subject for one in found] == (["c"] if stale else [])
    assert all(one.kind == "stale_connection" and "4 days ago" in one.message for one in found)


@pytest.mark.parametrize(
    ("told", "through", "stale"),
    [
        ([("03-13", 5)], "03-16", False),
        ([("03-12", 5)], "03-16", True),
        ([("03-12", 5), ("03-16", None)], "03-16", True),
        ([("03-12", 5)], "03-14", False),  # its login is behind as well: that is another finding
        ([("03-12", 5)], None, False),
        ([], "03-16", False),
    ],
)
def test_a_balance_is_stale_where_its_login_answers_without_it(
    told: list[Any], through: str | None, stale: bool
) -> None:
    balances = rows("balances", *({"account_id": "a", "as_of": d, "current": amount} for d, amount in told))
    known = {"a": day(through)} if through else {}
    found = history.stale_balances(rows("accounts", {"account_id": "a"}), balances, {"home": 3}, known)
    assert [(one.kind, one.amount) for one in found] == ([("stale_balance", Decimal(5))] if stale else [])
