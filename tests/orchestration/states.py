"""What a data directory holds, in a form that two of them can be compared by.

What belongs here: reading the lake, ``ops``, Dagster's records and the published files. What does not:
assertions.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import psycopg

from manna.contracts import CONTRACTS
from manna.contracts.declaration import content_hash
from manna.contracts.reports import PUBLICATIONS, STATEMENTS
from pipelines.process import UNFINISHED
from pipelines.services import database
from resources.installation import Installation
from resources.publisher import recorded_in_postgres
from resources.settings import Settings
from tests.conftest import FinishedDemo, once

# A run that was killed is told of until the next one succeeds: that is no fact about money.
_OF_RUNS = "('failed_run', 'stuck_run')"
OPS = {
    "connections": "SELECT book, provider, institution, external_id, products, status, error, complete_through FROM ops.connections",
    "overrides": "SELECT book, transaction_id, category, decided_by FROM ops.overrides",
    "alerts": f"SELECT fingerprint, book, kind, severity, message, status, cause FROM ops.alerts WHERE kind NOT IN {_OF_RUNS}",
    "alert_steps": "SELECT fingerprint, s.version, s.action, s.severity, s.made_by, s.told_at IS NOT NULL "
    f"FROM ops.alert_steps s JOIN ops.alerts USING (alert_id) WHERE kind NOT IN {_OF_RUNS}",
    "examinations": "SELECT suite, content_hash, success FROM ops.examinations",
}
NAMES_OF_RUNS = re.compile(r"<dt>(?:run_id|request_ids)</dt><dd>[^<]*</dd>|<!-- sealed [^>]*-->")


@contextmanager
def opened(environment: dict[str, str]) -> Iterator[Installation]:
    """The installation that ``environment`` names, its database running."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        with database(Settings.load(_env_file=None)) as manna:
            yield manna
    finally:
        os.environ.clear()
        os.environ.update(before)


def state(environment: dict[str, str], *, without: str = "") -> dict[str, Any]:
    """Everything that two runs over the same facts must agree on, by name.

    ``without`` names a raw table that is left out, with the batches that brought its rows.
    """
    with opened(environment) as manna:
        found: dict[str, Any] = {}
        for address, contract in CONTRACTS.items():
            rows = manna.lake.read(address)
            if address == "raw.batches":
                rows = rows.filter(pl.col("endpoint") != without.removeprefix("raw."))
            if address != without:
                found[address] = content_hash(contract, rows)
        with psycopg.connect(manna.postgres_url) as connection:
            for table, query in OPS.items():
                rows = connection.execute(query).fetchall()
                found[f"ops.{table}"] = sorted(map(repr, rows))
        found["published in Postgres"] = recorded_in_postgres(manna.postgres_url)
        settings = manna.settings
    for file in sorted(settings.published_dir.glob("*.duckdb")):
        found[f"published/{file.name}"] = _published(file)
    for file in sorted(settings.documents_dir.rglob("*")):
        if file.suffix == ".html":
            name = str(file.relative_to(settings.documents_dir))
            # Pages name the runs and requests that brought something, which are others in each directory.
            text = NAMES_OF_RUNS.sub("", file.read_text(encoding="utf-8"))
            is_same = file.parent.name != "data_docs"
            found[f"documents/{name}"] = hashlib.sha256(text.encode()).hexdigest() if is_same else "there"
    return found


def finished_state(demo: FinishedDemo, *, without: str = "") -> dict[str, Any]:
    """The :func:`state` of the finished demo, made once for all workers, from a copy: a database starts for it."""

    def made() -> dict[str, Any]:
        copy = demo.copy(demo.data_dir.with_name(f"finished_state-{without}"))
        found = state(copy.environment, without=without)
        shutil.rmtree(copy.data_dir)
        return found

    found: dict[str, Any] = once(demo.data_dir.with_name(f"finished_state-{without}.json"), made)
    return found


def _published(file: Path) -> dict[str, str]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            contract.address: content_hash(contract, connection.sql(f"FROM {contract.address}").pl())
            for contract in (*STATEMENTS, PUBLICATIONS)
        }


def loose_ends(environment: dict[str, str]) -> list[str]:
    """Runs that look unfinished and concurrency slots that are taken: nothing, where nothing runs."""
    with opened(environment), dg.DagsterInstance.get() as instance:
        runs = instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED))
        found = [f"{run.job_name} {run.run_id} {run.status.value}" for run in runs]
        log = instance.event_log_storage
        for key in sorted(log.get_concurrency_keys()):
            info = log.get_concurrency_info(key)
            if info.active_slot_count or info.pending_step_count or info.assigned_step_count:
                found.append(f"pool {key}: {info}")
    return found
