"""Which line of which tax form each account of the chart leads to.

What belongs here: the defaults for households and for sole proprietors, and how a book's chart overrides them. What
does not: the forms themselves (:mod:`manna.tax_forms`), amounts, or what the law makes of them (limits, elections).

The defaults know the accounts that Plaid's categories become and those that Manna books to. They are a start that an
accountant corrects in the book's file, not advice: e.g. what a bank calls a tax payment may be any tax, so it has no
line until somebody says which one it is.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import polars as pl

from manna.books import Book
from manna.tax_forms import FORMS, NO_LINE, form_and_line

TAX_LINES = {"account": pl.String(), "form": pl.String(), "line": pl.String(), "label": pl.String()}

_BOTH = {
    "Income:Interest": "Schedule B 1",
    "Income:Interest Earned": "Schedule B 1",  # so until November 2026, and in periods closed then
    "Income:Interest:Tax-Exempt": "Form 1040 2a",
    "Income:Dividends": "Schedule B 5",
    "Income:Capital Gains": "Schedule D",
    "Income:Exchange Gains": NO_LINE,
    "Income:Retirement Contributions": NO_LINE,
    "Income:Tax Refund": NO_LINE,
    "Income:Tax Refund:State": "Schedule 1 1",
    "Income:Uncategorized": NO_LINE,
    "Expenses:Uncategorized": NO_LINE,
    "Expenses:Fees:Brokerage": NO_LINE,
    "Expenses:Loan Payments": NO_LINE,
    "Expenses:Medical": "Schedule A 1",
    "Expenses:Medical:Veterinary Services": NO_LINE,
    "Expenses:Charity": "Schedule A 11",
    "Expenses:Donations": "Schedule A 11",
    "Expenses:Government and Non Profit:Donations": "Schedule A 11",
    "Expenses:Government and Non Profit:Tax Payment": NO_LINE,
    "Expenses:Taxes:Federal": "Form 1040 26",
    "Expenses:Taxes:Federal:Withheld": "Form 1040 25a",
    "Expenses:Taxes:State": "Schedule A 5a",
    "Expenses:Interest:Margin": "Schedule A 9",
    "Expenses:Interest:Student Loan": "Schedule 1 21",
    "Income:Rental": "Schedule E 3",
    "Income:Royalties": "Schedule E 4",
    "Expenses:Rental": "Schedule E 19",
    "Expenses:Rental:Advertising": "Schedule E 5",
    "Expenses:Rental:Travel": "Schedule E 6",
    "Expenses:Rental:Cleaning": "Schedule E 7",
    "Expenses:Rental:Commissions": "Schedule E 8",
    "Expenses:Rental:Insurance": "Schedule E 9",
    "Expenses:Rental:Legal": "Schedule E 10",
    "Expenses:Rental:Management": "Schedule E 11",
    "Expenses:Rental:Mortgage Interest": "Schedule E 12",
    "Expenses:Rental:Interest": "Schedule E 13",
    "Expenses:Rental:Repairs": "Schedule E 14",
    "Expenses:Rental:Supplies": "Schedule E 15",
    "Expenses:Rental:Taxes": "Schedule E 16",
    "Expenses:Rental:Utilities": "Schedule E 17",
    "Expenses:Rental:Depreciation": "Schedule E 18",
}

_HOUSEHOLD = _BOTH | {
    "Income:Salary": "Form 1040 1a",
    "Income:Wages": "Form 1040 1a",
    "Income:Military": "Form 1040 1a",
    "Income:Retirement Pension": "Form 1040 5b",
    "Income:IRA Distributions": "Form 1040 4b",
    "Income:Social Security": "Form 1040 6b",
    "Income:Unemployment": "Schedule 1 7",
    "Income:Gambling": "Schedule 1 8b",
    "Income:Gig Economy": "Schedule C 1",
    "Expenses:Taxes:Property": "Schedule A 5b",
    "Expenses:Taxes:Vehicle": "Schedule A 5c",
    "Expenses:Interest:Mortgage": "Schedule A 8a",
    "Expenses:Bank Fees:Early Withdrawal": "Schedule 1 18",
}

_PROPRIETOR = _BOTH | {
    "Income": "Schedule C 1",
    "Income:Returns": "Schedule C 2",
    "Expenses": "Schedule C 27b",
    "Expenses:Cost of Goods Sold": "Schedule C 4",
    "Expenses:Advertising": "Schedule C 8",
    "Expenses:Marketing": "Schedule C 8",
    "Expenses:Transportation": "Schedule C 9",
    "Expenses:Transportation:Public Transit": "Schedule C 24a",
    "Expenses:Transportation:Taxis and Ride Shares": "Schedule C 24a",
    "Expenses:General Services:Automotive": "Schedule C 9",
    "Expenses:Fees:Processing": "Schedule C 10",
    "Expenses:Commissions": "Schedule C 10",
    "Expenses:Contractors": "Schedule C 11",
    "Expenses:Depreciation": "Schedule C 13",
    "Expenses:Equipment": "Schedule C 13",
    "Expenses:Employee Benefits": "Schedule C 14",
    "Expenses:General Services:Insurance": "Schedule C 15",
    "Expenses:Insurance": "Schedule C 15",
    "Expenses:Interest": "Schedule C 16b",
    "Expenses:Interest:Mortgage": "Schedule C 16a",
    "Expenses:Bank Fees:Interest Charge": "Schedule C 16b",
    "Expenses:General Services:Accounting and Financial Planning": "Schedule C 17",
    "Expenses:General Services:Consulting and Legal": "Schedule C 17",
    "Expenses:Legal": "Schedule C 17",
    "Expenses:General Services:Postage and Shipping": "Schedule C 18",
    "Expenses:General Merchandise:Office Supplies": "Schedule C 18",
    "Expenses:Office": "Schedule C 18",
    "Expenses:Software": "Schedule C 18",
    "Expenses:Retirement Plans": "Schedule C 19",
    "Expenses:Rent and Utilities:Rent": "Schedule C 20b",
    "Expenses:Rent": "Schedule C 20b",
    "Expenses:General Services:Storage": "Schedule C 20b",
    "Expenses:Home Improvement": "Schedule C 21",
    "Expenses:Repairs": "Schedule C 21",
    "Expenses:General Merchandise": "Schedule C 22",
    "Expenses:Supplies": "Schedule C 22",
    "Expenses:Taxes": "Schedule C 23",
    "Expenses:Government and Non Profit:Government Departments and Agencies": "Schedule C 23",
    "Expenses:Travel": "Schedule C 24a",
    "Expenses:Food and Drink": "Schedule C 24b",
    "Expenses:Rent and Utilities": "Schedule C 25",
    "Expenses:Utilities": "Schedule C 25",
    "Expenses:Wages": "Schedule C 26",
    "Expenses:Home Office": "Schedule C 30",
    "Equity:Owner's Draws:Estimated Tax": "Form 1040 26",
    # Entertainment and personal care are no business expense (26 U.S.C. 274(a) and 262).
    "Expenses:Entertainment": NO_LINE,
    "Expenses:Personal Care": NO_LINE,
}

DEFAULTS: Mapping[Literal["household", "proprietor"], Mapping[str, str]] = {
    "household": _HOUSEHOLD,
    "proprietor": _PROPRIETOR,
}
"""Tax line by account; it holds for everything below that account until something below says otherwise."""


def tax_lines(book: Book, accounts: Iterable[str]) -> pl.DataFrame:
    """The tax line of each of ``accounts`` that has one.

    What the book's chart says of an account holds for all accounts below it, whatever the defaults say of those;
    where neither says anything the account inherits from the one above it.

    Args:
        book: its ``kind`` gives the defaults, its ``chart`` overrides them.
        accounts: paths of the chart, in any order, also several times.

    Returns:
        ``account, form, line, label``, one row per account that leads to a form, in the order in which the forms have
        their lines, then by account. An account on no form is not there: join from the left. ``line`` is empty for a
        form that is meant as a whole (Schedule D).
    """
    said = {setting.account: setting.tax_line for setting in book.chart if setting.tax_line is not None}
    usual = {
        path: line for path, line in DEFAULTS[book.kind].items() if not any(p in said for p in _upwards(path))
    }
    known = usual | said
    rows = []
    for account in sorted(set(accounts)):
        written = next((known[path] for path in _upwards(account) if path in known), NO_LINE)
        found = form_and_line(written)
        if found is not None:
            rows.append((account, *found, FORMS[found[0]][found[1]]))
    order = [(form, line) for form, lines in FORMS.items() for line in lines]
    rows.sort(key=lambda row: order.index((row[1], row[2])))
    return pl.DataFrame(rows, schema=TAX_LINES, orient="row")


def _upwards(account: str) -> list[str]:
    """The account, the one above it, and so on to its root."""
    parts = account.split(":")
    return [":".join(parts[:length]) for length in range(len(parts), 0, -1)]
