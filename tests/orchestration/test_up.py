"""`manna up`: what the UI asks for through GraphQL is done by the daemon, and what is started is stopped."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from serving_up import PATIENCE_SECONDS, PROJECT, REPOSITORY, Up, eventually, free_port, serving
from states import loose_ends, state

from manna.contracts import reports
from pipelines.sensors import STATE_TAG
from resources.installation import Installation
from resources.settings import Settings
from tests.conftest import FinishedDemo
from tests.integration.webhooks_sent import fire

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]

STATEMENTS = [contract.name for contract in reports.STATEMENTS]


@pytest.fixture(scope="module")
def up(finished_demo: FinishedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with serving(finished_demo.copy(tmp_path_factory.mktemp("up") / "data").environment) as running:
        yield running


@pytest.fixture
def demo(finished_demo: FinishedDemo, tmp_path: Path) -> FinishedDemo:
    return finished_demo.copy(tmp_path / "data")


def test_it_is_reached_from_this_machine_only(up: Up) -> None:
    listening = set()
    for process in up.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            found = process.net_connections(kind="inet")
            listening |= {one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_monitors_are_told_how_it_is(up: Up) -> None:
    port = up.environment["MANNA_METRICS_PORT"]
    answer = eventually(lambda: _answer(f"http://127.0.0.1:{port}/health"))
    assert (answer.status_code, answer.json()) == (200, {"status": "well", "reasons": []})
    assert "manna_database_up 1.0" in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text


def _answer(url: str) -> httpx.Response | None:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, timeout=60)
    return None


def test_schedules_and_sensors_run(up: Up) -> None:
    found = up.ask(
        """query ($repository: RepositorySelector!) { repositoryOrError(repositorySelector: $repository) {
        ... on Repository { schedules { name scheduleState { status } } sensors { name sensorState { status } } } } }""",
        repository=REPOSITORY,
    )["repositoryOrError"]
    states = {schedule["name"]: schedule["scheduleState"]["status"] for schedule in found["schedules"]}
    states |= {sensor["name"]: sensor["sensorState"]["status"] for sensor in found["sensors"]}
    assert states == dict.fromkeys(
        [
            "nightly_close_america_new_york",
            "nightly_close_america_los_angeles",
            "market_close",
            "training",
            "opened_pages",
            "backup",
            "recovery_drill",
            "maintenance",
            "missing_bars",
            "changed_months",
            "drift",
            "alerts",
            "execution",
            "webhooks",
        ],
        "RUNNING",
    )


def test_every_asset_is_materialized(up: Up) -> None:
    nodes = up.ask("{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { runId } } }")[
        "assetNodes"
    ]
    unmade = {"/".join(n["assetKey"]["path"]) for n in nodes if not n["assetMaterializations"]}
    # Made when somebody asks for them, and in the morning.
    assert unmade == {
        "portfolio/backtests",
        "portfolio/backtest_days",
        "published/opened",
        "operations/backup",
        "operations/drill",
        "operations/maintenance",
    }


def test_sensors_tick_and_find_nothing_to_do(up: Up) -> None:
    """What they would ask for has been done by the night that came before."""
    ticks = """query ($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
        sensorState { ticks(limit: 1) { status skipReason error { message } } } } } }"""

    def last_tick(name: str) -> dict[str, object] | None:
        found = up.ask(ticks, sensor={**REPOSITORY, "sensorName": name})["sensorOrError"]["sensorState"][
            "ticks"
        ]
        return found[0] if found and found[0]["status"] != "STARTED" else None

    said = {
        name: eventually(lambda name=name: last_tick(name))
        for name in ("missing_bars", "changed_months", "drift", "alerts", "execution")
    }
    assert {name: tick["skipReason"] for name, tick in said.items()} == {
        "missing_bars": "every market day has its bars",
        "changed_months": "every month's statements are up to date",
        "drift": "this drift has its plan",
        "alerts": "0 opened, 0 resolved, 0 told",
        "execution": "the market is closed",
    }


def test_a_job_is_launched(up: Up) -> None:
    assert up.ended(up.launch("nightly_close")) == "SUCCESS"


def test_one_asset_is_materialized(up: Up) -> None:
    assert up.ended(up.materialize("ledger", "postings")) == "SUCCESS"
    assert up.ended(up.materialize("clean", "accounts")) == "SUCCESS"


def test_months_are_backfilled_in_one_run(up: Up) -> None:
    assets = [{"path": ["reports", name]} for name in (*STATEMENTS, "publications", "editions")]
    months = ["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"]
    launched = up.ask(
        """mutation ($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
        __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
        backfill={"assetSelection": assets, "partitionNames": months, "fromFailure": False},
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def ended() -> dict[str, object] | None:
        found = up.ask(
            """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
            status runs { status tags { key value } } } } }""",
            id=launched["backfillId"],
        )["partitionBackfillOrError"]
        return None if found["status"] in ("REQUESTED", "COMPLETED") else found

    found = eventually(ended)
    assert found["status"] == "COMPLETED_SUCCESS"
    [run] = found["runs"]
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert run["status"] == "SUCCESS"
    assert tags["dagster/asset_partition_range_start"] == months[0]
    assert tags["dagster/asset_partition_range_end"] == months[-1]


def test_a_webhook_pulls_just_its_login_once(up: Up) -> None:
    manna, address = _installation(up)
    try:
        login = manna.ops.connections(provider="plaid")[0]
        token = manna.vault.open(login["token"])
        # Once the receiver has told the sandbox its address.
        eventually(lambda: fire(manna, token, "SYNC_UPDATES_AVAILABLE"))
        fired = manna.ops.webhooks()[-1]
        assert (fired["item_id"], fired["kind"]) == (
            login["external_id"],
            "TRANSACTIONS:SYNC_UPDATES_AVAILABLE",
        )
        [run] = eventually(lambda: _runs_of_webhooks(up))
        assert run["jobName"] == "nightly_close"
        assert run["runConfig"]["ops"]["pull_plaid"]["config"]["connections"] == [login["connection_id"]]
        assert up.ended(run["runId"]) == "SUCCESS"
        # What nobody signed is not even stored.
        assert httpx.post(address, content=b"{}").status_code == 401
        eventually(lambda: _cursor(up, "webhooks") == str(fired["webhook_id"]))
        assert manna.ops.webhooks()[-1] == fired
        assert [found["runId"] for found in _runs_of_webhooks(up)] == [run["runId"]]
    finally:
        manna.close()


def _installation(up: Up) -> tuple[Installation, str]:
    """The installation that is being served, and where it receives webhooks."""
    process = eventually(lambda: up.process_of("pipelines.receiver"))
    [listening] = [one.laddr.port for one in process.net_connections(kind="inet") if one.status == "LISTEN"]
    known = process.environ()
    aliases = {field.alias for field in Settings.model_fields.values()}
    settings = Settings.load(_env_file=None, **{n: v for n, v in known.items() if n in aliases})
    return Installation(settings), f"http://127.0.0.1:{listening}/plaid"


def _runs_of_webhooks(up: Up) -> list[dict[str, Any]]:
    found = up.ask(
        """{ runsOrError { ... on Runs { results { runId jobName runConfig tags { key value } } } } }"""
    )["runsOrError"]["results"]
    return [
        run
        for run in found
        if any(tag["key"] == STATE_TAG and tag["value"].startswith("webhook-") for tag in run["tags"])
    ]


def _cursor(up: Up, sensor: str) -> str:
    found = up.ask(
        """query ($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
        sensorState { typeSpecificData { ... on SensorData { lastCursor } } } } } }""",
        sensor={**REPOSITORY, "sensorName": sensor},
    )["sensorOrError"]["sensorState"]["typeSpecificData"]
    return str(found["lastCursor"])


def test_a_run_whose_process_is_killed_fails_and_frees_its_slot(up: Up) -> None:
    run_id = up.launch("nightly_close")
    eventually(lambda: _executing(up, run_id)).kill()
    assert up.ended(run_id) == "FAILURE"
    # The pools it may have held have room for the next.
    assert up.ended(up.launch("nightly_close")) == "SUCCESS"


def test_nobody_serves_the_same_data_directory_twice(up: Up) -> None:
    for command in (["up", "--port", str(free_port())], ["run", "nightly_close"]):
        done = _manna(up.environment, *command)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            f"error: another `manna up` serves {up.data_dir}; use its address, or end it first"
        )
    assert _manna(up.environment, "status").returncode == 0
    assert up.ended(up.launch("rebalance")) == "SUCCESS"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_leaves_no_process(demo: FinishedDemo, number: signal.Signals) -> None:
    with serving(demo.environment) as up:
        run_id = up.launch("nightly_close")
        eventually(lambda: _executing(up, run_id))
        up.process.send_signal(number)
        assert up.process.wait(PATIENCE_SECONDS) == 0
        assert up.processes() == []
    assert _manna(demo.environment, "run", "nightly_close").returncode == 0
    assert loose_ends(demo.environment) == []


def test_a_killed_supervisor_takes_its_children_along(demo: FinishedDemo) -> None:
    with serving(demo.environment) as up:
        run_id = up.launch("nightly_close")
        eventually(lambda: _executing(up, run_id))
        up.process.kill()
        # At once, while they still end.
        assert _manna(demo.environment, "run", "nightly_close").returncode == 0
        assert eventually(lambda: not up.processes())
    assert loose_ends(demo.environment) == []


def test_after_the_whole_tree_was_killed_it_serves_again(
    demo: FinishedDemo, finished_demo: FinishedDemo
) -> None:
    with serving(demo.environment) as up:
        run_id = up.launch("nightly_close")
        eventually(lambda: _executing(up, run_id))
        _kill_at_once(up.processes())
    with serving(demo.environment) as up:
        assert up.status(run_id) == "FAILURE"
        assert up.ended(up.launch("nightly_close")) == "SUCCESS"
    assert loose_ends(demo.environment) == []
    # Plaid's words on a login name the receiver, which has another address each time.
    items = "raw.plaid_items"
    assert state(demo.environment, without=items) == state(finished_demo.environment, without=items)


def _executing(up: Up, run_id: str) -> psutil.Process | None:
    """The process that executes the run, once it has begun."""
    lock = up.data_dir / "dagster" / "running" / run_id
    for process in up.processes():
        try:
            if any(file.path == str(lock) for file in process.open_files()):
                return process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return None


def _kill_at_once(processes: list[psutil.Process]) -> None:
    _to_each(processes, lambda process: os.kill(process.pid, signal.SIGSTOP))
    _to_each(processes, lambda process: os.kill(process.pid, signal.SIGKILL))
    psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)


def _to_each(processes: list[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            act(process)
        except ProcessLookupError:
            continue


def _manna(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pipelines", *arguments]
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
