"""Statements as tables: which rows stand under which heading, how deep, and with what text in the cells.

What belongs here: turning one frame of :mod:`manna.contracts.reports` into rows that a template sets
without thinking. What does not: computing a total that the statement itself does not carry, and statements whose rows
are no accounts (:mod:`manna.documents.worth`, :mod:`manna.documents.listings`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

import polars as pl

from manna.contracts.reports import EARLIER_RESULTS
from manna.documents.columns import texts
from manna.documents.numerals import MINUS, NIL, UNKNOWN, accounting, percent

Record = dict[str, Any]
MAX_DEPTH = 5


Kind = Literal["money", "quantity", "ratio", "date", "text"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure's text; ``negative`` and ``faint`` only change how it looks.

    ``value`` is what the text says, as a number or day, for formats that calculate; ``kind`` says what it is.
    """

    text: str
    negative: bool = False
    faint: bool = False
    value: Decimal | date | None = None
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``note`` is small print beside its label.

    ``level`` is heading (without cells), line, subtotal, total, or final: the total the statement ends on.
    ``account`` and ``line`` are those of the statement's row; a row that the page has added has none.
    """

    label: str
    level: str
    depth: int = 0
    cells: tuple[Cell, ...] = ()
    note: str = ""
    account: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one section heading (empty: none)."""

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One statement in one currency. ``kinds`` are those of the columns, where they are not all money."""

    anchor: str
    title: str
    meaning: str
    currency: str
    first: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    kinds: tuple[Kind, ...] = ()

    @property
    def id(self) -> str:
        """What no other table of a page is called."""
        return f"{self.anchor}-{self.currency}" + (
            f"-{slug}" if (slug := self.title.partition(", ")[2].replace(" ", "-")) else ""
        )

    @property
    def opened(self) -> tuple[int, ...]:
        """Columns whose figures lead on to what they are made of, where a page has that."""
        money = [number for number in range(len(self.columns)) if self.kind(number) == "money"]
        named = {
            "net_worth": [3],
            "realized_gains": money[-1:],
            "trial_balance": money[-2:],
            "translation": [],
        }
        return tuple(named.get(self.anchor, money[:1]))

    def kind(self, column: int) -> Kind:
        """What stands in a column (0 is the first after the labels)."""
        return self.kinds[column] if self.kinds else "money"

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, whatever their section."""
        return tuple(row for group in self.groups for row in group.rows)


def statement(
    frame: pl.DataFrame,
    *,
    anchor: str,
    title: str,
    meaning: str,
    columns: Sequence[tuple[str, str, Kind]],
    currencies: Sequence[str],
) -> list[Table]:
    """A statement by account (income statement, balance sheet, cash flow, trial balance), per currency.

    Args:
        frame: the statement's rows of one period.
        columns: (column of the frame, heading, money or ratio); one without any value is left out.
        currencies: order of the tables.
    """
    tables = []
    for currency in currencies:
        rows = records(frame, currency)
        if not rows:
            continue
        told = [column for column in columns if any(row[column[0]] is not None for row in rows)]
        groups = [
            _section(name, list(members), told, currency) for name, members in groupby(rows, key=_section_of)
        ]
        groups[-1] = _closed(groups[-1])
        headings = tuple(heading for _, heading, _ in told)
        kinds = tuple(kind for *_, kind in told)
        tables.append(Table(anchor, title, meaning, currency, "Account", headings, tuple(groups), kinds))
    return tables


def plain(frame: pl.DataFrame) -> tuple[list[tuple[str, str]], list[list[Cell]]]:
    """Any frame: (column, number or text or fact) and its rows. A fact, such as a date, never wraps."""
    kinds = [(name, _kind(dtype)) for name, dtype in frame.schema.items()]
    columns = [
        [
            Cell(text.replace("-", MINUS, 1), text.startswith("-")) if kind == "number" else Cell(text)
            for text in column
        ]
        for (_, kind), column in zip(kinds, texts(frame).values(), strict=True)
    ]
    return kinds, [list(row) for row in zip(*columns, strict=True)]


def records(frame: pl.DataFrame, currency: str) -> list[Record]:
    """Rows of one currency in order of presentation."""
    if frame.is_empty():
        return []
    return frame.filter(pl.col("currency") == currency).sort("line").to_dicts()


def currencies(frames: Iterable[pl.DataFrame], first: str) -> list[str]:
    """Every currency on the page: the book's own, then the others by code."""
    found = {code for frame in frames if "currency" in frame.columns for code in frame["currency"]}
    return [*([first] if first in found else []), *sorted(found - {first})]


def for_period(frame: pl.DataFrame, period: date) -> pl.DataFrame:
    """The rows of one period (a frame may bring earlier months for the charts)."""
    return frame.filter(pl.col("period") == period) if "period" in frame.columns else frame


def outline(paths: Sequence[Sequence[str]]) -> list[tuple[int, str, int | None]]:
    """Account paths as an indented list: (depth, label, index of the path or ``None`` for a heading).

    The order is kept: only neighbours are gathered under a heading. What has no brother is written in
    one line (``Housing · Rent``), for a heading over a single account says nothing.
    """
    return list(_branch([(tuple(path), i) for i, path in enumerate(paths)], 0))


def _branch(
    members: Sequence[tuple[tuple[str, ...], int]], depth: int
) -> Iterable[tuple[int, str, int | None]]:
    for head, neighbours in groupby(members, key=lambda member: member[0][0]):
        group, label = list(neighbours), head
        while len(group) > 1 and (following := _shared(group)):
            label = f"{label} · {following}"
            group = [(path[1:], i) for path, i in group]
        if len(group) == 1:
            path, index = group[0]
            yield depth, " · ".join((label, *path[1:])), index
            continue
        if len(group[0][0]) > 1:
            yield depth, label, None
        deeper: list[tuple[tuple[str, ...], int]] = []
        for path, index in group:
            if len(path) > 1:
                deeper.append((path[1:], index))
                continue
            yield from _branch(deeper, depth + 1)
            deeper = []
            yield depth, label, index
        yield from _branch(deeper, depth + 1)


def _shared(group: Sequence[tuple[tuple[str, ...], int]]) -> str | None:
    """The second element, when every path has one and it is the same."""
    seconds = {path[1] if len(path) > 1 else None for path, _ in group}
    return seconds.pop() if len(seconds) == 1 else None


def _section_of(row: Record) -> str:
    """A trial balance has no sections; the roots of the chart serve. The results of earlier years are equity's."""
    if "section" not in row and row["account"] in EARLIER_RESULTS.values():
        return "Equity"
    return str(row.get("section") or row["account"].split(":")[0])


def _section(
    name: str, rows: Sequence[Record], columns: Sequence[tuple[str, str, Kind]], currency: str
) -> Group:
    """One section: its lines as an outline, a group's subtotal below the group, totals at the margin."""
    lines = [row for row in rows if row["level"] == "line"]
    shown = outline([_path(row["account"], name) for row in lines])
    depths = {lines[index]["account"]: depth for depth, _, index in shown if index is not None}
    set_rows: list[Row] = []
    for row in rows:
        if row["level"] != "line":
            depth = _group_depth(row["account"], depths)
            amounts = _amounts(row, columns, currency)
            set_rows.append(
                Row(_total_name(row), row["level"], depth, amounts, account=row["account"], line=row["line"])
            )
            continue
        while shown:  # the headings over this line, then the line
            depth, label, index = shown.pop(0)
            if index is None:
                set_rows.append(Row(label, "heading", min(depth, MAX_DEPTH)))
                continue
            amounts = _amounts(row, columns, currency)
            set_rows.append(
                Row(label, "line", min(depth, MAX_DEPTH), amounts, account=row["account"], line=row["line"])
            )
            break
    return Group(name if lines else "", tuple(set_rows))


def _closed(group: Group) -> Group:
    """The statement's last total is the one it ends on, ruled off double."""
    *before, last = group.rows
    return replace(
        group, rows=(*before, replace(last, level="final" if last.level == "total" else last.level))
    )


def _group_depth(account: str, depths: dict[str, int]) -> int:
    """A subtotal stands as deep as the heading of its group; a total at the margin."""
    members = [
        depth - (name != account) for name, depth in depths.items() if f"{name}:".startswith(f"{account}:")
    ]
    return max(min(members, default=0), 0)


def _path(account: str, section: str) -> list[str]:
    """The account's path; its root is left out where the section's heading already says it."""
    parts = account.split(":")
    return parts[1:] if len(parts) > 1 and parts[0].casefold() == section.casefold() else parts


def _total_name(row: Record) -> str:
    """``Total Food`` for the subtotal of ``Expenses:Food``; a total brings its own name."""
    account: str = row["account"]
    return f"Total {account.rsplit(':', 1)[-1].strip()}" if ":" in account else account


def _amounts(row: Record, columns: Sequence[tuple[str, str, Kind]], currency: str) -> tuple[Cell, ...]:
    return tuple(
        ratio(row[column]) if kind == "ratio" else money(row[column], currency) for column, _, kind in columns
    )


def money(value: Decimal | None, currency: str) -> Cell:
    """An amount as accountants set it."""
    text = accounting(value, currency)
    return Cell(text, text.startswith("("), text in (NIL, UNKNOWN), value, "money")


def ratio(value: Decimal | None) -> Cell:
    """A share in percent; what has no meaning is a dash."""
    if value is None:
        return Cell(NIL, faint=True, kind="ratio")
    text = percent(abs(value))
    return Cell(f"({text})" if value < 0 else text, value < 0, value=value, kind="ratio")


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "number"
    return "fact" if dtype.is_temporal() or dtype == pl.Boolean else "text"
