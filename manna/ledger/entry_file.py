"""A file of journal entries, as a spreadsheet has them: one row per line, rows of one entry together by its number.

What belongs here: the columns of such a file, every fault in it, and which of its entries are new. What does not: reading
it from a disk, or what an entry must be (:mod:`entered`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from manna.ledger.entered import Written, faults, line_of
from manna.ledger.journal import Line

REQUIRED = ("date", "description", "account")
OPTIONAL = ("entry", "amount", "debit", "credit", "currency", "adjusting", "reverses_on")
_YES, _NO = ("yes", "true", "1", "x"), ("", "no", "false", "0")
Row = Mapping[str, str | None]


class EntryFileError(ValueError):
    """A file that cannot be taken; the message lists every fault, and nothing of the file is taken."""


def read_entries(
    rows: Sequence[Row], columns: Sequence[str], currency: str, currencies: Collection[str] = ()
) -> list[Written]:
    """The entries of a file, in its order.

    ``amount`` is positive = debit; in its place there may be ``debit`` and ``credit``, both without a sign. Rows with the
    same ``entry`` are one entry; without that column, rows that follow each other with the same date and description.
    What only the first row of an entry says holds for all of it.

    Args:
        rows: text by column name.
        columns: of the file.
        currency: of rows that name none.
        currencies: as for :func:`manna.ledger.entered.faults`.

    Raises:
        EntryFileError: columns are missing, or entries cannot be read or booked: all of them, with line numbers.
    """
    _require_columns(columns)
    found: list[str] = []
    entries = []
    for lines in _grouped(rows, "entry" in columns):
        first = lines[0][0]
        told: list[str] = []
        entry = _entry(lines, currency, told)
        if entry is not None:
            told += [f"lines {first} to {lines[-1][0]}: {fault}" for fault in faults(entry, currencies)]
            entries.append(entry)
        found += told
    if not rows:
        found.append("it has no rows")
    if found:
        raise EntryFileError("nothing was added; correct the file: " + "; ".join(found))
    return entries


def not_there_yet(entries: Iterable[Written], there: Iterable[str]) -> list[Written]:
    """Those of ``entries`` beyond the ones that are there already, however often a file is given.

    Args:
        entries: of a file.
        there: :attr:`Written.content` of all entries of the book, also of those that were taken back.
    """
    left = Counter(there)
    new = []
    for entry in entries:
        if left[entry.content]:
            left[entry.content] -= 1
        else:
            new.append(entry)
    return new


def _require_columns(columns: Sequence[str]) -> None:
    lacking = [name for name in REQUIRED if name not in columns]
    if "amount" not in columns and not {"debit", "credit"} <= set(columns):
        lacking.append("amount (or debit and credit)")
    if lacking:
        raise EntryFileError(
            f"the file has no column {', '.join(lacking)}; it needs {', '.join(REQUIRED)} and amount (or debit and "
            f"credit), and may have entry, currency, adjusting and reverses_on"
        )
    unknown = [name for name in columns if name not in REQUIRED + OPTIONAL]
    if unknown:
        raise EntryFileError(
            f"unknown column {', '.join(map(repr, unknown))}; there are: {', '.join(REQUIRED + OPTIONAL)}"
        )


def _grouped(rows: Sequence[Row], numbered: bool) -> list[list[tuple[int, Row]]]:
    """Rows with their line numbers, entry by entry; a number that comes again later is another entry's fault."""
    groups: dict[tuple[str, ...], list[tuple[int, Row]]] = {}
    last: tuple[str, ...] = ()
    for line, row in enumerate(rows, start=2):
        given = (_text(row, "entry"),) if numbered else (_text(row, "date"), _text(row, "description"))
        key = given if any(given) and given != last[: len(given)] else last or given
        if not numbered and key != last and key in groups:  # the same text again, after another entry
            key = (*key, str(line))
        groups.setdefault(key, []).append((line, row))
        last = key
    return list(groups.values())


def _entry(lines: Sequence[tuple[int, Row]], currency: str, told: list[str]) -> Written | None:
    first = lines[0][1]
    before = len(told)
    booked = [line for number, row in lines if (line := _line(number, row, currency, told)) is not None]
    on = _day(lines[0][0], _text(first, "date"), "date", told)
    back = _text(first, "reverses_on")
    reverses_on = _day(lines[0][0], back, "reverses_on", told) if back else None
    for number, row in lines[1:]:
        for name in ("date", "description", "adjusting", "reverses_on"):
            if _text(row, name) not in ("", _text(first, name)):
                told.append(f"line {number}: its {name} is not that of the entry's first line {lines[0][0]}")
    word = _text(first, "adjusting").casefold()
    if word not in _YES + _NO:
        told.append(f"line {lines[0][0]}: adjusting is yes or no, not {word!r}")
    if len(told) > before or on is None:
        return None
    return Written(on, _text(first, "description"), tuple(booked), word in _YES, reverses_on)


def _line(number: int, row: Row, currency: str, told: list[str]) -> Line | None:
    try:
        if _text(row, "amount"):
            if _text(row, "debit") or _text(row, "credit"):
                raise ValueError("give amount, or debit and credit, not both")
            return line_of(_text(row, "account"), _text(row, "amount"), _text(row, "currency") or currency)
        sides = [line_of(_text(row, "account"), _text(row, side) or "0", "") for side in ("debit", "credit")]
        if any(side.amount < 0 for side in sides) or all(side.amount for side in sides):
            raise ValueError("give a debit or a credit, without a sign")
        amount: Decimal = sides[0].amount - sides[1].amount
        return line_of(_text(row, "account"), str(amount), _text(row, "currency") or currency)
    except ValueError as error:
        told.append(f"line {number}: {error}")
        return None


def _day(number: int, text: str, name: str, told: list[str]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        told.append(f"line {number}: {name} {text!r} is no day; write e.g. 2026-02-28")
        return None


def _text(row: Row, name: str) -> str:
    return (row.get(name) or "").strip()
