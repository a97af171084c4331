"""People's journal entries, as the command line takes them.

What belongs here: what `manna journal` does. What does not: what an entry must be (``manna.ledger.entered``,
``entry_file``), keeping them (``resources.entries``), or asking and printing (``pipelines.cli.journal``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from manna.books import Book
from manna.ledger.entered import Written, currencies_of, faults, line_of, voided_by, written
from manna.ledger.entry_file import read_entries
from manna.ledger.tax_lines import tax_lines
from pipelines.asked import UsageError, csv_rows
from resources.installation import Installation

_LISTED = {
    "number": pl.Int64(),
    "date": pl.Date(),
    "description": pl.String(),
    "account": pl.String(),
    "amount": pl.Decimal(18, 4),
    "currency": pl.String(),
    "note": pl.String(),
    "by": pl.String(),
    "entered": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file: the numbers of the entries that were added, and how many were there already."""

    added: tuple[int, ...]
    there: int


def entry_of(
    book: Book,
    on: date,
    description: str,
    lines: Sequence[str],
    *,
    adjusting: bool = False,
    reverses_on: date | None = None,
) -> Written:
    """The entry that a person describes; each line is ``ACCOUNT=AMOUNT`` or ``ACCOUNT=AMOUNT CURRENCY``.

    Raises:
        UsageError: it cannot be booked; every reason is given.
    """
    read = []
    for text in lines:
        account, sign, rest = text.rpartition("=")
        amount, _, currency = rest.strip().partition(" ")
        if not sign:
            raise UsageError(f"no amount in {text!r}; write ACCOUNT=AMOUNT, e.g. Expenses:Rent=1200.00")
        try:
            read.append(line_of(account, amount, currency or book.currency))
        except ValueError as error:
            raise UsageError(f"{text!r}: {error}") from error
    entry = Written(on, description.strip(), tuple(read), adjusting, reverses_on)
    found = faults(entry, currencies_of(book))
    if found:
        raise UsageError(f"nothing was added: {'; '.join(found)}")
    return entry


def enter(manna: Installation, book: str, entry: Written, by: str, *, again: bool) -> int | None:
    """Adds an entry and returns its number; null where an entry of the same content is there already."""
    added = manna.ops.enter(book, [entry], by, manna.settings.now(), again=again)
    return added[0] if added else None


def read_file(book: Book, file: Path) -> list[Written]:
    """The entries of a CSV file.

    Raises:
        UsageError: it cannot be read.
        EntryFileError: it has faults.
    """
    rows, columns = csv_rows(file)
    return read_entries(rows, columns, book.currency, currencies_of(book))


def import_entries(manna: Installation, book: str, entries: Sequence[Written], by: str) -> Imported:
    """Adds those entries of a file that are not there yet, all or none."""
    added = manna.ops.enter(book, entries, by, manna.settings.now())
    return Imported(tuple(added), len(entries) - len(added))


def accounts(manna: Installation, book: Book) -> pl.DataFrame:
    """The accounts that a book uses or names: account, name, description, form, line, label; by path."""
    used = manna.lake.read("ledger.postings", {"book": book.id})["account"].unique().to_list()
    said = {setting.account: setting for setting in book.chart}
    paths = sorted({*used, *said})
    rows = [
        (path, said[path].name, said[path].description) if path in said else (path, None, None)
        for path in paths
    ]
    named = pl.DataFrame(
        rows, schema=dict.fromkeys(("account", "name", "description"), pl.String), orient="row"
    )
    return named.join(tax_lines(book, paths), on="account", how="left", maintain_order="left")


def unheard_of(known: pl.DataFrame, entries: Iterable[Written]) -> list[str]:
    """Accounts of ``entries`` that are not among ``known`` (:func:`accounts`): new ones, or misspelt."""
    return sorted({line.account for entry in entries for line in entry.lines} - set(known["account"]))


def listed(entered: pl.DataFrame) -> pl.DataFrame:
    """Entries with a row per line, for people: number, date, description, account, amount, currency, and what it is."""
    taken_back = voided_by(entered)
    rows = []
    for row in entered.iter_rows(named=True):
        entry = written(row)
        said = ["adjusting"] if entry.adjusting else []
        said += [f"reversed on {entry.reverses_on}"] if entry.reverses_on else []
        said += [f"voided by {taken_back[row['number']]}"] if row["number"] in taken_back else []
        for line in entry.lines:
            rows.append(
                (
                    row["number"], entry.day, entry.description, line.account, line.amount, line.currency,
                    ", ".join(said), row["decided_by"], row["known_at"],
                )
            )  # fmt: skip
    return pl.DataFrame(rows, schema=_LISTED, orient="row")
