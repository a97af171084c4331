"""The income statement: what a month brought in and what it cost."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import INCOME_STATEMENT
from manna.statements.balances import MonthlyBalances, root
from manna.statements.presentation import numbered, total, with_totals

SECTIONS = ("Income", "Expenses")
NET_INCOME = "Net income"
_AMOUNTS = ("amount", "previous", "year_to_date")


def income_statement(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Income and expenses of each month, the month before, and since 1 January.

    Income is presented positive (its credit balance), expenses positive (their debit balance);
    net income is income less expenses, per currency.

    Returns:
        ``reports.income_statement`` of every month in ``balances.months``.
    """
    results = balances.accounts.with_columns(section=root(pl.col("account")))
    results = results.filter(pl.col("section").is_in(SECTIONS))
    earned = results.with_columns(-pl.col(_AMOUNTS))
    is_income = pl.col("section") == "Income"
    lines = pl.concat([earned.filter(is_income), results.filter(~is_income)], how="vertical_relaxed")
    rows = with_totals(lines, balances.months, SECTIONS, _AMOUNTS)
    net = total(earned, balances.months, len(SECTIONS), NET_INCOME, NET_INCOME, _AMOUNTS)
    return numbered(INCOME_STATEMENT, book, pl.concat([rows, net]))
