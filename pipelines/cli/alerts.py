"""`manna alerts`: what wants attention, and what people decide of it.

What belongs here: these commands. What does not: the work (``pipelines.alarming``, ``pipelines.replaying``).
"""

import getpass
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.asked import require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

if TYPE_CHECKING:
    import polars as pl

    from manna.alerting.life import Alert, Step

    Said = tuple[Callable[[Alert], Step], str]

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
    render(_short(found, output, "version"), output, title="Alerts", console=out)  # type: ignore[arg-type]


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
    render(_short(steps, output), output, title=f"Alert {alert}", console=out)  # type: ignore[arg-type]


@alerts.command("test")
def replay(
    book: Annotated[list[str] | None, typer.Option(help="only this book (may be repeated)")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the first day; else the book's first")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the last day; else today")
    ] = None,
    output: FormatOption = "table",
) -> None:
    """What would have been told over the past, day by day, with the thresholds that the books' files have now.

    Change a threshold, and look again: nothing is written, nothing is sent. Only what thresholds decide is here: payments,
    balances, budgets, reconciliation, losses and weights; not what befell runs, connections or orders.

    Example: `manna alerts test --book household --since 2026-01-01`
    """
    from pipelines.rendering import render
    from pipelines.replaying import told

    require_format(output)
    with opened() as manna:
        require_one_of("book", book or (), list(manna.books))
        found = told(manna, book or (), since and since.date(), until and until.date())
    render(_short(found, output, "kind"), output, title="Alerts there would have been", console=out)  # type: ignore[arg-type]


@alerts.command()
def ack(
    alert: AlertArgument, version: VersionOption = None, by: ByOption = None, reason: ReasonOption = None
) -> None:
    """Says that you have seen it and take care of it. It opens again if it becomes worse.

    Example: `manna alerts ack 3 --reason "called the bank"`
    """
    from manna.alerting.life import acknowledged

    _decide(alert, lambda _: (acknowledged, "acknowledged"), version, by, reason)


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
    from pipelines.alarming import moment_of

    def step(now: datetime) -> "Said":
        moment = moment_of(until, now)
        return partial(snoozed, until=moment, now=now), f"snoozed until {moment:%Y-%m-%d %H:%M} UTC"

    _decide(alert, step, version, by, reason)


@alerts.command()
def resolve(
    alert: AlertArgument, version: VersionOption = None, by: ByOption = None, reason: ReasonOption = None
) -> None:
    """Says that it is done with, though its condition may last. It opens again when that has ended and comes back.

    Example: `manna alerts resolve 3 --reason "a gift, not a mistake"`
    """
    from manna.alerting.life import resolved

    _decide(alert, lambda _: (resolved, "resolved"), version, by, reason)


def _short(found: "pl.DataFrame", output: str, *left_out: str) -> "pl.DataFrame":
    """For a terminal: without some columns, and moments to the minute. More would leave no room for words."""
    import polars.selectors as cs

    if output != "table":
        return found
    return found.drop(left_out).with_columns(cs.datetime().dt.strftime("%Y-%m-%d %H:%M"))


def _decide(
    alert: int,
    step: "Callable[[datetime], Said]",
    version: int | None,
    by: str | None,
    reason: str | None,
) -> None:
    """Makes a person's step and says so. ``step``: from the present moment to the step, and the alert's state after it."""
    from pipelines.alarming import decide

    with opened() as manna:
        make, state = step(manna.settings.now())
        decide(manna, alert, make, by or getpass.getuser(), version=version, reason=reason)
    out.print(f"Alert {alert} is {state}.", highlight=False)
