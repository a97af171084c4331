"""`manna audit`: whether the log of what was decided and sent is as it was written.

What belongs here: these commands. What does not: the chain (``manna.trading.chain``) or the table (``resources.audit``).
"""

from typing import Annotated

import typer

from pipelines.asked import UsageError
from pipelines.cli.shell import app, opened, out

audit = typer.Typer(
    help="The append-only log of plans, approvals, orders and halts.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(audit, name="audit")


@audit.callback()
def _group() -> None:
    """One command does not make the group disappear."""


@audit.command()
def verify(
    contains: Annotated[
        str | None, typer.Option(help="a hash noted earlier, which must still be in the log")
    ] = None,
) -> None:
    """Checks that no entry was changed, inserted or taken out; names the first one that does not fit.

    An entry's hash covers the one before it. Whoever makes all of them anew is found out by a hash noted elsewhere:
    note the last one that this command tells, and ask for it later with --contains.

    Example: `manna audit verify`
    """
    from resources.audit import holds
    from resources.audit import verify as verified

    with opened() as manna, manna.ops.engine.connect() as connection:
        count, last, broken = verified(connection)
        if broken is not None:
            raise UsageError(
                f"the audit log is broken at entry {broken.number}: {broken.reason}; compare it with a backup"
            )
        if contains is not None and not holds(connection, contains):
            raise UsageError(
                f"no entry of the audit log has the hash {contains}: entries were made anew or lost"
            )
    out.print(
        f"The audit log is whole: {count} entries, the last has the hash {last}.",
        highlight=False,
        soft_wrap=True,
    )
