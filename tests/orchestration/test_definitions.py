"""What Dagster is told: every asset, job, schedule and sensor; and what importing that costs."""

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from manna.contracts import CONTRACTS
from manna.contracts.closings import REPORTED
from pipelines.definitions import build_definitions
from pipelines.jobs import (
    BACKTESTS,
    BACKUP,
    DESCRIPTIONS,
    DRILL,
    EXECUTION,
    MAINTENANCE,
    MARKET,
    NIGHTLY,
    OPENING,
    REBALANCE,
    STATEMENTS,
    TRAINING,
)
from pipelines.partitions import MARKET_ZONE
from pipelines.rebalancing import DECIDING
from resources.settings import PROJECT, Settings

HEAVY = ("great_expectations", "sklearn", "matplotlib", "exchange_calendars", "pandas", "alpaca", "plaid")
MOST_MODULES = 1100
"""Imported beyond Dagster's; each costs up to a millisecond, and every process of Dagster pays it."""

NO_TABLES = {"published", "operations"}
NO_RUN = "ops.alerts"
"""The sensor `alerts` keeps it."""
NEVER_LATE = {"portfolio.rebalance_plan", "portfolio.backtests", "portfolio.backtest_days", NO_RUN}
"""Made when there is a reason, or when somebody asks."""
NOT_ASSETS = {"raw.batches", *(contract.address for contract in REPORTED)}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(Settings(_env_file=None, books_dir=PROJECT / "books"))


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {".".join(spec.key.path): spec for spec in definitions.resolve_all_asset_specs()}


def test_importing_them_is_cheap() -> None:
    program = (
        "import json, sys, dagster; before = set(sys.modules); import pipelines.definitions as d; d.defs(); "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    imported = json.loads(done.stdout)
    assert sorted({name.partition(".")[0] for name in imported} & set(HEAVY)) == []
    assert len(imported) <= MOST_MODULES


def test_they_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_an_asset_is_found_where_its_table_is(specs: dict[str, dg.AssetSpec]) -> None:
    tables = {address: spec for address, spec in specs.items() if spec.group_name not in NO_TABLES}
    assert sorted(tables) == sorted(CONTRACTS.keys() - NOT_ASSETS)
    assert {address: spec.group_name for address, spec in tables.items()} == {
        address: CONTRACTS[address].schema for address in tables
    }


def test_every_asset_says_what_an_operator_looks_for(specs: dict[str, dg.AssetSpec]) -> None:
    lacking = {
        address: missing
        for address, spec in specs.items()
        if (
            missing := [
                name
                for name, value in {
                    "description": spec.description,
                    "owners": spec.owners,
                    "kinds": spec.kinds,
                    "group": spec.group_name,
                    "freshness": spec.freshness_policy or address in NEVER_LATE,
                    "columns": "dagster/column_schema" in spec.metadata or spec.group_name in NO_TABLES,
                }.items()
                if not value
            ]
        )
    }
    assert lacking == {}


def test_everything_an_operator_starts_or_reads_is_described(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    checks = {
        f"{'.'.join(spec.asset_key.path)} {spec.name}": spec.description
        for asset in [*repository.assets_defs_by_key.values(), *repository.asset_checks_defs_by_key.values()]
        for spec in asset.check_specs
    }
    named = {
        definition.name: definition.description
        for definition in (*repository.get_all_jobs(), *repository.schedule_defs, *repository.sensor_defs)
        if not definition.name.startswith("__")
    }
    assert len(checks) > 50
    assert [name for name, description in {**checks, **named}.items() if not description] == []


def test_every_asset_is_in_one_job(definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]) -> None:
    repository = definitions.get_repository_def()
    jobs = {
        name: {".".join(key.path) for key in repository.get_job(name).asset_layer.executable_asset_keys}
        for name in DESCRIPTIONS
    }
    others = {EXECUTION, DECIDING}
    assert {name for name in repository.job_names if not name.startswith("__")} == jobs.keys() | others
    assert sorted(asset for assets in jobs.values() for asset in assets) == sorted(specs.keys() - {NO_RUN})
    assert jobs[MARKET] == {"raw.alpaca_bars"}
    assert jobs[REBALANCE] == {"portfolio.rebalance_plan"}
    assert jobs[TRAINING] == {"categorized.model"}
    assert jobs[OPENING] == {"published.opened"}
    assert jobs[BACKUP] | jobs[DRILL] | jobs[MAINTENANCE] == {
        "operations.backup",
        "operations.drill",
        "operations.maintenance",
    }
    assert jobs[BACKTESTS] == {"portfolio.backtests", "portfolio.backtest_days"}
    assert {asset.partition(".")[0] for asset in jobs[STATEMENTS]} == {"reports", "published", "portfolio"}


def test_what_is_partitioned(specs: dict[str, dg.AssetSpec]) -> None:
    partitioned = {address for address, spec in specs.items() if spec.partitions_def is not None}
    assert partitioned == {
        "raw.alpaca_bars",
        "portfolio.backtests",
        "portfolio.backtest_days",
        "portfolio.tear_sheets",
        *(address for address in specs if address.startswith("reports.")),
    }


# -- schedules ----------------------------------------------------------------------------------------


def test_one_night_per_time_zone(tmp_path: Path) -> None:
    for book, zone in (("a", "Europe/Berlin"), ("b", "America/New_York"), ("c", "Europe/Berlin")):
        (tmp_path / f"{book}.yaml").write_text(f"id: {book}\nname: {book}\ntime_zone: {zone}\n")
    repository = build_definitions(Settings(_env_file=None, books_dir=tmp_path)).get_repository_def()
    nights = {s.execution_timezone: s for s in repository.schedule_defs if s.name.startswith(NIGHTLY)}
    assert {zone: night.name for zone, night in nights.items()} == {
        "Europe/Berlin": "nightly_close_europe_berlin",
        "America/New_York": "nightly_close_america_new_york",
    }
    at = datetime(2026, 3, 16, 3, tzinfo=ZoneInfo("Europe/Berlin"))
    tick = nights["Europe/Berlin"].evaluate_tick(_at(at, repository))
    assert tick.run_requests is not None
    [request] = tick.run_requests
    assert [op["config"]["books"] for op in request.run_config["ops"].values()] == [["a", "c"]] * 9
    # The configuration is one that the job accepts.
    dg.validate_run_config(repository.get_job(NIGHTLY), request.run_config)


def test_models_are_trained_on_sundays_before_the_night(definitions: dg.Definitions) -> None:
    schedule = definitions.get_repository_def().get_schedule_def(TRAINING)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * 0", MARKET_ZONE)
    assert schedule.job.name == TRAINING


@pytest.mark.parametrize(
    ("day", "asked"),
    [
        (date(2025, 3, 17), "2025-03-17"),
        (date(2025, 1, 9), None),  # a day of mourning
        (date(2022, 6, 20), None),  # Juneteenth, observed
        (date(2024, 11, 28), None),  # Thanksgiving
        (date(2024, 11, 29), "2024-11-29"),  # a short day is a market day
    ],
)
def test_bars_on_market_days_only(definitions: dg.Definitions, day: date, asked: str | None) -> None:
    repository = definitions.get_repository_def()
    schedule = repository.get_schedule_def(MARKET)
    at = datetime(day.year, day.month, day.day, 17, 30, tzinfo=ZoneInfo(MARKET_ZONE))
    tick = schedule.evaluate_tick(_at(at, repository))
    if asked is None:
        assert tick.run_requests == []
        assert tick.skip_message == f"{day} is a holiday in New York"
    else:
        assert [(r.partition_key, r.run_key) for r in tick.run_requests or ()] == [(asked, asked)]


def _at(moment: datetime, repository: dg.RepositoryDefinition) -> dg.ScheduleEvaluationContext:
    return dg.build_schedule_context(scheduled_execution_time=moment, repository_def=repository)
