"""What every command shares: the application, the consoles, errors as one line, the opened installation.

What belongs here: that. What does not: a command (the modules beside this one).
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

from pipelines.asked import UsageError

app = typer.Typer(
    name="manna",
    help="Keeps a household's or a small firm's money in order, every night.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
out, err = Console(), Console(stderr=True)

FULL = os.strerror(errno.ENOSPC)
"""As the C library, and with it Postgres and DuckDB, says that there is no room."""

FormatOption = Annotated[str, typer.Option("--format", help="table, json, csv or html")]


def main() -> None:
    """Entry point: every foreseeable error is one line on stderr and a non-zero exit code."""
    try:
        sys.exit(app(standalone_mode=False, prog_name="manna") or 0)
    except (KeyboardInterrupt, typer.Abort):
        _stopped()
    except TyperException as error:
        context = getattr(error, "ctx", None)
        if error.format_message():  # else help has been printed instead
            _complain(
                f"{error.format_message()} See `{context.command_path if context else 'manna'} --help`."
            )
        sys.exit(error.exit_code)
    except Exception as error:
        # Dagster makes a failed step of Ctrl-C: as such, or as our assets say it.
        if str(error).endswith((": interrupted", "DagsterExecutionInterruptedError")):
            _stopped()
        line = _foreseen(error)
        if line is None:
            raise
        _complain(line)
        sys.exit(1)


def _stopped() -> None:
    err.print("stopped")
    sys.exit(130)


def _foreseen(error: Exception) -> str | None:
    """What to say of an error that is meant for a person; null for a defect, which shows its traceback."""
    package, name = type(error).__module__.partition(".")[0], type(error).__name__
    if FULL in str(error):
        line = next(line for line in str(error).splitlines() if FULL in line)
        return f"the disk is full: make room and run it again; nothing is half-written ({line})"
    if package == "_duckdb" and name in ("IOException", "InvalidInputException"):
        first = str(error).splitlines()[0]
        return f"cannot read the lake: {first}; `manna doctor` names every file that is missing or damaged"
    if package in ("manna", "assets", "resources", "pipelines"):
        return str(error)
    if package in ("sqlalchemy", "psycopg") and name == "OperationalError":
        reason = str(getattr(error, "orig", error)).strip().splitlines() or ["it does not answer"]
        return f"cannot use the database: {reason[0]}; check MANNA_POSTGRES_URL, or try `manna doctor`"
    return None


def _complain(line: str) -> None:
    from rich.markup import escape

    err.print(f"[bold red]error:[/] {escape(' '.join(line.split()))}", highlight=False, soft_wrap=True)


@contextmanager
def opened(*, with_sandbox: bool = False, people: Path | None = None, log: str = "manna") -> Iterator[Any]:
    """The installation with its database running, and the sandbox behind it where the demo needs it.

    ``log`` is whose log it is: `manna up` runs while other commands come and go, and two cannot share a file.
    The demo never mixes with real accounts: a data directory belongs to one or the other.
    """
    from pipelines import logs, services
    from pipelines.demo import link_people, write_books
    from resources.books import read_books
    from resources.installation import Installation
    from resources.settings import Settings

    settings = Settings.load()
    if with_sandbox and settings.profile == "production":
        raise UsageError("MANNA_PROFILE=production never uses the sandbox; run the demo in another profile")
    read_books(settings.books)  # a faulty file is known before anything is started
    if people:
        people = people.absolute()
        services.check_people(people)
    with services.database(settings) as manna, logs.logged(settings, log):
        if not with_sandbox:
            yield manna
            return
        if not services.is_demo(settings) and manna.ops.connections():
            raise UsageError(
                f"{settings.data_dir} holds real accounts; run the demo with another MANNA_DATA_DIR"
            )
        with services.sandbox(settings, people) as control:
            if people:
                write_books(control, settings)
            demo = Installation(Settings.load())
            try:
                link_people(demo, control)
                yield demo
            finally:
                demo.close()
