"""Closed days: what stays, what is adjusted, and the bridge between the two."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from ledger_examples import account, balance, day, keep, transaction

from manna.contracts.closings import ADJUSTMENTS, CLOSED_JOURNAL, CLOSED_POSTINGS
from manna.ledger import Books
from manna.ledger.closing import (
    Adjusted,
    adjusted,
    closed_days,
    closed_through,
    reopened,
    restatement,
    to_be_kept,
    with_tax_dates,
)

JANUARY = (date(2026, 1, 1), date(2026, 1, 31))
FEBRUARY = date(2026, 2, 28)


def said(action: str, through: date, hour: int, reason: str | None = None) -> dict[str, Any]:
    moment = datetime(2026, 3, 1, hour, tzinfo=UTC)
    return {"action": action, "through": through, "known_at": moment, "decided_by": "ana", "reason": reason}


def books(*rows: dict[str, Any], **categories: str) -> Books:
    return keep(
        accounts=[account("bank")],
        balances=[balance("bank", "03-20", 100)],
        transactions=list(rows),
        categories=[
            {"transaction_id": row["transaction_id"], "category": categories.get(row["transaction_id"], "Expenses:Rent")}
            for row in rows
        ],
    )  # fmt: skip


def closed(
    now: Books, then: Books, closings: Sequence[dict[str, Any]] = (said("close", JANUARY[1], 1),)
) -> Adjusted:
    """``now``, with January closed when the books were ``then``."""
    whole = Adjusted(then.journal, then.postings, ADJUSTMENTS.empty())
    kept = to_be_kept(whole, closed_days(closings[:1])[0])
    return adjusted(now.journal, now.postings, closings, *kept)


RENT = transaction("rent", "bank", "01-10", -500)
FOOD = transaction("food", "bank", "02-10", -20)


def test_without_a_closing_all_is_as_it_follows() -> None:
    whole = books(RENT)
    empty = CLOSED_JOURNAL.empty(), CLOSED_POSTINGS.empty()
    found = adjusted(whole.journal, whole.postings, [], *empty)
    assert found.postings.equals(whole.postings)
    assert found.adjustments.is_empty()


def test_nothing_new_adjusts_nothing() -> None:
    found = closed(books(RENT, FOOD), books(RENT, FOOD))
    assert found.adjustments.is_empty()
    assert found.postings.equals(books(RENT, FOOD).postings)
    assert restatement(found, *JANUARY).is_empty()


@pytest.mark.parametrize(
    ("now", "account_", "reported", "known"),
    [
        (books(RENT, transaction("late", "bank", "01-20", -30)), "Expenses:Rent", 0, 30),
        (books(RENT | {"amount": -450}), "Expenses:Rent", 500, 450),
        (books(RENT, rent="Expenses:Gifts"), "Expenses:Gifts", 0, 500),
        (books(RENT | {"date": day("02-03")}), "Expenses:Rent", 500, 0),
    ],
    ids=["late", "corrected", "decided", "moved"],
)
def test_what_becomes_known_later_is_booked_on_the_first_open_day(
    now: Books, account_: str, reported: int, known: int
) -> None:
    then = books(RENT)
    found = closed(now, then)
    in_january = pl.col("date") <= JANUARY[1]
    # The opening follows from a later balance, so it moves too: all of January is as it was reported.
    assert found.postings.filter(in_january).equals(then.postings.filter(in_january))
    late = found.postings.join(found.adjustments, on="entry_id", how="semi")
    assert late["date"].min() == date(2026, 2, 1)
    line = restatement(found, *JANUARY).filter(pl.col("account") == account_).row(0, named=True)
    assert (line["reported"], line["known"], line["difference"]) == (reported, known, known - reported)
    assert line["tax_date"] in (date(2026, 1, 10), date(2026, 1, 20))
    assert line["source_table"] == "clean.transactions"
    # To a tax report each day is what it is by the truth.
    dated = with_tax_dates(found.postings, found.adjustments)
    expenses = dated.filter(pl.col("account").str.starts_with("Expenses"), pl.col("tax_date") <= JANUARY[1])
    truth = now.postings.filter(pl.col("account").str.starts_with("Expenses"), in_january)
    assert expenses["amount"].sum() == truth["amount"].sum()
    heading = found.journal.filter(pl.col("kind") == "adjustment")["description"]
    assert heading.str.starts_with("Adjustment of 2026-01").all()


def test_a_row_that_vanishes_again_after_its_adjustment_was_closed() -> None:
    first, second = said("close", JANUARY[1], 1), said("close", FEBRUARY, 2)
    then, late = books(RENT), books(RENT, transaction("late", "bank", "01-20", -30))
    in_february = closed(late, then)
    kept = [
        to_be_kept(Adjusted(then.journal, then.postings, ADJUSTMENTS.empty()), closed_days([first])[0]),
        to_be_kept(in_february, closed_days([first, second])[1]),
    ]
    frames = [pl.concat(parts) for parts in zip(*kept, strict=True)]
    found = adjusted(then.journal, then.postings, [first, second], *frames)
    back = found.journal.filter(pl.col("date") == date(2026, 3, 1), pl.col("source_id") == "late")
    assert back["description"].to_list() == ["Adjustment of 2026-01-20: x"]
    bridge = restatement(found, *JANUARY).filter(pl.col("account") == "Expenses:Rent")
    assert bridge.select("reported", "known", "booked_on").rows() == [
        (0, 30, date(2026, 2, 1)), (30, 0, date(2026, 3, 1))
    ]  # fmt: skip
    assert found.postings.group_by("account").agg(pl.col("amount").sum()).sort("account").filter(
        pl.col("amount") != 0
    ).rows() == [(name, amount) for name, amount in sorted(_sums(then.postings).items()) if amount]


def _sums(postings: pl.DataFrame) -> dict[str, Decimal]:
    return dict(postings.group_by("account").agg(pl.col("amount").sum()).iter_rows())


class TestWhichDaysAreClosed:
    def test_each_closing_closes_what_was_open(self) -> None:
        rows = [said("close", JANUARY[1], 1), said("file", date(2025, 12, 31), 2), said("close", FEBRUARY, 3)]
        assert [(one.since, one.through) for one in closed_days(rows)] == [
            (date.min, JANUARY[1]), (date(2026, 2, 1), FEBRUARY)
        ]  # fmt: skip
        assert closed_through(rows) == FEBRUARY
        assert closed_through([]) is None

    def test_a_reopening_cuts_and_a_new_closing_goes_on(self) -> None:
        rows = [said("close", FEBRUARY, 1), said("reopen", JANUARY[1], 2, "the bank was wrong")]
        assert closed_through(rows) == JANUARY[1]
        loud = reopened(rows)
        assert loud is not None
        assert loud.words == (
            "closed through 2026-02-28, and reopened after 2026-01-31 by ana on 2026-03-01: the bank was wrong"
        )
        assert [loud.touches(date(2026, month, 1)) for month in (1, 2, 3)] == [False, True, False]
        rows.append(said("close", FEBRUARY, 3))
        assert [one.known_at.hour for one in closed_days(rows)] == [1, 3]
        assert reopened(rows) is None

    def test_what_is_reopened_before_the_first_closing_is_all_open(self) -> None:
        rows = [said("close", JANUARY[1], 1), said("reopen", date(2025, 6, 30), 2)]
        assert [(one.known_at.hour, one.through) for one in closed_days(rows)] == [(1, date(2025, 6, 30))]
