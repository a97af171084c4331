"""Money that a broker lends: a liability while the account's cash is below zero, and never a negative asset."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from ledger_examples import BOOK, BROKER, account, balance, entered, entry, holding, keep, lines, sums, trade

from manna.books import AccountSetting, Book
from manna.contracts import CONTRACTS
from manna.ledger import out_of_balance
from manna.statements import statements, tie_out

D = Decimal
CASH, SECURITIES = "Assets:Investments:Bank Broker:Cash", "Assets:Investments:Bank Broker:Securities"
MARGIN = "Liabilities:Investments:Bank Broker:Margin"
PURE = {"security_id": None}


def borrowed(**more):
    """1,000 there at first, 1,500 bought, 40 of interest charged, 800 paid in: 260 left."""
    return keep(
        trades=[
            trade("in", "01-02", "deposit", 0, 100, **PURE),
            trade("b", "01-05", "buy", 15, -1500),
            trade("s", "01-05", "sell", -1, 100),
            trade("i", "01-31", "interest", 0, -40, **PURE),
            trade("d", "02-03", "deposit", 0, 800, **PURE),
        ],
        holdings=[holding("CUR:USD", "03-01", 460, 460), holding("ABC", "03-01", 14, 1400)],
        **more,
    )


def test_what_cash_falls_below_zero_by_is_owed():
    books = borrowed()
    stands = {on: sums(books, date(2026, *on)) for on in ((1, 4), (1, 5), (1, 31), (2, 3))}
    assert [(it[CASH], it.get(MARGIN, 0)) for it in stands.values()] == [
        (1100, 0), (0, -300), (0, -340), (460, 0),
    ]  # fmt: skip
    assert lines(books, "broker/USD/2026-01-05") == [(CASH, D(300)), (MARGIN, D(-300))]
    assert lines(books, "broker/USD/2026-02-03") == [(CASH, D(-340)), (MARGIN, D(340))]
    assert books.journal.filter(kind="margin").height == 3
    assert out_of_balance(books.postings).is_empty()


def test_its_interest_is_an_expense_and_none_of_a_sheltered_account():
    assert lines(borrowed(), "i") == [(CASH, D(-40)), ("Expenses:Interest:Margin", D(40))]
    ira = borrowed(accounts=[account("broker", "investment", subtype="ira")])
    assert lines(ira, "i")[1] == ("Equity:Sheltered Accounts:Interest", D(40))


def test_the_account_is_still_what_its_institution_says():
    stated = [balance("broker", "01-10", 1100), balance("broker", "03-01", 1860)]
    books = keep(
        trades=[trade("b", "01-05", "buy", 15, -1500), trade("d", "02-03", "deposit", 0, 800, **PURE)],
        balances=stated,
        holdings=[
            *(holding("CUR:USD", on, cash, cash) for on, cash in (("01-10", -400), ("03-01", 400))),
            *(holding("ABC", on, 15, 1500) for on in ("01-10", "03-01")),
        ],
    )
    assert sums(books, date(2026, 1, 10))[MARGIN] == -400
    assert books.reconciliation["basis"].to_list() == ["plugged", "reconciled"]


@pytest.mark.parametrize(
    ("money", "balance_told", "stands"),
    [
        ([holding("CUR:USD", "03-01", 500, 500)], None, (0, -1500)),  # cash and loan are told apart
        ([holding("CUR:USD", "03-01", -2000, -2000)], None, (0, -2000)),  # the cash is the loan
        ([holding("CUR:USD", "03-01", -1800, -1800)], None, (0, -1800)),
        ([], 1900, (0, -1500)),  # the balance leaves 500 of cash, and says nothing of the loan
        ([], -600, (0, -2000)),  # the balance is less the loan
        ([], None, (0, 0)),  # nobody says how much cash there is
    ],
)
def test_a_loan_that_is_stated_apart_counts_once(money, balance_told, stands):
    """Plaid's ``margin_loan_amount`` stands beside the cash: which of the two has the loan in it, no document says."""
    loan = holding("CUR:USD:margin", "03-01", -2000, -2000)
    books = keep(
        balances=[] if balance_told is None else [balance("broker", "03-01", balance_told)],
        holdings=[holding("ABC", "03-01", 14, 1400), loan, *money],
    )
    found = sums(books, date(2026, 3, 1))
    assert (found.get(CASH, 0), found.get(MARGIN, 0)) == stands


def test_people_repay_it_too_and_nothing_unstated_is_owed():
    paid = entered(entry("01-20", (CASH, 100), ("Assets:Cash:Safe", -100)))
    assert sums(borrowed(entered=paid), date(2026, 1, 20))[MARGIN] == -200
    unknown = keep(trades=[trade("b", "01-05", "buy", 1, -100)])
    assert sums(unknown)[CASH] == -100
    assert unknown.journal.filter(pl.col("kind") == "margin").is_empty()


def test_borrowing_is_financing_and_the_statements_tie():
    books = keep(
        trades=[trade("w", "02-02", "withdrawal", 0, -500, **PURE)],
        accounts=[BROKER],
        balances=[balance("broker", "01-31", 200)],
    )
    month = date(2026, 2, 1)
    made = statements(
        BOOK, books.postings, CONTRACTS["portfolio.valuations"].empty(), CONTRACTS["clean.securities"].empty(),
        [month], date(2026, 2, 28),
    )  # fmt: skip
    assert tie_out(BOOK, made) == []
    stated = {
        name: dict(frame.filter(level="total").select("account", "amount").iter_rows())
        for name, frame in made.items()
        if name in ("balance_sheet", "cash_flow", "cash_flow_indirect")
    }
    assert stated["balance_sheet"]["Total assets"] == 0
    assert stated["balance_sheet"]["Total liabilities"] == 300
    for flow in (stated["cash_flow"], stated["cash_flow_indirect"]):
        assert (flow["Opening cash"], flow["Ending cash"]) == (200, 0)
    sections = made["cash_flow"].filter(pl.col("account") == MARGIN)
    assert sections.select("section", "amount").rows() == [("Financing activities", 300)]


def test_no_other_account_takes_its_path():
    rows = [BROKER, account("loan", "loan")]
    book = Book(id="home", name="Home", accounts=(AccountSetting(name="Loan", account=MARGIN),))
    books = keep(book, accounts=rows, balances=[balance("loan", "01-01", -5), balance("broker", "01-01", -7)])
    assert sums(books)[f"{MARGIN} loan"] == -5
