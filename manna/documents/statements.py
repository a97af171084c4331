"""The six statements as tables, each with its columns and their headings, in an accountant's order.

What belongs here: what each statement is called and shows, for pages and terminals alike. What does not:
how rows are set (:mod:`manna.documents.tables`).
"""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from manna.documents import tables
from manna.documents.numerals import long_date, month_name

TITLES = {
    "income_statement": "Income statement",
    "balance_sheet": "Balance sheet",
    "cash_flow": "Cash flow",
    "trial_balance": "Trial balance",
    "net_worth": "Net worth",
    "allocation": "Allocation",
}

_MEANINGS = {
    "income_statement": "What came in and what was spent.",
    "balance_sheet": "What is owned and owed, at cost.",
    "cash_flow": "Where cash came from and went to. Parentheses are cash out.",
    "trial_balance": "Every account’s balance; debits equal credits.",
    "net_worth": "What is owned less what is owed, securities at market.",
    "allocation": "What the investments consist of, at market.",
}


def statement_tables(
    name: str, frame: pl.DataFrame, period: date, currencies: Sequence[str], day: date | None = None
) -> list[tables.Table]:
    """One statement of one month, a table per currency; none where the frame has no rows.

    Args:
        name: the table's name in :mod:`manna.contracts.reports`.
        frame: its rows of ``period`` and one book.
        day: the day the figures stand on; without it the balance sheet is headed by its month.
    """
    if name in ("net_worth", "allocation"):
        make = tables.net_worth if name == "net_worth" else tables.allocation
        return make(frame, anchor=name, meaning=_MEANINGS[name], currencies=currencies)
    before = period - timedelta(days=1)
    columns = {
        "income_statement": (
            ("amount", month_name(period)),
            ("previous", month_name(before)),
            ("year_to_date", f"{period.year} to date"),
        ),
        "balance_sheet": (
            ("amount", long_date(day) if day else month_name(period)),
            ("previous", long_date(before) if day else month_name(before)),
        ),
        "cash_flow": (("amount", month_name(period)),),
        "trial_balance": (("debit", "Debit"), ("credit", "Credit")),
    }
    return tables.statement(
        frame,
        anchor=name,
        title=TITLES[name],
        meaning=_MEANINGS[name],
        columns=columns[name],
        currencies=currencies,
    )
