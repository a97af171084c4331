"""Commands that make something happen: a demo, a job, the servers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.asked import UsageError, require_one_of, require_partition, uses_sandbox
from pipelines.cli.shell import app, err, opened, out
from pipelines.jobs import DESCRIPTIONS, NIGHTLY


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
        with opened(with_sandbox=True, people=people) as manna:
            from pipelines.running import Runner

            tell("starting", "Dagster")
            Runner(manna, tell).close()
            data = gather(manna)
    out.print(summary(data))


@app.command()
def run(
    job: Annotated[str, typer.Argument(help=f"one of {', '.join(DESCRIPTIONS)}")],
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
    from pipelines.schedules import OPS_WITH_BOOKS, books_config
    from resources.books import read_books
    from resources.settings import Settings

    settings = Settings.load()
    require_one_of("job", [job], DESCRIPTIONS)
    require_one_of("book", book or (), read_books(settings.books))
    require_partition(job, partition, settings)
    if book and job not in OPS_WITH_BOOKS:
        raise UsageError(f"{job} serves every book; leave --book out")
    config = books_config(book, job) if book else {}
    with progress(err) as tell:
        tell("starting", "database")
        with opened(with_sandbox=uses_sandbox(settings)) as manna:
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
    """Serves the Dagster UI, schedules and sensors until Ctrl-C, receives Plaid's webhooks, and tells monitors how it is.

    `/health` and `/metrics` (Prometheus) are on port MANNA_METRICS_PORT of 127.0.0.1. Webhooks need `MANNA_WEBHOOK_URL`; see the guide. Without credentials in `.env` the sandbox stands in for Plaid and Alpaca.

    Example: `manna up --port 3001`
    """
    from pipelines import services
    from pipelines.progress import progress
    from pipelines.serving import serve
    from resources.settings import Settings

    settings = Settings.load()
    with_sandbox = uses_sandbox(settings) or not settings.uses_real_providers
    services.refuse_when_served(settings)
    ports = {"--port": port, "MANNA_METRICS_PORT": settings.metrics_port}
    if settings.receives_webhooks and settings.receiver_port:
        ports["MANNA_WEBHOOK_PORT"] = settings.receiver_port
    services.require_free(ports)
    with progress(err) as tell:
        tell("starting", "database")
        with opened(with_sandbox=with_sandbox, log="up") as manna:
            if with_sandbox:
                from pipelines.running import Runner

                Runner(manna, tell).close()
            tell("starting", "Dagster UI and daemon")
            serve(manna.settings, port, ready=lambda url: _ready(tell, url, settings.metrics_port))


def _ready(tell: Any, url: str, metrics_port: int) -> None:
    tell.stop()
    out.print(f"Its health is told at http://127.0.0.1:{metrics_port}/health and /metrics", highlight=False)
    out.print(f"Manna is up: {url}   (Ctrl-C ends it)", highlight=False)
