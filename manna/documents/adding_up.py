"""Which rows of a statement a total adds up: for a workbook's formulas.

What belongs here: finding the sum that a total is, by place and by trying it. What does not: making a total (the
statement carries its own), or a cell's address.

A sum is only claimed where it comes to the stated figure in every column, exactly. So a formula never shows another
figure than the statement; a total for which no sum is found stays a plain number.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from manna.documents.tables import Row, Table

Term = tuple[int, int]
"""Sign (1 or -1) and index into the table's rows."""


def sums(table: Table) -> dict[int, tuple[Term, ...]]:
    """Index of each total among the table's rows to what it adds up."""
    rows, found = table.rows, {}
    groups = [number for number, group in enumerate(table.groups) for _ in group.rows]
    for index, row in enumerate(rows):
        if row.level not in ("subtotal", "total", "final"):
            continue
        tried = _tries(rows, groups, index)
        fitting = next((terms for terms in tried if terms and _fits(rows, row, terms)), None)
        if fitting is not None:
            found[index] = tuple(fitting)
    return found


def _tries(rows: Sequence[Row], groups: Sequence[int], index: int) -> Iterator[list[Term]]:
    """What a total may add up, the likeliest first."""
    row = rows[index]
    lines = [i for i in range(index) if rows[i].level == "line"]
    own = [i for i in lines if groups[i] == groups[index]]
    if row.account:
        yield _all([i for i in own if f"{rows[i].account}:".startswith(f"{row.account}:")])
    above = [i for i in range(index) if rows[i].level not in ("line", "heading")]
    yield _all([i for i in own if i > max(above, default=-1)])
    yield _all(own)
    totals = [i for i in range(index) if rows[i].level == "total"]
    signs = (-1, 1) if row.label.casefold().startswith("net") else (1, -1)
    for sign in signs:
        for first in range(len(totals) - 1):
            for last in range(len(totals), first + 1, -1):
                part = totals[first:last]
                yield [(1, part[0]), *((sign, i) for i in part[1:])]
    for sign in signs:
        yield from ([(1, a), (sign, b)] for a in totals for b in totals if a < b)
    yield _all(lines)


def _all(indexes: Sequence[int]) -> list[Term]:
    return [(1, index) for index in indexes]


def _fits(rows: Sequence[Row], row: Row, terms: Sequence[Term]) -> bool:
    """Whether the terms come to the row's figure in every column that has one."""
    known = [c for c, cell in enumerate(row.cells) if cell.kind == "money" and cell.value is not None]
    return bool(known) and all(_sum(rows, terms, column) == row.cells[column].value for column in known)


def _sum(rows: Sequence[Row], terms: Sequence[Term], column: int) -> Decimal | None:
    total = Decimal(0)
    for sign, index in terms:
        value = rows[index].cells[column].value
        if not isinstance(value, Decimal):
            return None
        total += sign * value
    return total
