"""A statement that is a list (a ledger, a register, gains, spending), set by nothing but its declaration.

What belongs here: one row per row, each column by its :class:`~manna.contracts.declaration.Kind`. What does not: the
layout of statements by account (:mod:`manna.documents.tables`).
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby

import polars as pl

from manna.contracts.declaration import Column, Contract
from manna.contracts.declaration import Kind as Declared
from manna.documents.numerals import NIL, percent, quantity, short_date
from manna.documents.tables import Cell, Group, Kind, Record, Row, Table, money, records

HEAD = ("book", "period", "line", "level", "currency")
"""Columns that every row of a statement has, or that say how it is set: they are not columns of the list."""

_SOURCE = ("source_table",)
"""Where a row comes from, which is for programs."""

_HOW = "_how"
"""Ending of a column that says what stands in place of another one's day: it is shown there."""

_KINDS: dict[Declared, Kind] = {
    Declared.MONEY: "money",
    Declared.QUANTITY: "quantity",
    Declared.PRICE: "quantity",
    Declared.INTEGER: "quantity",
    Declared.RATIO: "ratio",
    Declared.DATE: "date",
}
ROOTS = ("Assets", "Liabilities", "Equity", "Income", "Expenses")
_LEVELS = {"subtotal": "subtotal", "total": "total", "opening": "line", "closing": "subtotal"}


def listing(
    contract: Contract,
    frame: pl.DataFrame,
    *,
    title: str,
    meaning: str,
    headings: Sequence[str],
    currencies: Sequence[str],
    day: Callable[[date], str] = short_date,
) -> list[Table]:
    """The rows of ``frame`` in order, a table per currency (one, where the list has no currency).

    Args:
        contract: the statement; rows with a ``level`` of subtotal or total are set as such, and neighbours of one
            ``section`` stand under its heading.
        headings: one for each of :func:`shown`.
        day: how days are written.

    A list without sections has the values of its first text as headings: a ledger its accounts.
    """
    columns, over, tables = shown(contract), _grouping(contract), []
    for currency in currencies if "currency" in contract.names else [""]:
        rows = records(frame, currency) if currency else frame.sort("line").to_dicts()
        if not rows:
            continue
        groups = [
            Group(
                "" if members[0].get("level") == "total" and over != "section" else path(heading),
                tuple(_row(row, columns, currency, heading, day) for row in members),
            )
            for heading, found in groupby(rows, key=lambda row: str(row.get(over) or ""))
            if (members := list(found))
        ]
        kinds = tuple(_KINDS.get(column.kind, "text") for column in columns[1:])
        tables.append(
            Table(
                contract.name,
                title,
                meaning,
                currency,
                headings[0],
                tuple(headings[1:]),
                tuple(groups),
                kinds,
            )
        )
    return tables


def shown(contract: Contract) -> list[Column]:
    """The columns of the list: all but :data:`HEAD`, ids of other tables, and the section, which is a heading.

    The account comes first, for it is what a row is about.
    """
    found = [
        column
        for column in contract.columns
        if column.name not in (*HEAD, _grouping(contract), *_SOURCE)
        and not column.name.endswith(("_id", _HOW))
    ]
    return sorted(found, key=lambda column: column.name != "account")


def heading(column: Column) -> str:
    """``cost_basis`` as ``Cost basis``."""
    return column.name.replace("_", " ").capitalize()


def path(name: str) -> str:
    """``Expenses:Food:Groceries`` as a heading or label: ``Food · Groceries``; another text as it is."""
    root, *rest = name.split(":")
    return " · ".join(rest) if rest and root in ROOTS else name


def _grouping(contract: Contract) -> str:
    """The column whose values are headings: the section, else the first text where there is more than one."""
    texts = [column.name for column in contract.columns if column.kind is Declared.TEXT]
    own = [name for name in texts if name not in (*HEAD, *_SOURCE) and not name.endswith(("_id", _HOW))]
    return "section" if "section" in own or len(own) < 2 else own[0]


def _row(
    row: Record, columns: Sequence[Column], currency: str, heading: str, day: Callable[[date], str]
) -> Row:
    first, *cells = (_cell(row, column, currency, day) for column in columns)
    level = _LEVELS.get(str(row.get("level")), "line")
    total = heading if level == "total" else f"Total {path(heading).rpartition(' · ')[2]}"
    if row.get("level") in ("subtotal", "total"):  # a sum has figures, and no day or box of its own
        cells = [cell if cell.kind not in ("date", "text") else Cell("", kind=cell.kind) for cell in cells]
    label = first.text if row[columns[0].name] is not None else total
    return Row(label, level, cells=tuple(cells), account=str(row.get("account") or ""), line=row["line"])


def _cell(row: Record, column: Column, currency: str, day: Callable[[date], str]) -> Cell:
    value, declared, instead = row[column.name], column.kind, row.get(f"{column.name}{_HOW}")
    if instead is not None:
        return Cell(str(instead), kind=_KINDS.get(declared, "text"))
    if value is None:
        return Cell("" if declared is Declared.TEXT else NIL, faint=True, kind=_KINDS.get(declared, "text"))
    match declared:
        case Declared.MONEY:
            return money(value, currency)
        case Declared.RATIO:
            return Cell(percent(value), value < 0, value=value, kind="ratio")
        case Declared.QUANTITY | Declared.PRICE | Declared.INTEGER:
            number = Decimal(value)
            return Cell(quantity(number), number < 0, value=number, kind="quantity")
        case Declared.DATE:
            return Cell(day(value), value=value, kind="date")
        case Declared.BOOLEAN:
            return Cell("yes" if value else "no")
        case _:
            return Cell(path(str(value)))
