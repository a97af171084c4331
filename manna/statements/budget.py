"""Budget against actual: what a category may cost a month, and what it came to."""

from datetime import date

import polars as pl

from manna.books import Book
from manna.contracts.declaration import Kind
from manna.contracts.reports import BUDGET
from manna.statements.balances import MonthlyBalances, root
from manna.statements.income import SECTIONS
from manna.statements.presentation import numbered, total

WITHOUT = "Without a budget"
_AMOUNTS = ("budget", "amount", "budget_to_date", "year_to_date")
_MONTH = ["period", "currency"]
_LINE = ["section", "account"]


def budget(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Each budget beside what its category and all below it came to, and what has none; in the book's currency.

    The totals are those of the income statement. A section stands where any category of it has a budget. The budget
    of the year so far counts the months since the first posting, so that a book that began in May owes nothing for April.

    Returns:
        ``reports.budget`` of every month in ``balances.months``; without budgets no rows.
    """
    if not book.budgets:
        return BUDGET.empty()
    sections = sorted({category.split(":")[0] for category in book.budgets}, key=SECTIONS.index)
    ranks = {name: rank for rank, name in enumerate(sections)}
    months = balances.months.filter(pl.col("currency") == book.currency)
    results = balances.accounts.with_columns(section=root(pl.col("account"))).filter(
        pl.col("section").is_in(sections), pl.col("currency") == book.currency
    )
    sign = pl.when(pl.col("section") == "Income").then(-1).otherwise(1)
    placed = results.with_columns(
        pl.col("amount", "year_to_date") * sign, account=budgeted(book, pl.col("account"))
    )
    actual = placed.group_by(*_MONTH, *_LINE).agg(pl.col("amount", "year_to_date").sum())
    began = balances.accounts.select(pl.col("period").filter(pl.col("amount") != 0).min()).item()
    lines = _allowed(book, months, began).join(actual, on=[*_MONTH, *_LINE], how="full", coalesce=True)
    lines = (
        lines.join(months, on=_MONTH, how="semi")
        .with_columns(
            pl.col(_AMOUNTS).fill_null(0).cast(Kind.MONEY.polars),
            rank=pl.col("section").replace_strict(ranks, return_dtype=pl.Int64),
            level=pl.lit("line"),
        )
        .filter((pl.col("account") != WITHOUT) | pl.any_horizontal(pl.col(_AMOUNTS) != 0))
    )
    columns = [*_MONTH, "rank", *_LINE, "level", *_AMOUNTS]
    sums = [
        total(lines.filter(section=name), months, rank, name, f"Total {name.lower()}", _AMOUNTS).select(
            columns
        )
        for name, rank in ranks.items()
    ]
    stated = pl.concat([lines.select(columns), *sums], how="vertical_relaxed").with_columns(
        difference=pl.col("budget") - pl.col("amount"),
        difference_to_date=pl.col("budget_to_date") - pl.col("year_to_date"),
    )
    return numbered(BUDGET, book, stated)


def _allowed(book: Book, months: pl.DataFrame, began: date | None) -> pl.DataFrame:
    """Each month's budgets and those of its year so far; ``began``: the month of the book's first posting."""
    limits = pl.DataFrame(
        [(name.split(":")[0], name, amount) for name, amount in book.budgets.items()],
        schema={"section": pl.String, "account": pl.String, "budget": Kind.MONEY.polars},
        orient="row",
    )
    since = pl.max_horizontal(pl.col("period").dt.truncate("1y"), pl.lit(began, dtype=pl.Date))
    counted = (pl.col("period").dt.month() - since.dt.month() + 1).clip(lower_bound=0)
    return months.join(limits, how="cross").with_columns(budget_to_date=pl.col("budget") * counted)


def budgeted(book: Book, account: pl.Expr) -> pl.Expr:
    """The category whose budget an account counts towards; :data:`WITHOUT` where none does."""
    found = pl.lit(WITHOUT)
    for category in book.budgets:
        below = (account == category) | account.str.starts_with(f"{category}:")
        found = pl.when(below).then(pl.lit(category)).otherwise(found)
    return found
