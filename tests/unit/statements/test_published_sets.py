"""Our statements against sets of statements that textbooks publish, figure by figure."""

from datetime import date

import polars as pl

from manna.books import Book
from manna.statements import Sources, tie_out


def test_printing_plus(ledger, lines):
    """Printing Plus, January 2019: OpenStax, Principles of Accounting 1, sections 3.5, 3.6, 4.4 and 4.5."""
    day = [date(2019, 1, d) for d in range(1, 32)]
    cash, owed = "Assets:Cash:Bank", "Assets:Accounts Receivable"
    payable, unearned = "Liabilities:Payable:Accounts", "Liabilities:Unearned Revenue"
    revenue, salaries = "Income:Service Revenue", "Expenses:Salaries"
    books = ledger(Book(id="printing-plus", name="Printing Plus", kind="proprietor"))
    for number, debit, credit, amount in (
        (3, cash, "Equity:Common Stock", 20000),
        (5, "Assets:Equipment", payable, 3500),
        (9, cash, unearned, 4000),
        (10, owed, revenue, 5500),
        (12, "Expenses:Utilities", cash, 300),
        (14, "Equity:Dividends", cash, 100),
        (17, cash, revenue, 2800),
        (18, payable, cash, 3500),
        (20, salaries, cash, 3600),
        (23, cash, owed, 5500),
        (27, owed, revenue, 1200),
        (30, "Assets:Supplies", payable, 500),
    ):
        books.entry(day[number - 1], (debit, amount), (credit, -amount))
    month = date(2019, 1, 1)
    adjusting = len(books.rows)
    for debit, credit, amount in (
        ("Expenses:Supplies", "Assets:Supplies", 100),
        ("Expenses:Depreciation", "Assets:Equipment Depreciation", 75),
        (unearned, revenue, 600),
        ("Assets:Interest Receivable", "Income:Interest", 140),
        (salaries, "Liabilities:Salaries Payable", 1500),
    ):
        books.entry(day[30], (debit, amount), (credit, -amount))
    ids = list(dict.fromkeys(row["entry_id"] for row in books.rows[adjusting:]))
    journal = pl.DataFrame({"entry_id": ids, "kind": ["adjusting"] * len(ids)})
    made = books.statements(month, sources=Sources(journal=journal))
    sums = ("unadjusted_debit", "unadjusted_credit", "debit", "credit")
    assert lines(made["trial_balance"], month, *sums)[-1] == ("34000", "34000", "35715", "35715")
    results = dict(lines(made["income_statement"], month, "account", "amount"))
    assert (results["Total income"], results["Total expenses"], results["Net income"]) == (
        "10240",
        "5575",
        "4665",
    )
    sheet = dict(lines(made["balance_sheet"], month, "account", "amount"))
    assert (sheet["Total assets"], sheet["Total liabilities"], sheet["Total equity"]) == (
        "29965",
        "5400",
        "24565",
    )
    assert lines(made["changes_in_equity"], month, "section", "account", "amount") == [
        ("Equity", "Opening equity", "0"),
        ("Net income", "Net income", "4665"),
        ("Contributions", "Equity:Common Stock", "20000"),
        ("Contributions", "Total contributions", "20000"),
        ("Draws", "Equity:Dividends", "-100"),
        ("Draws", "Total draws", "-100"),
        ("Equity", "Ending equity", "24565"),
    ]
    assert dict(lines(made["cash_flow"], month, "account", "amount"))["Ending cash"] == "24800"
    assert tie_out(books.book, made) == []


def test_computer_services(ledger, lines):
    """Computer Services, 2011: Weygandt, Kimmel and Kieso, Accounting Principles, the chapter on the statement of cash
    flows (its comprehensive illustration), by both methods, with its non-cash purchase of land for bonds."""
    cash, owed, stock, prepaid = (
        "Assets:Cash:Bank",
        "Assets:Accounts Receivable",
        "Assets:Inventory",
        "Assets:Prepaid",
    )
    payable, taxes, bonds = (
        "Liabilities:Payable:Accounts",
        "Liabilities:Payable:Income Taxes",
        "Liabilities:Bonds",
    )
    land, building, equipment = "Assets:Land", "Assets:Building", "Assets:Equipment"
    worn_building, worn_equipment = "Assets:Depreciation:Building", "Assets:Depreciation:Equipment"
    common, retained = "Equity:Common Stock", "Equity:Opening Balances"
    books = ledger(Book(id="services", name="Computer Services", kind="proprietor"))
    opening = (
        (cash, 33), (owed, 30), (stock, 10), (prepaid, 1), (land, 20), (building, 40), (worn_building, -5),
        (equipment, 10), (worn_equipment, -1), (payable, -12), (taxes, -8), (bonds, -20), (common, -50), (retained, -48),
    )  # fmt: skip
    thousands = 1000
    books.entry(date(2010, 12, 31), *((account, amount * thousands) for account, amount in opening))
    for month, *legs in (
        (1, (owed, 507), ("Income:Revenues", -507)),
        (2, (cash, 517), (owed, -517)),
        (3, (stock, 155), (payable, -155)),
        (4, ("Expenses:Cost of Goods Sold", 150), (stock, -150)),
        (5, (payable, 139), (cash, -139)),
        (6, ("Expenses:Operating", 111), (prepaid, 4), (cash, -115)),
        (7, ("Expenses:Depreciation", 9), (worn_building, -6), (worn_equipment, -3)),
        (7, (cash, 4), (worn_equipment, 1), ("Expenses:Loss on Disposal", 3), (equipment, -8)),
        (8, ("Expenses:Interest", 42), (cash, -42)),
        (9, ("Expenses:Income Tax", 47), (taxes, -47)),
        (9, (taxes, 49), (cash, -49)),
        (10, (building, 120), (cash, -120)),
        (10, (equipment, 25), (cash, -25)),
        (10, (land, 110), (bonds, -110)),
        (11, (cash, 20), (common, -20)),
        (12, ("Equity:Dividends", 29), (cash, -29)),
    ):
        books.entry(date(2011, month, 10), *((account, amount * thousands) for account, amount in legs))
    december = date(2011, 12, 1)
    made = books.statements(december)
    assert tie_out(books.book, made) == []
    assert lines(made["cash_flow_indirect"], december, "section", "account", "year_to_date") == [
        ("Cash", "Opening cash", "33000"),
        ("Net income", "Net income", "145000"),
        ("Adjustments", "Expenses:Depreciation", "9000"),
        ("Adjustments", "Expenses:Loss on Disposal", "3000"),
        ("Adjustments", "Total adjustments", "12000"),
        ("Changes in operating balances", owed, "10000"),
        ("Changes in operating balances", stock, "-5000"),
        ("Changes in operating balances", prepaid, "-4000"),
        ("Changes in operating balances", payable, "16000"),
        ("Changes in operating balances", taxes, "-2000"),
        ("Changes in operating balances", "Liabilities:Payable", "14000"),
        ("Changes in operating balances", "Total changes in operating balances", "15000"),
        ("Operating activities", "Total operating activities", "172000"),
        ("Investing activities", building, "-120000"),
        ("Investing activities", equipment, "-25000"),
        ("Investing activities", "Proceeds from other assets sold", "4000"),
        ("Investing activities", "Total investing activities", "-141000"),
        ("Financing activities", common, "20000"),
        ("Financing activities", "Equity:Dividends", "-29000"),
        ("Financing activities", "Total financing activities", "-9000"),
        ("Cash", "Net change in cash", "22000"),
        ("Cash", "Ending cash", "55000"),
        ("Non-cash activities", land, "-110000"),
        ("Non-cash activities", bonds, "110000"),
    ]
    direct = dict(lines(made["cash_flow"], december, "account", "year_to_date"))
    assert direct["Total operating activities"] == "172000"
    assert direct[owed] == "517000", "cash receipts from customers"
    assert dict(lines(made["balance_sheet"], december, "account", "amount"))["Total assets"] == "398000"
