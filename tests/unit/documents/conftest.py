"""A small household whose statements are written out by hand, so that a page can be checked by eye."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from documents_examples import PERIOD, rows_of

from manna.books import Book
from manna.contracts import reports


def money(*texts):
    return tuple(Decimal(text) for text in texts)


@pytest.fixture
def period():
    return PERIOD


@pytest.fixture
def book():
    return Book(id="household", name="Rivera household")


@pytest.fixture
def income():
    """``income(period)``: one month of the income statement."""

    def make(period=PERIOD, currency="USD"):
        lines = [
            ("Income", "Income:Salary:Acme", "line", *money("5000", "4900", "14800"), currency),
            ("Income", "Total income", "total", *money("5000", "4900", "14800"), currency),
            ("Expenses", "Expenses:Food:Groceries", "line", *money("620.5", "600", "1820.5"), currency),
            ("Expenses", "Expenses:Food:Restaurants", "line", *money("140.25", "90", "330.25"), currency),
            ("Expenses", "Expenses:Food", "subtotal", *money("760.75", "690", "2150.75"), currency),
            ("Expenses", "Expenses:Gifts", "line", *money("-45", "0", "-45"), currency),
            ("Expenses", "Expenses:Housing:Rent", "line", *money("2100", "2100", "6300"), currency),
            ("Expenses", "Total expenses", "total", *money("2815.75", "2790", "8405.75"), currency),
            ("Net income", "Net income", "total", *money("2184.25", "2110", "6394.25"), currency),
        ]
        return rows_of(reports.INCOME_STATEMENT, lines, period)

    return make


@pytest.fixture
def statements(income):
    """All six statements of March 2026."""
    worth = [
        (date(2026, 1, 31), *money("60000", "1000", "9000", "52000"), "USD"),
        (date(2026, 2, 28), *money("61000", "1500", "8900", "53600"), "USD"),
        (date(2026, 3, 31), *money("60500", "1200", "8800", "52900"), "USD"),
    ]
    balance = [
        (
            "Assets",
            "Assets:Cash:First Platypus Bank:Checking",
            "line",
            *money("10500", "11000", "0", "10500"),
            "USD",
        ),
        (
            "Assets",
            "Assets:Investments:Alpaca:Securities",
            "line",
            *money("50000", "50000", "0", "50000"),
            "USD",
        ),
        ("Assets", "Total assets", "total", *money("60500", "61000", "0", "60500"), "USD"),
        ("Liabilities", "Liabilities:Car loan", "line", *money("8800", "8900", "0", "8800"), "USD"),
        ("Liabilities", "Total liabilities", "total", *money("8800", "8900", "0", "8800"), "USD"),
        ("Equity", "Results of earlier years", "line", *money("51700", "52100", "0", "51700"), "USD"),
        ("Equity", "Total equity", "total", *money("51700", "52100", "0", "51700"), "USD"),
        (
            "Liabilities and Equity",
            "Total liabilities and equity",
            "total",
            *money("60500", "61000", "0", "60500"),
            "USD",
        ),
    ]
    cash = [
        ("Cash", "Opening cash", "total", *money("11000", "11000"), "USD"),
        ("Operating activities", "Expenses:Housing:Rent", "line", *money("-500", "-500"), "USD"),
        ("Operating activities", "Total operating activities", "total", *money("-500", "-500"), "USD"),
        ("Cash", "Net change in cash", "total", *money("-500", "-500"), "USD"),
        ("Cash", "Ending cash", "total", *money("10500", "10500"), "USD"),
    ]
    trial = [
        ("Assets:Cash:First Platypus Bank:Checking", "line", *money("10500", "0", "10500", "0"), "USD"),
        ("Liabilities:Car loan", "line", *money("0", "10500", "0", "10500"), "USD"),
        ("Total", "total", *money("10500", "10500", "10500", "10500"), "USD"),
    ]
    held = [
        ("VTI", "Vanguard Total Stock Market", *money("100", "40000", "38800", "0.78125"), "USD"),
        ("BND", "BND", *money("120.5"), Decimal("11200"), None, Decimal("0.21875"), "USD"),
    ]
    return {
        "income_statement": income(),
        "balance_sheet": rows_of(reports.BALANCE_SHEET, balance),
        "cash_flow": rows_of(reports.CASH_FLOW, cash),
        "trial_balance": rows_of(reports.TRIAL_BALANCE, trial),
        "net_worth": rows_of(reports.NET_WORTH, worth),
        "allocation": rows_of(reports.ALLOCATION, held),
    }


@pytest.fixture
def publication():
    return {
        "book": "household",
        "period": PERIOD,
        "status": "published",
        "reason": None,
        "month_hash": "aa",
        "tried_hash": "aa",
        "content_hash": "9f2c4e81b7aa0011",
        "code_version": "0.1.0",
        "complete_through": date(2026, 3, 31),
        "open_items": "1 row in quarantine; 2 provisional amounts",
        "known_at": datetime(2026, 4, 2, 1, 30, tzinfo=UTC),
        "run_id": "r1",
    }


@pytest.fixture
def alerts():
    return pl.DataFrame({"severity": ["warning"], "message": ["Checking is at 410.00 USD, below 500.00"]})
