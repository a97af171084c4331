"""`manna tearsheet`: how a book's investments have done.

What belongs here: this command. What does not: the figures (``manna.portfolio``) and how they look (``manna.documents``).
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.asked import UsageError, require_one_of
from pipelines.cli.past import AsKnownOnOption, at
from pipelines.cli.shell import app, err, opened, out

FORMATS = ("table", "html", "pdf", "json")


@app.command()
def tearsheet(
    book: Annotated[str, typer.Option(help="the book")],
    period: Annotated[str | None, typer.Option(help="a month, 2026-03; else the newest")] = None,
    as_known_on: AsKnownOnOption = None,
    form: Annotated[str, typer.Option("--format", help="table, html, pdf or json")] = "table",
    output: Annotated[Path | None, typer.Option(help="the file to write; else it is printed")] = None,
) -> None:
    """How the investments have done: returns and risk beside the benchmark, falls, months, holdings, what it came from.

    Example: `manna tearsheet --book household --period 2026-03 --format pdf --output march.pdf`
    """
    from pipelines.files import write_whole
    from pipelines.performance import find_tear_sheet, in_format, tables_of

    require_one_of("format", [form], FORMATS)
    if output is None and form == "pdf" and out.is_terminal:
        raise UsageError("pdf is no text; name a file: --output tearsheet.pdf")
    if output is not None and form == "table":
        raise UsageError("a table is for the terminal; for a file add --format html, pdf or json")
    if as_known_on is not None and period is None:
        raise UsageError("say which month: --period 2026-03")
    with opened() as manna, at(manna, book, period or "", as_known_on) as known:
        document = find_tear_sheet(known, book, period)
    if form == "table":
        from pipelines.rendering import render

        for title, frame in tables_of(document):
            render(frame, "table", title=title, console=out)
            out.print()
        return
    content = in_format(document, form)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    write_whole(output, content)
    err.print(f"wrote {output}", highlight=False, markup=False)
