"""Entries that people write: what no feed knows.

What belongs here: what such an entry must be, its opposite, and how it becomes an entry of the journal. What does not:
numbering and keeping them (``resources/entries.py``), or reading a file of them (:mod:`entry_file`).

An entry on a provider's account counts in the reconciliation of that account: the provider does not know of it, so it
shows as a difference until its row comes or the entry is reversed. It never moves the account's opening, which is
plugged from what the provider said.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from manna.book_sections import CHART_PATTERN
from manna.books import Book
from manna.contracts.clean import EARLIEST
from manna.contracts.ledger import ADJUSTING, MANUAL
from manna.ledger.chart import OwnAccount
from manna.ledger.journal import Entry, Line
from manna.money import is_currency, minor_units

SOURCE = "ops.journal_entries"
ENTERED = {
    "number": pl.Int64(),
    "book": pl.String(),
    "date": pl.Date(),
    "description": pl.String(),
    "lines": pl.String(),
    "adjusting": pl.Boolean(),
    "reverses_on": pl.Date(),
    "voids": pl.Int64(),
    "decided_by": pl.String(),
    "known_at": pl.Datetime("us", "UTC"),
}
"""Columns of ``ops.journal_entries`` as a frame; ``lines`` is JSON: account, amount (text) and currency each."""
_LARGEST = Decimal(10) ** 13


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as a person writes it. Amounts are positive = debit."""

    day: date
    description: str
    lines: tuple[Line, ...]
    adjusting: bool = False
    reverses_on: date | None = None
    voids: int | None = None

    @property
    def document(self) -> list[dict[str, str]]:
        """The lines as they are stored; equal lines are equal documents."""
        return [
            {"account": line.account, "amount": f"{line.amount.normalize():f}", "currency": line.currency}
            for line in self.lines
        ]

    @property
    def content(self) -> str:
        """All that it says, as one text: two entries of the same content say the same."""
        told = [str(self.day), self.description, self.document, self.adjusting, str(self.reverses_on)]
        return json.dumps(told, ensure_ascii=False, sort_keys=True)


class UnknownEntryError(ValueError):
    """There is no such entry, or it is not one that can be taken back. One line."""


def line_of(account: str, amount: str, currency: str) -> Line:
    """One line from what a person wrote; spaces around and thousands separators are theirs.

    Raises:
        ValueError: the amount is no number.
    """
    try:
        number = Decimal(amount.strip().replace(",", ""))
    except InvalidOperation as error:
        raise ValueError(f"{amount.strip()!r} is no amount; write e.g. 1200.00 or -1200.00") from error
    if not number.is_finite():
        raise ValueError(f"{amount.strip()!r} is no amount; write e.g. 1200.00 or -1200.00")
    return Line(account.strip(), number, currency.strip().upper())


def faults(entry: Written, currencies: Collection[str] = ()) -> list[str]:
    """Every reason for which ``entry`` cannot be booked; empty when it can.

    Args:
        entry: as it was written.
        currencies: codes that count beside those of ISO 4217 (:func:`currencies_of` its book).
    """
    found = []
    if not entry.description.strip():
        found.append("it has no description")
    if entry.day < EARLIEST:
        found.append(f"{entry.day} is before {EARLIEST}")
    if entry.reverses_on is not None and entry.reverses_on <= entry.day:
        found.append(f"it cannot be reversed on {entry.reverses_on}, which is not after {entry.day}")
    if len(entry.lines) < 2:
        found.append("it needs two lines or more")
    for line in entry.lines:
        found += _line_faults(line, currencies)
    if found:
        return found
    return [
        f"it is out of balance by {amount:,f} {currency}; debits (positive) and credits (negative) must sum to zero"
        for currency, amount in sorted(_sums(entry.lines).items())
        if amount
    ]


def currencies_of(book: Book) -> frozenset[str]:
    """Codes that a book's file uses itself: its own, and those it gives a rate (a coin is in no standard)."""
    return frozenset({book.currency, *book.exchange_rates, *book.dated_rates})


def _line_faults(line: Line, currencies: Collection[str]) -> list[str]:
    found = []
    if not re.match(CHART_PATTERN, line.account):
        found.append(
            f"{line.account!r} is no account; write e.g. Expenses:Rent (below Assets, Liabilities, Equity, Income or "
            "Expenses)"
        )
    if line.currency not in currencies and not is_currency(line.currency):
        return [
            *found,
            f"{line.currency!r} is no currency of ISO 4217; write e.g. USD, or give it a rate in the book's exchange_rates",
        ]
    exponent = line.amount.normalize().as_tuple().exponent
    if not line.amount or abs(line.amount) >= _LARGEST:
        found.append(f"{line.account}: an amount must not be zero and be below {_LARGEST:,f}")
    elif isinstance(exponent, int) and -exponent > minor_units(line.currency):
        found.append(
            f"{line.account}: {line.amount} has more than {minor_units(line.currency)} decimals of {line.currency}"
        )
    return found


def _sums(lines: Iterable[Line]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.amount
    return sums


def opposite(number: int, entered: pl.DataFrame) -> Written:
    """The entry that takes back number ``number`` of a book: the same days, every line with the other sign.

    Args:
        number: of the entry.
        entered: all entries of the book.

    Raises:
        UnknownEntryError: there is none, it has been taken back, or it takes back another itself.
    """
    of_number = {row["number"]: row for row in entered.iter_rows(named=True)}
    if number not in of_number:
        last = max(of_number, default=0)
        there = f"they are numbered 1 to {last}" if last else "there are none yet"
        raise UnknownEntryError(f"there is no entry {number}; {there}")
    row = of_number[number]
    if row["voids"] is not None:
        raise UnknownEntryError(f"entry {number} takes back entry {row['voids']}; enter that one anew")
    entry = written(row)
    lines = tuple(replace(line, amount=-line.amount) for line in entry.lines)
    return replace(entry, description=f"Void of {number}: {entry.description}", lines=lines, voids=number)


def voided_by(entered: pl.DataFrame) -> dict[int, int]:
    """By number of an entry that was taken back: the number of the one that does so."""
    return {voids: number for number, voids in entered.select("number", "voids").iter_rows() if voids}


def written(row: Mapping[str, Any]) -> Written:
    """A row of :data:`ENTERED` as the entry it holds."""
    lines = tuple(
        Line(line["account"], Decimal(line["amount"]), line["currency"]) for line in json.loads(row["lines"])
    )
    return Written(row["date"], row["description"], lines, row["adjusting"], row["reverses_on"], row["voids"])


def book_entered(entered: pl.DataFrame, own: Mapping[str, OwnAccount]) -> list[Entry]:
    """People's entries, and the opposite ones on the days on which they are to be reversed.

    An entry and the one that takes it back stand both in the journal, and sum to nothing.

    Args:
        entered: rows of :data:`ENTERED` of one book.
        own: the chart; a line on an account that a provider keeps carries its ``account_id``.
    """
    kept_by = {account.cash: account.account_id for account in own.values()}
    entries = []
    for row in entered.sort("number").iter_rows(named=True):
        entry = written(row)
        lines = tuple(replace(line, account_id=kept_by.get(line.account)) for line in entry.lines)
        kind = ADJUSTING if entry.adjusting else MANUAL
        source_id = f"{row['number']}/{row['book']}"
        entries.append(Entry(entry.day, kind, entry.description, SOURCE, source_id, lines))
        if entry.reverses_on is not None:
            back = tuple(replace(line, amount=-line.amount) for line in lines)
            text = f"Reversal of {row['number']}: {entry.description}"
            source_id = f"{row['number']}/reversal/{row['book']}"
            entries.append(Entry(entry.reverses_on, kind, text, SOURCE, source_id, back))
    return entries
