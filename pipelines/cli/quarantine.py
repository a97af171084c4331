"""`manna quarantine`: rows that broke a contract, and what is done about them.

What belongs here: these commands. What does not: the work (``pipelines.refused``).
"""

import getpass
from typing import Annotated, Any

import typer

from pipelines.asked import require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

quarantine = typer.Typer(
    help="Rows that broke their table's contract: kept with every reason, used nowhere, until they pass.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(quarantine, name="quarantine")

RowArgument = Annotated[
    str, typer.Argument(help="the row's id, or the beginning of it or of the provider's id")
]
RowsArgument = Annotated[
    list[str], typer.Argument(help="ids of rows, or the beginnings of them or of the providers' ids")
]
ByOption = Annotated[str | None, typer.Option("--by", help="who says so; else the name of this login")]
ReasonOption = Annotated[str, typer.Option("--reason", help="why, for whoever looks later")]


@quarantine.command("list")
def list_(
    book: Annotated[list[str] | None, typer.Option(help="only this book (may be repeated)")] = None,
    table: Annotated[
        list[str] | None, typer.Option(help="only this table, e.g. transactions (may be repeated)")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="also rows that were discarded")] = False,
    output: FormatOption = "table",
) -> None:
    """Rows in quarantine that are open, with every reason.

    Example: `manna quarantine list --book household --table transactions --format csv`
    """
    from manna.cleaning import CLEANERS
    from pipelines.refused import listed
    from pipelines.rendering import render

    require_format(output)
    names = {address.partition(".")[2] for address in CLEANERS}
    require_one_of("table", [name.removeprefix("clean.") for name in table or ()], sorted(names))
    with opened() as manna:
        require_one_of("book", book or (), manna.books)
        found = listed(manna, book or (), table or (), everything=everything)
    if output == "table":  # what fits beside the reasons; `show` has the rest
        found = found.drop("source_id", "known_at", *(() if everything else ("status",)))
    render(found, output, title="Rows in quarantine", console=out)  # type: ignore[arg-type]


@quarantine.command()
def show(row: RowArgument, output: FormatOption = "table") -> None:
    """All that is known of one row: its payload as sent, every reason, its batch, run and request ids.

    Example: `manna quarantine show 3f9a1c --format json`
    """
    from pipelines.refused import as_json, shown

    require_format(output)
    with opened() as manna:
        found = shown(manna, row)
    if output == "json":
        out.file.write(as_json(found) + "\n")
    elif output == "table":
        _print(found)
    else:
        import polars as pl

        from pipelines.rendering import render

        flat = {name: "; ".join(value) if isinstance(value, list) else value for name, value in found.items()}
        frame = pl.DataFrame([flat], schema=dict.fromkeys(flat, pl.String))
        render(frame, output, title=f"Row {found['id']}", console=out)  # type: ignore[arg-type]


@quarantine.command()
def retry(
    rows: Annotated[
        list[str] | None,
        typer.Argument(help="ids of rows, or their beginnings; none means all that are open"),
    ] = None,
) -> None:
    """Makes the rows' tables again from `raw`, now, and says which rows have left.

    Example: `manna quarantine retry 3f9a1c`
    """
    from pipelines.refused import tried_again

    with opened() as manna:
        told = tried_again(manna, rows or ())
    _say(told)


@quarantine.command()
def discard(rows: RowsArgument, reason: ReasonOption, by: ByOption = None) -> None:
    """Leaves rows out for good: they stay on record, and are open no more. Another payload is a new question.

    Example: `manna quarantine discard 3f9a1c --reason "the bank's test row"`
    """
    _decide("discard", rows, reason, by)


@quarantine.command()
def restore(rows: RowsArgument, reason: ReasonOption, by: ByOption = None) -> None:
    """Opens rows again that were discarded.

    Example: `manna quarantine restore 3f9a1c --reason "it was real"`
    """
    _decide("restore", rows, reason, by)


def _decide(decision: str, rows: list[str], reason: str, by: str | None) -> None:
    from pipelines.refused import decide

    with opened() as manna:
        told = decide(manna, decision, rows, reason, by or getpass.getuser())
    _say(told)


def _say(lines: list[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _print(found: dict[str, Any]) -> None:
    """A row for people: a line per fact, a line per reason, then the payload."""
    from rich.text import Text

    from pipelines.refused import pretty
    from pipelines.terminal import printable

    width = max(len(name) for name in found)
    for name, value in found.items():
        if name == "payload" or value in (None, []):
            continue
        for number, part in enumerate(value if isinstance(value, list) else [value]):
            label = "" if number else name.replace("_", " ")
            out.print(Text(f"{label:{width}}  ", style="dim") + Text(printable(str(part))), soft_wrap=True)
    out.print(Text("payload", style="dim"))
    for line in pretty(found["payload"]).splitlines():
        out.print(Text(printable(line)), soft_wrap=True)
