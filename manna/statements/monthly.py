"""The six monthly statements of a book at once."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from manna.books import Book
from manna.statements.balance import balance_sheet
from manna.statements.balances import monthly_balances
from manna.statements.cash_flow import cash_flow
from manna.statements.income import income_statement
from manna.statements.net_worth import allocation, net_worth
from manna.statements.trial import trial_balance


def statements(
    book: Book,
    postings: pl.DataFrame,
    valuations: pl.DataFrame,
    securities: pl.DataFrame,
    periods: Sequence[date],
    as_of: date,
) -> dict[str, pl.DataFrame]:
    """The six statements of ``book`` for every period, made from one pass over the postings.

    Args:
        postings: all ``ledger.postings`` since the first (other books are left out).
        valuations: ``portfolio.valuations`` covering every month end since the first posting and ``as_of``.
        securities: ``clean.securities``, for names.
        periods: first days of months up to ``as_of``, in any order.
        as_of: the last known day; a month that it lies in is as of it.

    Returns:
        Table name of :mod:`manna.contracts.reports` to its rows, for all periods.

    Raises:
        ValueError: unusable periods, or valuations that lack a position of the ledger.
    """
    balances = monthly_balances(book, postings, periods, as_of)
    valuations = valuations.filter(pl.col("book") == book.id)
    return {
        "income_statement": income_statement(book, balances),
        "balance_sheet": balance_sheet(book, balances),
        "cash_flow": cash_flow(book, balances),
        "trial_balance": trial_balance(book, balances),
        "net_worth": net_worth(book, balances, valuations),
        "allocation": allocation(book, balances, valuations, securities),
    }
