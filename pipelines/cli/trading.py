"""`manna rebalance execute`, `manna halt` and `manna resume`: sending orders, and keeping them from being sent.

What belongs here: these commands. What does not: the work (``pipelines.trading``).
"""

import getpass
from typing import Annotated

import typer

from pipelines.asked import require_format, require_one_of, uses_sandbox
from pipelines.cli.rebalancing import rebalance
from pipelines.cli.shell import FormatOption, app, err, opened, out

STOPPED = 3
"""Exit code of an execution that stopped for a reason and can go on later."""

ByOption = Annotated[str | None, typer.Option("--by", help="who does it; else the name of this login")]
BookOption = Annotated[str | None, typer.Option(help="only this book; else all")]
ReasonOption = Annotated[str, typer.Option(help="why, for the log")]


@rebalance.command()
def execute(
    plan: Annotated[str, typer.Argument(help="the plan's id, or the beginning of it")],
    by: ByOption = None,
    wait: Annotated[float, typer.Option(min=0, help="seconds to follow open orders")] = 300.0,
    output: FormatOption = "table",
) -> None:
    """Executes an approved plan: sells, then buys with what is there. Run again after a stop, it goes on where it was.

    Exit code 3 says that it stopped before its end. Nothing is sent while the market is closed, trading is halted or a limit of the book is reached. Only paper accounts
    are traded, unless MANNA_LIVE_TRADING=yes and `trading: {live: true}` in the book's file both say otherwise.

    Example: `manna rebalance execute 5f0c1a2b`
    """
    from pipelines.executing import UNDONE
    from pipelines.rendering import render
    from pipelines.trading import execute as executed
    from pipelines.trading import trades_frame
    from resources.settings import Settings

    require_format(output)
    with opened(with_sandbox=uses_sandbox(Settings.load())) as manna:
        result = executed(manna, plan, by or getpass.getuser(), wait_seconds=wait)
    render(trades_frame(result.detail), output, title=f"Plan {result.plan_id}", console=out)  # type: ignore[arg-type]
    told = out if output == "table" else err
    for problem in result.detail["problems"]:
        told.print(f"[yellow]look at this:[/] {problem}", highlight=False, soft_wrap=True)
    if result.finished:
        ended = f"has ended: {result.reason}" if result.reason else "is executed"
        told.print(f"Plan {result.plan_id} {ended}.", highlight=False, soft_wrap=True)
        return
    told.print(f"Stopped: {result.reason}. {UNDONE.format(result.plan_id)}.", highlight=False, soft_wrap=True)
    raise typer.Exit(STOPPED)


@app.command()
def halt(
    reason: ReasonOption,
    book: BookOption = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="also cancel the orders that are open")] = False,
    by: ByOption = None,
) -> None:
    """The kill switch: once this has returned, no order is sent until `manna resume`. Needs no market and no plan.

    Example: `manna halt --reason "prices look wrong" --cancel`
    """
    from pipelines.trading import cancel_open
    from pipelines.trading import halt as halted
    from resources.settings import Settings

    with opened() as manna:
        if book:
            require_one_of("book", [book], manna.books)
        halted(manna, book, reason, by or getpass.getuser())
    out.print(f"Trading of {book or 'all books'} is halted.", highlight=False, soft_wrap=True)
    if not cancel:
        return
    with opened(with_sandbox=uses_sandbox(Settings.load())) as manna:  # the switch waits for nobody
        said = cancel_open(manna, book)
    for words in said:
        out.print(words, highlight=False, soft_wrap=True)
    if any(words.startswith("NOT") for words in said):
        raise typer.Exit(1)


@app.command()
def resume(reason: ReasonOption, book: BookOption = None, by: ByOption = None) -> None:
    """Lets a book, or all books, trade again after `manna halt`. A book halted by itself stays so until named.

    Example: `manna resume --reason "prices were right"`
    """
    from pipelines.trading import resume as resumed

    with opened() as manna:
        if book:
            require_one_of("book", [book], manna.books)
        still = resumed(manna, book, reason, by or getpass.getuser())
    out.print(f"Trading of {book or 'all books'} is resumed.", highlight=False, soft_wrap=True)
    if still is not None:
        out.print(f"It is still halted: {still}.", highlight=False, soft_wrap=True)
