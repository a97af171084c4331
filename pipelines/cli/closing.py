"""`manna close`, `reopen` and `restatement`: periods that are closed, and what became known after.

What belongs here: these commands. What does not: the work (``pipelines.closing``).
"""

import getpass
from datetime import date, timedelta
from typing import Annotated

import typer

from pipelines.asked import UsageError, require_format
from pipelines.cli.shell import FormatOption, app, opened, out

BookOption = Annotated[str, typer.Option(help="the book")]
ByOption = Annotated[str | None, typer.Option("--by", help="who does so; else the name of this login")]


@app.command()
def close(
    book: BookOption,
    through: Annotated[str | None, typer.Option(help="the last day that is closed, YYYY-MM-DD")] = None,
    file_year: Annotated[
        int | None, typer.Option(help="a closed tax year that has been filed: its gains are kept as filed")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="why, for the record")] = None,
    by: ByOption = None,
) -> None:
    """Closes a book up to a day, or records that a tax year was filed.

    What was reported of closed days stays as it is. What becomes known of them later is booked on the first open day, with
    the day it belongs to beside it; `manna restatement` shows it entry by entry. A day cannot be closed while an account is
    not known up to it, differs from its bank for no known reason, or its report is held.

    Example: `manna close --book household --through 2026-01-31`
    """
    from pipelines import closing

    if (through is None) == (file_year is None):
        raise UsageError("give --through DATE, or --file-year YEAR")
    who = by or getpass.getuser()
    with opened() as manna:
        if through is not None:
            sha256 = closing.close(manna, book, read_day(through), who, reason)
            out.print(f"{book} is closed through {through}  (hash {sha256})", highlight=False, soft_wrap=True)
        if file_year is not None:
            count = closing.file_year(manna, book, file_year, who, reason)
            out.print(f"{book}: {file_year} is filed, with {count} realized gains", highlight=False)


@app.command()
def reopen(
    book: BookOption,
    after: Annotated[str, typer.Option(help="the last day that stays closed, YYYY-MM-DD")],
    reason: Annotated[str, typer.Option(help="why: it stands on the covers of the reports")],
    by: ByOption = None,
) -> None:
    """Opens every day after a day again. On the record, with an alert, and on the covers until it is closed again.

    Example: `manna reopen --book household --after 2025-12-31 --reason "the bank corrected January"`
    """
    from pipelines import closing

    with opened() as manna:
        through = closing.reopen(manna, book, read_day(after), by or getpass.getuser(), reason)
    out.print(
        f"{book} is open again after {after} (it was closed through {through}). `manna run nightly_close` makes its "
        "reports anew.",
        highlight=False,
        soft_wrap=True,
    )


@app.command("restatement")
def restatement_(
    book: BookOption,
    period: Annotated[str, typer.Option(help="a closed month, YYYY-MM, or year, YYYY")],
    output: FormatOption = "table",
    amended: Annotated[
        bool,
        typer.Option("--amended", help="realized gains of a filed year instead: as filed, and as known now"),
    ] = False,
) -> None:
    """What was reported of a closed period, what is known now, and the difference, entry by entry.

    Example: `manna restatement --book household --period 2026-01`
    """
    from pipelines import closing
    from pipelines.rendering import render
    from pipelines.reporting import read_month

    require_format(output)
    is_year = len(period) == 4 and period.isdigit()
    if amended and not is_year:
        raise UsageError("--amended wants a year: --period 2025")
    with opened() as manna:
        if amended:
            frame, title = (
                closing.amended_return(manna, book, int(period)),
                f"{book}: {period} as filed and now",
            )
        else:
            first = date(int(period), 1, 1) if is_year else read_month(period)
            last = date(int(period), 12, 31) if is_year else _month_end(first)
            frame, title = closing.bridge(manna, book, first, last), f"{book}: restatement of {period}"
    if output == "table":
        frame = frame.drop("entry_id", "source_table", "source_id", "lot_id", strict=False)
    render(frame, output, title=title, console=out)  # type: ignore[arg-type]
    if output == "table" and frame.is_empty():
        out.print("Nothing became known after it was closed.", highlight=False)


def read_day(text: str) -> date:
    """A day written as YYYY-MM-DD.

    Raises:
        UsageError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no day; write it as 2026-01-31") from error


def _month_end(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
