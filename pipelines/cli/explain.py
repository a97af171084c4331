"""`manna explain`: from a number of a statement to what a bank or broker sent.

What belongs here: this command. What does not: the way there (``pipelines.explaining``).
"""

import json
from typing import Annotated, Any

import typer

from pipelines.asked import UsageError, require_format
from pipelines.cli.past import AsKnownOnOption, at
from pipelines.cli.shell import FormatOption, app, opened, out

_SHOWN = 12
"""Characters of a source's id on a terminal: enough for --source."""


@app.command()
def explain(
    report: Annotated[str, typer.Argument(help="income_statement, balance_sheet, cash_flow, ...")],
    line: Annotated[str, typer.Argument(help="an account, the name of a total, or a part of it")],
    book: Annotated[str, typer.Option(help="the book")],
    period: Annotated[str, typer.Option(help="the month, YYYY-MM")],
    source: Annotated[
        str | None, typer.Option(help="shows the source of this id, or its beginning, as it was received")
    ] = None,
    as_known_on: AsKnownOnOption = None,
    output: FormatOption = "table",
) -> None:
    """What a number is made of: its postings, their sources, and with `--source` the payload as received.

    Example: `manna explain income_statement "Net income" --book household --period 2026-02`
    """
    import polars as pl

    from pipelines import explaining
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna, at(manna, book, period, as_known_on) as known:
        found = explaining.explain(known, report, line, book, period)
        if source is not None:
            _show_source(known, found, source, output)
            return
    parts = found.parts
    if output != "table":
        render(parts, output, title=found.title, console=out)  # type: ignore[arg-type]
        return
    shown = pl.col("source_id").str.slice(0, _SHOWN).alias("source")
    parts = parts.select("date", "description", "amount", "currency", shown)
    render(parts, "table", title=f"{found.title} {found.figure:,.2f} {found.currency}", console=out)
    if found.difference:
        out.print(
            f"The books have changed since it was published: they come to {found.difference:+,.2f} {found.currency} more. "
            "`manna run nightly_close` publishes them.",
            style="yellow",
            highlight=False,
        )


def _show_source(manna: Any, found: Any, wanted: str, output: str) -> None:
    from pipelines.explaining import trace

    rows = found.parts.select("source_table", "source_id").unique(maintain_order=True).rows()
    matching = [row for row in rows if row[1] == wanted] or [row for row in rows if row[1].startswith(wanted)]
    if len(matching) != 1:
        several = "several sources begin" if matching else "no source begins"
        raise UsageError(f"{several} with {wanted!r}; without --source they are listed")
    chain = list(trace(manna, *matching[0]))
    if output == "json":
        told = [
            {"table": table, **{name: _plain(value) for name, value in row.items()}} for table, row in chain
        ]
        out.file.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        return
    for table, row in chain:
        out.print(table, style="bold", highlight=False)
        for name, value in row.items():
            if name == "payload":
                value = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
            if value is not None:
                out.print(f"  {name:16} {value}", highlight=False, markup=False)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else str(value)
