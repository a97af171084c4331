"""`manna model`: the versions of each book's categorization model.

What belongs here: these commands. What does not: the work (``pipelines.modelling``).
"""

import getpass
import json
from typing import Annotated, Any

import typer

from pipelines.asked import require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

model = typer.Typer(
    help="The versions of each book's categorization model: how good they are, and which one is used.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(model, name="model")

ModelArgument = Annotated[str, typer.Argument(help="the model's id, or the beginning of it")]
ByOption = Annotated[str | None, typer.Option("--by", help="who says so; else the name of this login")]
ReasonOption = Annotated[str, typer.Option("--reason", help="why, for whoever looks later")]
_TABLES = {
    "months": "Answered before it was told",
    "bins": "Calibration, by tenths of how sure it was",
    "confusions": "What it took for what",
    "shadow": "Money per report line, with it and without",
}


@model.command("list")
def list_(
    book: Annotated[list[str] | None, typer.Option(help="only this book (may be repeated)")] = None,
    output: FormatOption = "table",
) -> None:
    """Every version: when it was trained, on how many decisions, how good it is, and whether it is in use.

    Example: `manna model list --book household`
    """
    from pipelines.modelling import listed
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        require_one_of("book", book or (), manna.books)
        found = listed(manna, book or list(manna.books))
    render(found, output, title="Models", console=out)  # type: ignore[arg-type]


@model.command()
def show(name: ModelArgument, output: FormatOption = "table") -> None:
    """All that is known of one version: figures, training data, uses, and its shadow run in money per report line.

    Example: `manna model show 3f9a1c --format json`
    """
    from pipelines.modelling import shown

    require_format(output)
    with opened() as manna:
        found = shown(manna, name)
    if output == "json":
        out.file.write(json.dumps(found, default=str, ensure_ascii=False, indent=2) + "\n")
    elif output == "table":
        _print(found)
    else:
        import polars as pl

        from pipelines.rendering import render

        flat = {key: _line(value) for key, value in found.items() if key not in _TABLES}
        frame = pl.DataFrame([flat], schema=dict.fromkeys(flat, pl.String))
        render(frame, output, title=f"Model {found['model_id']}", console=out)  # type: ignore[arg-type]


@model.command()
def promote(name: ModelArgument, reason: ReasonOption, by: ByOption = None) -> None:
    """Puts a version into use, whatever was found against it.

    Example: `manna model promote 3f9a1c --reason "the new chart of accounts"`
    """
    from pipelines.modelling import promote as work

    with opened() as manna:
        told = work(manna, name, by=by or getpass.getuser(), reason=reason)
    _say(told)


@model.command()
def rollback(
    book: Annotated[str, typer.Option("--book", help="the book")], reason: ReasonOption, by: ByOption = None
) -> None:
    """Goes back to the version that was in use before, or to none.

    Example: `manna model rollback --book household --reason "took rent for groceries"`
    """
    from pipelines.modelling import roll_back

    with opened() as manna:
        require_one_of("book", [book], manna.books)
        told = roll_back(manna, book, by=by or getpass.getuser(), reason=reason)
    _say(told)


def _say(told: str) -> None:
    out.print(f"{told}; `manna run nightly_close` puts it into the books", markup=False, highlight=False)


def _print(found: dict[str, Any]) -> None:
    """A version for people: a line per fact, then its tables."""
    import polars as pl
    from rich.text import Text

    from pipelines.rendering import render
    from pipelines.terminal import printable

    facts = {name: value for name, value in found.items() if name not in _TABLES and value not in (None, [])}
    width = max(map(len, facts))
    for name, value in facts.items():
        for number, part in enumerate(value if isinstance(value, list) else [value]):
            label = "" if number else name.replace("_", " ")
            out.print(Text(f"{label:{width}}  ", style="dim") + Text(printable(_line(part))), soft_wrap=True)
    for name, title in _TABLES.items():
        if found[name]:
            out.print()
            render(pl.DataFrame(found[name]), "table", title=title, console=out)


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {each}" for name, each in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
