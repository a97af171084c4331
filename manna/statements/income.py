"""The income statement: what a month brought in and what it cost, and the same for longer spans."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import INCOME_COMPARISON, INCOME_STATEMENT, SPANS
from manna.statements.balances import MonthlyBalances, root
from manna.statements.presentation import numbered, total, with_totals

SECTIONS = ("Income", "Expenses")
NET_INCOME = "Net income"
NET_INCOME_OF_YEAR = "This year's net income"
_AMOUNTS = ("amount", "previous", "year_to_date")
_COMPARED = ("amount", "previous")
_LARGEST_RATIO = 1_000_000
_KEY = ["account", "currency"]


def income_statement(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Income and expenses of each month, the month before, and since 1 January.

    Income is presented positive (its credit balance), expenses positive (their debit balance);
    net income is income less expenses, per currency.

    Returns:
        ``reports.income_statement`` of every month in ``balances.months``.
    """
    results = balances.accounts.filter(is_result())
    return numbered(INCOME_STATEMENT, book, _with_net_income(results, balances.months, _AMOUNTS))


def income_comparison(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """The income statement of four spans, each beside the one before it, with the change.

    ``quarter`` and ``year`` are the three and the twelve months up to the period's, so that they are whole in every
    month: in March the first quarter, in December the calendar year. ``year_to_date`` is compared with the same
    months of the year before, the others with as many months right before them.

    Returns:
        ``reports.income_comparison`` of every month in ``balances.months``.
    """
    results = balances.accounts.filter(is_result())
    parts = []
    for rank, span in enumerate(SPANS):
        compared = results.with_columns(amount=_of_span(span), previous=_before(span))
        rows = _with_net_income(compared, balances.months, _COMPARED)
        since = since_of(pl.col("period"), span)
        ranked = pl.col("rank") + rank * (len(SECTIONS) + 1)
        parts.append(rows.with_columns(span=pl.lit(span), since=since, rank=ranked))
    change, previous = pl.col("amount") - pl.col("previous"), pl.col("previous").abs()
    ratio = change.cast(pl.Decimal(38, 8)) / pl.when(previous != 0).then(previous)
    days = balances.months.select("period", until="day").unique()
    rows = pl.concat(parts).join(days, on="period", how="left")
    # What is a million times as much as before is compared with next to nothing.
    said = pl.when(change.abs() < previous * _LARGEST_RATIO).then(ratio)
    return numbered(INCOME_COMPARISON, book, rows.with_columns(change=change, change_ratio=said))


def is_result() -> pl.Expr:
    """Whether ``account`` is income or an expense."""
    return root(pl.col("account")).is_in(SECTIONS)


def since_of(period: pl.Expr, span: str) -> pl.Expr:
    """The first day of the span of this name that ends with the month ``period``."""
    if span == "year_to_date":
        return period.dt.truncate("1y")
    return period.dt.offset_by({"month": "0mo", "quarter": "-2mo", "year": "-11mo"}[span])


def _of_span(span: str, shift: int = 0) -> pl.Expr:
    """The sum of ``amount`` over the span that ended ``shift`` months ago; rows are in order of months."""
    if span == "year_to_date":
        return pl.col("year_to_date").shift(shift).over(_KEY).fill_null(0)
    months = {"month": 1, "quarter": 3, "year": 12}[span]
    until = pl.col("amount").cum_sum()
    summed = until.shift(shift).fill_null(0) - until.shift(shift + months).fill_null(0)
    return summed.over(_KEY)


def _before(span: str) -> pl.Expr:
    return _of_span(span, {"month": 1, "quarter": 3, "year": 12, "year_to_date": 12}[span])


def _with_net_income(results: pl.DataFrame, months: pl.DataFrame, amounts: tuple[str, ...]) -> pl.DataFrame:
    """Income and expenses as presented, their totals, and net income."""
    results = results.with_columns(section=root(pl.col("account")))
    earned = results.with_columns(-pl.col(amounts))
    is_income = pl.col("section") == "Income"
    lines = pl.concat([earned.filter(is_income), results.filter(~is_income)], how="vertical_relaxed")
    rows = with_totals(lines, months, SECTIONS, amounts)
    return pl.concat([rows, total(earned, months, len(SECTIONS), NET_INCOME, NET_INCOME, amounts)])
