"""Worlds for the tests of assets: an installation with a finished night in it, of one's own within a second.

What belongs here: the world itself, and copying one. What does not: fixtures (``conftest``) or assertions.

A night of the demo's people takes many seconds, so it is closed once; every test gets a copy of the data
directory and of the database. The sandbox starts when a test first pulls, with the clock of that world.
"""

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import polars as pl
import psycopg
from psycopg import sql

from assets import (
    categorized,
    clean,
    findings,
    ledger,
    performance,
    portfolio,
    published,
    rebalancing,
    tax,
    tear_sheets,
)
from assets.common import key
from assets.raw import alpaca as broker
from assets.raw import plaid
from assets.raw.bars import bars_asset
from assets.reports import statements_asset
from manna.contracts import CONTRACTS
from pipelines.demo import link_people
from pipelines.partitions import market_days, months
from pipelines.sensors import RANGE_END, RANGE_START, month_range
from resources.installation import Installation
from resources.lake_tables import migrate_lake
from resources.schema import migrate
from resources.settings import PROJECT, Settings

with warnings.catch_warnings():
    # alpaca-py 0.44 imports websockets.legacy, which websockets 14 deprecates
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import alpaca.trading.stream  # noqa: F401

MONDAY = "2026-03-16T12:00:00Z"
TUESDAY = "2026-03-17T12:00:00Z"
WEDNESDAY = "2026-03-18T12:00:00Z"
FIRST_MONTH = date(2024, 1, 1)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

BARS = bars_asset(market_days(FIRST_MONTH))
STATEMENTS = statements_asset(months(FIRST_MONTH))
TEAR_SHEETS = tear_sheets.tear_sheets_asset(months(FIRST_MONTH))
RAW = [plaid.plaid, broker.alpaca]
NIGHT = [
    *RAW,
    *clean.ASSETS,
    findings.found,
    categorized.categories,
    categorized.recurrences,
    ledger.ledger,
    tax.taxable,
    portfolio.valuations,
    portfolio.drift,
    performance.measured,
    ledger.months,
]
REPORTS = [STATEMENTS, TEAR_SHEETS, published.published]

Result = dg.ExecuteInProcessResult


class World:
    """One installation, its sandbox, and a Dagster instance that forgets.

    ``url`` is a libpq URL of a database of its own. Credentials and URLs of the providers come from the
    sandbox in ``data_dir``.
    """

    def __init__(self, data_dir: Path, url: str, now: str = MONDAY, people: Path | None = None) -> None:
        self.data_dir, self.url, self._people = data_dir, url, people
        self.instance = dg.DagsterInstance.ephemeral()
        self._sandbox: subprocess.Popen[str] | None = None
        self._addresses = dict.fromkeys(
            ("plaid_url", "alpaca_trading_url", "alpaca_data_url", "control_url"), ""
        )
        self.overrides: dict[str, Any] = {}
        self.at(now)

    # -- clock, sandbox, settings -------------------------------------------------------------------

    def at(self, now: str) -> None:
        """Sets the clock of product and sandbox. Nothing else of either changes."""
        self._stop_sandbox()
        self._now = now
        self._connect("http://127.0.0.1:1")

    def _connect(self, nowhere: str = "") -> None:
        if hasattr(self, "manna"):
            self.manna.close()
        credentials = self._credentials()
        given = {
            "data_dir": self.data_dir,
            "postgres_url": self.url,
            "fixed_now": self._now,
            "first_month": FIRST_MONTH,
            "plaid_client_id": credentials["plaid_client_id"],
            "plaid_secret": credentials["plaid_secret"],
            "alpaca_key_id": credentials["alpaca_key_id"],
            "alpaca_secret_key": credentials["alpaca_secret_key"],
            "plaid_url": self._addresses["plaid_url"] or nowhere,
            "alpaca_trading_url": self._addresses["alpaca_trading_url"] or nowhere,
            "alpaca_data_url": self._addresses["alpaca_data_url"] or nowhere,
        }
        self.manna = Installation(Settings.load(**{**given, **self.overrides}))

    def set(self, **overrides: Any) -> None:
        """Changes settings, by field name."""
        self.overrides |= overrides
        self._connect("http://127.0.0.1:1")

    def _credentials(self) -> dict[str, str]:
        file = self.data_dir / "sandbox" / "credentials.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            names = ("plaid_client_id", "plaid_secret", "alpaca_key_id", "alpaca_secret_key")
            file.write_text(json.dumps({name: f"{name}-of-the-tests" for name in names}))
        found: dict[str, str] = json.loads(file.read_text())
        return found

    def start_sandbox(self) -> None:
        """Starts the sandbox unless it runs; product and sandbox then know each other."""
        if self._sandbox is not None:
            return
        command = [sys.executable, "-m", "sandbox", "--data-dir", str(self.data_dir / "sandbox")]
        command += ["--parent-pid", str(os.getpid())]
        command += ["--people", str(self._people)] if self._people else []
        log = (self.data_dir / "sandbox.log").open("w")
        with log:
            self._sandbox = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, "MANNA_NOW": self._now},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._sandbox.stdout is not None
        line = self._sandbox.stdout.readline()
        assert line, (self.data_dir / "sandbox.log").read_text()
        self._addresses = json.loads(line)
        self._connect()

    def _stop_sandbox(self) -> None:
        if self._sandbox is not None:
            self._sandbox.terminate()
            self._sandbox.wait(120)
            assert self._sandbox.stdout is not None
            self._sandbox.stdout.close()
            self._sandbox = None
        self._addresses = dict.fromkeys(self._addresses, "")

    def control(self, method: str, path: str, **more: Any) -> Any:
        """Asks the sandbox's controls."""
        self.start_sandbox()
        answer = httpx.request(method, f"{self._addresses['control_url']}{path}", timeout=60, **more)
        answer.raise_for_status()
        return answer.json()

    def fault(self, endpoint: str, kind: str, **details: Any) -> None:
        """Switches a fault on: the next ``times`` requests of an endpoint fail."""
        self.control("POST", "/faults", json={"endpoint": endpoint, "kind": kind, **details})

    def clear_faults(self) -> None:
        """Switches every fault off."""
        self.control("DELETE", "/faults")

    def plaid(self, path: str, **body: Any) -> Any:
        """Asks the sandbox's Plaid directly, as somebody else's program would."""
        self.start_sandbox()
        keys = self._credentials()
        answer = httpx.post(
            f"{self._addresses['plaid_url']}{path}",
            json={"client_id": keys["plaid_client_id"], "secret": keys["plaid_secret"], **body},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        """Ends what was started."""
        self._stop_sandbox()
        self.manna.close()
        self.instance.dispose()

    # -- running ------------------------------------------------------------------------------------

    def run(
        self,
        assets: Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition],
        *,
        tags: Mapping[str, str] | None = None,
        partition: str | None = None,
        config: Mapping[str, Any] | None = None,
        selection: dg.AssetSelection | None = None,
    ) -> Result:
        """Materializes ``assets`` in this process; a failure is in the result, never raised."""
        return dg.materialize(
            assets,
            selection=selection,
            instance=self.instance,
            resources={"manna": dg.ResourceDefinition.hardcoded_resource(self.manna)},
            run_config={**QUIET, **(config or {})},
            raise_on_error=False,
            tags=dict(tags or {}),
            partition_key=partition,
        )

    def pull(self) -> Result:
        """Asks the providers: the stage ``raw`` without bars."""
        self.start_sandbox()
        return self.run(RAW)

    def pull_bars(self, first: str, last: str) -> Result:
        """Daily bars of the market days from ``first`` to ``last``."""
        self.start_sandbox()
        return self.run([BARS], tags={RANGE_START: first, RANGE_END: last})

    def night(self) -> Result:
        """What the job ``nightly_close`` does."""
        self.start_sandbox()
        return self.run(NIGHT)

    def report(self, *wanted: date) -> Result | None:
        """What the job ``statements`` does for the months that need it (or ``wanted``); null if none does."""
        found = list(wanted) or published.months_to_publish(self.manna)
        return self.run(REPORTS, tags=month_range(found)) if found else None

    def link(self) -> int:
        """Links every login of every person."""
        self.start_sandbox()
        return link_people(self.manna, self._addresses["control_url"])

    # -- looking ------------------------------------------------------------------------------------

    def read(self, address: str, **scope: Any) -> pl.DataFrame:
        """A table's rows."""
        return self.manna.lake.read(address, scope or None)

    def plant(self, address: str, rows: pl.DataFrame, **scope: Any) -> None:
        """Makes a table (or part of it) hold exactly ``rows``, as if an earlier stage had written them."""
        self.manna.lake.commit([address], lambda lake: lake.replace(address, rows, scope or None))

    def everything(self, *schemas: str) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables of these schemas, in one order."""
        return {
            address: self.read(address).sort(contract.key, nulls_last=True).rows()
            for address, contract in CONTRACTS.items()
            if contract.schema in schemas
        }

    def connection(self, institution: str, book: str = "household") -> dict[str, Any]:
        """The connection to one institution."""
        found = [c for c in self.manna.ops.connections(book=book) if c["institution"] == institution]
        return found[0]


def said(result: Result, address: str) -> dict[str, Any]:
    """Metadata of one asset's materialization in a run."""
    wanted = key(address)
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key == wanted:
            metadata = event.step_materialization_data.materialization.metadata
            return {name: value.value for name, value in metadata.items()}
    raise AssertionError(f"{address} was not materialized")


def succeeded(result: Result | None, *, failing: Sequence[str] = ()) -> Result:
    """The result of a run that had to succeed, and all of its checks with it but for those ``failing``."""
    assert result is not None, "there was nothing to run"
    why = [
        (event.step_key, [error.message for error in chain(event.step_failure_data.error)])
        for event in result.all_events
        if event.is_step_failure
    ]
    assert result.success, why
    failed = {name: check.metadata for name, check in checks(result).items() if not check.passed}
    assert set(failed) <= set(failing), failed
    return result


def chain(error: Any) -> Iterator[Any]:
    """An error and its causes, the outermost first."""
    while error is not None:
        yield error
        error = error.cause


def checks(result: Result) -> dict[str, dg.AssetCheckEvaluation]:
    """Check evaluations of a run, by ``asset check``."""
    return {f"{'.'.join(e.asset_key.path)} {e.check_name}": e for e in result.get_asset_check_evaluations()}


def failure(result: Result, step: str) -> tuple[str, int]:
    """Why a step failed in the end, and how often it was tried again."""
    retries = sum(event.is_step_up_for_retry and event.step_key == step for event in result.all_events)
    for event in result.all_events:
        if event.is_step_failure and event.step_key == step:
            data = event.step_failure_data
            told = data.user_failure_data.description if data.user_failure_data else None
            return str(told or (data.error.message if data.error else "")), retries
    raise AssertionError(f"{step} did not fail")


def new_database(server: str, name: str, template: str | None = None) -> str:
    """Makes a database and returns its URL; ``server`` is the URL of another one of the same server."""
    with psycopg.connect(server, autocommit=True) as connection:
        like = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + like)
    base, _, query = server.partition("?")
    return base.rpartition("/")[0] + f"/{name}" + (f"?{query}" if query else "")


def new_world(data_dir: Path, url: str, people: Path | None = None) -> World:
    """An empty world in an empty database."""
    world = World(data_dir, url, people=people)
    migrate(world.manna.ops.engine)
    migrate_lake(world.manna.lake)
    return world


def closed_world(data_dir: Path, url: str) -> World:
    """The demo's people linked and their night closed, reports and plan included; to be copied, not used."""
    world = new_world(data_dir, url)
    try:
        world.link()
        succeeded(world.pull())
        succeeded(world.pull_bars("2024-03-18", "2026-03-13"))
        # Which symbols the banks' feeds hold is known only after the first pull, as on a first night.
        succeeded(world.night())
        succeeded(world.report())
        succeeded(world.run([rebalancing.plan]))
    finally:
        world.close()
    return world


def copy_world(finished: World, data_dir: Path, server: str, name: str) -> World:
    """A world of its own that is in the state of ``finished``, which must be closed."""
    shutil.copytree(finished.data_dir, data_dir)
    template = finished.url.partition("?")[0].rpartition("/")[2]
    url = new_database(server, name, template)
    with psycopg.connect(url) as connection:
        # The catalogue knows where its files are; the copies are elsewhere.
        connection.execute(
            "UPDATE lake.ducklake_metadata SET value = %s WHERE key = 'data_path'", [f"{data_dir / 'lake'}/"]
        )
    return World(data_dir, url)
