"""Drift: the managed accounts' weights against the book's targets."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import polars as pl

from manna.books import Book
from manna.contracts.portfolio import DRIFT
from manna.rebalancing.parts import EXACT, RATIO, Node, nodes
from manna.rebalancing.targets import CASH

_NONE = Decimal(0)
_Held = dict[str, tuple[Decimal, Decimal | None]]


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
        ``portfolio.drift``, by part; weights are shares of 1. Empty without targets, and when the managed
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
    positions: _Held = {security: (quantity, worth) for security, quantity, worth in sums.iter_rows()}
    whole = _whole([worth for _, worth in positions.values()])
    if whole is not None and whole <= 0:
        return DRIFT.empty()
    with localcontext(EXACT):
        parts = nodes(book.targets, positions.keys() - {CASH}, whole or Decimal(1))
        rows = [_row(book, part, day, positions, whole) for part in parts]
    known = [row for row in rows if row["security_id"] != CASH or row["target"] or CASH in positions]
    return DRIFT.conform(pl.DataFrame(known, schema=DRIFT.polars_schema).sort("security_id"))


def _whole(values: list[Decimal | None]) -> Decimal | None:
    """The sum, unknown as soon as one value is."""
    known = [value for value in values if value is not None]
    return sum(known, _NONE) if len(known) == len(values) else None


def _row(book: Book, part: Node, day: date, positions: _Held, whole: Decimal | None) -> dict[str, object]:
    names = (CASH,) if part.name == CASH else part.securities
    held = [positions[name] for name in names if name in positions]
    value = _whole([worth for _, worth in held])
    weight = None if whole is None or value is None else (value / whole).quantize(RATIO, ROUND_HALF_EVEN)
    target = part.target.quantize(RATIO, ROUND_HALF_EVEN)
    return {
        "book": book.id,
        "security_id": part.name,
        "kind": "cash" if part.name == CASH else "sleeve" if part.sleeve else "part",
        "date": day,
        # Units of different securities have no sum.
        "quantity": sum((units for units, _ in held), _NONE) if len(held) <= 1 and not part.sleeve else None,
        "value": value,
        "weight": weight,
        "target": target,
        "drift": None if weight is None else weight - target,
        "band": min(part.high - target, Decimal(1)),
        "breached": weight is not None and not part.holds(weight),
        "currency": book.currency,
    }
