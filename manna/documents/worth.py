"""The two statements of what is owned at market: net worth over time, and what the investments consist of.

What belongs here: their rows, with the change and the gain that follow from them. What does not: a price.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import polars as pl

from manna.documents.numerals import NIL, quantity, short_date
from manna.documents.tables import Cell, Group, Kind, Record, Row, Table, money, ratio, records

_LONGEST_SYMBOL = 21
"""An option's symbol by the OCC has 21 characters."""


def net_worth(frame: pl.DataFrame, *, anchor: str, meaning: str, currencies: Sequence[str]) -> list[Table]:
    """The net worth statement, newest month end first, with the change from the month end before."""
    headings = ("Assets at cost", "Unrealized gain", "Liabilities", "Net worth", "Change")
    tables = []
    for currency in currencies:
        rows: list[Row] = []
        previous: Decimal | None = None
        for row in sorted(records(frame, currency), key=lambda row: row["as_of"]):
            names = ("assets_at_cost", "unrealized", "liabilities", "net_worth")
            change = None if previous is None else row["net_worth"] - previous
            cells = tuple(money(row[name], currency) for name in names)
            last = Cell(NIL, faint=True) if change is None else money(change, currency)
            label = short_date(row["as_of"])
            rows.append(Row(label, "line", cells=(*cells, last)))
            newest = row["line"]
            previous = row["net_worth"]
        if rows:
            # Each month's page opens its own figure; those before stand on theirs.
            rows[-1] = replace(rows[-1], line=newest)
            group = Group("", tuple(reversed(rows)))
            tables.append(Table(anchor, "Net worth", meaning, currency, "As of", headings, (group,)))
    return tables


def allocation(frame: pl.DataFrame, *, anchor: str, meaning: str, currencies: Sequence[str]) -> list[Table]:
    """Investments at the month's end with their total; the total cost is stated only if every one is."""
    headings = ("Quantity", "Value", "Cost", "Gain", "Weight")
    tables = []
    for currency in currencies:
        holdings = records(frame, currency)
        if not holdings:
            continue
        rows = [_holding(row, currency) for row in holdings]
        value = sum((row["value"] for row in holdings), Decimal(0))
        costs = [row["cost"] for row in holdings]
        cost = None if None in costs else sum(costs, Decimal(0))
        weight = sum((row["weight"] for row in holdings), Decimal(0))
        cells = (Cell(""), *_valued(value, cost, currency), ratio(weight))
        rows.append(Row("Total investments", "final", cells=cells))
        group = Group("", tuple(rows))
        kinds: tuple[Kind, ...] = ("quantity", "money", "money", "money", "ratio")
        tables.append(Table(anchor, "Allocation", meaning, currency, "Holding", headings, (group,), kinds))
    return tables


def _holding(row: Record, currency: str) -> Row:
    name, security = row["name"] or row["security_id"], row["security_id"]
    units = Cell(quantity(row["quantity"]), value=row["quantity"], kind="quantity")
    cells = (units, *_valued(row["value"], row["cost"], currency), ratio(row["weight"]))
    # A symbol helps; a provider's id of forty characters does not.
    note = security if security != name and len(security) <= _LONGEST_SYMBOL else ""
    return Row(name, "line", cells=cells, note=note, line=row["line"])


def _valued(value: Decimal, cost: Decimal | None, currency: str) -> tuple[Cell, Cell, Cell]:
    gain = None if cost is None else value - cost
    unknown = Cell(NIL, faint=True, kind="money")
    return (
        money(value, currency),
        money(cost, currency),
        unknown if gain is None else money(gain, currency),
    )
