"""Small ledgers by hand: entries as people write them, turned into frames of ``ledger.postings``."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

import polars as pl
import pytest

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.statements import Sources, statements

TODAY = date(2026, 11, 21)


@dataclass
class Ledger:
    """Entries of one book; ``entry(day, (account, amount), ...)`` where a leg may bring more columns."""

    book: Book = field(default_factory=lambda: Book(id="home", name="Home"))
    rows: list[dict[str, object]] = field(default_factory=list)

    def entry(self, day: date, *legs: tuple[object, ...]) -> "Ledger":
        number = len(self.rows)
        for position, (account, amount, *more) in enumerate(legs):
            row: dict[str, object] = {
                "posting_id": f"{number}-{position}", "entry_id": f"e{number}", "book": self.book.id, "date": day,
                "account": account, "amount": Decimal(str(amount)), "currency": self.book.currency,
            }  # fmt: skip
            self.rows.append({**row, **(more[0] if more else {})})
        return self

    @property
    def postings(self) -> pl.DataFrame:
        return pl.DataFrame(self.rows, schema=CONTRACTS["ledger.postings"].polars_schema)

    def statements(
        self,
        *periods: date,
        as_of: date = TODAY,
        valuations: pl.DataFrame | None = None,
        sources: Sources | None = None,
    ) -> dict[str, pl.DataFrame]:
        prices = CONTRACTS["portfolio.valuations"].empty() if valuations is None else valuations
        securities = CONTRACTS["clean.securities"].empty()
        return statements(self.book, self.postings, prices, securities, periods, as_of, sources)


def _lines(
    frame: pl.DataFrame, period: date, *columns: str, currency: str = "USD"
) -> list[tuple[object, ...]]:
    """Rows of one month in order; amounts as text without trailing zeros."""
    rows = frame.filter((pl.col("period") == period) & (pl.col("currency") == currency)).sort("line")
    return [tuple(_plain(value) for value in row) for row in rows.select(columns).iter_rows()]


def _plain(value: object) -> object:
    return f"{value.normalize() + 0:f}" if isinstance(value, Decimal) else value


@pytest.fixture(scope="session")
def ledger() -> type[Ledger]:
    return Ledger


@pytest.fixture(scope="session")
def lines() -> Callable[..., list[tuple[object, ...]]]:
    return _lines


@pytest.fixture(scope="session")
def position() -> Callable[..., dict[str, object]]:
    """One row of ``portfolio.valuations``."""

    def row(day: date, security_id: str, value: object, **more: object) -> dict[str, object]:
        known = None if value is None else Decimal(str(value))
        base: dict[str, object] = {
            "book": "home", "account_id": "broker", "security_id": security_id, "date": day, "quantity": Decimal(1),
            "price": known, "price_date": day, "price_source": "missing" if value is None else "bar",
            "value": known, "cost": None, "currency": "USD",
        }  # fmt: skip
        return {**base, **more}

    return row


@dataclass(frozen=True)
class Life:
    """A quarter of a household in which everything happens once; ``made`` is its statements of January to March 2026."""

    ledger: Ledger
    valuations: pl.DataFrame
    sources: Sources
    periods: tuple[date, ...]

    @cached_property
    def made(self) -> dict[str, pl.DataFrame]:
        return self.ledger.statements(
            *self.periods, as_of=date(2026, 3, 20), valuations=self.valuations, sources=self.sources
        )


@pytest.fixture(scope="session")
def life(position: Callable[..., dict[str, object]]) -> Life:
    return _life(Book(id="home", name="Home", **LIVED), position)


@pytest.fixture(scope="session")
def firm_life(position: Callable[..., dict[str, object]]) -> Life:
    """The same in a firm's book, which is at cost."""
    return _life(Book(id="home", name="Firm", kind="proprietor", **LIVED), position)


LIVED = {
    "exchange_rates": {"EUR": Decimal("1.10")},
    "dated_rates": {"EUR": {date(2026, 2, 1): Decimal("1.20")}},
    "budgets": {"Expenses:Food": Decimal(100), "Expenses:Rent": Decimal(900)},
}
CHECKING, BROKER = "Assets:Cash:Checking", "Assets:Investments:Broker"


def _life(book: Book, position: Callable[..., dict[str, object]]) -> Life:
    books, own = Ledger(book), {"account_id": "bank"}
    held = {"account_id": "broker", "security_id": "VTI"}
    opening, cash = "Equity:Opening Balances", f"{BROKER}:Cash"
    stock, euro = f"{BROKER}:Securities", {"currency": "EUR"}
    jan, feb, mar = (lambda day, m=month: date(2026, m, day) for month in (1, 2, 3))
    books.entry(date(2025, 12, 31), (CHECKING, 1000, own), (opening, -1000))
    books.entry(date(2025, 12, 31), (stock, 500, {**held, "quantity": 5}), (opening, -500))
    books.entry(date(2025, 12, 31), (opening, 300), ("Liabilities:Loans:Car", -300))
    books.entry(jan(2), (CHECKING, 2500, own), ("Income:Salary", -2500))
    books.entry(jan(3), ("Expenses:Rent", 900), (CHECKING, -900, own))
    books.entry(jan(4), ("Expenses:Food:Groceries", 80), ("Liabilities:Cards:Visa", -80))
    books.entry(jan(5), (stock, 12, {**held, "quantity": "0.1"}), ("Income:Dividends", -12))
    books.entry(jan(6), (cash, 3, {"account_id": "broker"}), ("Income:Dividends", -3))
    books.entry(jan(7), (stock, 40, {**held, "quantity": "0.4"}), ("Income:Retirement Contributions", -40))
    books.entry(feb(1), ("Liabilities:Cards:Visa", 50), ("Assets:In Transit", -50))
    books.entry(feb(2), ("Assets:In Transit", 50), (CHECKING, -50, own))
    books.entry(feb(3), ("Liabilities:Loans:Car", 90), ("Expenses:Interest", 10), (CHECKING, -100, own))
    sold = (stock, -100, {**held, "quantity": -1})
    books.entry(
        feb(4),
        (cash, 128, {"account_id": "broker"}),
        sold,
        ("Income:Capital Gains", -30),
        ("Expenses:Fees:Brokerage", 2),
    )
    books.entry(feb(5), ("Assets:Cash:Paris", 200, euro), ("Income:Salary", -200, euro))
    books.entry(feb(6), ("Equity:Owner's Draws", 60), (CHECKING, -60, own))
    books.entry(mar(2), (CHECKING, 25, own), ("Equity:Owner's Contributions", -25))
    books.entry(mar(3), (CHECKING, 1, own), ("Income:Interest", -1))
    books.entry(mar(4), ("Equity:Prior Period Adjustments", 7), ("Assets:Accounts Receivable", -7))
    books.entry(mar(5), ("Equity:Suspense", 4), (CHECKING, -4, own))
    for number in range(12):
        books.entry(mar(6), ("Expenses:Food:Snacks", number + 1), (CHECKING, -number - 1, own))
    books.entry(mar(19), ("Expenses:Depreciation", 15), ("Assets:Equipment", -15))
    house = "Assets:Property:House"
    books.entry(jan(9), (house, 5000), (opening, -5000))
    if book.kind == "household":
        books.entry(feb(9), (f"{house}:Revaluation", 700), ("Equity:Revaluation", -700))
        books.entry(mar(9), (f"{house}:Revaluation", -50), ("Equity:Revaluation", 50))
    books.entry(mar(10), (cash, 6, {"account_id": "broker"}), ("Equity:Sheltered Accounts:Dividends", -6))
    merchants = [f"e{row['entry_id'][1:]}" for row in books.rows if row["account"] == "Expenses:Food:Snacks"]
    return Life(
        books,
        _priced(position),
        Sources(
            journal=_journal(_entry_of(books, "Expenses:Depreciation")),
            gains=_gains(),
            merchants=pl.DataFrame({"entry_id": merchants, "merchant": [f"Shop {n:02}" for n in range(12)]}),
        ),
        (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)),
    )


def _entry_of(books: Ledger, account: str) -> str:
    return next(str(row["entry_id"]) for row in books.rows if row["account"] == account)


def _priced(position: Callable[..., dict[str, object]]) -> pl.DataFrame:
    worth = {date(2025, 12, 31): 550, date(2026, 1, 31): 660, date(2026, 2, 28): 500, date(2026, 3, 20): 610}
    rows = [position(day, "VTI", value) for day, value in worth.items()]
    return pl.DataFrame(rows, schema=CONTRACTS["portfolio.valuations"].polars_schema)


def _journal(adjusting: str) -> pl.DataFrame:
    row = {
        "entry_id": adjusting,
        "book": "home",
        "date": date(2026, 3, 19),
        "kind": "adjusting",
        "description": "Depreciation",
    }
    more = {"source_table": "ops.journal_entries", "source_id": "1"}
    return pl.DataFrame([{**row, **more}], schema=CONTRACTS["ledger.journal"].polars_schema)


def _gains() -> pl.DataFrame:
    base = {
        "book": "home", "account_id": "broker", "security_id": "VTI", "lot_id": "l", "description": "0.5 sh. VTI",
        "acquired": date(2025, 12, 31), "held_since": date(2025, 12, 31), "sold": date(2026, 2, 4), "quantity": Decimal("0.5"),
        "code": "", "adjustment": Decimal(0), "box": "unassigned", "provisional": False, "lost": Decimal(0),
        "replaced_by": "", "currency": "USD", "term": "short",
    }  # fmt: skip
    washed = {"code": "W", "adjustment": Decimal(4)}
    figures = (("g1", 70, 50, 20, {}), ("g2", 56, 60, 0, washed), ("g3", 9, None, None, {"term": "unknown"}))
    rows = [
        {**base, "part_id": name, "gain_id": name, "proceeds": Decimal(proceeds),
         "cost": basis, "basis": basis, "gain": gain, **more}
        for name, proceeds, basis, gain, more in figures
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=CONTRACTS["ledger.taxable_gains"].polars_schema)
