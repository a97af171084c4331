"""The command line.

What belongs here: commands, their options and help, and turning every foreseeable error into one line and
a non-zero exit code. What does not: the work (``running``, ``services``, ``demo``) or how a table looks
(``rendering``). Heavy imports happen inside the commands, so that ``manna --help`` is quick.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

app = typer.Typer(
    name="manna",
    help="Keeps a household's or a small firm's money in order, every night.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
out, err = Console(), Console(stderr=True)

FormatOption = Annotated[str, typer.Option("--format", help="table, json, csv or html")]


class UsageError(Exception):
    """The command cannot be carried out as given. One line that says what to do."""


def main() -> None:
    """Entry point: every foreseeable error is one line on stderr and exit code 1."""
    try:
        app()
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(130)
    except Exception as error:
        if not _is_foreseen(error):
            raise
        err.print(f"[bold red]error:[/] {_line(error)}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _is_foreseen(error: Exception) -> bool:
    """Errors whose message is meant for a person; anything else is a defect and shows its traceback."""
    return type(error).__module__.partition(".")[0] in ("manna", "assets", "resources", "pipelines")


def _line(error: Exception) -> str:
    from rich.markup import escape

    return escape(" ".join(str(error).split()))


@contextmanager
def _opened(*, with_sandbox: bool = False, people: Path | None = None) -> Iterator[Any]:
    """The installation with its database running, and the sandbox behind it where the demo needs it.

    The demo never mixes with real accounts: a data directory belongs to one or the other.
    """
    from pipelines import services
    from pipelines.demo import link_people, write_books
    from resources.installation import Installation
    from resources.settings import Settings

    settings = Settings.load()
    with services.database(settings) as manna:
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


@app.command()
def demo(
    people: Annotated[
        Path | None,
        typer.Option(help="Plaid custom-user JSON file, or a folder of them, instead of the demo's people"),
    ] = None,
) -> None:
    """Runs everything once on the sandbox: pull, check, book, value, report, alert, propose.

    Example: `manna demo`
    """
    from pipelines.demo import gather
    from pipelines.progress import progress
    from pipelines.rendering import summary

    with progress(err) as tell:
        tell("starting", "database and sandbox")
        with _opened(with_sandbox=True, people=people) as manna:
            from pipelines.running import Runner

            tell("starting", "Dagster")
            Runner(manna, tell).close()
            data = gather(manna)
    out.print(summary(data))


@app.command()
def run(
    job: Annotated[str, typer.Argument(help="nightly_close, market_close, statements or rebalance")],
    partition: Annotated[
        str | None, typer.Option(help="a partition, or FIRST...LAST for a range in one run")
    ] = None,
    book: Annotated[list[str] | None, typer.Option(help="only this book (may be repeated)")] = None,
) -> None:
    """Runs one job to its end, in this process.

    `nightly_close` also brings missing bars, the months it changed, and alerts, as a whole night does.

    Example: `manna run statements --partition 2026-01-01...2026-03-01`
    """
    from pipelines.progress import progress

    with progress(err) as tell:
        tell("starting", "database")
        with _opened(with_sandbox=_uses_sandbox()) as manna:
            from pipelines.jobs import NIGHTLY
            from pipelines.running import Runner
            from pipelines.schedules import books_config

            runner = Runner(manna, tell)
            if job not in runner.jobs:
                raise UsageError(f"unknown job {job!r}; there are: {', '.join(sorted(runner.jobs))}")
            unknown = sorted(set(book or ()) - set(manna.books))
            if unknown:
                raise UsageError(f"unknown book {', '.join(unknown)}; there are: {', '.join(manna.books)}")
            config = books_config(book) if book else {}
            if job == NIGHTLY and partition is None:
                runs = runner.close(config)
            else:
                runs = {job: runner.run(job, partition=partition, config=config if job == NIGHTLY else {})}
    for name, run_id in runs.items():
        out.print(f"{name}  [green]done[/]  run {run_id}", highlight=False)


def _uses_sandbox() -> bool:
    """Whether this data directory is a demo's: then the sandbox answers, unless real credentials are set."""
    from pipelines.services import is_demo
    from resources.settings import Settings

    settings = Settings.load()
    if is_demo(settings) and settings.uses_real_providers:
        raise UsageError(
            f"{settings.data_dir} holds the demo; set MANNA_DATA_DIR to another folder for real accounts"
        )
    return is_demo(settings)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="port of the Dagster UI on 127.0.0.1")] = 3000,
) -> None:
    """Serves the Dagster UI, schedules and sensors until Ctrl-C.

    Without credentials in `.env` the sandbox stands in for Plaid and Alpaca.

    Example: `manna up --port 3001`
    """
    from pipelines import services
    from pipelines.progress import progress
    from pipelines.serving import serve
    from resources.settings import Settings

    settings = Settings.load()
    services.require_free(port)
    with_sandbox = not settings.uses_real_providers or _uses_sandbox()
    with progress(err) as tell:
        tell("starting", "database")
        with _opened(with_sandbox=with_sandbox) as manna:
            if with_sandbox:
                from pipelines.running import Runner

                Runner(manna, tell).close()
            tell("starting", "Dagster UI and daemon")
            serve(settings, port, ready=lambda url: _ready(tell, url))


@app.command()
def status(output: FormatOption = "table") -> None:
    """Accounts, balances, complete-through dates, alerts, drift.

    Example: `manna status --format json`
    """
    from pipelines.demo import gather
    from pipelines.rendering import render, summary

    _known_format(output)
    with _opened() as manna:
        data = gather(manna)
    if output == "table":
        out.print(summary(data))
    else:
        render(data.accounts, output, title="Accounts", console=out)  # type: ignore[arg-type]


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="income_statement, balance_sheet, cash_flow, ...")],
    book: Annotated[str, typer.Option(help="the book")],
    period: Annotated[str, typer.Option(help="the month, YYYY-MM")],
    output: FormatOption = "table",
) -> None:
    """Prints one published statement.

    Example: `manna report balance_sheet --book household --period 2026-03 --format csv`
    """
    from pipelines.rendering import render
    from pipelines.reporting import published_statement

    _known_format(output)
    with _opened() as manna:
        frame, title = published_statement(manna, name, book, period)
    render(frame, output, title=title, console=out)  # type: ignore[arg-type]


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="any SELECT over the lake's tables")],
    output: FormatOption = "table",
) -> None:
    """Asks the lake (read only).

    Example: `manna sql "SELECT account, sum(amount) FROM ledger.postings GROUP BY ALL"`
    """
    from pipelines.rendering import render
    from pipelines.reporting import ask

    _known_format(output)
    with _opened() as manna:
        frame = ask(manna, query)
    render(frame, output, title="", console=out)  # type: ignore[arg-type]


@app.command()
def doctor(output: FormatOption = "table") -> None:
    """Looks at the installation: settings, books, database, lake, credentials, disk.

    Example: `manna doctor`
    """
    from pipelines.health import findings
    from pipelines.rendering import render

    _known_format(output)
    found = findings()
    render(found, output, title="Findings", console=out)  # type: ignore[arg-type]
    if (found["status"] == "broken").any():
        raise typer.Exit(1)


@app.command()
def link(
    book: Annotated[str, typer.Option(help="the book the login belongs to")],
    alpaca: Annotated[
        bool, typer.Option("--alpaca", help="link the brokerage account of ALPACA_API_KEY instead")
    ] = False,
) -> None:
    """Links a bank through Plaid's hosted Link: prints an address to open, waits, and stores the login.

    Example: `manna link --book household`
    """
    from pipelines.linking import link_alpaca, link_hosted

    with _opened(with_sandbox=_uses_sandbox()) as manna:
        if book not in manna.books:
            raise UsageError(f"unknown book {book!r}; there are: {', '.join(manna.books)}")
        if alpaca:
            known = "" if link_alpaca(manna, book) else "nothing new: it is "
            out.print(f"{known}linked; `manna run nightly_close` pulls it", highlight=False)
        else:
            link_hosted(manna, book, out)


@app.command()
def key() -> None:
    """Prints a new key for MANNA_KEY, which seals access tokens.

    Example: `manna key`
    """
    from cryptography.fernet import Fernet

    out.print(Fernet.generate_key().decode(), highlight=False, soft_wrap=True)


@app.command()
def sandbox(
    people: Annotated[
        Path | None, typer.Option(help="Plaid custom-user JSON file, or a folder of them")
    ] = None,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1")] = 8600,
) -> None:
    """Serves the local Plaid and Alpaca until Ctrl-C.

    Example: `manna sandbox --people people.json --port 8600`
    """
    from pipelines.services import demo_credentials
    from resources.settings import PROJECT, Settings

    settings = Settings.load()
    command = [sys.executable, "-m", "sandbox", "--data-dir", str(settings.data_dir / "sandbox")]
    command += ["--port", str(port), "--credentials", str(demo_credentials(settings))]
    command += ["--people", str(people.absolute())] if people else []
    os.chdir(PROJECT)
    os.execv(sys.executable, command)


def _known_format(name: str) -> None:
    if name not in ("table", "json", "csv", "html"):
        raise UsageError(f"unknown format {name!r}; there are: table, json, csv, html")


def _ready(tell: Any, url: str) -> None:
    tell.stop()
    out.print(f"Manna is up: {url}   (Ctrl-C ends it)", highlight=False)
