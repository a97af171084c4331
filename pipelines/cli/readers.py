"""`manna readers`: logins of Postgres for people and programs that read one book's reports.

What belongs here: these commands. What does not: the roles themselves (``resources.readers``).
"""

import getpass
from typing import Annotated, Any

import typer

from pipelines.asked import require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, err, opened, out

readers = typer.Typer(
    help="Logins to Postgres that read one book's published reports, and nothing else.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(readers, name="readers")


@readers.command("list")
def list_readers(output: FormatOption = "table") -> None:
    """Every reader: the book, and the role of Postgres.

    Example: `manna readers list`
    """
    import polars as pl

    from pipelines.rendering import render
    from resources.readers import readers as known

    require_format(output)
    with opened() as manna:
        rows = known(manna.postgres_url)
    frame = pl.DataFrame(rows, schema={"book": pl.String, "role": pl.String})
    render(frame, output, title="Readers", console=out)  # type: ignore[arg-type]


@readers.command()
def add(
    book: Annotated[str, typer.Argument(help="the book that may be read")],
    new_password: Annotated[
        bool, typer.Option("--new-password", help="there is a reader already: give it another password")
    ] = False,
) -> None:
    """Makes a login that reads one book in schema `reports`, and prints its address: the only time that the password is shown.

    Example: `manna readers add household`
    """
    from resources.readers import add_reader

    with opened() as manna:
        require_one_of("book", [book], manna.books)
        address = add_reader(manna.postgres_url, book, new_password=new_password)
        _note(manna, book, "new_password" if new_password else "add_reader")
    err.print("Keep it: it is not stored anywhere, and not shown again.", highlight=False)
    out.print(address, highlight=False, markup=False, soft_wrap=True)


@readers.command()
def remove(book: Annotated[str, typer.Argument(help="the book")]) -> None:
    """Removes a book's login.

    Example: `manna readers remove household`
    """
    from resources.readers import remove_reader

    with opened() as manna:
        remove_reader(manna.postgres_url, book)
        _note(manna, book, "remove_reader")
    out.print(f"The reader of {book} is removed.", highlight=False)


def _note(manna: Any, book: str, action: str) -> None:
    from resources import audit

    with manna.ops.engine.begin() as connection:
        audit.append(
            connection,
            at=manna.settings.now(),
            book=book,
            actor=getpass.getuser(),
            action=action,
            subject="reports",
            detail={},
        )
