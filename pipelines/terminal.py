"""Frames on a terminal: a statement as it is set on its page, any other frame as a table or row by row.

What belongs here: widths, wrapping and colours. What does not: which frame is shown, and how a number is
written (:mod:`manna.documents.columns`, :mod:`manna.documents.numerals`).

A number is never cut or wrapped: a figure without its last digits is a wrong figure. Where the numbers do
not fit beside each other, each row becomes a short list.
"""

from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Column, Table
from rich.text import Text

from manna.contracts.reports import STATEMENTS
from manna.documents import tables
from manna.documents.columns import texts
from manna.documents.statements import TITLES, statement_tables

if TYPE_CHECKING:
    from pipelines.reporting import Report

_GAP = 2
_SHORT = 40
"""A fact's characters: a hash is recognized by its beginning."""
_TEXT_WIDTH = 12
"""Text may wrap down to this width before the table is given up."""


def on_terminal(frame: pl.DataFrame, title: str) -> RenderableType:
    """``frame`` for people, under ``title`` (if any); a statement of one month as an accountant sets it."""
    heading = [Text(printable(title), style="bold")] if title else []
    if frame.is_empty():
        return Group(*heading, Text("no rows", style="dim"))
    names = {contract.name: contract.names for contract in STATEMENTS if contract.name in TITLES}
    name = next((name for name, columns in names.items() if columns == frame.columns), None)
    if name is None or frame.select("book", "period").n_unique() > 1:
        return Group(*heading, frame_table(frame))
    found = statement_tables(name, frame, frame["period"][0], tables.currencies([frame], ""))
    return Group(*heading, *(part for table in found for part in (Text(""), statement_table(table))))


def report_on_terminal(report: "Report") -> RenderableType:
    """A report as an accountant sets it, below what its cover says."""
    cover, found = report.cover, report.tables
    facts = grid("", "")
    facts.show_header = False
    for name, said in cover.facts:
        facts.add_row(Text(name, style="dim"), Text(printable(said)[:_SHORT]))
    for number, item in enumerate(cover.open_items):
        facts.add_row(Text("" if number else "Open items", style="dim"), Text(printable(item)))
    warnings = [Text(printable(warning), style="yellow") for warning in cover.warnings]
    lines = [
        part
        for table in found
        for part in (Text(""), Text(printable(table.title), style="bold"), statement_table(table))
    ]
    return Group(
        Text(printable(report.title.partition(", complete")[0]), style="bold"),
        *warnings,
        facts,
        *(lines or [Text("no rows", style="dim")]),
    )


def frame_table(frame: pl.DataFrame) -> "Fitting":
    """Any frame: numbers to the right, negative ones red; underscores of names are spaces, so that they wrap."""
    numeric = [kind.is_numeric() for kind in frame.dtypes]
    names = [name.replace("_", " ") for name in frame.columns]
    table = grid(*(f">{name}" if number else name for name, number in zip(names, numeric, strict=True)))
    for column, kind in zip(table.columns, frame.dtypes, strict=True):
        column.no_wrap = kind != pl.String
    for row in zip(*texts(frame).values(), strict=True):
        table.add_row(
            *(
                Text(printable(text), style="red" if number and text.startswith("-") else "")
                for text, number in zip(row, numeric, strict=True)
            )
        )
    return Fitting(table, titled=False)


def statement_table(statement: tables.Table) -> "Fitting":
    """One statement in one currency: indented accounts, bold totals, parentheses for negative amounts."""
    first = f"{statement.first} ({statement.currency})" if statement.currency else statement.first
    kinds = [statement.kind(number) for number in range(len(statement.columns))]
    table = grid(
        first,
        *(
            name if kind == "text" else f">{name}"
            for name, kind in zip(statement.columns, kinds, strict=True)
        ),
    )
    for group in statement.groups:
        if group.heading:
            table.add_row(Text(printable(group.heading), style="bold cyan"))
        for row in group.rows:
            style = "bold" if row.level in ("total", "final") else ""
            table.add_row(_label(row, bool(group.heading)), *map(_figure, row.cells), style=style)
        table.add_row("")
    return Fitting(table, titled=True)


def grid(*headings: str) -> Table:
    """A table without lines; a heading that begins with ``>`` stands over numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for heading in headings:
        number = heading.startswith(">")
        name = printable(heading.removeprefix(">"))
        table.add_column(Text(name), justify="right" if number else "left", no_wrap=number, overflow="fold")
    return table


def printable(text: str) -> str:
    """Control characters (a merchant's escape sequence, a line break) as spaces."""
    return "".join(character if character.isprintable() else " " for character in text)


class Fitting:
    """A :func:`grid` of texts that suits the terminal: as it is, with headings wrapped, or row by row.

    Rich alone would cut numbers, and its measurement cannot tell, being clamped to the terminal's width.
    ``titled`` says that a row is known by its first cell; otherwise that cell is listed like the others.
    """

    def __init__(self, table: Table, *, titled: bool) -> None:
        self._table, self._titled = table, titled
        self._fixed = [column.justify == "right" or column.no_wrap for column in table.columns]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns, gaps = self._table.columns, _GAP * (len(self._fixed) - 1)
        least = [_least_width(column, fixed) for column, fixed in zip(columns, self._fixed, strict=True)]
        if sum(least) + gaps > options.max_width:
            yield self._row_by_row(options.max_width)
            return
        wide = sum(map(_full_width, columns)) + gaps <= options.max_width
        for column, width, fixed in zip(columns, least, self._fixed, strict=True):
            column.width = width if fixed and not wide else None
            column.no_wrap = fixed and wide
        yield self._table

    def _row_by_row(self, max_width: int) -> Table:
        """Names on the left, as narrow as the widest number wants them, values on the right."""
        listed = grid("", ">" if self._titled else "")
        listed.show_header = False
        names = [str(column.header) for column in self._table.columns]
        for cells in zip(*(column.cells for column in self._table.columns), strict=True):
            if listed.row_count and not self._titled:
                listed.add_row("")
            first, *rest = zip(names, cells, strict=True)
            if self._titled:
                title = first[1] if isinstance(first[1], Text) else Text(str(first[1]))
                listed.add_row(title, style="bold" if any(map(str, cells[1:])) else "")
            for name, cell in rest if self._titled else [first, *rest]:
                if str(cell) or not self._titled:
                    listed.add_row(Text(f"    {name}" if self._titled else name, style="dim"), cell)
        fixed = [column for column, whole in zip(self._table.columns, self._fixed, strict=True) if whole]
        numbers = max((width for column in fixed for width in _cell_widths(column)), default=_TEXT_WIDTH)
        left, right = listed.columns
        left.width = max(min(max(_cell_widths(left), default=0), max_width - _GAP - numbers), 1)
        right.no_wrap = False
        return listed


def _cell_widths(column: Column) -> list[int]:
    return [cell.cell_len if isinstance(cell, Text) else len(str(cell)) for cell in column.cells]


def _least_width(column: Column, fixed: bool) -> int:
    """Numbers, days and moments whole, text down to its least width, headings word by word."""
    body = max(_cell_widths(column), default=0)
    heading = max((len(word) for word in str(column.header).split()), default=0)
    return max(body if fixed else min(body, _TEXT_WIDTH), heading, column.min_width or 0)


def _full_width(column: Column) -> int:
    return max([*_cell_widths(column), len(str(column.header)), column.min_width or 0])


def _label(row: tables.Row, in_group: bool) -> Text:
    indent = "  " * (row.depth + (in_group and row.level not in ("total", "final")))
    label = Text(indent + printable(row.label), style="dim" if row.level == "heading" else "")
    return label.append(f"  {printable(row.note)}", style="dim") if row.note else label


def _figure(cell: tables.Cell) -> Text:
    """A figure whose last digit stands above the others', parenthesis or not."""
    style = "red" if cell.negative else "dim" if cell.faint else ""
    if cell.kind == "text":
        return Text(printable(cell.text), style=style)
    return Text(cell.text if cell.negative else f"{cell.text} ", style=style)
