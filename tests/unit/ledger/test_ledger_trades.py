"""What each kind of trade means in double entry, one example each, computed by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import (
    ABC,
    BOOK,
    BROKER,
    MONEY,
    account,
    balance,
    day,
    frames,
    holding,
    keep,
    lines,
    sums,
    trade,
)

from manna.contracts.ledger import MONTHS, TABLES
from manna.ledger import OversoldError, keep_books, out_of_balance, trial_balance

KEPT = [contract for contract in TABLES if contract is not MONTHS]
CASH = "Assets:Investments:Bank Broker:Cash"
SECURITIES = "Assets:Investments:Bank Broker:Securities"
PURE = {"security_id": None}


def lots(books):
    columns = ("quantity", "remaining", "cost", "remaining_cost")
    return books.lots.sort("opened", "quantity", "lot_id").select(columns).rows()


def gains(books, *columns):
    return books.gains.sort("opened", "lot_id").select(columns).rows()


def test_a_purchase_is_a_lot_at_cost_with_fees():
    books = keep(trades=[trade("b", "01-05", "buy", 10, "-1004.95", price=100, fees="4.95")])
    assert lines(books, "b") == [(SECURITIES, D("1004.95")), (CASH, D("-1004.95"))]
    assert lots(books) == [(10, 10, D("1004.95"), D("1004.95"))]
    posting = books.postings.filter(pl.col("security_id") == "ABC")
    assert posting.select("quantity", "account_id").row(0) == (10, "broker")
    assert posting["lot_id"].to_list() == books.lots["lot_id"].to_list()


def test_a_sale_takes_the_oldest_lots_one_posting_each_and_one_gain():
    books = keep(
        trades=[
            trade("b1", "2025-01-05", "buy", 10, -1000),
            trade("b2", "2025-12-05", "buy", 10, -1500),
            trade("s", "01-06", "sell", -15, "2399.99", fees="0.01"),
        ]
    )
    assert lines(books, "s") == [
        (SECURITIES, D(-1000)), (SECURITIES, D(-750)), (CASH, D("2399.99")),
        ("Income:Capital Gains", D("-649.99")),
    ]  # fmt: skip
    assert gains(books, "quantity", "proceeds", "cost", "gain", "term") == [
        (10, D("1599.99"), 1000, D("599.99"), "long"),
        (5, D("800.00"), 750, D("50.00"), "short"),
    ]
    assert lots(books) == [(10, 0, 1000, 0), (10, 5, 1500, 750)]


def test_a_loss_is_a_debit_of_capital_gains():
    books = keep(trades=[trade("b", "01-05", "buy", 1, -10), trade("s", "01-06", "sell", -1, 4)])
    assert lines(books, "s")[-1] == ("Income:Capital Gains", D(6))


@pytest.mark.parametrize(
    ("kind", "amount", "counter"),
    [
        ("dividend", 12, "Income:Dividends"),
        ("interest", 3, "Income:Interest"),
        ("fee", -5, "Expenses:Fees:Brokerage"),
        ("contribution", 500, "Equity:Transfers"),
        ("deposit", 500, "Equity:Transfers"),
        ("withdrawal", -500, "Equity:Transfers"),
        ("transfer", -500, "Equity:Transfers"),
        ("other", 7, "Equity:Suspense"),
    ],
)
@pytest.mark.parametrize("of", [PURE, {"security_id": "CUR:USD"}, {"security_id": "CUR:EUR"}])
def test_money_is_booked_once_against_its_counter(kind, amount, counter, of):
    books = keep(trades=[trade("t", "01-05", kind, amount, amount, **of)])
    assert lines(books, "t") == [(CASH, D(amount)), (counter, D(-amount))]
    assert books.lots.is_empty()
    assert books.postings["security_id"].null_count() == 2


@pytest.mark.parametrize("kind", ["contribution", "deposit", "withdrawal", "transfer"])
def test_a_leg_of_a_transfer_goes_in_transit(kind):
    books = keep(
        trades=[trade("t", "01-05", kind, 0, 500, **PURE)],
        transfers=[{"transfer_id": "x", "out_id": "bank", "in_id": "t", "amount": 500}],
    )
    assert lines(books, "t")[1] == ("Assets:In Transit", D(-500))


@pytest.mark.parametrize("kind", ["dividend", "interest", "fee"])
def test_the_shares_a_payment_was_made_on_do_not_move(kind):
    books = keep(trades=[trade("b", "01-04", "buy", 10, -100), trade("t", "01-05", kind, 10, 3)])
    assert lots(books) == [(10, 10, 100, 100)]


def test_money_for_money_changes_nothing_but_is_shown():
    books = keep(trades=[trade("t", "01-05", "buy", 100, -100, security_id="CUR:USD")])
    assert lines(books, "t") == [(CASH, D(-100)), (CASH, D(100))]
    assert books.lots.is_empty()


@pytest.mark.parametrize(("amount", "price"), [(-300, None), (300, None), (0, 30)])
def test_a_contribution_that_arrives_as_shares_has_no_cash_leg(amount, price):
    books = keep(trades=[trade("c", "01-05", "contribution", 10, amount, price=price)])
    assert lines(books, "c") == [(SECURITIES, D(300)), ("Income:Retirement Contributions", D(-300))]
    assert lots(books) == [(10, 10, 300, 300)]


def test_a_split_is_a_change_of_quantities_alone():
    books = keep(
        trades=[
            trade("b1", "01-05", "buy", 1, -10),
            trade("b2", "01-06", "buy", 2, -40),
            trade("x", "01-07", "split", 6, 0),
            trade("s", "01-08", "sell", -3, 60),
        ]
    )
    split = books.postings.filter(pl.col("date") == day("01-07")).sort("posting_id")
    assert split.select("amount", "quantity").rows() == [(0, 2), (0, 4)]
    assert lots(books) == [(3, 0, 10, 0), (6, 6, 40, 40)]
    assert gains(books, "gain") == [(50,)]


def test_a_split_sent_as_old_shares_out_and_new_shares_in():
    books = keep(
        trades=[
            trade("b", "01-05", "buy", 10, -100),
            trade("a-out", "01-07", "split", -10, 0),
            trade("b-in", "01-07", "split", 20, 0),
        ]
    )
    assert lots(books) == [(20, 20, 100, 100)]


def test_money_in_lieu_of_a_fraction_is_kept():
    books = keep(trades=[trade("b", "01-05", "buy", 3, -30), trade("x", "01-07", "split", -2, "4.50")])
    assert lines(books, "x") == [(SECURITIES, D(0)), (CASH, D("4.5")), ("Equity:Suspense", D("-4.5"))]
    books = keep(trades=[trade("x", "01-07", "split", 0, "4.50")])
    assert lines(books, "x") == [(CASH, D("4.5")), ("Equity:Suspense", D("-4.5"))]


def test_a_split_that_leaves_nothing_writes_the_position_off():
    books = keep(trades=[trade("b", "01-05", "buy", 3, -30), trade("x", "01-07", "split", -3, 0)])
    assert lines(books, "x") == [(SECURITIES, D(-30)), ("Equity:Suspense", D(30))]
    assert lots(books) == [(3, 0, 30, 0)]


def test_a_split_of_shares_nobody_told_us_about_has_no_basis():
    assert lots(keep(trades=[trade("x", "01-07", "split", 5, 0)])) == [(5, 5, None, None)]


def test_a_transfer_in_kind_has_an_unknown_basis_and_the_best_value_known():
    priced = keep(trades=[trade("t", "01-05", "transfer", 10, 0, price=7)])
    assert lines(priced, "t") == [(SECURITIES, D(70)), ("Equity:Transfers", D(-70))]
    assert lots(priced) == [(10, 10, None, None)]
    seen = keep(
        holdings=[
            holding("ABC", "01-01", 0, 0),
            holding("ABC", "01-08", 20, 180),
            holding("ABC", "01-09", 20, 1),
        ],
        trades=[trade("t", "01-05", "transfer", 10, 0)],
    )
    assert lines(seen, "t") == [(SECURITIES, D(90)), ("Equity:Transfers", D(-90))]
    blind = keep(trades=[trade("t", "01-05", "transfer", 10, 0)])
    assert lines(blind, "t") == [(SECURITIES, D(0))]


def test_a_transfer_out_leaves_at_cost_first_in_first_out():
    books = keep(trades=[trade("b", "01-05", "buy", 10, -100), trade("t", "01-06", "transfer", -4, 0)])
    assert lines(books, "t") == [(SECURITIES, D(-40)), ("Equity:Transfers", D(40))]
    assert books.gains.is_empty()


def test_a_sale_of_unknown_basis_invents_no_gain():
    books = keep(
        trades=[
            trade("t", "01-05", "transfer", 10, 0, price=7),
            trade("b", "01-06", "buy", 10, -100),
            trade("s", "01-07", "sell", -15, 300),
        ]
    )
    assert lines(books, "s") == [
        (SECURITIES, D(-70)), (SECURITIES, D(-50)), (CASH, D(300)), ("Income:Capital Gains", D(-50)),
        ("Equity:Unknown Basis", D(-130)),
    ]  # fmt: skip
    assert gains(books, "proceeds", "cost", "gain", "term") == [
        (200, None, None, "unknown"),
        (100, 50, 50, "short"),
    ]


def test_a_purchase_for_nothing_has_an_unknown_basis_not_a_cost_of_zero():
    books = keep(trades=[trade("b", "01-05", "buy", 10, 0, price=2)])
    assert lots(books) == [(10, 10, None, None)]
    assert lines(books, "b") == [(SECURITIES, D(20)), ("Equity:Unknown Basis", D(-20))]


def test_a_lot_sold_in_another_currency_has_no_gain_and_balances_in_both():
    books = keep(
        trades=[trade("b", "01-05", "buy", 1, -10, currency="EUR"), trade("s", "01-06", "sell", -1, 14)]
    )
    assert gains(books, "cost", "gain", "currency") == [(None, None, "USD")]
    assert out_of_balance(books.postings).is_empty()


def moment(hour):
    return datetime(2026, 1, 5, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("trades", "cost_of_the_sale"),
    [
        # A purchase comes before a sale of the same day, whatever their ids say.
        ([trade("z", "01-05", "buy", 1, -10), trade("a", "01-05", "sell", -1, 12)], [10]),
        # Two purchases of one day: by id.
        ([trade("2", "01-05", "buy", 1, -20), trade("1", "01-05", "buy", 1, -10),
          trade("0", "01-06", "sell", -1, 12)], [10]),
        # By moment, where the broker gives one.
        ([trade("2", "01-05", "buy", 1, -20, moment=moment(9)), trade("1", "01-05", "buy", 1, -10, moment=moment(10)),
          trade("0", "01-06", "sell", -1, 12)], [20]),
        # A split holds from the open.
        ([trade("b", "01-04", "buy", 1, -10), trade("z", "01-05", "split", 1, 0),
          trade("a", "01-05", "sell", -2, 12, moment=moment(9))], [10]),
    ],
)  # fmt: skip
def test_order_within_a_day(trades, cost_of_the_sale):
    assert [cost for (cost,) in gains(keep(trades=trades), "cost")] == cost_of_the_sale


def test_a_sale_before_the_purchase_of_the_same_day_is_oversold_where_moments_say_so():
    with pytest.raises(OversoldError):
        keep(
            trades=[
                trade("b", "01-05", "buy", 1, -10, moment=moment(10)),
                trade("s", "01-05", "sell", -1, 12, moment=moment(9)),
            ]
        )


def test_every_overselling_is_named_with_account_security_date_and_lots():
    with pytest.raises(OversoldError) as error:
        keep(
            accounts=[BROKER, account("other", "brokerage")],
            trades=[
                trade("b", "01-05", "buy", 3, -30),
                trade("s", "01-06", "sell", -5, 60),
                trade("t", "01-07", "transfer", -1, 0, security_id="XYZ", account_id="other"),
                trade("b9", "01-08", "buy", 1, -30),
                trade("r", "01-09", "split", -2, 0),
            ],
        )
    found = error.value.trades
    assert [(o.account_id, o.security_id, o.date, o.wanted) for o in found] == [
        ("broker", "ABC", date(2026, 1, 6), 5),
        ("broker", "ABC", date(2026, 1, 9), 2),
        ("other", "XYZ", date(2026, 1, 7), 1),
    ]
    assert [lot.remaining for lot in found[0].lots] == [3]
    text = str(error.value)
    for part in ("Assets:Investments:Bank Broker", "ABC", "2026-01-06", "takes 5", "3 are held", "no lots"):
        assert part in text


@pytest.mark.parametrize("kind", ["spin_off", "other"])
def test_what_the_ledger_cannot_value_yet_moves_its_units_and_is_in_suspense(kind):
    # Shares leave one symbol and arrive in another, with some money: positions and cash are right, and what
    # the gain or the new basis is stays open where everybody sees it. Nothing is income.
    books = keep(
        trades=[
            trade("b", "01-05", "buy", 10, -1000),
            trade("out", "02-02", kind, -10, 0),
            trade("in", "02-02", kind, 4, 0, security_id="XYZ"),
            trade("cash", "02-02", kind, 0, 25),
        ],
        holdings=[holding("XYZ", "02-02", 4, 900)],
    )
    assert lines(books, "out") == [(SECURITIES, -1000), ("Equity:Suspense", 1000)]
    assert lines(books, "in") == [(SECURITIES, 900), ("Equity:Suspense", -900)]
    assert lines(books, "cash") == [(CASH, 25), ("Equity:Suspense", -25)]
    left = books.lots.filter(pl.col("remaining") > 0).select("security_id", "remaining", "cost").rows()
    assert left == [("XYZ", 4, None)]
    assert books.gains.is_empty()


def test_more_leaves_than_is_held_whatever_it_is():
    with pytest.raises(OversoldError, match="takes 5 ABC but 3 are held"):
        keep(trades=[trade("b", "01-05", "buy", 3, -300), trade("m", "02-02", "merger", -5, 0)])


class TestATradeThatWasTakenBack:
    def rows(self, **more):
        return [
            trade("b1", "01-05", "buy", 10, -1000),
            trade("b2", "01-06", "buy", 5, -900, removed=True, removed_on=day("03-11"), **more),
            trade("s", "02-02", "sell", -10, 1200),
        ]

    def test_it_is_as_if_it_never_was(self):
        books = keep(trades=self.rows())
        never = keep(trades=[row for row in self.rows() if row["trade_id"] != "b2"])
        for contract in KEPT:
            assert getattr(books, contract.name).equals(getattr(never, contract.name)), contract.name

    def test_shares_that_were_told_meanwhile_are_no_opening(self):
        told = [holding("ABC", "03-10", 5, 500, cost_basis=900), holding("ABC", "03-11", 0, 0)]
        books = keep(trades=self.rows(), holdings=told)
        assert books.lots.filter("is_opening").is_empty()
        assert sum(books.lots["remaining"]) == 0
        # Of five more that nobody told of, the cost is unknown: what is said of it is that of all ten.
        told[0] |= {"quantity": 10, "value": 1000}
        opening = keep(trades=self.rows(), holdings=told).lots.filter("is_opening")
        assert opening.select("quantity", "cost").rows() == [(5, None)]

    def test_shares_told_after_it_was_taken_back_are_an_opening(self):
        books = keep(trades=self.rows(), holdings=[holding("ABC", "03-12", 5, 500)])
        assert books.lots.filter("is_opening")["quantity"].to_list() == [5]

    def test_the_money_told_meanwhile_is_no_difference(self):
        told = [holding("CUR:USD", "03-10", 4100, 4100), holding("CUR:USD", "03-11", 5000, 5000)]
        books = keep(trades=self.rows(), holdings=told)
        assert books.reconciliation["difference"].to_list() == [0, 0]


walks = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "split", "transfer", "contribution", "dividend", "deposit"]),
        st.integers(1, 28),
        st.decimals("0.000001", 500, places=6),
        st.decimals("0.01", 9999, places=2),
        st.sampled_from(["ABC", "XYZ", None, "CUR:USD"]),
    ),
    max_size=14,
)


def walk_rows(moves):
    signs = {"sell": (-1, 1), "buy": (1, -1)}
    return [
        trade(f"t{i:02}", f"01-{d:02}", kind, signs.get(kind, (1, 0))[0] * quantity,
              signs.get(kind, (1, 0 if security in ("ABC", "XYZ") else 1))[1] * amount, security_id=security)
        for i, (kind, d, quantity, amount, security) in enumerate(moves)
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(walks, st.booleans(), st.randoms(use_true_random=False))
def test_properties_of_investment_books(moves, known_basis, random):
    tables = frames(
        securities=[MONEY, ABC],
        balances=[balance("broker", "02-01", 100000)],
        holdings=[
            # Enough of each at the end that nothing is oversold on the way.
            holding(security, "02-01", 100_000, 7000, cost_basis=200_000 if known_basis else None)
            for security in ("ABC", "XYZ")
        ],
        trades=walk_rows(moves),
    )
    books = keep_books(BOOK, **tables)
    for contract in KEPT:
        reasons = contract.violations(getattr(books, contract.name))
        assert not reasons.list.len().sum(), reasons
    assert out_of_balance(books.postings).is_empty()
    totals = trial_balance(books.postings)
    assert totals["debit"].sum() == totals["credit"].sum()
    # Lots are the position, and what known lots cost is what the books carry.
    positions = books.postings.drop_nulls("security_id").group_by("security_id").agg(pl.col("quantity").sum())
    for security, quantity in positions.iter_rows():
        its = books.lots.filter(pl.col("security_id") == security)
        assert its["remaining"].sum() == quantity == 100_000
    if not books.lots["cost"].null_count() and books.lots.height:
        assert books.lots["remaining_cost"].sum() == sums(books).get(SECURITIES, 0)
        bought = books.lots["cost"].sum()
        assert books.lots["remaining_cost"].sum() + books.gains["cost"].sum() == bought
    booked_gain = -sums(books).get("Income:Capital Gains", D(0))
    assert booked_gain == books.gains["gain"].sum()
    shuffled = {name: f[random.sample(range(f.height), f.height)] for name, f in tables.items()}
    again = keep_books(BOOK, **shuffled)
    for contract in KEPT:
        assert getattr(books, contract.name).equals(getattr(again, contract.name))
