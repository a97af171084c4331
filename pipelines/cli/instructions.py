"""`manna instructions`: which lots sales take, where it is not the first in.

What belongs here: these commands. What does not: the work (``pipelines.instructing``) or the rules (``manna.ledger``).
"""

import getpass
from datetime import datetime
from typing import Annotated

import typer

from pipelines.asked import require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

instructions = typer.Typer(
    help="Which lots the books' sales take, where it is not the first in. For a file of trades see `manna lots`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(instructions, name="instructions")

ByOption = Annotated[str | None, typer.Option("--by", help="who decides; else the name of this login")]
_SAID = "instruction {}; `manna run nightly_close` puts it into the books"


@instructions.command()
def sale(
    trade: Annotated[str, typer.Argument(help="the sale's id in clean.trades, or the beginning of it")],
    method: Annotated[str, typer.Option(help="fifo, lifo, hifo, specific or average")] = "specific",
    lot: Annotated[
        list[str] | None, typer.Option(help="LOT=UNITS that are sold, from ledger.lots (may be repeated)")
    ] = None,
    by: ByOption = None,
) -> None:
    """Says which lots one sale takes. Only until it settles: after that, first in, first out stands.

    Example: `manna instructions sale 5f0c1a2b --lot 9d3e77aa=10 --lot 1c20be41=5`
    """
    from pipelines.instructing import instruct_sale

    with opened() as manna:
        number = instruct_sale(manna, trade, method, lot or (), by or getpass.getuser())
    out.print(_SAID.format(number), highlight=False)


@instructions.command()
def account(
    account: Annotated[str, typer.Argument(help="the account's id, or the beginning of it")],
    method: Annotated[str, typer.Option(help="fifo, lifo, hifo or average")],
    security: Annotated[str | None, typer.Option(help="only this security; else all of the account")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the first trade day; else today")
    ] = None,
    by: ByOption = None,
) -> None:
    """Says how all sales of an account take their lots. Sales that have settled before now stay as they are.

    Average cost is only for mutual funds and for shares bought by reinvesting dividends.

    Example: `manna instructions account 7xKqWzRb --method hifo --since 2026-03-01`
    """
    from pipelines.instructing import instruct_account

    with opened() as manna:
        day = since.date() if since else None
        number = instruct_account(manna, account, method, security, day, by or getpass.getuser())
    out.print(_SAID.format(number), highlight=False)


@instructions.command("list")
def list_(
    book: Annotated[str | None, typer.Option("--book", help="only this book")] = None,
    output: FormatOption = "table",
) -> None:
    """Lists all instructions, the oldest first. Of several about a sale the last that was in time holds.

    Example: `manna instructions list --book household --format json`
    """
    from pipelines.instructing import instructions as listed
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        if book:
            require_one_of("book", [book], manna.books)
        found = listed(manna, book)
    render(found, output, title="Instructions on lots", console=out)  # type: ignore[arg-type]
