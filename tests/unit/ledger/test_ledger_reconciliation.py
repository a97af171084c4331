"""The ledger against the provider, and which months changed."""

from datetime import date
from decimal import Decimal as D

import polars as pl
import pytest
from ledger_examples import BOOK, account, balance, day, frames, holding, keep, trade, transaction

from manna.ledger import month_hashes, position_differences

CHECKING = account("checking")
USUAL = {"01-31": D(1), "03-01": D(2)}


def compared(books):
    columns = ("as_of", "provider_balance", "ledger_balance", "difference", "basis")
    return books.reconciliation.select(columns).rows()


def test_the_first_day_is_plugged_the_others_are_honest():
    books = keep(
        accounts=[CHECKING],
        balances=[balance("checking", d, v) for d, v in [("02-01", 100), ("02-10", 90), ("02-20", 95)]],
        transactions=[transaction("a", "checking", "01-15", 5), transaction("b", "checking", "02-05", -10)],
    )
    assert compared(books) == [
        (day("02-01"), 100, 100, 0, "plugged"),
        (day("02-10"), 90, 90, 0, "reconciled"),
        (day("02-20"), 95, 90, -5, "difference"),
    ]


def test_of_an_investment_account_the_money_is_compared():
    books = keep(
        balances=[balance("broker", "02-01", 600), balance("broker", "02-10", 740)],
        holdings=[holding("ABC", "02-01", 5, 500, cost_basis=400), holding("ABC", "02-10", 6, 720)],
        trades=[trade("b", "02-05", "buy", 1, -90)],
    )
    assert compared(books) == [
        (day("02-01"), 100, 100, 0, "plugged"),
        (day("02-10"), 20, 10, -10, "difference"),
    ]


def test_a_day_that_does_not_repeat_a_holding_means_it_as_last_told():
    books = keep(
        holdings=[
            holding("CUR:USD", "02-01", 100, 100),
            holding("ABC", "02-01", 5, 500),
            holding("ABC", "02-10", 5, 510),
        ],
    )
    assert compared(books) == [
        (day("02-01"), 100, 100, 0, "plugged"),
        (day("02-10"), 100, 100, 0, "reconciled"),
    ]


class TestPositions:
    def differences(self, **tables):
        books, given = keep(**tables), frames(**tables)
        found = position_differences(books.postings, given["holdings"], given["securities"])
        return found.select(
            "security_id", "as_of", "provider_quantity", "ledger_quantity", "difference"
        ).rows()

    def test_agreement_is_empty(self):
        assert (
            self.differences(
                holdings=[holding("ABC", "02-01", 5, 500), holding("ABC", "02-10", 6, 600)],
                trades=[trade("b", "02-05", "buy", 1, -90)],
            )
            == []
        )

    def test_every_disagreement_is_listed(self):
        assert self.differences(
            holdings=[
                holding("ABC", "02-01", 5, 500),
                holding("CUR:USD", "02-01", 50, 50),
                holding("ABC", "02-10", 7, 600),
                holding("CUR:USD", "02-10", 10, 10),
            ],
            trades=[trade("b", "02-05", "buy", 1, -90), trade("x", "02-06", "buy", 3, -9, security_id="XYZ")],
        ) == [("ABC", day("02-10"), 7, 6, -1), ("XYZ", day("02-10"), 0, 3, 3)]

    def test_more_bought_than_held_at_the_first_snapshot_shows(self):
        assert self.differences(
            holdings=[holding("ABC", "02-01", 3, 30)], trades=[trade("b", "01-20", "buy", 5, -50)]
        ) == [("ABC", day("02-01"), 3, 5, 2)]

    def test_a_short_position_shows(self):
        assert self.differences(holdings=[holding("ABC", "02-01", -3, -30)]) == [
            ("ABC", day("02-01"), -3, 0, 3)
        ]


class TestMonths:
    def hashes(self, amounts, today=date(2026, 4, 2), **more):
        books = keep(
            accounts=[CHECKING],
            transactions=[transaction(f"t{d}", "checking", d, v) for d, v in amounts.items()],
        )
        found = month_hashes(BOOK.id, books.postings, today=today, **more)
        return dict(found.select("month", "content_hash").iter_rows())

    def test_every_month_to_today_without_gaps(self):
        assert list(self.hashes(USUAL)) == [date(2026, m, 1) for m in (1, 2, 3, 4)]

    def test_a_change_reaches_its_month_and_all_later_ones(self):
        before, after = self.hashes(USUAL), self.hashes(USUAL | {"02-28": D(1)})
        assert [before[m] == after[m] for m in before] == [True, False, False, False]

    @pytest.mark.parametrize("amount", [D("2.01"), D(-2)])
    def test_an_amount_counts(self, amount):
        before, after = self.hashes(USUAL), self.hashes(USUAL | {"03-01": amount})
        assert [before[m] == after[m] for m in before] == [True, True, False, False]

    def test_an_extra_reaches_its_month_and_all_later_ones(self):
        before = self.hashes(USUAL)
        after = self.hashes(USUAL, extras={date(2026, 2, 1): "valuations"})
        assert [before[m] == after[m] for m in before] == [True, False, False, False]

    def test_time_alone_changes_no_month_that_was_there(self):
        early, late = self.hashes(USUAL, date(2026, 3, 1)), self.hashes(USUAL, date(2027, 1, 31))
        assert list(early) == [date(2026, m, 1) for m in (1, 2, 3)]
        assert early.items() <= late.items()
        assert list(late)[-1] == date(2027, 1, 1)

    def test_what_lies_ahead_is_in_no_month_yet(self):
        assert self.hashes({"01-01": D(1), "12-01": D(1)}, date(2026, 1, 5)) == self.hashes(
            {"01-01": D(1)}, date(2026, 1, 5)
        )

    def test_the_order_of_rows_does_not_matter(self):
        books = keep(
            accounts=[CHECKING], transactions=[transaction(f"t{i}", "checking", "01-05", i) for i in range(9)]
        )
        there = month_hashes(BOOK.id, books.postings, today=date(2026, 3, 20))
        back = month_hashes(BOOK.id, books.postings.reverse(), today=date(2026, 3, 20))
        assert back.equals(there)

    def test_no_postings_no_months(self):
        assert month_hashes(BOOK.id, keep().postings, today=date(2026, 3, 20)).is_empty()


def test_reconciliation_compares_each_account_by_itself():
    books = keep(
        accounts=[CHECKING, account("savings")],
        balances=[balance(a, d, 10) for a in ("savings", "checking") for d in ("02-01", "02-02")],
        transactions=[transaction("a", "savings", "02-02", 1)],
    )
    assert books.reconciliation.select("account_id", "difference").rows() == [
        ("checking", 0), ("checking", 0), ("savings", 0), ("savings", 1),
    ]  # fmt: skip
    assert books.reconciliation.select(pl.col("book").unique())["book"].to_list() == ["home"]
