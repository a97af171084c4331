"""`manna rebalance`: plans of trades.

What belongs here: the group and its commands on plans. What does not: sending orders (``trading``).
"""

import typer

from pipelines.cli.shell import app

rebalance = typer.Typer(
    help="Plans of trades, their approval and their execution.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(rebalance, name="rebalance")


@rebalance.callback()
def _group() -> None:
    """One command does not make the group disappear."""
