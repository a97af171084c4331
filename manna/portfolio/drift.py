"""Drift: the managed accounts' weights against the book's targets."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl

from manna.books import Book
from manna.contracts.portfolio import DRIFT

CASH = "CASH"
"""The name of money among targets and weights."""

_RATIO = Decimal("0.00000001")


def drift(book: Book, valuations: pl.DataFrame, accounts: pl.DataFrame, day: date) -> pl.DataFrame:
    """Weights of the managed accounts, all together, against ``book.targets`` on one day.

    Managed are the book's accounts at the targets' institution; of them, what is in the book's currency.
    What is held without a target has target 0, what has a target and is not held has weight 0. If any
    managed position has no value, the whole is unknown: then values that are known are stated, every
    weight is null and nothing is breached, so no plan can be made of it.

    Args:
        valuations: ``portfolio.valuations`` that include ``day``.
        accounts: ``clean.accounts``.
        day: day of the valuation.

    Returns:
        ``portfolio.drift``, by security; weights are shares of 1. Empty without targets, and when the managed
        accounts are worth nothing or less.
    """
    if not book.targets.weights:
        return DRIFT.empty()
    managed = accounts.filter(
        (pl.col("book") == book.id) & (pl.col("institution") == book.targets.institution)
    )
    held = valuations.filter(
        (pl.col("book") == book.id)
        & (pl.col("date") == day)
        & (pl.col("currency") == book.currency)
        & pl.col("account_id").is_in(managed["account_id"].unique().implode())
    )
    name = pl.when(pl.col("price_source") == "par").then(pl.lit(CASH)).otherwise("security_id")
    value = pl.when(pl.col("value").is_null().any()).then(None).otherwise(pl.col("value").sum())
    sums = held.group_by(name.alias("security_id")).agg(pl.col("quantity").sum(), value=value)
    positions = {security: (quantity, worth) for security, quantity, worth in sums.iter_rows()}
    whole = _whole([worth for _, worth in positions.values()])
    if whole is not None and whole <= 0:
        return DRIFT.empty()
    nothing = (Decimal(0), Decimal(0))
    names = sorted({*positions, *book.targets.weights})
    rows = [_row(book, name, day, *positions.get(name, nothing), whole) for name in names]
    return pl.DataFrame(rows, schema=DRIFT.polars_schema)


def _whole(values: list[Decimal | None]) -> Decimal | None:
    """The sum, unknown as soon as one value is."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def _row(
    book: Book, security_id: str, day: date, quantity: Decimal, value: Decimal | None, whole: Decimal | None
) -> dict[str, object]:
    target = book.targets.weights.get(security_id, Decimal(0))
    weight = None if whole is None or value is None else (value / whole).quantize(_RATIO, ROUND_HALF_EVEN)
    gap = None if weight is None else weight - target
    return {
        "book": book.id,
        "security_id": security_id,
        "date": day,
        "quantity": quantity,
        "value": value,
        "weight": weight,
        "target": target,
        "drift": gap,
        "band": book.targets.band,
        "breached": gap is not None and abs(gap) > book.targets.band,
        "currency": book.currency,
    }
