"""Commands that only look: how everything fares, a statement, a query, the installation itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.asked import UsageError, require_format, require_one_of
from pipelines.cli.past import AsKnownOnOption, at
from pipelines.cli.shell import FormatOption, app, err, opened, out


@app.command()
def status(output: FormatOption = "table") -> None:
    """Accounts, balances, connections and up to which day each is complete, providers that are left alone, alerts, drift.

    Example: `manna status --format json`
    """
    from pipelines.demo import gather
    from pipelines.rendering import render, summary
    from pipelines.reporting import connections

    require_format(output)
    with opened() as manna:
        data, healths = gather(manna), connections(manna).drop("connection_id")
        circuits = [row for row in manna.ops.circuits() if row["state"] != "closed"]
    if output == "table":
        out.print(summary(data))
        out.print()
        render(healths.drop("error"), "table", title="Connections", console=out)
        for row in healths.filter(healths["error"].is_not_null()).iter_rows(named=True):
            said = f"{row['connection']}  {row['institution']}: {row['error']}"
            out.print(said, style="yellow", highlight=False, markup=False)
        for row in circuits:
            said = f"{row['name']} is left alone ({row['state']} since {row['opened_at']:%Y-%m-%d %H:%M} UTC): {row['reason']}"
            out.print(said, style="yellow", highlight=False, markup=False)
    else:
        render(data.accounts, output, title="Accounts", console=out)  # type: ignore[arg-type]


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="income_statement, balance_sheet, cash_flow, ...")],
    book: Annotated[str, typer.Option(help="the book")],
    period: Annotated[str, typer.Option(help="a month 2026-03, a quarter 2026-Q1, or a year 2026")],
    as_known_on: AsKnownOnOption = None,
    form: Annotated[
        str, typer.Option("--format", help="table, json, csv, html, pdf, xlsx or parquet")
    ] = "table",
    output: Annotated[Path | None, typer.Option(help="the file to write; else it is printed")] = None,
) -> None:
    """One published statement, with its cover: how complete it is and what is open; with `--as-known-on` as it was on a past day.

    Example: `manna report balance_sheet --book household --period 2026-03 --format pdf --output sheet.pdf`
    """
    from pipelines.documents import FORMATS, in_format, on_paper
    from pipelines.files import write_whole
    from pipelines.reporting import find_report

    require_one_of("format", [form], ("table", *FORMATS))
    if output is None and form in on_paper and out.is_terminal:
        raise UsageError(f"{form} is no text; name a file: --output {name}.{form}")
    if output is not None and form == "table":
        raise UsageError(f"a table is for the terminal; for a file add --format: {', '.join(FORMATS)}")
    with opened() as manna, at(manna, book, period, as_known_on, name) as known:
        found = find_report(known, name, book, period)
    if form == "table":
        from pipelines.terminal import report_on_terminal

        out.print(report_on_terminal(found))
        return
    if found.frame.is_empty():
        err.print(f"note: {found.cover.warnings[-1]}", style="yellow", highlight=False, soft_wrap=True)
    content = in_format(found, form)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    write_whole(output, content)
    err.print(f"wrote {output}", highlight=False, markup=False)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="any SELECT over the lake's tables")],
    output: FormatOption = "table",
) -> None:
    """Asks the lake (read only).

    Example: `manna sql "SELECT account, sum(amount) FROM ledger.postings GROUP BY ALL"`
    """
    from pipelines.querying import ask, require_reading
    from pipelines.rendering import render

    require_format(output)
    require_reading(query)
    with opened() as manna:
        frame = ask(manna, query)
    render(frame, output, title="", console=out)  # type: ignore[arg-type]


@app.command()
def doctor(output: FormatOption = "table") -> None:
    """Looks at the installation: versions, settings, permissions, database, lake and its files, clock, logins, daemons.

    Exit code 0: all is fine; 1: a warning; 2: something is broken (as Nagios and its like expect).

    Example: `manna doctor --format json`
    """
    from pipelines.doctor import exit_code, findings
    from pipelines.rendering import render

    require_format(output)
    found = findings()
    render(found, output, title="Findings", console=out)  # type: ignore[arg-type]
    raise typer.Exit(exit_code(found))
