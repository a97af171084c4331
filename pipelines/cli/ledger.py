"""`manna ledger`: the general ledger of a book, and the register of an account.

What belongs here: this command. What does not: what the ledger shows (``manna.statements.general_ledger``).
"""

from typing import Annotated

import typer

from pipelines.asked import require_format
from pipelines.cli.shell import FormatOption, app, opened, out


@app.command()
def ledger(
    book: Annotated[str, typer.Option(help="the book")],
    period: Annotated[str, typer.Option(help="a month 2026-03, a quarter 2026-Q1, or a year 2026")],
    account: Annotated[
        str | None, typer.Option(help="only this account and all below it: its register")
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Every account's postings with its running balance and where they come from, as the books stand.

    Example: `manna ledger --book household --period 2026-02 --account Assets:Cash`
    """
    from pipelines.registers import register
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        frame = register(manna, book, period, account)
    title = f"{'Register' if account else 'General ledger'} of {book} {period}"
    if output == "table":
        frame = frame.drop("book", "line", "level", "entry_id", "source_table", "source_id")
    render(frame, output, title=title, console=out)  # type: ignore[arg-type]
