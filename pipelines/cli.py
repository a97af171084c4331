"""The command line.

What belongs here: commands, their options and help, and turning every foreseeable error into one line and
a non-zero exit code. What does not: the work (``running``, ``services``, ``demo``), what may be asked for
(``asked``) or how a table looks (``rendering``). Heavy imports happen inside the commands, so that
``manna --help`` is quick.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

from pipelines.asked import UsageError, require_format, require_one_of, require_partition, uses_sandbox

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


def main() -> None:
    """Entry point: every foreseeable error is one line on stderr and a non-zero exit code."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
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
    package = type(error).__module__.partition(".")[0]
    if package in ("manna", "assets", "resources", "pipelines"):
        return str(error)
    if package in ("sqlalchemy", "psycopg") and type(error).__name__ == "OperationalError":
        reason = str(getattr(error, "orig", error)).strip().splitlines() or ["it does not answer"]
        return f"cannot use the database: {reason[0]}; check MANNA_POSTGRES_URL, or try `manna doctor`"
    return None


def _complain(line: str) -> None:
    from rich.markup import escape

    err.print(f"[bold red]error:[/] {escape(' '.join(line.split()))}", highlight=False, soft_wrap=True)


@contextmanager
def _opened(*, with_sandbox: bool = False, people: Path | None = None) -> Iterator[Any]:
    """The installation with its database running, and the sandbox behind it where the demo needs it.

    The demo never mixes with real accounts: a data directory belongs to one or the other.
    """
    from pipelines import services
    from pipelines.demo import link_people, write_books
    from resources.books import read_books
    from resources.installation import Installation
    from resources.settings import Settings

    settings = Settings.load()
    read_books(settings.books)  # a faulty file is known before anything is started
    if people:
        people = people.absolute()
        services.check_people(people)
    with services.database(settings) as manna, services.logged(settings):
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
    from pipelines.jobs import MARKET, NIGHTLY, REBALANCE, STATEMENTS
    from pipelines.progress import progress
    from pipelines.schedules import OPS_WITH_BOOKS, books_config
    from resources.books import read_books
    from resources.settings import Settings

    settings = Settings.load()
    ops = {
        NIGHTLY: OPS_WITH_BOOKS,
        MARKET: (),
        STATEMENTS: ("make_statements", "publish"),
        REBALANCE: ("plan_trades",),
    }
    require_one_of("job", [job], ops)
    require_one_of("book", book or (), read_books(settings.books))
    require_partition(job, partition, settings)
    if book and not ops[job]:
        raise UsageError(f"{job} serves every book; leave --book out")
    config = books_config(book, ops[job]) if book else {}
    with progress(err) as tell:
        tell("starting", "database")
        with _opened(with_sandbox=uses_sandbox(settings)) as manna:
            from pipelines.running import Runner

            runner = Runner(manna, tell)
            if job == NIGHTLY:
                runs = runner.close(config)
            else:
                runs = {job: runner.run(job, partition=partition, config=config)}
    for name, run_id in runs.items():
        out.print(f"{name}  [green]done[/]  run {run_id}", highlight=False)


@app.command()
def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port of the Dagster UI on 127.0.0.1")] = 3000,
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
    with_sandbox = uses_sandbox(settings) or not settings.uses_real_providers
    services.require_free(port)
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
    """Accounts, balances, connections and up to which day each is complete, alerts, drift.

    Example: `manna status --format json`
    """
    from pipelines.demo import gather
    from pipelines.rendering import render, summary
    from pipelines.reporting import connections

    require_format(output)
    with _opened() as manna:
        data, healths = gather(manna), connections(manna).drop("connection_id")
    if output == "table":
        out.print(summary(data))
        out.print()
        render(healths, "table", title="Connections", console=out)
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

    require_format(output)
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
    from pipelines.reporting import ask, require_reading

    require_format(output)
    require_reading(query)
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

    require_format(output)
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
    from resources.books import read_books
    from resources.settings import Settings

    settings = Settings.load()
    require_one_of("book", [book], read_books(settings.books))
    with _opened(with_sandbox=uses_sandbox(settings)) as manna:
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
    port: Annotated[int, typer.Option(min=0, max=65535, help="port on 127.0.0.1; 0 takes a free one")] = 8600,
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


def _ready(tell: Any, url: str) -> None:
    tell.stop()
    out.print(f"Manna is up: {url}   (Ctrl-C ends it)", highlight=False)
