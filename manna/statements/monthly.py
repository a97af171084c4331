"""The monthly statements and schedules of a book at once."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from manna.books import Book
from manna.statements.balance import balance_sheet
from manna.statements.balances import monthly_balances
from manna.statements.budget import budget
from manna.statements.cash_flow import cash_flow, cash_flow_indirect
from manna.statements.equity import changes_in_equity
from manna.statements.income import income_comparison, income_statement
from manna.statements.net_worth import allocation, net_worth, unrealized
from manna.statements.realized_gains import realized_gains
from manna.statements.schedules import dividends_and_interest, tax_lines
from manna.statements.sources import Sources
from manna.statements.spending import spending
from manna.statements.translation import translation
from manna.statements.trial import adjusting_postings, trial_balance


def statements(
    book: Book,
    postings: pl.DataFrame,
    valuations: pl.DataFrame,
    securities: pl.DataFrame,
    periods: Sequence[date],
    as_of: date,
    sources: Sources | None = None,
) -> dict[str, pl.DataFrame]:
    """Every statement and schedule of ``book`` for every period, made from one pass over the postings.

    Args:
        postings: all ``ledger.postings`` since the first (other books are left out).
        valuations: ``portfolio.valuations`` covering every month end since the first posting and ``as_of``.
        securities: ``clean.securities``, for names.
        periods: first days of months up to ``as_of``, in any order.
        as_of: the last known day; a month that it lies in is as of it.
        sources: what some of them need beside; without it they are as if there were none.

    Returns:
        Table name of :mod:`manna.contracts.reports` to its rows, for all periods.

    Raises:
        ValueError: unusable periods, or valuations that lack a position of the ledger.
    """
    sources = sources or Sources()
    balances = monthly_balances(book, postings, periods, as_of)
    valuations = valuations.filter(pl.col("book") == book.id)
    own = postings.filter((pl.col("book") == book.id) & (pl.col("date") <= as_of))
    gains = unrealized(book, balances, valuations)
    made = {
        "income_statement": income_statement(book, balances),
        "income_comparison": income_comparison(book, balances),
        "balance_sheet": balance_sheet(book, balances, gains),
        "changes_in_equity": changes_in_equity(book, balances, gains),
        "cash_flow": cash_flow(book, balances),
        "cash_flow_indirect": cash_flow_indirect(book, balances),
        "trial_balance": trial_balance(book, balances, adjusting_postings(own, sources.journal)),
        "net_worth": net_worth(book, balances, valuations),
        "allocation": allocation(book, balances, valuations, securities),
        "realized_gains": realized_gains(book, balances, sources.gains),
        "dividends_and_interest": dividends_and_interest(book, balances, own, sources.adjustments),
        "tax_lines": tax_lines(book, balances, own, sources.adjustments),
        "budget": budget(book, balances),
        "spending": spending(book, balances, own, sources.merchants),
    }
    return made | {"translation": translation(book, balances.months, made)}
