"""`manna accounts`: which accounts there are, and the answers to what is asked about them.

What belongs here: these commands. What does not: the work (``pipelines.answering``).
"""

import getpass
from typing import Annotated

import typer

from pipelines.asked import require_format
from pipelines.cli.shell import FormatOption, app, opened, out

accounts = typer.Typer(
    help="Accounts, whether one continues another after a bank was linked anew, and decisions to review.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(accounts, name="accounts")

ByOption = Annotated[str | None, typer.Option("--by", help="who says so; else the name of this login")]


@accounts.command("list")
def list_(output: FormatOption = "table") -> None:
    """Accounts; those held until somebody says whether they continue another one come first.

    Example: `manna accounts list --format json`
    """
    from pipelines.answering import listed, shortened
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        found = listed(manna)
    if output == "table":
        found = shortened(found)
    render(found, output, title="Accounts", console=out)  # type: ignore[arg-type]


@accounts.command()
def same(
    new: Annotated[str, typer.Argument(help="the account of the later login, or the beginning of its id")],
    old: Annotated[str, typer.Argument(help="the account that it continues, or the beginning of its id")],
    by: ByOption = None,
) -> None:
    """Says that an account continues another one: their histories become one, nothing is counted twice.

    Example: `manna accounts same 7xKqWzRb 9fJkLmNp`
    """
    from pipelines.answering import same as answer

    with opened() as manna:
        out.print(answer(manna, new, old, by or getpass.getuser()), highlight=False)


@accounts.command()
def different(
    new: Annotated[str, typer.Argument(help="the account, or the beginning of its id")],
    by: ByOption = None,
) -> None:
    """Says that an account is one of its own, whatever it looks like.

    Example: `manna accounts different 7xKqWzRb`
    """
    from pipelines.answering import different as answer

    with opened() as manna:
        out.print(answer(manna, new, by or getpass.getuser()), highlight=False)


@accounts.command()
def review(output: FormatOption = "table") -> None:
    """Decisions on pending rows that seem to have posted with another amount (a tip, say).

    Example: `manna accounts review`
    """
    from pipelines.answering import to_review
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        found = to_review(manna)
    render(found, output, title="Decisions to review", console=out)  # type: ignore[arg-type]


@accounts.command()
def carry(
    pending: Annotated[
        str, typer.Argument(help="the pending row of `manna accounts review`, or its beginning")
    ],
    by: ByOption = None,
) -> None:
    """Takes a decision over from a pending row to the row that it became.

    Example: `manna accounts carry 7xKqWzRb`
    """
    from pipelines.answering import carry as answer

    with opened() as manna:
        out.print(answer(manna, pending, by or getpass.getuser()), highlight=False)
