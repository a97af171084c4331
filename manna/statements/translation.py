"""The statements' totals in the book's currency, where a book has several.

What belongs here: the arithmetic of translation, with the rate and its day. What does not: the statements, which stay in
their own currencies, or where rates come from (the book's file).
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import polars as pl

from manna.books import Book
from manna.contracts.reports import TRANSLATION
from manna.money import round_money

FIGURES = (
    ("income_statement", "Total income", "amount"),
    ("income_statement", "Total expenses", "amount"),
    ("income_statement", "Net income", "amount"),
    ("balance_sheet", "Total assets", "amount"),
    ("balance_sheet", "Total liabilities", "amount"),
    ("balance_sheet", "Total equity", "amount"),
    ("cash_flow", "Net change in cash", "amount"),
    ("cash_flow", "Ending cash", "amount"),
    ("net_worth", "Net worth", "net_worth"),
)
"""Statement, figure, column: what is translated. All of them at the rate of the day that the figures stand on."""
SECTION_OF_FIGURE = {
    "Total income": "Income",
    "Total expenses": "Expenses",
    "Total assets": "Assets",
    "Total liabilities": "Liabilities",
    "Total equity": "Equity",
}


def translation(book: Book, months: pl.DataFrame, made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Each figure per currency with its rate, the rate's day, and its worth; then their sum.

    One rate for results and balances alike makes assets equal liabilities and equity also in the sum; it is a
    convenience translation and no IAS 21 statement, which has results at the rates of their days. Without a rate the
    worth is unknown, and so is the sum.

    Args:
        months: of :class:`manna.statements.balances.MonthlyBalances`.
        made: the statements by name.

    Returns:
        ``reports.translation`` of the months in which there are several currencies.
    """
    several = months.group_by("period").agg(pl.col("currency").n_unique()).filter(pl.col("currency") > 1)
    days = dict(
        months.filter(pl.col("period").is_in(several["period"].implode())).select("period", "day").iter_rows()
    )
    if not days:
        return TRANSLATION.empty()
    rows: list[dict[str, object]] = []
    for rank, (statement, name, column) in enumerate(FIGURES):
        for period, currency, amount in _stated(made[statement], name, column, days).iter_rows():
            rate, day = (Decimal(1), None) if currency == book.currency else book.rate(currency, days[period])
            worth = None if rate is None else round_money(amount * rate, book.currency)
            rows.append(
                {"period": period, "rank": rank, "statement": statement, "account": name, "level": "line", "amount": amount,
                 "currency": currency, "rate": rate, "rate_date": day, "translated": worth}
            )  # fmt: skip
    lines = pl.DataFrame(rows, schema_overrides=TRANSLATION.polars_schema, infer_schema_length=None)
    whole = pl.when(pl.col("translated").is_null().any()).then(None).otherwise(pl.col("translated").sum())
    sums = lines.group_by("period", "rank", "statement", "account").agg(translated=whole)
    sums = sums.with_columns(amount="translated", level=pl.lit("total"), currency=pl.lit(book.currency))
    ordered = pl.concat([lines, sums], how="diagonal_relaxed").sort(
        "period", "rank", pl.col("level") == "total", pl.col("currency") != book.currency, "currency"
    )
    return TRANSLATION.conform(
        ordered.with_columns(
            line=pl.int_range(pl.len()).over("period"),
            book=pl.lit(book.id),
            book_currency=pl.lit(book.currency),
        )
    )


def _stated(frame: pl.DataFrame, name: str, column: str, days: Mapping[date, date]) -> pl.DataFrame:
    """``period, currency`` and the figure; of net worth the last line of each month."""
    own = frame.filter(pl.col("period").is_in(list(days)))
    if "as_of" in frame.columns:
        last = own.filter(pl.col("as_of") == pl.col("as_of").max().over("period", "currency"))
        return last.select("period", "currency", column)
    total = (pl.col("level") == "total") & (pl.col("account") == name)
    return own.filter(total).select("period", "currency", column)
