"""From rows of ``clean`` through ledger and valuations to statements that tie: the stages fit together."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.ledger import keep_books
from manna.portfolio import valuations
from manna.rebalancing.drift import drift
from manna.statements import statements, tie_out

TODAY = date(2026, 3, 20)
MONTHS = [date(2026, m, 1) for m in (1, 2, 3)]
BOOK = Book(id="home", name="Home", targets={"weights": {"VTI": "0.8", "CASH": "0.2"}})


@pytest.fixture
def stages(frame):
    """A bank and a broker: an opening of unknown basis, money sent over, a purchase, a split, a sale."""
    clean = {
        "accounts": frame(
            "clean.accounts",
            {"account_id": "broker"},
            {"account_id": "bank", "type": "depository", "institution": "Bank", "name": "Checking"},
        ),
        "balances": frame(
            "clean.balances",
            {"as_of": TODAY, "current": 9999},
            {"account_id": "bank", "as_of": TODAY, "current": 1500},
        ),
        "securities": frame(
            "clean.securities",
            {"security_id": "VTI", "symbol": "VTI"},
            {"security_id": "FUND"},
            {"security_id": "CUR:USD", "is_cash": True},
        ),
        "holdings": frame(
            "clean.holdings",
            {"security_id": "VTI", "as_of": TODAY, "quantity": 8, "price": 60, "value": 480},
            {
                "security_id": "FUND",
                "as_of": TODAY,
                "quantity": 10,
                "price": 12,
                "value": 120,
                "cost_basis": None,
            },
            {"security_id": "CUR:USD", "as_of": TODAY, "quantity": 150, "price": 1, "value": 150},
        ),
        "trades": frame(
            "clean.trades",
            {
                "trade_id": "d",
                "date": date(2026, 1, 12),
                "kind": "deposit",
                "amount": 500,
                "security_id": None,
            },
            {"trade_id": "b", "date": date(2026, 1, 13), "kind": "buy", "quantity": 5, "amount": -500},
            {"trade_id": "s", "date": date(2026, 2, 2), "kind": "split", "quantity": 5, "amount": 0},
            {"trade_id": "v", "date": date(2026, 2, 27), "kind": "sell", "quantity": -2, "amount": 130},
        ),
        "transactions": frame(
            "clean.transactions",
            {"transaction_id": "pay", "date": date(2026, 1, 5), "amount": 3000},
            {"transaction_id": "out", "date": date(2026, 1, 10), "amount": -500},
            {"transaction_id": "rent", "date": date(2026, 3, 1), "amount": -1100},
            {"transaction_id": "coffee", "date": date(2026, 3, 19), "amount": -7, "pending": True},
        ),
    }
    categories = {
        "pay": "Income:Salary",
        "out": "Equity:Transfers",
        "rent": "Expenses:Rent",
        "coffee": "Expenses:Food",
    }
    books = keep_books(
        BOOK,
        **clean,
        splits=CONTRACTS["categorized.splits"].empty(),
        categories=frame(
            "categorized.transactions",
            *({"transaction_id": name, "category": category} for name, category in categories.items()),
        ),
        transfers=CONTRACTS["categorized.transfers"].empty(),
    )
    bars = frame(
        "clean.bars",
        {"symbol": "VTI", "date": date(2026, 1, 30), "close": 110},
        {"symbol": "VTI", "date": date(2026, 2, 27), "close": 65},
        {"symbol": "VTI", "date": date(2026, 3, 20), "close": 60},
    )
    split = {"action_id": "s", "symbol": "VTI", "ex_date": date(2026, 2, 2), "ratio": 2}
    used = {name: clean[name] for name in ("accounts", "securities", "holdings")}
    valued = valuations(
        postings=books.postings, lots=books.lots, bars=bars, first=books.postings["date"].min(), last=TODAY,
        corporate_actions=frame("clean.corporate_actions", split), **used,
    )  # fmt: skip
    return books, valued, clean


def test_statements_tie_and_end_at_what_the_institutions_say(stages):
    books, valued, clean = stages
    made = statements(BOOK, books.postings, valued, clean["securities"], MONTHS, TODAY)
    assert tie_out(BOOK, made) == []
    last = made["net_worth"].filter(pl.col("period") == MONTHS[-1]).row(-1, named=True)
    assert last["as_of"] == TODAY
    assert last["net_worth"] == Decimal(1500 + 480 + 120 + 150)
    shown = made["allocation"].filter(pl.col("period") == MONTHS[-1]).select("security_id", "value", "cost")
    assert list(shown.iter_rows()) == [
        ("VTI", Decimal(480), Decimal(400)),
        ("CUR:USD", Decimal(150), Decimal(150)),
        ("FUND", Decimal(120), None),
    ]
    months = made["income_statement"].filter(pl.col("account") == "Net income")["amount"].to_list()
    assert months == [Decimal(3000), Decimal(30), Decimal(-1100)], "pending coffee is nowhere"


def test_drift_of_the_managed_account(stages):
    _, valued, clean = stages
    made = drift(BOOK, valued, clean["accounts"], TODAY)
    weights = dict(made.select("security_id", "weight").iter_rows())
    assert weights == {"CASH": Decimal("0.2"), "FUND": Decimal("0.16"), "VTI": Decimal("0.64")}
