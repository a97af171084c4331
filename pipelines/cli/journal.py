"""`manna journal`: entries that people write.

What belongs here: these commands. What does not: the work (``pipelines.entering``).
"""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipelines.asked import require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

journal = typer.Typer(
    help="Entries of your own, for what no feed knows: numbered, signed with a name, taken back by an opposite one.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(journal, name="journal")

BookOption = Annotated[str, typer.Option("--book", help="the book")]
ByOption = Annotated[str | None, typer.Option("--by", help="who enters it; else the name of this login")]
DAY = ["%Y-%m-%d"]
_BOOKED = "`manna run nightly_close` books it."


@journal.command()
def add(
    book: BookOption,
    date: Annotated[datetime, typer.Option("--date", formats=DAY, help="the day it is booked on")],
    description: Annotated[str, typer.Option("--description", help="what it is for")],
    line: Annotated[
        list[str],
        typer.Option(
            "--line", help="ACCOUNT=AMOUNT, positive = debit, perhaps with a currency (two or more times)"
        ),
    ],
    adjusting: Annotated[
        bool, typer.Option("--adjusting", help="it stands in the adjusted trial balance only")
    ] = False,
    reverses_on: Annotated[
        datetime | None,
        typer.Option("--reverses-on", formats=DAY, help="the opposite entry is booked on this day"),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="adds it although the same entry is there")] = False,
    by: ByOption = None,
) -> None:
    """Adds one entry. Its lines sum to zero in every currency.

    Example: `manna journal add --book studio --date 2026-02-28 --description "Accrued rent" --line Expenses:Rent=1200
    --line "Liabilities:Accrued=-1200" --reverses-on 2026-03-01`
    """
    from pipelines.entering import accounts, enter, entry_of, unheard_of
    from pipelines.reviewing import whoever

    with opened() as manna:
        require_one_of("book", [book], manna.books)
        back = reverses_on.date() if reverses_on else None
        entry = entry_of(
            manna.books[book], date.date(), description, line, adjusting=adjusting, reverses_on=back
        )
        new = unheard_of(accounts(manna, manna.books[book]), [entry])
        number = enter(manna, book, entry, by or whoever(), again=again)
    if number is None:
        out.print(
            "The same entry is there already: nothing was added; --again adds it all the same.",
            highlight=False,
        )
        return
    out.print(f"Entry {number} of {book} was added. {_BOOKED}", highlight=False)
    _name_new(new)


@journal.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="a CSV file: date, description, account, amount (or debit, credit), perhaps entry, currency, adjusting, reverses_on"
        ),
    ],
    book: BookOption,
    by: ByOption = None,
) -> None:
    """Adds the entries of a file, all or none; what is there already is not added again.

    Rows with the same number in the column `entry` are one entry; without it, rows that follow each other with the same
    date and description.

    Example: `manna journal import closing-2025.csv --book studio --by "A. Accountant"`
    """  # fmt: skip
    from pipelines.entering import accounts, import_entries, read_file, unheard_of
    from pipelines.reviewing import whoever

    with opened() as manna:
        require_one_of("book", [book], manna.books)
        entries = read_file(manna.books[book], file)
        new = unheard_of(accounts(manna, manna.books[book]), entries)
        done = import_entries(manna, book, entries, by or whoever())
    there = f", {done.there} were there already" if done.there else ""
    if not done.added:
        out.print(f"Nothing was added{there}.", highlight=False)
        return
    first, last = done.added[0], done.added[-1]
    out.print(
        f"{len(done.added)} added to {book}, numbers {first} to {last}{there}. {_BOOKED}",
        highlight=False,
    )
    _name_new(new)


@journal.command("list")
def list_(
    book: BookOption,
    as_known_on: Annotated[
        datetime | None,
        typer.Option(
            "--as-known-on", formats=[*DAY, "%Y-%m-%dT%H:%M:%S"], help="as they were on that moment (UTC)"
        ),
    ] = None,
    output: FormatOption = "table",
) -> None:
    """All entries of a book, a row per line, with who entered them and when.

    Example: `manna journal list --book studio --format csv`
    """  # fmt: skip
    from pipelines.entering import listed
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        require_one_of("book", [book], manna.books)
        found = listed(manna.ops.entries(book, _moment(as_known_on)))
    if output == "table":
        found = found.drop("entered")
    render(found, output, title=f"Entries of {book}", console=out)  # type: ignore[arg-type]


@journal.command()
def void(
    number: Annotated[int, typer.Argument(help="the number of the entry")],
    book: BookOption,
    by: ByOption = None,
) -> None:
    """Takes an entry back by its opposite on the same day. Both stay on record.

    Example: `manna journal void 3 --book studio`
    """
    from pipelines.reviewing import whoever

    with opened() as manna:
        require_one_of("book", [book], manna.books)
        opposite, is_new = manna.ops.void_entry(book, number, by or whoever(), manna.settings.now())
    if is_new:
        out.print(f"Entry {number} is taken back by entry {opposite}. {_BOOKED}", highlight=False)
    else:
        out.print(f"Entry {number} was taken back already, by entry {opposite}.", highlight=False)


@journal.command("accounts")
def accounts_(book: BookOption, output: FormatOption = "table") -> None:
    """The accounts of a book: those in use and those that its file names, with the tax line each leads to.

    Example: `manna journal accounts --book studio --format csv`
    """
    from pipelines.entering import accounts
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        require_one_of("book", [book], manna.books)
        found = accounts(manna, manna.books[book])
    if output == "table":
        unsaid = [name for name in ("name", "description") if found[name].is_null().all()]
        found = found.drop(unsaid)
    render(found, output, title=f"Accounts of {book}", console=out)  # type: ignore[arg-type]


def _name_new(accounts: list[str]) -> None:
    """A misspelt account is a new one: so new ones are named."""
    if accounts:
        out.print(f"New in this book: {', '.join(accounts)}", style="yellow", highlight=False)


def _moment(given: datetime | None) -> datetime | None:
    """A moment in UTC; a day is meant up to its end."""
    if given is None:
        return None
    end = timedelta(days=1, microseconds=-1) if given.time() == time() else timedelta(0)
    return given.replace(tzinfo=UTC) + end
