"""Statements as an XLSX workbook: real numbers and days, totals as formulas, a cover in front.

What belongs here: setting :class:`~manna.documents.tables.Table` on sheets. What does not: which statements there are.

Nothing that came from outside can become a formula: texts are written as strings and nothing else, and one that a
spreadsheet would take for a formula when it is edited carries the quote prefix. A total's formula holds the stated
figure as its cached value, so that a reader who does not calculate sees the same. Equal input gives equal bytes.
"""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from manna.documents.adding_up import Term, sums
from manna.documents.cover import Cover
from manna.documents.tables import Cell, Row, Table
from manna.money import minor_units

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FIRST = 5
"""Row of the column headings, counted from 0: the sheet's title and what it says stand above."""
_LONGEST_NAME = 31
_WIDEST = 60
_RULES: dict[str, dict[str, Any]] = {
    "line": {},
    "subtotal": {"top": 4},
    "total": {"bold": True, "top": 1},
    "final": {"bold": True, "top": 1, "bottom": 6},
}
"""Borders of Excel: 4 is dotted, 1 thin, 6 double."""


def workbook(cover: Cover, tables: Sequence[Table]) -> bytes:
    """The workbook: a cover, then a sheet per table."""
    from xlsxwriter import Workbook  # 0.1 s, and only this format needs it

    file = io.BytesIO()
    book = Workbook(
        file,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    made = cover.known_at.astimezone(UTC).replace(tzinfo=None) if cover.known_at else datetime(2000, 1, 1)  # noqa: DTZ001
    book.set_properties({"title": cover.heading, "author": f"Manna {cover.code_version}", "created": made})
    styles = _Styles(book)
    _cover(book.add_worksheet("Cover"), styles, cover)
    taken = {"cover"}
    for table in tables:
        several = len({other.currency for other in tables if other.anchor == table.anchor}) > 1
        name = _sheet_name(f"{table.title} {table.currency}" if several else table.title, taken)
        _sheet(book.add_worksheet(name), styles, cover, table)
    book.close()
    return file.getvalue()


class _Styles:
    """Formats by what they say, made once each: Excel allows 64,000 of them."""

    def __init__(self, book: "Workbook") -> None:
        self._book = book
        self._made: dict[str, Format] = {}

    def __call__(self, **properties: Any) -> "Format":
        wanted = {"font_name": "Calibri", "font_size": 10, "valign": "top", **properties}
        key = repr(sorted(wanted.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(wanted)
        return self._made[key]


def _text(sheet: "Worksheet", row: int, column: int, text: str, styles: _Styles, **properties: Any) -> None:
    if text.startswith(_FORMULA):
        properties["quote_prefix"] = True
    sheet.write_string(row, column, text, styles(**properties))


def _cover(sheet: "Worksheet", styles: _Styles, cover: Cover) -> None:
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)
    _text(sheet, 0, 0, cover.book.name, styles, bold=True, font_size=18)
    _text(sheet, 1, 0, f"{cover.title}, {cover.span.label}", styles, font_size=12, font_color="#5a626c")
    at = 3
    for warning in cover.warnings:
        _text(sheet, at, 0, warning, styles, bold=True, font_color="#8a5200")
        at += 1
    at += bool(cover.warnings)
    for name, said in cover.facts:
        _text(sheet, at, 0, name, styles, font_color="#5a626c")
        _text(sheet, at, 1, said, styles)
        at += 1
    _text(sheet, at + 1, 0, "Open items", styles, bold=True)
    for number, item in enumerate(cover.open_items or ("None.",)):
        _text(sheet, at + 1 + number, 1, item, styles, text_wrap=True)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _sheet(sheet: "Worksheet", styles: _Styles, cover: Cover, table: Table) -> None:
    muted = {"font_color": "#5a626c"}
    _text(sheet, 0, 0, table.title, styles, bold=True, font_size=14)
    _text(
        sheet,
        1,
        0,
        f"{cover.book.name}, {cover.span.label}{f', {table.currency}' * bool(table.currency)}",
        styles,
    )
    _text(sheet, 2, 0, table.meaning, styles, **muted)
    _text(sheet, 3, 0, "; ".join(cover.warnings), styles, font_color="#8a5200", bold=True)
    for column, heading in enumerate((table.first, *table.columns)):
        right = column > 0 and table.kind(column - 1) != "text"
        said = {"bold": True, "top": 1, "bottom": 1, "text_wrap": True, "align": "right" if right else "left"}
        _text(sheet, _FIRST, column, heading, styles, **said)
    sheet.freeze_panes(_FIRST + 1, 1)
    sheet.repeat_rows(_FIRST)
    places, at = [], _FIRST + 1
    headed = [(group.heading, group.rows) for group in table.groups]
    adding, number = sums(table), 0
    for heading, rows in headed:
        if heading:
            _text(sheet, at, 0, heading, styles, bold=True)
            at += 1
        for row in rows:
            places.append(at)
            _row(sheet, at, styles, table, row, [(sign, places[i]) for sign, i in adding.get(number, ())])
            at, number = at + 1, number + 1
    _fit(sheet, table)


def _row(sheet: "Worksheet", at: int, styles: _Styles, table: Table, row: Row, adds: Sequence[Term]) -> None:
    rules = _RULES.get(row.level, {"font_color": "#5a626c"})
    label = f"{row.label}  {row.note}" if row.note else row.label
    _text(sheet, at, 0, label, styles, **{**rules, "indent": min(row.depth, 15)})
    for number, cell in enumerate(row.cells):
        column, said = number + 1, {**rules, **_look(cell, table.currency)}
        if isinstance(cell.value, Decimal) and cell.kind == "money" and adds:
            sheet.write_formula(at, column, _formula(adds, column), styles(**said), float(cell.value))
        elif isinstance(cell.value, Decimal):
            sheet.write_number(at, column, float(cell.value), styles(**said))
        elif isinstance(cell.value, date):
            sheet.write_datetime(at, column, datetime.combine(cell.value, time()), styles(**said))
        else:
            _text(sheet, at, column, cell.text, styles, **said)


def _look(cell: Cell, currency: str) -> dict[str, Any]:
    """Number format and alignment of a cell."""
    if cell.kind == "money":
        digits = minor_units(currency)
        figure = "#,##0" + ("." + "0" * digits if digits else "")
        return {"num_format": f'{figure}_);({figure});"–"_)', "align": "right"}
    if cell.kind == "ratio":
        return {"num_format": "0.0%_);(0.0%)", "align": "right"}
    if cell.kind == "date":
        return {"num_format": "mm/dd/yyyy" if "/" in cell.text else "d mmm yyyy", "align": "right"}
    if cell.kind == "quantity":
        digits = len(cell.text.partition(".")[2])
        return {"num_format": "#,##0" + ("." + "0" * digits if digits else ""), "align": "right"}
    return {}


def _formula(terms: Sequence[Term], column: int) -> str:
    """``=SUM(C7:C9,C12)`` where all is added, else ``=C10-C20``."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    def cell(row: int) -> str:
        return str(xl_rowcol_to_cell(row, column))

    if any(sign < 0 for sign, _ in terms):
        return "=" + "".join(
            f"{'-' if sign < 0 else '+' * (number > 0)}{cell(row)}"
            for number, (sign, row) in enumerate(terms)
        )
    runs: list[list[int]] = []
    for _, row in terms:
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    parts = [cell(first) if first == last else f"{cell(first)}:{cell(last)}" for first, last in runs]
    return f"=SUM({','.join(parts)})"


def _fit(sheet: "Worksheet", table: Table) -> None:
    """Columns as wide as what they hold, and one page wide on paper."""
    labels = [len(row.label) + len(row.note) + 2 * row.depth + 4 for row in table.rows]
    sheet.set_column(0, 0, min(max([*labels, 24]), _WIDEST))
    for number, heading in enumerate(table.columns):
        longest = max((len(row.cells[number].text) for row in table.rows if row.cells), default=0)
        sheet.set_column(
            number + 1, number + 1, min(max(longest + 3, len(max(heading.split(), key=len)) + 3, 12), _WIDEST)
        )
    if len(table.columns) > 3:
        sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&8&A&R&8&P / &N")


def _sheet_name(title: str, taken: set[str]) -> str:
    """A name that Excel allows and no other sheet has."""
    base = "".join(" " if character in "[]:*?/\\'" else character for character in title)[
        :_LONGEST_NAME
    ].strip()
    name, number = base, 2
    while name.casefold() in taken:
        name = f"{base[: _LONGEST_NAME - 3]} {number}"
        number += 1
    taken.add(name.casefold())
    return name
