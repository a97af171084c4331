"""Spans, current value, equity, and the schedules, against figures computed by hand from one quarter of a household."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from manna.books import Book
from manna.contracts.reports import GENERAL_LEDGER
from manna.statements import general_ledger
from manna.statements.sources import Sources

JAN, FEB, MAR = (date(2026, month, 1) for month in (1, 2, 3))


def test_four_spans_end_with_the_month(ledger, lines):
    books = ledger()
    for month, amount in ((date(2024, 12, 5), 4), (date(2025, 2, 5), 10), (date(2025, 12, 5), 20)):
        books.entry(month, ("Assets:Cash:A", amount), ("Income:Salary", -amount))
    for month, amount in ((1, 30), (2, 50), (3, 40)):
        books.entry(date(2026, month, 5), ("Assets:Cash:A", amount), ("Income:Salary", -amount))
    frame = books.statements(MAR)["income_comparison"].filter(pl.col("account") == "Net income")
    columns = ("span", "since", "until", "amount", "previous", "change", "change_ratio")
    end = date(2026, 3, 31)
    assert lines(frame, MAR, *columns) == [
        ("month", MAR, end, "40", "50", "-10", "-0.2"),
        ("quarter", JAN, end, "120", "20", "100", "5"),
        ("year", date(2025, 4, 1), end, "140", "14", "126", "9"),
        ("year_to_date", JAN, end, "120", "10", "110", "11"),
    ]


def test_there_is_no_ratio_to_nothing(ledger):
    books = ledger().entry(date(2026, 3, 5), ("Assets:Cash:A", 40), ("Income:Salary", -40))
    books.entry(date(2026, 2, 5), ("Assets:Cash:A", "0.01"), ("Income:Interest", "-0.01"))
    books.entry(date(2026, 3, 5), ("Assets:Cash:A", 90000), ("Income:Interest", -90000))
    frame = books.statements(MAR)["income_comparison"].filter(pl.col("span") == "month", level="line")
    assert dict(frame.select("account", "change_ratio").iter_rows()) == {
        "Income:Salary": None,
        "Income:Interest": None,  # nine million times as much says nothing
    }


def test_current_value_stands_beside_cost(life, lines):
    rows = lines(life.made["balance_sheet"], FEB, "account", "amount", "unrealized", "value")
    figures = {account: figures for account, *figures in rows}
    assert figures["Assets:Property:House"] == ["5000", "700", "5700"]
    assert figures["Assets:Investments:Broker:Securities"] == ["452", "48", "500"]
    assert figures["Assets:Cash:Checking"] == ["2390", "0", "2390"]
    assert figures["Unrealized gains"] == ["0", "748", "748"]
    assert figures["Total assets"] == figures["Total liabilities and equity"]


def test_a_firm_is_at_cost(firm_life):
    sheet = firm_life.made["balance_sheet"]
    assert sheet["value"].null_count() == sheet["unrealized"].null_count() == sheet.height
    assert "Unrealized gains" not in sheet["account"].to_list()


def test_changes_in_equity(life, lines):
    assert lines(life.made["changes_in_equity"], FEB, "section", "account", "amount", "year_to_date") == [
        ("Equity", "Opening equity", "7883", "1250"),
        ("Net income", "Net income", "18", "1593"),
        ("Draws", "Equity:Owner's Draws", "-60", "-60"),
        ("Draws", "Total draws", "-60", "-60"),
        ("Unrealized gains", "Equity:Revaluation", "700", "700"),
        ("Unrealized gains", "Change in unrealized gains", "-60", "-2"),
        ("Unrealized gains", "Total unrealized gains", "640", "698"),
        ("Opening balances", "Equity:Opening Balances", "0", "5000"),
        ("Opening balances", "Total opening balances", "0", "5000"),
        ("Equity", "Ending equity", "8481", "8481"),
    ]  # fmt: skip
    march = dict(lines(life.made["changes_in_equity"], MAR, "account", "amount"))
    assert march["Total contributions"] == "25"
    assert march["Total prior-period adjustments"] == "-7"
    assert march["Total results of sheltered accounts"] == "6"
    assert march["Total other movements"] == "-4", "what stands in suspense is shown"


def test_what_moved_no_cash_stands_apart(life, lines):
    rows = lines(life.made["cash_flow_indirect"], JAN, "section", "account", "amount")
    assert [row for row in rows if row[0] == "Non-cash activities"] == [
        ("Non-cash activities", "Assets:Investments:Broker:Securities", "-52"),
        ("Non-cash activities", "Income:Dividends", "12"),
        ("Non-cash activities", "Income:Retirement Contributions", "40"),
    ]
    assert ("Adjustments", "Income:Retirement Contributions", "-40") in rows
    assert ("Changes in operating balances", "Liabilities:Cards:Visa", "80") in rows


def test_principal_and_draws_are_financing_and_a_gain_is_investing(life, lines):
    rows = lines(life.made["cash_flow_indirect"], FEB, "section", "account", "amount")
    assert ("Financing activities", "Liabilities:Loans:Car", "-90") in rows
    assert ("Financing activities", "Equity:Owner's Draws", "-60") in rows
    assert ("Adjustments", "Income:Capital Gains", "-30") in rows
    assert ("Investing activities", "Total investing activities", "128") in rows


def test_unadjusted_is_without_the_years_adjusting_entries(life, lines):
    rows = {name: figures for name, *figures in lines(
        life.made["trial_balance"], MAR, "account", "unadjusted_debit", "unadjusted_credit", "debit", "credit"
    )}  # fmt: skip
    assert rows["Expenses:Depreciation"] == ["0", "0", "15", "0"]
    assert rows["Assets:Equipment"] == ["0", "0", "0", "15"]


def test_form_8949(life, lines):
    columns = ("section", "account", "level", "sold", "proceeds", "basis", "code", "adjustment", "gain")
    sold, none = date(2026, 2, 4), None
    assert lines(life.made["realized_gains"], MAR, *columns) == [
        ("Short-term", "0.5 sh. VTI", "line", sold, "70", "50", "", "0", "20"),
        ("Short-term", "0.5 sh. VTI", "line", sold, "56", "60", "W", "4", "0"),
        ("Short-term", "Total short-term, box unassigned", "subtotal", none, "126", "110", none, "4", "20"),
        ("Short-term", "Total short-term", "total", none, "126", "110", none, "4", "20"),
        ("Term unknown", "0.5 sh. VTI", "line", sold, "9", none, "", "0", none),
        ("Term unknown", "Total term unknown, box unassigned", "subtotal", none, "9", none, none, "0", none),
        ("Term unknown", "Total term unknown", "total", none, "9", none, none, "0", none),
    ]
    assert lines(life.made["realized_gains"], JAN, "gain") == [], "of the year so far, not of what comes"


def test_dividends_and_interest_by_payer(life, lines):
    columns = ("section", "account", "amount", "year_to_date")
    assert lines(life.made["dividends_and_interest"], MAR, *columns) == [
        ("Dividends", "Assets:Investments:Broker", "0", "15"),
        ("Dividends", "Total dividends", "0", "15"),
        ("Interest", "Assets:Cash:Checking", "1", "1"),
        ("Interest", "Total interest", "1", "1"),
    ]


def test_tax_lines(life, lines):
    rows = lines(life.made["tax_lines"], JAN, "section", "account", "level", "amount")
    wages = "Form 1040 1a: "
    assert [row[1:] for row in rows if row[0].startswith(wages)] == [
        ("Income:Salary", "line", "2500"),
        (f"Total {next(row[0] for row in rows if row[0].startswith(wages))}", "subtotal", "2500"),
    ]
    assert ("Not on the return", "Expenses:Rent", "line", "900") in rows
    assert rows[-1] == ("Net income", "Net income", "total", "1575")


def test_budget(life, lines):
    columns = (
        "account",
        "budget",
        "amount",
        "difference",
        "budget_to_date",
        "year_to_date",
        "difference_to_date",
    )
    assert lines(life.made["budget"], FEB, *columns) == [
        ("Expenses:Food", "100", "0", "100", "200", "80", "120"),
        ("Expenses:Rent", "900", "0", "900", "1800", "900", "900"),
        ("Without a budget", "0", "12", "-12", "0", "12", "-12"),
        ("Total expenses", "1000", "12", "988", "2000", "992", "1008"),
    ]


def test_a_budget_begins_with_the_books(ledger, lines):
    book = Book(id="home", name="Home", budgets={"Income:Salary": Decimal(50)})
    books = ledger(book).entry(date(2026, 2, 20), ("Assets:Cash:A", 60), ("Income:Salary", -60))
    rows = lines(books.statements(MAR)["budget"], MAR, "account", "amount", "budget_to_date", "year_to_date")
    assert rows == [("Income:Salary", "0", "100", "60"), ("Total income", "0", "100", "60")]


def test_spending_names_the_largest_merchants(life, lines):
    rows = lines(life.made["spending"], MAR, "account", "merchant", "level", "amount", "postings")
    snacks = [row[1:] for row in rows if row[0] == "Expenses:Food:Snacks"]
    assert snacks[0] == ("Shop 11", "line", "12", 1)
    assert snacks[-2:] == [("Other merchants", "line", "3", 2), (None, "subtotal", "78", 12)]
    assert len(snacks) == 12
    assert ("Expenses:Depreciation", "No merchant", "line", "15", 1) in rows
    assert rows[-1] == ("Total expenses", None, "total", "93", 13)


def test_translation_shows_the_rate_and_its_day(life, lines):
    columns = ("currency", "level", "amount", "rate", "rate_date", "translated")
    frame = life.made["translation"]
    assert frame.filter(pl.col("period") == JAN).is_empty(), "one currency needs no translation"
    worth = frame.filter(pl.col("period") == FEB, account="Total assets")
    assert [tuple(row) for row in worth.select(columns).iter_rows()] == [
        ("USD", "line", Decimal("7973"), Decimal(1), None, Decimal("7973")),
        ("EUR", "line", Decimal("200"), Decimal("1.2"), FEB, Decimal("240")),
        ("USD", "total", Decimal("8213"), None, None, Decimal("8213")),
    ]


def test_what_has_no_rate_is_not_guessed(ledger):
    books = ledger().entry(
        FEB, ("Assets:Cash:Oslo", 5, {"currency": "NOK"}), ("Income:Salary", -5, {"currency": "NOK"})
    )
    frame = books.statements(FEB)["translation"].filter(account="Total assets")
    assert frame["translated"].to_list() == [Decimal(0), None, None]


def test_the_general_ledger_runs_and_links(life):
    journal = pl.DataFrame(
        {
            "entry_id": ["e0"],
            "description": ["Salary"],
            "source_table": ["clean.transactions"],
            "source_id": ["t1"],
        }
    )
    books, postings = life.ledger.book, life.ledger.postings
    paid = postings.filter(pl.col("account") == "Income:Salary")["entry_id"][0]
    named = journal.with_columns(entry_id=pl.lit(paid))
    made = general_ledger(books, postings, named, JAN, date(2026, 1, 31), "Assets:Cash")
    columns = ("level", "date", "description", "counter", "debit", "credit", "balance", "source_id")
    assert [tuple(row) for row in made.select(columns).iter_rows()] == [
        ("opening", date(2025, 12, 31), "Opening balance", None, 0, 0, 1000, None),
        ("line", date(2026, 1, 2), "Salary", "Income:Salary", 2500, 0, 3500, "t1"),
        ("line", date(2026, 1, 3), "", "Expenses:Rent", 0, 900, 2600, None),
        ("closing", date(2026, 1, 31), "Closing balance", None, 0, 0, 2600, None),
    ]
    whole = general_ledger(books, postings, named, JAN, date(2026, 1, 31))
    assert GENERAL_LEDGER.violations(whole).list.len().sum() == 0
    moved = whole.select(pl.col("debit", "credit").sum()).row(0)
    assert moved[0] == moved[1], "debits equal credits"


def test_a_span_that_ends_before_it_begins(life):
    with pytest.raises(ValueError, match="cannot end on 2026-01-01, before it begins on 2026-02-01"):
        general_ledger(life.ledger.book, life.ledger.postings, Sources().journal, FEB, JAN)
