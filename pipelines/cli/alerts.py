"""`manna alerts`: what wants attention, and what people decide of it.

What belongs here: these commands. What does not: the work (``pipelines.alarming``).
"""

import getpass
from functools import partial
from typing import Annotated

import typer

from pipelines.asked import require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

alerts = typer.Typer(
    help="What wants attention: open until it ends, acknowledged, or snoozed; every step is on record.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(alerts, name="alerts")

AlertArgument = Annotated[int, typer.Argument(help="the alert's number")]
VersionOption = Annotated[
    int | None,
    typer.Option(help="the version you have looked at: if it has changed since, nothing is decided"),
]
ByOption = Annotated[str | None, typer.Option("--by", help="who says so; else the name of this login")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="why, for whoever looks later")]


@alerts.command("list")
def list_(
    book: Annotated[list[str] | None, typer.Option(help="only this book (may be repeated)")] = None,
    everything: Annotated[bool, typer.Option("--all", help="also those that are resolved")] = False,
    output: FormatOption = "table",
) -> None:
    """Alerts, the worst first; what follows from another stands below it.

    Example: `manna alerts list --book household`
    """
    from pipelines.alarming import listed
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        require_one_of("book", book or (), [*manna.books, "all"])
        found = listed(manna, book or (), everything=everything)
    render(found, output, title="Alerts", console=out)  # type: ignore[arg-type]


@alerts.command()
def show(alert: AlertArgument, output: FormatOption = "table") -> None:
    """One alert, and every step of its life: who made it, when and why, and when people were told.

    Example: `manna alerts show 3`
    """
    from pipelines.alarming import shown
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        row, steps = shown(manna, alert)
    if output == "table":
        out.print(f"{row['book']}: {row['severity']}, {row['status']}", highlight=False)
        out.print(row["message"], highlight=False, markup=False, soft_wrap=True)
    render(steps, output, title=f"Alert {alert}", console=out)  # type: ignore[arg-type]


@alerts.command()
def ack(
    alert: AlertArgument, version: VersionOption = None, by: ByOption = None, reason: ReasonOption = None
) -> None:
    """Says that you have seen it and take care of it. It opens again if it becomes worse.

    Example: `manna alerts ack 3 --reason "called the bank"`
    """
    from manna.alerting.life import acknowledged
    from pipelines.alarming import decide

    with opened() as manna:
        decide(manna, alert, acknowledged, by or getpass.getuser(), version=version, reason=reason)
    out.print(f"Alert {alert} is acknowledged.", highlight=False)


@alerts.command()
def snooze(
    alert: AlertArgument,
    until: Annotated[str, typer.Option(help="3d, 12h, 30m, or a day or moment such as 2026-04-01")],
    version: VersionOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
) -> None:
    """Leaves it alone until a moment. It opens again then if the condition lasts, and at once if it becomes worse.

    Example: `manna alerts snooze 3 --until 3d`
    """
    from manna.alerting.life import snoozed
    from pipelines.alarming import decide, moment_of

    with opened() as manna:
        now = manna.settings.now()
        moment = moment_of(until, now)
        step = partial(snoozed, until=moment, now=now)
        decide(manna, alert, step, by or getpass.getuser(), version=version, reason=reason)
    out.print(f"Alert {alert} is snoozed until {moment:%Y-%m-%d %H:%M} UTC.", highlight=False)


@alerts.command()
def resolve(
    alert: AlertArgument, version: VersionOption = None, by: ByOption = None, reason: ReasonOption = None
) -> None:
    """Says that it is done with, though its condition may last. It opens again when that has ended and comes back.

    Example: `manna alerts resolve 3 --reason "a gift, not a mistake"`
    """
    from manna.alerting.life import resolved
    from pipelines.alarming import decide

    with opened() as manna:
        decide(manna, alert, resolved, by or getpass.getuser(), version=version, reason=reason)
    out.print(f"Alert {alert} is resolved.", highlight=False)
