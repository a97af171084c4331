"""Each statement against figures computed by hand."""

from datetime import date

import polars as pl
import pytest

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.statements import general_ledger, tie_out
from manna.statements.balances import monthly_balances
from manna.statements.cash_flow import cash_flow
from manna.statements.equity import section_of_equity
from manna.statements.explaining import explain_line, figure_of

SEP, OCT, NOV = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def home(ledger):
    """Two months of a household: an opening, a salary, groceries on a card, the card paid, a loan served."""
    books = ledger()
    books.entry(SEP, ("Assets:Cash:Checking", 1000), ("Equity:Opening Balances", -1000))
    books.entry(SEP, ("Equity:Opening Balances", 5000), ("Liabilities:Loans:Car", -5000))
    books.entry(date(2026, 9, 15), ("Assets:Cash:Checking", 3000), ("Income:Salary", -3000))
    books.entry(date(2026, 10, 2), ("Expenses:Food:Groceries", 50), ("Liabilities:Cards:Visa", -50))
    books.entry(
        date(2026, 10, 3), ("Expenses:Food:Restaurants", "30.25"), ("Liabilities:Cards:Visa", "-30.25")
    )
    books.entry(
        date(2026, 10, 9),
        ("Liabilities:Loans:Car", 180),
        ("Expenses:Interest", 20),
        ("Assets:Cash:Checking", -200),
    )
    books.entry(date(2026, 10, 20), ("Liabilities:Cards:Visa", 60), ("Assets:In Transit", -60))
    books.entry(date(2026, 11, 1), ("Assets:In Transit", 60), ("Assets:Cash:Checking", -60))
    return books


def test_income_statement(home, lines):
    frame = home.statements(SEP, OCT)["income_statement"]
    columns = ("section", "account", "level", "amount", "previous", "year_to_date")
    assert lines(frame, OCT, *columns) == [
        ("Income", "Income:Salary", "line", "0", "3000", "3000"),
        ("Income", "Total income", "total", "0", "3000", "3000"),
        ("Expenses", "Expenses:Food:Groceries", "line", "50", "0", "50"),
        ("Expenses", "Expenses:Food:Restaurants", "line", "30.25", "0", "30.25"),
        ("Expenses", "Expenses:Food", "subtotal", "80.25", "0", "80.25"),
        ("Expenses", "Expenses:Interest", "line", "20", "0", "20"),
        ("Expenses", "Total expenses", "total", "100.25", "0", "100.25"),
        ("Net income", "Net income", "total", "-100.25", "3000", "2899.75"),
    ]


def test_year_to_date_begins_in_january(ledger, lines):
    books = ledger().entry(date(2025, 12, 31), ("Assets:Cash:A", 7), ("Income:Salary", -7))
    books.entry(date(2026, 1, 1), ("Assets:Cash:A", 5), ("Income:Salary", -5))
    frame = books.statements(date(2026, 1, 1))["income_statement"]
    assert lines(frame, date(2026, 1, 1), "amount", "previous", "year_to_date")[0] == ("5", "7", "5")


def test_balance_sheet(home, lines):
    frame = home.statements(OCT)["balance_sheet"]
    assert lines(frame, OCT, "section", "account", "level", "amount", "previous") == [
        ("Assets", "Assets:Cash:Checking", "line", "3800", "4000"),
        ("Assets", "Assets:In Transit", "line", "-60", "0"),
        ("Assets", "Total assets", "total", "3740", "4000"),
        ("Liabilities", "Liabilities:Cards:Visa", "line", "20.25", "0"),
        ("Liabilities", "Liabilities:Loans:Car", "line", "4820", "5000"),
        ("Liabilities", "Total liabilities", "total", "4840.25", "5000"),
        ("Equity", "Equity:Opening Balances", "line", "-4000", "-4000"),
        ("Equity", "This year's net income", "line", "2899.75", "3000"),
        ("Equity", "Total equity", "total", "-1100.25", "-1000"),
        ("Liabilities and Equity", "Total liabilities and equity", "total", "3740", "4000"),
    ]


def test_cash_flow(home, lines):
    frame = home.statements(SEP, OCT, NOV)["cash_flow"]
    assert lines(frame, OCT, "section", "account", "amount", "year_to_date") == [
        ("Cash", "Opening cash", "4000", "0"),
        ("Operating activities", "Expenses:Interest", "-20", "-20"),
        ("Operating activities", "Income:Salary", "0", "3000"),
        ("Operating activities", "Liabilities:Cards:Visa", "-60", "-60"),
        ("Operating activities", "Total operating activities", "-80", "2920"),
        ("Investing activities", "Total investing activities", "0", "0"),
        ("Financing activities", "Liabilities:Loans:Car", "-180", "-180"),
        ("Financing activities", "Total financing activities", "-180", "-180"),
        ("Opening balances", "Equity:Opening Balances", "0", "1000"),
        ("Opening balances", "Total opening balances", "0", "1000"),
        ("Cash", "Net change in cash", "-260", "3740"),
        ("Cash", "Ending cash", "3740", "3740"),
    ]
    assert ("Opening balances", "1000") in lines(frame, SEP, "section", "amount")
    flows = [amount for amount, level in lines(frame, NOV, "amount", "level") if level == "line"]
    assert set(flows) == {"0"}, "cash that arrives from transit is no flow"
    assert lines(frame, NOV, "amount")[-1] == ("3740",)


def test_a_sale_is_investing_with_its_gain_and_its_fee(ledger, lines):
    books = ledger().entry(SEP, ("Assets:Cash:A", 5000), ("Equity:Opening Balances", -5000))
    held = {"account_id": "broker", "security_id": "VTI"}
    cash, stock = "Assets:Investments:Broker:Cash", "Assets:Investments:Broker:Securities"
    books.entry(OCT, (stock, 1000, {**held, "quantity": 10}), (cash, -1000))
    sold = (stock, -500, {**held, "quantity": -5})
    books.entry(
        date(2026, 10, 5), (cash, 590), sold, ("Income:Capital Gains", -95), ("Expenses:Fees:Brokerage", 5)
    )
    books.entry(date(2026, 10, 6), (cash, 12), ("Income:Dividends", -12))
    prices = CONTRACTS["portfolio.valuations"].empty()
    with pytest.raises(
        ValueError, match="valuations lack 1 positions of the ledger, first VTI in broker on 2026-10-31"
    ):
        books.statements(OCT, valuations=prices)
    books.entry(date(2026, 10, 7), (stock, -500, {**held, "quantity": -5}), (cash, 500))
    frame = books.statements(OCT, valuations=prices)["cash_flow"]
    assert lines(frame, OCT, "section", "account", "amount")[1:] == [
        ("Operating activities", "Income:Dividends", "12"),
        ("Operating activities", "Total operating activities", "12"),
        ("Investing activities", "Proceeds from investments sold", "1090"),
        ("Investing activities", "Purchases of investments", "-1000"),
        ("Investing activities", "Total investing activities", "90"),
        ("Financing activities", "Total financing activities", "0"),
        ("Opening balances", "Equity:Opening Balances", "0"),
        ("Opening balances", "Total opening balances", "0"),
        ("Cash", "Net change in cash", "102"),
        ("Cash", "Ending cash", "5102"),
    ]
    made = books.statements(OCT, valuations=prices)
    assert lines(made["cash_flow_indirect"], OCT, "section", "account", "amount")[1:8] == [
        ("Net income", "Net income", "102"),
        ("Adjustments", "Expenses:Fees:Brokerage", "5"),
        ("Adjustments", "Income:Capital Gains", "-95"),
        ("Adjustments", "Total adjustments", "-90"),
        ("Operating activities", "Total operating activities", "12"),
        ("Investing activities", "Proceeds from investments sold", "1090"),
        ("Investing activities", "Purchases of investments", "-1000"),
    ]
    assert tie_out(books.book, made) == []


def test_what_moves_in_kind_is_neither_bought_nor_sold(ledger, lines):
    """Stock leaves one account for another, and old stock turns into new stock and 100 of cash."""
    stock, other = "Assets:Investments:Broker:Securities", "Assets:Investments:Other:Securities"
    way, cash = "Assets:In Transit", "Assets:Investments:Broker:Cash"
    held = [{"account_id": "broker", "security_id": "VTI", "quantity": n} for n in (1, -1)]
    books = ledger().entry(SEP, (stock, 3000, held[0]), ("Equity:Opening Balances", -3000))
    books.entry(OCT, (stock, -2000, held[1]), (way, 2000))
    books.entry(OCT, (other, 2000, held[0] | {"account_id": "other"}), (way, -2000))
    books.entry(OCT, (stock, -1000, held[1]), (cash, 100), (way, 900))
    books.entry(OCT, (stock, 900, held[0]), (way, -900))
    balances = monthly_balances(books.book, books.postings, [OCT], date(2026, 10, 31))
    frame = cash_flow(books.book, balances).filter(section="Investing activities")
    assert lines(frame, OCT, "account", "amount") == [
        ("Securities exchanged or transferred", "100"), ("Total investing activities", "100"),
    ]  # fmt: skip


def test_what_nobody_has_explained_and_what_was_exchanged_are_no_activity(ledger, lines):
    books = ledger().entry(SEP, ("Assets:Cash:A", 1000), ("Income:Salary", -1000))
    books.entry(OCT, ("Equity:Transfers", 40), ("Assets:Cash:A", -40))
    way = [("Assets:In Transit", 110), ("Income:Exchange Gains", 2), ("Equity:Currency Exchange", -112)]
    books.entry(OCT, ("Assets:In Transit", -110), ("Assets:Cash:A", 110))
    books.entry(OCT, *way)
    made = books.statements(SEP, OCT)
    assert tie_out(books.book, made) == []
    for name in ("cash_flow", "cash_flow_indirect"):
        stated = dict(lines(made[name].filter(level="total"), OCT, "account", "amount"))
        assert stated["Total operating activities"] == stated["Total financing activities"] == "0"
        assert stated["Total unresolved transfers"] == "-40"
        assert stated["Total currency exchange"] == "110"
        before = {account for account, _ in lines(made[name], SEP, "account", "amount")}
        assert not before & {"Total unresolved transfers", "Total currency exchange"}


def test_trial_balance(home, lines):
    frame = home.statements(OCT)["trial_balance"]
    assert lines(frame, OCT, "account", "level", "debit", "credit") == [
        ("Assets:Cash:Checking", "line", "3800", "0"),
        ("Assets:In Transit", "line", "0", "60"),
        ("Liabilities:Cards:Visa", "line", "0", "20.25"),
        ("Liabilities:Loans:Car", "line", "0", "4820"),
        ("Equity:Opening Balances", "line", "4000", "0"),
        ("Income:Salary", "line", "0", "3000"),
        ("Expenses:Food:Groceries", "line", "50", "0"),
        ("Expenses:Food:Restaurants", "line", "30.25", "0"),
        ("Expenses:Interest", "line", "20", "0"),
        ("Total", "total", "7900.25", "7900.25"),
    ]


@pytest.mark.parametrize(
    ("kind", "earlier"), [("household", "Results of earlier years"), ("proprietor", "Retained earnings")]
)
def test_a_new_year_begins_with_the_results_of_those_before(ledger, lines, kind, earlier):
    books = ledger(Book(id="home", name="Home", kind=kind))
    for day, earned, spent in (
        (date(2025, 11, 5), 90, 20),
        (date(2025, 12, 5), 30, 5),
        (date(2026, 1, 5), 7, 1),
    ):
        books.entry(
            day, ("Assets:Cash:A", earned - spent), ("Income:Fees", -earned), ("Expenses:Rent", spent)
        )
    months = [date(2025, 12, 1), date(2026, 1, 1)]
    made = books.statements(*months)
    assert tie_out(books.book, made) == []
    sides = ("account", "debit", "credit")
    assert lines(made["trial_balance"], months[0], *sides) == [
        ("Assets:Cash:A", "95", "0"), ("Income:Fees", "0", "120"), ("Expenses:Rent", "25", "0"), ("Total", "120", "120"),
    ]  # fmt: skip
    assert lines(made["trial_balance"], months[1], *sides) == [
        ("Assets:Cash:A", "101", "0"), (earlier, "0", "95"), ("Income:Fees", "0", "7"), ("Expenses:Rent", "1", "0"),
        ("Total", "102", "102"),
    ]  # fmt: skip
    equity = made["balance_sheet"].filter(section="Equity", level="line")
    assert lines(equity, months[1], "account", "amount", "previous") == [
        (earlier, "95", "0"), ("This year's net income", "6", "95"),
    ]  # fmt: skip
    for name in ("trial_balance", "balance_sheet"):
        for line in made[name].iter_rows(named=True):
            unpriced = CONTRACTS["portfolio.valuations"].empty()
            parts = explain_line(name, line, books.book, books.postings, unpriced, date(2026, 1, 31))
            assert parts["amount"].sum() == figure_of(name, line), line
    journal = pl.DataFrame(schema=CONTRACTS["ledger.journal"].polars_schema)
    told = general_ledger(books.book, books.postings, journal, months[1], date(2026, 1, 31))
    closing = told.filter(level="closing").select("account", "balance").rows()
    stated = made["trial_balance"].filter(period=months[1], level="line")
    assert sorted(closing) == sorted(stated.select("account", pl.col("debit") - pl.col("credit")).rows())


def test_net_worth_of_an_open_month_is_as_of_today(home, lines):
    frame = home.statements(NOV)["net_worth"]
    columns = ("as_of", "assets_at_cost", "unrealized", "liabilities", "net_worth")
    assert lines(frame, NOV, *columns) == [
        (date(2026, 9, 30), "4000", "0", "5000", "-1000"),
        (date(2026, 10, 31), "3740", "0", "4840.25", "-1100.25"),
        (date(2026, 11, 21), "3740", "0", "4840.25", "-1100.25"),
    ]


def test_net_worth_and_allocation_at_market(ledger, lines, position):
    books = ledger()
    stock = "Assets:Investments:Broker:Securities"
    for security_id, cost in (("VTI", 1000), ("ODD", 300), ("OLD", 50)):
        held = {"account_id": "broker", "security_id": security_id, "quantity": 1}
        books.entry(OCT, (stock, cost, held), ("Equity:Opening Balances", -cost))
    books.entry(
        OCT,
        ("Assets:Investments:Broker:Cash", 50, {"account_id": "broker"}),
        ("Equity:Opening Balances", -50),
    )
    day = date(2026, 10, 31)
    prices = pl.DataFrame(
        [
            position(day, "VTI", 1250, cost=1000),
            position(day, "ODD", None, cost=300),  # no price: stays at what the ledger carries it at
            position(day, "OLD", 400),  # a price but no known basis: at market all the same
            position(day, "CUR:USD", 50, cost=50, price_source="par"),
            position(day, "VTI", 99999, book="other", account_id="theirs"),
        ],
        schema=CONTRACTS["portfolio.valuations"].polars_schema,
    )
    made = books.statements(OCT, valuations=prices)
    columns = ("assets_at_cost", "unrealized", "liabilities", "net_worth")
    assert lines(made["net_worth"], OCT, *columns) == [("1400", "600", "0", "2000")]
    assert lines(made["allocation"], OCT, "security_id", "name", "value", "cost", "weight") == [
        ("VTI", "VTI", "1250", "1000", "0.625"),
        ("OLD", "OLD", "400", None, "0.2"),
        ("ODD", "ODD", "300", "300", "0.15"),
        ("CUR:USD", "Cash (USD)", "50", "50", "0.025"),
    ]
    assert tie_out(books.book, made) == []


@pytest.mark.parametrize(
    ("account", "section"),
    [
        ("Equity:Owner's Draws", "Draws"),
        ("Equity:Owner's Contributions", "Contributions"),
        ("Equity:Received from Studio", "Between own books"),
        ("Equity:Owner's Draws from Studio", "Between own books"),  # so until November 2026
        ("Equity:Contributions to Studio", "Between own books"),
    ],
)
def test_a_household_reads_its_firm_from_its_own_side(account, section):
    assert pl.select(section_of_equity(pl.lit(account))).item() == section
