"""Small ledgers by hand: entries as people write them, turned into frames of ``ledger.postings``."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.statements import statements

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
        self, *periods: date, as_of: date = TODAY, valuations: pl.DataFrame | None = None
    ) -> dict[str, pl.DataFrame]:
        prices = CONTRACTS["portfolio.valuations"].empty() if valuations is None else valuations
        securities = CONTRACTS["clean.securities"].empty()
        return statements(self.book, self.postings, prices, securities, periods, as_of)


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
