"""Which tax line an account leads to: defaults, a book's own chart, inheritance."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.books import Book, complaints
from manna.categorizing.categories import plaid_category
from manna.ledger.tax_lines import DEFAULTS, TAX_LINES, tax_lines
from manna.tax_forms import FORMS, form_and_line


def book(kind="household", chart=()):
    return Book.model_validate({"id": "b", "name": "B", "kind": kind, "chart": chart})


def line(of, account):
    """``"Schedule C 27b"`` of one account, empty where it has none."""
    return " ".join(tax_lines(of, [account]).select("form", "line").rows()[0]) if _has(of, account) else ""


def _has(of, account):
    return tax_lines(of, [account]).height == 1


@pytest.mark.parametrize(
    ("kind", "account", "expected"),
    [
        ("household", "Income:Salary", "Form 1040 1a"),
        ("household", "Income:Interest", "Schedule B 1"),
        ("household", "Income:Dividends", "Schedule B 5"),
        ("household", "Expenses:Medical:Dental Care", "Schedule A 1"),
        ("household", "Expenses:Medical:Veterinary Services", ""),
        ("household", "Expenses:Government and Non Profit:Donations", "Schedule A 11"),
        ("household", "Expenses:Interest:Mortgage", "Schedule A 8a"),
        ("household", "Expenses:Taxes:Property:Montclair", "Schedule A 5b"),
        ("household", "Expenses:Food and Drink:Groceries", ""),
        ("household", "Expenses:Loan Payments:Mortgage Payment", ""),
        ("household", "Assets:Cash:Bank", ""),
        ("proprietor", "Income:Other:Gig Economy", "Schedule C 1"),
        ("household", "Income:Interest Earned", "Schedule B 1"),
        ("proprietor", "Income:Design", "Schedule C 1"),
        ("proprietor", "Income:Uncategorized", ""),
        ("proprietor", "Expenses:Contractors", "Schedule C 11"),
        ("proprietor", "Expenses:Rent and Utilities:Rent", "Schedule C 20b"),
        ("proprietor", "Expenses:Rent and Utilities:Telephone", "Schedule C 25"),
        ("proprietor", "Expenses:Food and Drink:Restaurant", "Schedule C 24b"),
        ("proprietor", "Expenses:Bank Fees:Wire", "Schedule C 27b"),
        ("proprietor", "Expenses:Taxes:Federal", "Form 1040 26"),
        ("proprietor", "Expenses:Taxes:Payroll", "Schedule C 23"),
        ("proprietor", "Expenses:Entertainment:TV and Movies", ""),
        ("proprietor", "Equity:Owner's Draws", ""),
    ],
)
def test_defaults(kind, account, expected):
    assert line(book(kind), account) == expected


def test_the_books_chart_overrides_for_all_that_is_below():
    of = book(
        "proprietor",
        [
            {"account": "Expenses:Transportation", "tax_line": "none"},
            {"account": "Expenses:Transportation:Van", "tax_line": "Schedule C 9"},
            {"account": "Expenses:Software", "name": "Programs"},
        ],
    )
    assert line(of, "Expenses:Transportation:Taxis and Ride Shares") == ""
    assert line(of, "Expenses:Transportation:Van:Fuel") == "Schedule C 9"
    assert line(of, "Expenses:Software") == "Schedule C 18"


def test_rows_are_in_the_order_of_the_forms_and_each_account_once():
    found = tax_lines(book("proprietor"), ["Expenses:Travel", "Income:Work", "Expenses:Wages", "Income:Work"])
    assert found.rows() == [
        ("Income:Work", "Schedule C", "1", "Gross receipts or sales"),
        ("Expenses:Travel", "Schedule C", "24a", "Travel"),
        ("Expenses:Wages", "Schedule C", "26", "Wages"),
    ]
    assert found.schema == TAX_LINES


def test_nothing_in_nothing_out():
    assert tax_lines(book(), []).schema == TAX_LINES


@pytest.mark.parametrize("defaults", DEFAULTS.values(), ids=DEFAULTS)
def test_every_default_is_a_line_of_a_form(defaults):
    for written in defaults.values():
        form_and_line(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Schedule C 27b", ("Schedule C", "27b")),
        ("Schedule C line 27b", ("Schedule C", "27b")),
        ("  Schedule   D ", ("Schedule D", "")),
        ("none", None),
    ],
)
def test_how_a_line_is_written(written, expected):
    assert form_and_line(written) == expected


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"account": "Expenses:X", "tax_line": "Schedule C 99"}, "Schedule C has no line '99' here; there are: 1, 2"),
        ({"account": "Expenses:X", "tax_line": "Form 1120 1"}, "no tax form in 'Form 1120 1'; write e.g."),
        ({"account": "Spending", "tax_line": "none"}, "should match pattern"),
        ({"account": "Expenses:X", "taxline": "none"}, "not permitted"),
    ],
)  # fmt: skip
def test_a_setting_that_is_none_is_named(setting, said):
    (complaint,) = complaints({"id": "b", "name": "B", "chart": [setting]})
    assert said in complaint


def test_an_account_given_twice_is_named():
    twice = [{"account": "Expenses:X"}, {"account": "Expenses:X", "name": "Again"}]
    assert "accounts given twice: Expenses:X" in complaints({"id": "b", "name": "B", "chart": twice})[0]


def test_what_plaid_says_of_a_firms_spending_has_a_line_or_is_known_to_have_none():
    primary = "GENERAL_SERVICES"
    account = plaid_category(primary, "GENERAL_SERVICES_ACCOUNTING_AND_FINANCIAL_PLANNING")
    assert line(book("proprietor"), account) == "Schedule C 17"


parts = st.lists(st.sampled_from(["Food", "Travel", "Taxes", "Federal", "Interest"]), min_size=1, max_size=3)


@given(st.sampled_from(["Income", "Expenses"]), parts, st.sampled_from(["household", "proprietor"]))
def test_an_unknown_account_inherits_from_the_one_above(root, path, kind):
    above = ":".join([root, *path])
    assert line(book(kind), f"{above}:Something unheard of") == line(book(kind), above)


def test_forms_have_labels():
    assert all(label for lines in FORMS.values() for label in lines.values())
    assert isinstance(tax_lines(book(), ["Income:Salary"]), pl.DataFrame)
