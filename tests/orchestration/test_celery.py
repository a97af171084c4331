"""A night on two workers: a real broker, steps in other processes, the same lake, the same figures."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest
import redis
from serving_up import PATIENCE_SECONDS, PROJECT, eventually, free_port, until_asked
from states import loose_ends, opened, state

from manna.contracts import CONTRACTS
from pipelines import services
from pipelines.definitions import build_definitions
from pipelines.jobs import NIGHTLY
from resources.installation import Installation
from resources.settings import Settings
from tests.conftest import FinishedDemo

REDIS = shutil.which("redis-server")


def answers(broker: str) -> bool:
    try:
        with redis.Redis.from_url(broker) as client:
            return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False


def forget_the_night(manna: Installation) -> set[str]:
    """Empties what the nightly job makes of ``raw``, and Dagster's memory of it; returns the tables."""
    job = build_definitions(manna.settings).resolve_job_def(NIGHTLY)
    keys = [key for key in job.asset_layer.executable_asset_keys if key.path[0] != "raw"]
    with dg.DagsterInstance.get() as instance:
        instance.wipe_assets(keys)
    tables = {".".join(key.path) for key in keys} & CONTRACTS.keys()
    for table in sorted(tables):
        empty = CONTRACTS[table].conform(manna.lake.read(table).clear())
        manna.lake.commit([table], lambda lake, table=table, empty=empty: lake.replace(table, empty))
    return tables


@pytest.mark.slow
@pytest.mark.skipif(REDIS is None, reason="no redis-server here: Debian's package redis-server")
def test_two_workers_make_the_night_that_one_process_makes(
    finished_demo: FinishedDemo, tmp_path: Path
) -> None:
    demo = finished_demo.copy(tmp_path / "data")
    expected = state(demo.environment)
    port = free_port()
    broker = f"redis://127.0.0.1:{port}/0"
    with ExitStack() as stack:
        server = [
            str(REDIS),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(tmp_path),
        ]
        stack.enter_context(until_asked(server, tmp_path / "redis.log"))
        manna = stack.enter_context(opened({**demo.environment, "MANNA_CELERY_BROKER": broker}))
        tables = forget_the_night(manna)
        assert {"ledger.postings", "clean.transactions"} <= tables
        assert manna.lake.read("ledger.postings").is_empty()
        stack.enter_context(services.sandbox(Settings.load()))
        eventually(lambda: answers(broker))
        for name in ("one", "two"):
            worker = [sys.executable, "-m", "pipelines.worker", "--hostname", f"{name}@here"]
            stack.enter_context(until_asked(worker, tmp_path / f"{name}.log"))
        for name in ("one", "two"):  # who comes late may find nothing to do
            log = tmp_path / f"{name}.log"
            eventually(lambda name=name, log=log: f"{name}@here ready" in log.read_text())
        done = subprocess.run(
            [sys.executable, "-m", "dagster", "job", "execute", "-m", "pipelines.definitions", "-j", NIGHTLY],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:] + (tmp_path / "one.log").read_text()[-3000:]
        with dg.DagsterInstance.get() as instance:
            [record] = instance.get_run_records(dg.RunsFilter(job_name=NIGHTLY), limit=1)
            workers = {
                entry.dagster_event.engine_event_data.metadata["Celery worker"].value
                for entry in instance.all_logs(record.dagster_run.run_id)
                if entry.dagster_event is not None
                and entry.dagster_event.is_engine_event
                and "Celery worker" in entry.dagster_event.engine_event_data.metadata
            }
    assert workers == {"one@here", "two@here"}
    assert state(demo.environment) == expected
    assert loose_ends(demo.environment) == []


def test_without_a_broker_a_run_is_one_process_and_no_worker_begins(tmp_path: Path) -> None:
    settings = Settings.load(_env_file=None, MANNA_DATA_DIR=tmp_path)
    assert build_definitions(settings).executor is dg.in_process_executor
    environment = {"PATH": os.environ["PATH"], "MANNA_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.worker"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: set MANNA_CELERY_BROKER to the broker that runs use")
