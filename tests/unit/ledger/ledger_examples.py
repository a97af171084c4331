"""A small book in rows: frames of ``clean`` and ``categorized`` from what an example cares about."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from manna.books import Book
from manna.contracts import Contract, Kind, categorized, clean
from manna.ledger import Books, Line, keep_books
from manna.ledger.entered import ENTERED, Written

BOOK = Book(id="home", name="Home")
TODAY = date(2026, 3, 20)

_KINDS = {
    Kind.TEXT: "x", Kind.INTEGER: 0, Kind.BOOLEAN: False, Kind.DATE: date(2026, 1, 1),
    Kind.MOMENT: datetime(2026, 1, 1, tzinfo=UTC), Kind.MONEY: Decimal(0), Kind.QUANTITY: Decimal(0),
    Kind.PRICE: Decimal(0), Kind.RATIO: Decimal(1),
}  # fmt: skip
_USUAL = {"book": "home", "currency": "USD", "institution": "Bank", "name": "Account", "type": "depository",
          "kind": "buy", "category": "Expenses:Groceries", "source": "rule"}  # fmt: skip
_NUMBERS = (Kind.MONEY, Kind.QUANTITY, Kind.PRICE, Kind.RATIO)


def rows(contract: Contract, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows of ``contract``; what a row does not say is usual, null where null is allowed."""
    filled = [
        {
            c.name: row.get(c.name, None if c.nullable else _USUAL.get(c.name, _KINDS[c.kind]))
            for c in contract.columns
        }
        for row in given
    ]
    for row in filled:
        for c in contract.columns:
            if c.kind in _NUMBERS and row[c.name] is not None:
                row[c.name] = Decimal(str(row[c.name]))
    return pl.DataFrame(filled, schema=contract.polars_schema)


def day(text: str) -> date:
    """``"01-05"`` is 5 January 2026; a full date is itself."""
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def account(account_id: str, kind: str = "depository", **more: Any) -> dict[str, Any]:
    return {"account_id": account_id, "type": kind, "name": account_id.title()} | more


def balance(account_id: str, as_of: str, current: Any, **more: Any) -> dict[str, Any]:
    return {"account_id": account_id, "as_of": day(as_of), "current": current} | more


def transaction(source_id: str, account_id: str, on: str, amount: Any, **more: Any) -> dict[str, Any]:
    return {"transaction_id": source_id, "account_id": account_id, "date": day(on), "amount": amount} | more


def trade(source_id: str, on: str, kind: str, quantity: Any, amount: Any, **more: Any) -> dict[str, Any]:
    """A trade of the account ``broker`` in ``ABC``."""
    usual = {"account_id": "broker", "security_id": "ABC"}
    return usual | {
        "trade_id": source_id, "date": day(on), "kind": kind, "quantity": quantity, "amount": amount
    } | more  # fmt: skip


def holding(security_id: str, as_of: str, quantity: Any, value: Any, **more: Any) -> dict[str, Any]:
    """A holding of the account ``broker``."""
    return {
        "account_id": "broker", "security_id": security_id, "as_of": day(as_of),
        "quantity": quantity, "value": value,
    } | more  # fmt: skip


MONEY = {"security_id": "CUR:USD", "is_cash": True}
ABC = {"security_id": "ABC", "symbol": "ABC"}
BROKER = account("broker", "investment")


def frames(**tables: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """The frames ``keep_books`` wants; tables not given are empty, accounts are one broker."""
    given = {"accounts": [BROKER], "securities": [MONEY, ABC]} | tables
    contracts = {
        "accounts": clean.ACCOUNTS, "balances": clean.BALANCES, "transactions": clean.TRANSACTIONS,
        "securities": clean.SECURITIES, "holdings": clean.HOLDINGS, "trades": clean.TRADES,
        "loan_terms": clean.LOAN_TERMS, "categories": categorized.TRANSACTIONS, "splits": categorized.SPLITS, "transfers": categorized.TRANSFERS,
    }  # fmt: skip
    made = {name: rows(contract, *given.get(name, [])) for name, contract in contracts.items()}
    # Unless a test says otherwise, a row is heard of on its day.
    for name in ("transactions", "trades"):
        made[name] = made[name].with_columns(pl.col("first_known_on").fill_null(pl.col("date")))
    return made


def keep(
    book: Book = BOOK,
    *,
    entered: pl.DataFrame | None = None,
    tax_forms: pl.DataFrame | None = None,
    **tables: list[dict[str, Any]],
) -> Books:
    return keep_books(book, **frames(**tables), entered=entered, tax_forms=tax_forms)


def entry(on: str, *lines: tuple[str, Any], **more: Any) -> Written:
    """An entry that a person writes: (account, amount) or (account, amount, currency) each."""
    told = tuple(Line(name, Decimal(str(amount)), *(rest or ("USD",))) for name, amount, *rest in lines)
    return Written(**({"day": day(on), "description": "Entry", "lines": told} | more))


def entered(*entries: Written) -> pl.DataFrame:
    """Entries as ``ops.journal_entries`` has them, numbered from 1."""
    given = [
        {
            "number": number, "book": "home", "date": e.day, "description": e.description,
            "lines": json.dumps(e.document), "adjusting": e.adjusting, "reverses_on": e.reverses_on,
            "voids": e.voids, "decided_by": "ana", "known_at": datetime(2026, 3, 1, tzinfo=UTC),
        }
        for number, e in enumerate(entries, start=1)
    ]  # fmt: skip
    return pl.DataFrame(given, schema=ENTERED)


def lines(books: Books, source_id: str) -> list[tuple[str, Decimal]]:
    """(account, amount) of the entry made from ``source_id``, in the order of its postings."""
    entry = books.journal.filter(pl.col("source_id") == source_id)
    assert entry.height == 1, f"{entry.height} entries from {source_id}"
    found = books.postings.join(entry.select("entry_id"), on="entry_id", how="semi").sort("posting_id")
    return [(name, amount.normalize() + 0) for name, amount in found.select("account", "amount").iter_rows()]


def sums(books: Books, upto: date | None = None) -> dict[str, Decimal]:
    """Balance per account of the chart."""
    kept = books.postings if upto is None else books.postings.filter(pl.col("date") <= upto)
    return dict(kept.group_by("account").agg(pl.col("amount").sum()).iter_rows())
