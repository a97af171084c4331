"""Whether performance says the same as what it was made from.

What belongs here: what must tie, and by how much it does not. What does not: making either side.
"""

import polars as pl

from manna.books import Book
from manna.portfolio.performance import exchange_rates

PARTS = ("opening", "flows", "income", "fees", "realized", "unrealized", "currency_effect")
_SCOPE = ["scope", "name"]


def disagreements(book: Book, performance: pl.DataFrame, valuations: pl.DataFrame) -> list[str]:
    """Everything that does not tie in one book's ``portfolio.performance``, a line each; empty where all does.

    A day's parts sum to its closing value, it opens at what the day before closed at, and each account closes at what
    ``portfolio.valuations`` says its priced positions are worth, translated at the rates of the book's file.
    """
    days = performance.sort(*_SCOPE, "date")
    summed = days.filter(pl.sum_horizontal(PARTS) != pl.col("closing"))
    found = [f"{row['scope']} {row['name']}: the parts of {row['date']} do not sum" for row in _rows(summed)]
    before = days.with_columns(
        was=pl.col("closing").shift(1).over(_SCOPE), last=pl.col("date").shift(1).over(_SCOPE)
    )
    adjoining = pl.col("last") == pl.col("date").dt.offset_by("-1d")
    jumps = before.filter(pl.col("opening") != pl.when(adjoining).then("was").otherwise(0))
    found += [
        f"{row['scope']} {row['name']}: {row['date']} does not open where it closed" for row in _rows(jumps)
    ]
    return found + [_said(row) for row in _rows(_off(book, performance, valuations))]


def _off(book: Book, performance: pl.DataFrame, valuations: pl.DataFrame) -> pl.DataFrame:
    """Accounts and days of which value and closing value differ by more than the rounding of their translation."""
    if valuations.is_empty():
        return performance.clear().select(account_id="name", date="date", worth="closing", closing="closing")
    rated = valuations.join(exchange_rates(book, valuations), on=["currency", "date"], how="left")
    is_own = pl.col("currency") == book.currency
    exact = pl.when(is_own).then(pl.col("value").cast(pl.Decimal(38, 12))).otherwise(
        pl.col("value").cast(pl.Decimal(38, 12)) * pl.col("rate")
    )  # fmt: skip
    worth = rated.with_columns(exact=exact).group_by("account_id", "date").agg(
        worth=pl.col("exact").sum(), foreign=(~is_own).sum()
    )  # fmt: skip
    closed = performance.filter(pl.col("scope") == "account").select("date", "closing", account_id="name")
    both = worth.join(closed, on=["account_id", "date"], how="full", coalesce=True).with_columns(
        pl.col("worth", "closing", "foreign").fill_null(0)
    )
    tolerance = pl.col("foreign").cast(pl.Float64) * 0.0001
    return both.filter((pl.col("worth") - pl.col("closing")).cast(pl.Float64).abs() > tolerance)


def _rows(frame: pl.DataFrame) -> list[dict[str, object]]:
    return frame.sort("date").to_dicts()


def _said(row: dict[str, object]) -> str:
    return f"account {row['account_id']}: {row['closing']} on {row['date']}, where it is worth {row['worth']}"
