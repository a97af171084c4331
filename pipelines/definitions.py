"""Everything Dagster knows of Manna, assembled by one function.

What belongs here: the assembly. What does not: the parts. Nothing is read or opened when this module is
imported; Dagster calls :func:`defs` when it needs the definitions.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg

from assets import (
    alerts,
    backtests,
    broker,
    categorized,
    clean,
    examined,
    findings,
    ledger,
    model,
    operations,
    performance,
    portfolio,
    published,
    rebalancing,
    tax,
)
from assets.raw import alpaca, bars, plaid
from assets.reports import statements_asset
from assets.tear_sheets import tear_sheets_asset
from pipelines.execution_job import execution, execution_sensor
from pipelines.executors import executor
from pipelines.jobs import (
    BACKTESTS,
    BACKUP,
    DRILL,
    MAINTENANCE,
    MARKET,
    NIGHTLY,
    OPENING,
    REBALANCE,
    STATEMENTS,
    TRAINING,
    jobs,
)
from pipelines.partitions import backtest_sets, market_days, months
from pipelines.policies import governed
from pipelines.process import installation_resource
from pipelines.rebalancing import deciding
from pipelines.schedules import schedules
from pipelines.sensors import SENSORS
from pipelines.webhooks import webhooks
from resources.books import read_books
from resources.settings import Settings


def build_definitions(
    settings: Settings | None = None, resources: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Assets, jobs, schedules, sensors and resources.

    Args:
        settings: else those of the environment.
        resources: replaces resources by name; a test gives its own ``manna``.

    Raises:
        BookError: the book files cannot be used; the schedules depend on them.
    """
    settings = settings or Settings.load()
    books = read_books(settings.books)
    days, periods = market_days(settings.first_month), months(settings.first_month)
    unpartitioned = [
        plaid.plaid, alpaca.alpaca, *clean.ASSETS, findings.found, categorized.categories, categorized.recurrences,
        ledger.ledger, tax.taxable, portfolio.valuations, portfolio.drift, performance.measured, ledger.months,
    ]  # fmt: skip
    parts: dict[str, list[dg.AssetsDefinition]] = {
        NIGHTLY: unpartitioned,
        MARKET: [bars.bars_asset(days)],
        STATEMENTS: [statements_asset(periods), tear_sheets_asset(periods), published.published],
        REBALANCE: [rebalancing.plan],
        TRAINING: [model.models],
        BACKTESTS: [backtests.backtests_asset(backtest_sets(books.values()))],
        OPENING: [published.opened],
        BACKUP: [operations.backup],
        DRILL: [operations.drill],
        MAINTENANCE: [operations.maintenance],
    }
    of_jobs = {
        job: [asset.map_asset_specs(partial(governed, job=job)) for asset in assets]
        for job, assets in parts.items()
    }
    defined = jobs(of_jobs)
    return dg.Definitions(
        assets=[*(asset for assets in of_jobs.values() for asset in assets), governed(alerts.SPEC, "alerts")],
        asset_checks=[*examined.CHECKS, broker.positions, broker.calendar_check(days)],
        jobs=[*defined.values(), execution, deciding],
        schedules=schedules(defined, books, days),
        sensors=[*SENSORS, execution_sensor, webhooks],
        resources={"manna": installation_resource, **(resources or {})},
        executor=executor(settings),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What ``workspace.yaml`` loads."""
    return build_definitions()
