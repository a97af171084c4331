"""`manna export`: a book in the languages of other programs.

What belongs here: this command. What does not: the languages (``manna.exporting``).
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.asked import require_one_of
from pipelines.cli.shell import app, err, opened, out


@app.command()
def export(
    dialect: Annotated[str, typer.Argument(help="beancount, hledger or ledger")],
    book: Annotated[str, typer.Option(help="the book")],
    to: Annotated[Path | None, typer.Option(help="the file to write; else it is printed")] = None,
) -> None:
    """Writes all entries of a book for a program of plain-text accounting, at cost, each with its source.

    Example: `manna export beancount --book household --to household.beancount`
    """
    from manna.exporting import DIALECTS
    from pipelines.exporting import lines_of
    from pipelines.files import write_whole

    require_one_of("language", [dialect], DIALECTS)
    with opened() as manna:
        require_one_of("book", [book], manna.books)
        lines = lines_of(manna, dialect, book)
    if to is None:
        out.file.writelines(f"{line}\n" for line in lines)
        return
    write_whole(to, (f"{line}\n".encode() for line in lines))
    err.print(f"wrote {to}", highlight=False, markup=False)
