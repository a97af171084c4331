"""Worked trades as tables: realized gains, open lots, totals by year and term.

What belongs here: the columns. What does not: the rules (``wash``), or how a table looks.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from manna.contracts.declaration import Kind
from manna.ledger.lots import Lot, is_long, share
from manna.tax.wash import Held, TaxLine

MONEY, UNITS = Kind.MONEY.polars, Kind.QUANTITY.polars
REALIZED = {
    "sold": pl.Date, "account": pl.String, "symbol": pl.String, "quantity": UNITS, "acquired": pl.Date,
    "held_since": pl.Date, "term": pl.String, "proceeds": MONEY, "cost": MONEY, "basis_adjustment": MONEY,
    "adjusted_basis": MONEY, "gain": MONEY, "disallowed": MONEY, "recognized_gain": MONEY, "lost": MONEY,
    "provisional": pl.Boolean, "lot": pl.String, "replaced_by": pl.String,
}  # fmt: skip
OPEN = {
    "account": pl.String, "symbol": pl.String, "lot": pl.String, "acquired": pl.Date, "held_since": pl.Date,
    "quantity": UNITS, "cost": MONEY, "basis_adjustment": MONEY, "adjusted_basis": MONEY,
}  # fmt: skip
TOTALS = {
    "year": pl.String, "term": pl.String, "proceeds": MONEY, "adjusted_basis": MONEY, "gain": MONEY,
    "disallowed": MONEY, "recognized_gain": MONEY, "lost": MONEY,
}  # fmt: skip
_SUMMED = ("proceeds", "adjusted_basis", "gain", "disallowed", "recognized_gain", "lost")


def realized(lines: Sequence[TaxLine], as_of: date) -> pl.DataFrame:
    """One row per sale, lot and holding period, in order of the sales; columns of :data:`REALIZED`.

    ``gain`` = ``proceeds`` - ``adjusted_basis``; ``recognized_gain`` = ``gain`` + ``disallowed``, which is positive. ``lost`` is the
    part of ``disallowed`` that no basis takes up. ``provisional``: on ``as_of`` a purchase could still disallow more.
    """
    rows = [
        {
            "sold": line.disposal.place[0],
            "account": line.disposal.account,
            "symbol": line.disposal.security,
            "quantity": line.quantity,
            "acquired": line.disposal.opened,
            "held_since": line.held_since,
            "term": "long" if is_long(line.held_since, line.disposal.place[0]) else "short",
            "proceeds": line.proceeds,
            "cost": line.cost,
            "basis_adjustment": line.adjustment,
            "adjusted_basis": line.cost + line.adjustment,
            "gain": line.gain,
            "disallowed": line.disallowed,
            "recognized_gain": line.counted,
            "lost": line.lost,
            "provisional": line.gain < 0 and line.open_units > 0 and as_of <= line.window_ends,
            "lot": line.disposal.lot_id,
            "replaced_by": ", ".join(dict.fromkeys(name for name, _ in line.replaced_by)),
        }
        for line in lines
    ]
    return _frame(rows, REALIZED)


def open_lots(lots: Sequence[Lot], held: dict[str, tuple[Held, ...]]) -> pl.DataFrame:
    """What is left, a row per lot and holding period; columns of :data:`OPEN`."""
    rows = []
    for lot in sorted(lots, key=lambda each: (each.account_id, each.security_id, each.opened)):
        left = lot.carrying
        parts = held.get(lot.lot_id, ())
        for number, part in enumerate(parts, start=1):
            cost = (
                left if number == len(parts) else share(lot.carrying, part.units, lot.remaining, lot.currency)
            )
            left -= cost
            rows.append(
                {
                    "account": lot.account_id,
                    "symbol": lot.security_id,
                    "lot": lot.lot_id,
                    "acquired": lot.opened,
                    "held_since": part.since,
                    "quantity": part.units,
                    "cost": cost,
                    "basis_adjustment": part.adjustment,
                    "adjusted_basis": cost + part.adjustment,
                }
            )
    return _frame(rows, OPEN)


def totals(gains: pl.DataFrame) -> pl.DataFrame:
    """Sums of :func:`realized` by year of sale and term; columns of :data:`TOTALS`."""
    sums: defaultdict[tuple[int, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in gains.iter_rows(named=True):
        for name in _SUMMED:
            sums[row["sold"].year, row["term"]][name] += row[name]
    rows = [{"year": str(year), "term": term, **sums[year, term]} for year, term in sorted(sums)]
    return _frame(rows, TOTALS)


def _frame(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=dict(schema))
