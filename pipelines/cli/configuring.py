"""`manna config`: what is configured.

What belongs here: this command. What does not: the work (``pipelines.configured``).
"""

import typer

from pipelines.asked import require_format
from pipelines.cli.shell import FormatOption, app, out

config = typer.Typer(
    help="What is configured, and where it is from.", no_args_is_help=True, rich_markup_mode="markdown"
)
app.add_typer(config, name="config")


@config.callback()
def _group() -> None:
    """One command does not make the group disappear."""


@config.command()
def show(output: FormatOption = "table") -> None:
    """Every setting: its value, and whether it is from the environment, from `.env`, or the default. Secrets are masked.

    Example: `manna config show --format json`
    """
    from pipelines.configured import configured
    from pipelines.rendering import render

    require_format(output)
    render(configured(), output, title="Settings", console=out)  # type: ignore[arg-type]
