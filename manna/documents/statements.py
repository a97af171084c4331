"""The statements as tables, each with its columns and their headings, in an accountant's order.

What belongs here: what each statement is called and shows, for pages, paper, workbooks and terminals alike. What
does not: how rows are set (:mod:`manna.documents.tables`, :mod:`manna.documents.listings`).

Whatever :mod:`manna.contracts.reports` declares is set without another word here: by account where it has accounts
and levels, else as a list. The names below only say it better.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from manna.contracts.declaration import Column, Contract, Kind
from manna.contracts.reports import ON_DEMAND, STATEMENTS
from manna.documents import listings, tables, worth
from manna.documents.numerals import form_date, long_date, short_date
from manna.documents.spans import Span

if TYPE_CHECKING:  # a terminal's table needs no book's settings
    from manna.books import Book

BY_NAME = {contract.name: contract for contract in (*STATEMENTS, *ON_DEMAND)}
ALWAYS = ("income_statement", "balance_sheet", "cash_flow", "trial_balance", "net_worth", "allocation")
"""Statements that a month's page names even where they are empty; an empty schedule says nothing."""
TITLES = {name: name.replace("_", " ").capitalize() for name in BY_NAME} | {
    "cash_flow_indirect": "Cash flow, indirect method",
    "budget": "Budget and actual",
}

_MEANINGS = {
    "income_statement": "What came in and what was spent.",
    "balance_sheet": "What is owned and owed, at cost; a household’s also at current value.",
    "cash_flow": "Where cash came from and went to. Parentheses are cash out.",
    "trial_balance": "Every account’s balance, income and expenses since 1 January; debits equal credits.",
    "net_worth": "What is owned less what is owed, securities at market.",
    "allocation": "What the investments consist of, at market.",
}
_SPANS = {
    "month": "the month",
    "quarter": "three months",
    "year": "twelve months",
    "year_to_date": "the year to date",
}
_FORM_8949 = {
    "account": "(a) Description",
    "acquired": "(b) Acquired",
    "sold": "(c) Sold",
    "proceeds": "(d) Proceeds",
    "basis": "(e) Basis",
    "code": "(f) Code",
    "adjustment": "(g) Adjustment",
    "gain": "(h) Gain or loss",
}
_SPANNED = ("span", "since", "until")
"""Columns that say which of several spans a row is of; a table is of one."""


def of_a_month(frame: pl.DataFrame, month: date) -> pl.DataFrame:
    """Of a statement with several spans, those that belong with a month's others: quarter and year where they end.

    The month alone is in the statement without spans, and until the year has ended the year to date stands for it.
    """
    if "span" not in frame.columns:
        return frame
    ended = {"quarter"} if month.month % 3 == 0 else set()
    ended |= {"year"} if month.month == 12 else {"year_to_date"}
    return frame.filter(pl.col("span").is_in(sorted(ended)))


def why_empty(name: str, book: "Book") -> str:
    """What to say, and to do, where a statement has no rows."""
    file = f"{book.id}.yaml"
    if name == "budget" and not book.budgets:
        return f"No budget in {file}: add a section budgets, such as {{Expenses:Food: 800}} (docs/guide.md)"
    said = {
        "translation": f"All amounts are in {book.currency}: there is nothing to translate. Several currencies need their "
        f"rates in {file}: exchange_rates or dated_rates (docs/guide.md)",
        "realized_gains": "Nothing was sold in the year so far outside sheltered accounts",
        "allocation": "No investments are held; `manna link` adds an account",
        "spending": "Nothing was spent",
    }
    return said.get(name, "Nothing was booked up to then; `manna status` says how far each account is known")


def statement_tables(
    name: str,
    frame: pl.DataFrame,
    period: date | Span,
    currencies: Sequence[str],
    day: date | None = None,
) -> list[tables.Table]:
    """One statement of one period, a table per span and currency; none where the frame has no rows.

    Args:
        name: the table's name in :mod:`manna.contracts.reports`.
        frame: its rows of ``period`` and one book.
        day: the day the figures stand on; without it the balance sheet is headed by its month.
    """
    span = period if isinstance(period, Span) else Span("month", period)
    if "span" not in BY_NAME[name].names or frame.is_empty():
        return _set(name, TITLES[name], frame, _headings(name, span, day), currencies)
    found = []
    for (kind,), rows in frame.group_by("span", maintain_order=True):
        title = f"{TITLES[name]}, {_SPANS.get(str(kind), str(kind).replace('_', ' '))}"
        since, until = rows["since"][0], rows["until"][0]
        said = {"amount": f"{short_date(since)} to {short_date(until)}", "previous": "The span before"}
        said["change_ratio"] = "In percent"
        found += _set(name, title, rows, said, currencies)
    return found


def _set(
    name: str, title: str, frame: pl.DataFrame, said: dict[str, str], currencies: Sequence[str]
) -> list[tables.Table]:
    """By account where the rows are accounts and their amounts, else as a list."""
    contract, meaning = BY_NAME[name], _MEANINGS.get(name, BY_NAME[name].meaning)
    if name in ("net_worth", "allocation"):
        make = worth.net_worth if name == "net_worth" else worth.allocation
        return make(frame, anchor=name, meaning=meaning, currencies=currencies)

    def heading(column: Column) -> str:
        return said.get(column.name) or listings.heading(column)

    if not _is_by_account(contract):
        headings = [heading(column) for column in listings.shown(contract)]
        day = form_date if name == "realized_gains" else short_date
        return listings.listing(
            contract, frame, title=title, meaning=meaning, headings=headings, currencies=currencies, day=day
        )
    columns: list[tuple[str, str, tables.Kind]] = [
        (column.name, heading(column), "money" if column.kind is Kind.MONEY else "ratio")
        for column in contract.columns
        if column.kind in (Kind.MONEY, Kind.RATIO)
    ]
    return tables.statement(
        frame, anchor=name, title=title, meaning=meaning, columns=columns, currencies=currencies
    )


def _is_by_account(contract: Contract) -> bool:
    """Whether a row is an account (or a total) and its amounts, and nothing else."""
    known = {*listings.HEAD, *_SPANNED, "section", "account"}
    others = [column for column in contract.columns if column.name not in known]
    return {"account", "level"} <= set(contract.names) and all(
        column.kind in (Kind.MONEY, Kind.RATIO) for column in others
    )


def _headings(name: str, span: Span, day: date | None) -> dict[str, str]:
    """Headings that are better than a column's name."""
    if name == "realized_gains":
        return _FORM_8949
    found = {
        "amount": span.label,
        "previous": span.before.label,
        "year_to_date": f"{span.first.year} to date",
    }
    if name == "balance_sheet" and day:
        found |= {"amount": long_date(day), "previous": long_date(span.first - timedelta(days=1))}
    return found
