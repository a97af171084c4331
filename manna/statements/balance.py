"""The balance sheet: what is owned and owed at a month's end, and whose it is."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import BALANCE_SHEET, EARLIER_RESULTS
from manna.ledger.chart import REVALUATION, REVALUED
from manna.statements.balances import MonthlyBalances, root
from manna.statements.income import NET_INCOME_OF_YEAR
from manna.statements.presentation import numbered, total, with_totals

SECTIONS = ("Assets", "Liabilities", "Equity")
UNREALIZED = "Unrealized gains"
FUNDING = "Liabilities and Equity"
_LEAF = f":{REVALUED}"
_AMOUNTS = ("amount", "previous", "unrealized", "value")
_TO_DATE = ("year_to_date", "previous_to_date")


def at_current_value(book: Book) -> bool:
    """Whether the book's balance sheet shows current values too: a household's does (ASC 274-10-35), a firm's does not."""
    return book.kind == "household"


def is_revaluation(book: Book, account: pl.Expr) -> pl.Expr:
    """Whether an account holds what a thing is worth beyond its cost; never in a firm's book, which is at cost."""
    leaf = account.str.starts_with("Assets:") & account.str.ends_with(_LEAF)
    return pl.lit(at_current_value(book)) & (leaf | (account == REVALUATION))


def balance_sheet(book: Book, balances: MonthlyBalances, unrealized: pl.DataFrame) -> pl.DataFrame:
    """Assets, liabilities and equity at each month's end, and at the end of the month before.

    Assets are presented by their debit balance, liabilities and equity by their credit balance. Income
    and expenses are never closed in the ledger: in equity the results of earlier years stand as one line and this
    year's net income, up to the month's end, as another, so that assets equal liabilities and equity. A household's
    equity has one more line, what is unrealized, which is nothing at cost: of securities by their prices, of houses and
    the like by the book's file.

    Args:
        unrealized: :func:`manna.statements.net_worth.unrealized`.

    Returns:
        ``reports.balance_sheet`` of every month in ``balances.months``.
    """
    held = balances.accounts.join(unrealized, on=["account", "currency", "period"], how="left")
    standing = held.select(
        "period",
        "currency",
        "account",
        section=root(pl.col("account")),
        amount=pl.col("closing"),
        previous=pl.col("opening"),
        year_to_date=pl.col("year_to_date"),
        previous_to_date=pl.col("previous_to_date"),
        unrealized=pl.col("unrealized").fill_null(0),
        value=pl.col("closing") + pl.col("unrealized").fill_null(0),
    )
    lines = pl.concat(_lines(book, standing, unrealized), how="vertical_relaxed")
    key = [
        "period",
        "currency",
        "section",
        "account",
    ]  # a thing and its leaf are one line, and so are all gains
    lines = lines.group_by(key).agg(pl.col(_AMOUNTS).sum())
    rows = with_totals(lines, balances.months, SECTIONS, _AMOUNTS)
    name = f"Total {FUNDING.lower()}"
    owed = lines.filter(pl.col("section") != "Assets")
    rows = pl.concat([rows, total(owed, balances.months, len(SECTIONS), FUNDING, name, _AMOUNTS)])
    if not at_current_value(book):
        rows = rows.with_columns(unrealized=pl.lit(None), value=pl.lit(None))
    return numbered(BALANCE_SHEET, book, rows)


def _lines(book: Book, standing: pl.DataFrame, unrealized: pl.DataFrame) -> list[pl.DataFrame]:
    """Assets as debits, the rest as credits; what things are worth beyond their cost moved where it is shown.

    A leaf of revaluation is unrealized on its thing's line. In equity the same stands against ``Equity:Revaluation``;
    at cost both are nothing, but for an entry that books to one of them alone, which then shows there.
    """
    columns, account = standing.drop(_TO_DATE).columns, pl.col("account")
    owned = standing.filter(pl.col("section") == "Assets")
    funded = standing.filter(pl.col("section") != "Assets").with_columns(-pl.col(*_AMOUNTS, *_TO_DATE))
    leaf, in_equity = (
        is_revaluation(book, account),
        {"section": pl.lit("Equity"), "account": pl.lit(UNREALIZED)},
    )
    nothing, is_result = pl.lit(0), pl.col("section").is_in(["Income", "Expenses"])
    shown = owned.filter(leaf).with_columns(
        account=account.str.strip_suffix(_LEAF), amount=nothing, previous=nothing, unrealized="amount"
    )
    against = owned.filter(leaf).with_columns(
        -pl.col("amount", "previous"), **in_equity, unrealized="amount", value=nothing
    )
    priced = unrealized.with_columns(**in_equity, value="unrealized", amount=nothing, previous=nothing)
    earned = funded.filter(is_result).with_columns(section=pl.lit("Equity"))
    of_year, before = pl.col("year_to_date"), pl.col("previous_to_date")
    this_year = earned.with_columns(
        account=pl.lit(NET_INCOME_OF_YEAR), amount=of_year, previous=before, value=of_year
    )
    earlier = earned.with_columns(
        pl.col("amount", "value") - of_year,
        pl.col("previous") - before,
        account=pl.lit(EARLIER_RESULTS[book.kind]),
    )
    parts = (
        owned.filter(~leaf), shown, against, funded.filter(~is_result & ~leaf),
        funded.filter(leaf).with_columns(**in_equity), earlier, this_year, priced,
    )  # fmt: skip
    return [part.select(columns) for part in parts]
