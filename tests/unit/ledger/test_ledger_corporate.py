"""Transfers in kind, exchanges, spin-offs, returns of capital and sheltered accounts: one example each, by hand."""

from decimal import Decimal as D

import polars as pl
import pytest
from ledger_examples import BROKER, account, day, holding, keep, lines, sums, trade

from manna.books import Book
from manna.ledger import OversoldError, out_of_balance

OTHER = account("other", "brokerage")
BOTH = [BROKER, OTHER]
IRA = account("ira", "investment", subtype="ira")
CASH = "Assets:Investments:Bank Broker:Cash"
SECURITIES = "Assets:Investments:Bank Broker:Securities"


def lots(books, *columns):
    return (
        books.lots.filter(pl.col("remaining") > 0)
        .sort("opened", "security_id", "lot_id")
        .select(columns)
        .rows()
    )


def settled(books):
    """Nothing is left on its way, and every entry balances."""
    assert out_of_balance(books.postings).is_empty()
    return not sums(books).get("Assets:In Transit")


MOVED = [
    trade("b1", "2024-01-05", "buy", 10, -1000),
    trade("b2", "2025-12-05", "buy", 10, -1500),
    trade("out", "01-08", "transfer", -15, 0),
]


def test_a_transfer_in_kind_carries_cost_and_day_of_its_lots():
    books = keep(
        accounts=BOTH,
        trades=[
            *MOVED,
            trade("in", "01-12", "transfer", 15, 0, account_id="other"),
            trade("b3", "01-12", "buy", 1, -200, account_id="other"),
            trade("s", "01-20", "sell", -12, 2400, account_id="other"),
        ],
    )
    assert settled(books)
    columns = ("account_id", "opened", "remaining", "remaining_cost", "dated")
    assert lots(books, *columns) == [
        ("broker", day("2025-12-05"), 5, 750, True),
        ("other", day("2025-12-05"), 3, 450, True),
        ("other", day("01-12"), 1, 200, True),
    ]
    found = books.gains.sort("opened").select("opened", "cost", "gain", "term").rows()
    assert found == [(day("2024-01-05"), 1000, 1000, "long"), (day("2025-12-05"), 300, 100, "short")]
    assert books.lots.filter(pl.col("account_id") == "other")["origin"].n_unique() == 3


def test_shares_that_arrive_before_they_left_are_carried_too():
    books = keep(accounts=BOTH, trades=[*MOVED, trade("in", "01-06", "transfer", 15, 0, account_id="other")])
    assert settled(books)
    assert sum(cost for _, cost in lots(books, "account_id", "remaining_cost")) == 2500


@pytest.mark.parametrize(
    "come",
    [
        {"on": "01-30"},  # too late to be the same
        {"quantity": 14},
        {"account_id": "ira"},  # a contribution in kind is a sale to tax law
    ],
)
def test_what_is_no_transfer_in_kind_has_an_unknown_basis(come):
    come = {"on": "01-12", "quantity": 15, "account_id": "other"} | come
    arrival = trade("in", come["on"], "transfer", come["quantity"], 0, account_id=come["account_id"])
    books = keep(accounts=[*BOTH, IRA], trades=[*MOVED, arrival])
    assert books.lots.filter(pl.col("account_id") == come["account_id"])["cost"].to_list() == [None]


def test_a_transfer_of_more_than_is_held_is_oversold():
    with pytest.raises(OversoldError, match="takes 15 ABC but 10 are held"):
        keep(
            accounts=BOTH,
            trades=[MOVED[0], MOVED[2], trade("in", "01-12", "transfer", 15, 0, account_id="other")],
        )


@pytest.mark.parametrize("kind", ["merger", "symbol_change", "reorganization"])
def test_stock_for_stock_keeps_cost_and_day(kind):
    """26 U.S.C. 354, 358 and 1223(1): no gain, the same basis, the holding period goes on."""
    books = keep(
        trades=[
            trade("b", "2024-01-05", "buy", 10, -1000),
            trade("x-out", "01-08", kind, -10, 0),
            trade("x-in", "01-08", kind, 4, 0, security_id="XYZ"),
            trade("s", "01-09", "sell", -1, 400, security_id="XYZ"),
        ]
    )
    assert settled(books)
    assert lines(books, "x-out") == [(SECURITIES, D(-1000)), ("Assets:In Transit", D(1000))]
    assert lots(books, "security_id", "opened", "remaining", "cost") == [("XYZ", day("2024-01-05"), 3, 1000)]
    assert books.gains.select("cost", "gain", "term").rows() == [(250, 150, "long")]


@pytest.mark.parametrize(
    ("cost", "money", "value", "gain", "left"),
    [
        (1000, 300, 1200, 300, 1000),  # all of the money is gain: 1,200 + 300 - 1,000 = 500 is more than it
        (1400, 300, 1200, 100, 1200),  # as far as there is gain
        (2000, 300, 1200, 0, 1700),  # a loss is not recognized
    ],
)
def test_stock_and_money_for_stock(cost, money, value, gain, left):
    """26 U.S.C. 356(a) and (c), 358(a): computed by hand."""
    books = keep(
        trades=[
            trade("b", "2024-01-05", "buy", 10, -cost),
            trade("x-out", "01-08", "merger", -10, 0),
            trade("x-in", "01-08", "merger", 4, 0, security_id="XYZ", price=value // 4),
            trade("x-money", "01-08", "merger", 0, money, security_id=None),
        ]
    )
    assert settled(books)
    assert lots(books, "security_id", "cost") == [("XYZ", left)]
    assert books.gains["gain"].sum() == gain
    assert -sums(books).get("Income:Capital Gains", 0) == gain


@pytest.mark.parametrize(("cost", "gain", "left"), [(1010, 5, 1000), (2020, -5, 2000)])
def test_money_in_lieu_of_a_fraction_is_a_sale_of_it(cost, gain, left):
    """Revenue Ruling 66-365, by hand: 101 become 50.5 worth 30 each; half a share at 15 had cost 10 (20)."""
    books = keep(
        trades=[
            trade("b", "2024-01-05", "buy", 101, -cost),
            trade("x-out", "01-08", "merger", -101, 0),
            trade("x-in", "01-08", "merger", 50, 0, security_id="XYZ", price=30),
            trade("x-money", "01-08", "merger", 0, 15, security_id=None),
        ]
    )
    assert settled(books)
    assert lots(books, "security_id", "remaining", "cost") == [("XYZ", 50, left)]
    assert books.gains.select("proceeds", "cost", "gain").rows() == [(15, 15 - gain, gain)]
    assert -sums(books)["Income:Capital Gains"] == gain


def test_money_with_stock_of_unknown_value_leaves_the_basis_unknown():
    books = keep(
        trades=[
            trade("b", "2024-01-05", "buy", 10, -1000),
            trade("x-out", "01-08", "merger", -10, 300),
            trade("x-in", "01-08", "merger", 4, 0, security_id="XYZ"),
        ]
    )
    assert settled(books)
    assert lots(books, "security_id", "cost", "remaining_cost") == [("XYZ", None, None)]
    assert books.gains["gain"].to_list() == [None]


SPUN = {
    "investments": {
        "spin_offs": [{"parent": "ABC", "security": "NEW", "date": "2026-01-08", "basis": "0.12"}]
    }
}


def test_a_spin_off_takes_its_part_of_the_basis_lot_by_lot():
    """26 U.S.C. 358(b), (c); the allocation is what the issuer's Form 8937 says."""
    rows = [
        trade("b1", "2024-01-05", "buy", 10, -1000),
        trade("b2", "2025-12-05", "buy", 30, -6000),
        trade("x", "01-09", "spin_off", 10, 0, security_id="NEW"),
    ]
    books = keep(Book.model_validate({"id": "home", "name": "Home"} | SPUN), trades=rows)
    columns = ("opened", "security_id", "remaining", "cost")
    assert lots(books, *columns) == [
        (day("2024-01-05"), "ABC", 10, 880),
        (day("2024-01-05"), "NEW", D("2.5"), 120),
        (day("2025-12-05"), "ABC", 30, 5280),
        (day("2025-12-05"), "NEW", D("7.5"), 720),
    ]
    assert sums(books)[SECURITIES] == 7000
    assert out_of_balance(books.postings).is_empty()
    # Without a declared allocation the parent keeps its cost and the basis of what came is unknown.
    assert [cost for *_, cost in lots(keep(trades=rows), *columns)] == [1000, 6000, None]


def test_capital_returned_cuts_the_basis_lot_by_lot_and_what_is_more_is_gain():
    books = keep(
        trades=[
            trade("b1", "2024-01-05", "buy", 10, -100),
            trade("b2", "2025-12-05", "buy", 10, -1000),
            trade("r", "01-08", "return_of_capital", 20, 300),
        ]
    )
    assert lines(books, "r") == [
        (CASH, D(300)), (SECURITIES, D(-100)), (SECURITIES, D(-150)), ("Income:Capital Gains", D(-50)),
    ]  # fmt: skip
    assert lots(books, "cost", "remaining_cost") == [(0, 0), (850, 850)]
    assert books.gains.select("quantity", "proceeds", "cost", "gain", "term").rows() == [
        (0, 50, 0, 50, "long")
    ]


def test_capital_returned_on_what_nobody_holds_is_in_suspense():
    books = keep(trades=[trade("r", "01-08", "return_of_capital", 20, 300)])
    assert lines(books, "r") == [(CASH, D(300)), ("Equity:Suspense", D(-300))]


@pytest.mark.parametrize(
    ("kind", "amount", "leaf"),
    [("dividend", 12, "Dividends"), ("interest", 3, "Interest"), ("fee", -5, "Fees")],
)
def test_what_a_sheltered_account_earns_is_no_income(kind, amount, leaf):
    books = keep(accounts=[IRA], trades=[trade("t", "01-05", kind, 0, amount, account_id="ira")])
    assert lines(books, "t")[1] == (f"Equity:Sheltered Accounts:{leaf}", D(-amount))


@pytest.mark.parametrize(
    ("subtype", "setting", "sheltered"),
    [("401k", None, True), ("529", None, True), ("hsa", None, True), ("brokerage", None, False), (None, None, False),
     ("ira", False, False), ("brokerage", True, True)],
)  # fmt: skip
def test_gains_of_a_sheltered_account_are_no_income(subtype, setting, sheltered):
    said = [] if setting is None else [{"name": "broker", "sheltered": setting}]
    book = Book.model_validate({"id": "home", "name": "Home", "investments": {"accounts": said}})
    books = keep(
        book,
        accounts=[account("broker", "investment", subtype=subtype)],
        trades=[trade("b", "01-05", "buy", 1, -10), trade("s", "01-06", "sell", -1, 14)],
    )
    where = "Equity:Sheltered Accounts:Capital Gains" if sheltered else "Income:Capital Gains"
    assert sums(books)[where] == -4
    assert books.gains.select("gain", "sheltered").rows() == [(4, sheltered)]


def test_reinvested_dividends_are_income_and_a_lot():
    books = keep(trades=[trade("d", "01-05", "dividend", 0, 12), trade("r", "01-05", "reinvestment", 3, -12)])
    assert lines(books, "r") == [(SECURITIES, D(12)), (CASH, D(-12))]
    assert sums(books) == {CASH: 0, SECURITIES: 12, "Income:Dividends": -12}


def test_the_value_of_shares_that_came_with_money_is_the_institutions():
    books = keep(
        holdings=[holding("XYZ", "01-01", 0, 0), holding("XYZ", "01-09", 4, 1200)],
        trades=[
            trade("b", "01-05", "buy", 10, -1400),
            trade("x-out", "01-08", "merger", -10, 0),
            trade("x-in", "01-08", "merger", 4, 300, security_id="XYZ"),
        ],
    )
    assert books.gains["gain"].to_list() == [100]
    assert settled(books)
