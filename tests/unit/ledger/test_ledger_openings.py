"""What was there before the feed begins, and that it never hides a later difference."""

from decimal import Decimal as D

import polars as pl
import pytest
from ledger_examples import BROKER, account, balance, day, holding, keep, lines, sums, trade, transaction

from manna.ledger import out_of_balance

CHECKING = account("checking")
CASH = "Assets:Investments:Bank Broker:Cash"
SECURITIES = "Assets:Investments:Bank Broker:Securities"


def opened(books):
    entry = books.journal.filter(pl.col("kind") == "opening")
    found = books.postings.join(entry.select("entry_id"), on="entry_id", how="semi")
    return found.filter(pl.col("account_id").is_not_null()).sort("posting_id").select("date", "amount").rows()


def lot(books):
    found = books.lots.filter("is_opening")
    return found.select("opened", "quantity", "remaining", "cost", "remaining_cost").rows()


def carried(books):
    entry = books.journal.filter(source_table="clean.holdings", kind="opening")
    found = books.postings.join(entry.select("entry_id"), on="entry_id", how="semi")
    return found.filter(pl.col("lot_id").is_not_null())["amount"].to_list()


class TestMoney:
    def test_it_is_the_first_balance_less_the_rows_up_to_that_day(self):
        books = keep(
            accounts=[CHECKING],
            balances=[balance("checking", "02-01", 100), balance("checking", "03-01", 999)],
            transactions=[
                transaction("a", "checking", "01-10", -20),
                transaction("b", "checking", "02-01", -30),
                transaction("c", "checking", "02-02", -40),
                transaction("p", "checking", "01-02", -500, pending=True),
            ],
        )
        assert opened(books) == [(day("01-09"), D(150))]
        assert lines(books, "checking/2026-02-01") == [
            ("Assets:Cash:Bank Checking", D(150)), ("Equity:Opening Balances", D(-150)),
        ]  # fmt: skip
        assert sums(books)["Assets:Cash:Bank Checking"] == 60

    def test_without_rows_it_stands_on_the_day_of_the_balance(self):
        assert opened(keep(accounts=[CHECKING], balances=[balance("checking", "02-01", 5)])) == [
            (day("02-01"), 5)
        ]

    def test_without_rows_it_stands_on_the_first_day_of_the_book(self):
        books = keep(
            accounts=[CHECKING, account("house", "loan")],
            balances=[balance("house", "02-01", -900), balance("checking", "02-01", 0)],
            transactions=[transaction("a", "checking", "01-10", -20)],
        )
        assert sorted(opened(books)) == [(day("01-09"), -900), (day("01-09"), 20)]

    def test_rows_after_the_first_balance_leave_it_there(self):
        books = keep(
            accounts=[CHECKING],
            balances=[balance("checking", "02-01", 5)],
            transactions=[transaction("a", "checking", "02-20", -1)],
        )
        assert opened(books) == [(day("02-01"), 5)]

    def test_an_account_whose_balance_nobody_told_is_not_opened(self):
        assert (
            opened(keep(accounts=[CHECKING], transactions=[transaction("a", "checking", "02-20", -1)])) == []
        )

    def test_an_empty_account_is_opened_with_zero(self):
        assert opened(keep(accounts=[CHECKING], balances=[balance("checking", "02-01", 0)])) == [
            (day("02-01"), 0)
        ]

    def test_a_backfill_changes_the_opening_and_not_what_came_after(self):
        told = {"accounts": [CHECKING], "balances": [balance("checking", "02-01", 100)]}
        late = transaction("late", "checking", "01-02", -7)
        before = keep(**told, transactions=[transaction("a", "checking", "01-10", -20)])
        after = keep(**told, transactions=[transaction("a", "checking", "01-10", -20), late])
        assert opened(before) == [(day("01-09"), 120)]
        assert opened(after) == [(day("01-01"), 127)]
        assert sums(before, day("02-01"))["Assets:Cash:Bank Checking"] == 100
        assert sums(after, day("02-01"))["Assets:Cash:Bank Checking"] == 100
        assert before.journal["entry_id"].is_in(after.journal["entry_id"].implode()).all()

    def test_rows_of_another_currency_do_not_count(self):
        books = keep(
            accounts=[CHECKING],
            balances=[balance("checking", "02-01", 100)],
            transactions=[transaction("a", "checking", "01-10", -20, currency="EUR")],
        )
        assert opened(books) == [(day("01-09"), 100)]

    def test_what_is_owed_is_a_credit(self):
        books = keep(accounts=[account("card", "credit")], balances=[balance("card", "02-01", -80)])
        assert lines(books, "card/2026-02-01")[0] == ("Liabilities:Cards:Bank Card", D(-80))


class TestLoans:
    told = (balance("car", "01-31", -1000), balance("car", "02-28", -900), balance("car", "03-10", -900))

    def test_without_transactions_each_balance_is_followed(self):
        books = keep(accounts=[account("car", "loan")], balances=list(self.told))
        assert books.journal.select("date", "kind").rows() == [
            (day("01-31"), "opening"),
            (day("02-28"), "balance"),
        ]
        assert lines(books, "car/2026-02-28") == [
            ("Liabilities:Loans:Bank Car", D(100)), ("Equity:Loan Balance Changes", D(-100)),
        ]  # fmt: skip
        assert books.reconciliation["basis"].to_list() == ["plugged"] * 3

    def test_with_transactions_it_is_an_account_like_any_other(self):
        books = keep(
            accounts=[account("car", "loan")],
            balances=list(self.told),
            transactions=[transaction("a", "car", "02-10", 100)],
        )
        assert books.journal["kind"].to_list() == ["opening", "transaction"]
        assert books.reconciliation["basis"].to_list() == ["plugged", "reconciled", "reconciled"]


class TestInvestmentCash:
    def test_money_among_the_holdings_says_how_much_there_is(self):
        books = keep(
            balances=[balance("broker", "02-01", 777)],
            holdings=[holding("CUR:USD", "02-01", 60, 60), holding("ABC", "02-01", 1, 500, cost_basis=400)],
            trades=[trade("d", "01-10", "dividend", 0, 10)],
        )
        assert sums(books, day("01-09"))[CASH] == 50
        assert lines(books, "broker/2026-02-01")[0] == (CASH, D(50))
        assert books.journal.filter(source_id="broker/2026-02-01")["source_table"].to_list() == [
            "clean.holdings"
        ]

    def test_else_it_is_the_balance_less_the_securities(self):
        books = keep(
            balances=[balance("broker", "02-01", 560)],
            holdings=[holding("ABC", "02-01", 1, 500, cost_basis=400)],
        )
        assert sums(books)[CASH] == 60

    @pytest.mark.parametrize("lists_its_money", [True, False])
    def test_money_counts_once_though_the_balance_includes_it_too(self, lists_its_money):
        listed = [
            holding("ABC", "02-01", 1, 500, cost_basis=400),
            holding("ABC", "02-08", 1, 500, cost_basis=400),
        ]
        money = [holding("CUR:USD", "02-01", 60, 60), holding("CUR:USD", "02-08", 60, 60)]
        books = keep(
            balances=[
                balance("broker", "02-01", 560, available=60),
                balance("broker", "02-08", 560, available=60),
            ],
            holdings=listed + (money if lists_its_money else []),
        )
        assert (sums(books)[CASH], sums(books)[SECURITIES]) == (60, 400)
        assert books.reconciliation["difference"].to_list() == [0, 0]

    def test_a_balance_that_is_not_stated_says_nothing(self):
        stated, silent = balance("broker", "02-08", 560), balance("broker", "02-01", None)
        assert sums(keep(balances=[silent, stated])) == sums(keep(balances=[stated]))
        assert CASH not in sums(keep(balances=[silent]))

    def test_an_account_that_never_lists_a_holding_is_all_money(self):
        books = keep(balances=[balance("broker", "02-01", 560)])
        assert sums(books)[CASH] == 560

    @pytest.mark.parametrize(
        ("told", "listed"),
        [
            ([], [holding("ABC", "02-01", 1, 500)]),
            ([balance("broker", "02-02", 560)], [holding("ABC", "02-01", 1, 500)]),
            ([balance("broker", "02-01", 560)], [holding("ABC", "02-01", 1, 500, currency="EUR")]),
        ],
    )
    def test_where_it_cannot_be_said_there_is_no_opening(self, told, listed):
        books = keep(balances=told, holdings=listed)
        assert CASH not in sums(books)
        assert books.reconciliation.is_empty()

    def test_shares_that_arrive_without_money_do_not_change_it(self):
        books = keep(
            holdings=[holding("CUR:USD", "02-01", 0, 0), holding("ABC", "02-01", 10, 500, cost_basis=400)],
            trades=[trade("c", "01-10", "contribution", 10, -400)],
        )
        assert sums(books)[CASH] == 0

    def test_each_currency_is_opened(self):
        books = keep(
            holdings=[holding("CUR:USD", "02-01", 5, 5), holding("CUR:EUR", "02-01", 7, 7, currency="EUR")]
        )
        assert out_of_balance(books.postings).is_empty()
        cash = books.postings.filter(account=CASH).sort("currency")
        assert cash.select("currency", "amount").rows() == [("EUR", 7), ("USD", 5)]
        assert books.reconciliation["currency"].to_list() == ["USD"]


class TestPositions:
    def test_without_trades_the_lot_is_the_holding(self):
        books = keep(holdings=[holding("ABC", "02-01", 10, 500, cost_basis=400)])
        assert lot(books) == [(day("02-01"), 10, 10, 400, 400)]
        assert lines(books, "broker/ABC/2026-02-01") == [
            (SECURITIES, D(400)), ("Equity:Opening Balances", D(-400)),
        ]  # fmt: skip

    def test_its_cost_is_the_pooled_cost_less_what_the_tracked_lots_still_cost(self):
        # Held before: 10. Sold 4 of them, bought 5 for 300: 11 held, pooled cost 840.
        # The 6 that are left cost 840 - 300 = 540, so 90 each, so the 10 cost 900.
        books = keep(
            holdings=[holding("ABC", "02-01", 11, 1100, cost_basis=840)],
            trades=[trade("s", "01-10", "sell", -4, 500), trade("b", "01-20", "buy", 5, -300)],
        )
        assert lot(books) == [(day("01-09"), 10, 6, 900, 540)]
        assert books.gains.select("cost", "gain", "term").rows() == [(360, 140, "unknown")]
        assert sums(books)[SECURITIES] == 840

    def test_a_split_is_walked_back_over(self):
        # 10 before a 2:1 split, 20 after; 5 of the new ones sold: 15 held, cost 600, so 40 each of the new.
        books = keep(
            holdings=[holding("ABC", "02-01", 15, 1500, cost_basis=600)],
            trades=[trade("x", "01-10", "split", 10, 0), trade("s", "01-20", "sell", -5, 500)],
        )
        assert lot(books) == [(day("01-09"), 20, 15, 800, 600)]
        opening = books.postings.filter(pl.col("date") == day("01-09")).drop_nulls("quantity")
        assert opening.select("quantity", "amount").rows() == [(10, 800)]
        assert books.gains["gain"].to_list() == [300]

    def test_unknown_cost_is_carried_at_the_institutions_value_scaled(self):
        books = keep(
            holdings=[holding("ABC", "02-01", 8, 400)],
            trades=[trade("s", "01-10", "sell", -2, 90)],
        )
        assert lot(books) == [(day("01-09"), 10, 8, None, None)]
        assert carried(books) == [500]
        assert lines(books, "s") == [(SECURITIES, D(-100)), (CASH, D(90)), ("Equity:Unknown Basis", D(10))]
        assert books.gains.select("cost", "gain", "term").rows() == [(None, None, "unknown")]

    @pytest.mark.parametrize("pooled", [0, -1, 299, 300])
    def test_a_pooled_cost_that_leaves_nothing_for_the_opening_is_unknown_never_zero(self, pooled):
        books = keep(
            holdings=[holding("ABC", "02-01", 15, 1500, cost_basis=pooled)],
            trades=[trade("b", "01-20", "buy", 5, -300)],
        )
        assert lot(books) == [(day("01-19"), 10, 10, None, None)]
        assert carried(books) == [1000]

    def test_what_was_sold_out_before_the_first_snapshot_is_carried_at_its_proceeds(self):
        books = keep(
            holdings=[holding("CUR:USD", "02-01", 0, 0)],
            trades=[
                trade("x", "01-09", "split", 10, 0),
                trade("s1", "01-10", "sell", -5, 100),
                trade("s2", "01-11", "sell", -15, 330),
            ],
        )
        assert lot(books) == [(day("01-08"), 20, 0, None, None)]
        assert carried(books) == [400]
        assert lines(books, "s1") == [(SECURITIES, D(-100)), (CASH, D(100))]
        assert lines(books, "s2")[-1] == ("Equity:Unknown Basis", D(-30))

    def test_a_price_will_do_where_there_is_no_value(self):
        books = keep(
            holdings=[holding("ABC", "02-01", 0, 0)],
            trades=[trade("t", "01-10", "transfer", -5, 0, price=20)],
        )
        assert carried(books) == [100]

    def test_trades_after_the_first_snapshot_do_not_change_it(self):
        told = {"holdings": [holding("ABC", "02-01", 10, 500, cost_basis=400)]}
        later = keep(
            **told, trades=[trade("b", "02-02", "buy", 5, -300), trade("s", "02-03", "sell", -1, 60)]
        )
        assert lot(later) == [(day("02-01"), 10, 9, 400, 360)]
        assert later.gains["gain"].to_list() == [20]

    def test_more_bought_than_held_opens_nothing(self):
        books = keep(
            holdings=[holding("ABC", "02-01", 3, 30, cost_basis=30)],
            trades=[trade("b", "01-20", "buy", 5, -50)],
        )
        assert lot(books) == []

    def test_money_is_never_a_position(self):
        books = keep(accounts=[BROKER], holdings=[holding("CUR:USD", "02-01", 60, 60)])
        assert books.lots.is_empty()
        assert sums(books) == {CASH: 60, "Equity:Opening Balances": -60}

    def test_a_long_wait_makes_an_opening_lot_long_term(self):
        books = keep(
            holdings=[holding("ABC", "2024-02-01", 10, 500, cost_basis=400)],
            trades=[trade("s", "2025-02-01", "sell", -1, 50), trade("t", "2025-02-02", "sell", -1, 50)],
        )
        assert books.gains.sort("closed")["term"].to_list() == ["unknown", "long"]


class TestRowsHeardOfLate:
    """The first snapshot says 1000 on 10 March, when 100 of spending was known."""

    def openings(self, **late):
        books = keep(
            accounts=[account("checking", "depository")],
            balances=[balance("checking", "03-10", 1000)],
            transactions=[
                transaction("known", "checking", "03-05", -100),
                transaction("late", "checking", **late),
            ],
        )
        return sums(books)["Equity:Opening Balances"], books

    def test_what_posts_after_the_snapshot_is_not_in_its_balance(self):
        # Dated the day before the snapshot, posted the day after it: 1000 did not include it.
        opening, books = self.openings(on="03-09", amount=-40, first_known_on=day("03-11"))
        assert opening == -1100
        assert books.reconciliation["difference"].to_list() == [0]
        assert lines(books, "late")[0][1] == -40  # and it is spending, on its own date

    @pytest.mark.parametrize(("on", "counts"), [("03-09", False), ("03-12", False), ("02-01", True)])
    def test_after_a_pause_only_what_is_old_was_in_it(self, on, counts):
        # Nobody asked from the 10th to the 25th; on that day the bank says 960 and tells of a row.
        books = keep(
            accounts=[account("checking", "depository")],
            balances=[
                balance("checking", "03-10", 1000),
                balance("checking", "03-25", 1000 if counts else 960),
            ],
            transactions=[transaction("late", "checking", on, -40, first_known_on=day("03-25"))],
        )
        assert sums(books)["Equity:Opening Balances"] == (-1040 if counts else -1000)
        assert books.reconciliation["difference"].to_list() == [0, 0]

    def test_history_that_is_told_late_was_in_it(self):
        opening, books = self.openings(on="02-01", amount=-40, first_known_on=day("03-11"))
        assert opening == -1140
        assert books.reconciliation["difference"].to_list() == [0]

    def test_what_the_bank_takes_back_was_in_it(self):
        # 1000 on the 10th included an error of 40, which the bank took back on the 11th: 1040.
        books = keep(
            accounts=[account("checking", "depository")],
            balances=[balance("checking", "03-10", 1000), balance("checking", "03-11", 1040)],
            transactions=[
                transaction("known", "checking", "03-05", -100),
                transaction("error", "checking", "03-09", -40, removed=True, removed_on=day("03-11")),
            ],
        )
        assert sums(books)["Equity:Opening Balances"] == -1140
        assert books.postings.filter(pl.col("account_id") == "checking")["amount"].sum() == 1040
        assert books.reconciliation["difference"].to_list() == [0, 0]
