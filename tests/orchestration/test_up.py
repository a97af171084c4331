"""`manna up`: what an operator asks for, in the UI and through the GraphQL it speaks, is done by the daemon. One start for all."""

import contextlib
from collections.abc import Iterator
from typing import Any

import browsing
import httpx
import psutil
import pytest
from serving_up import PATIENCE_SECONDS, REPOSITORY, Up, eventually, free_port, run_manna, serving

from assets.reports import WRITTEN
from pipelines.jobs import OF_WEBHOOKS, STATE_TAG
from resources.installation import Installation
from resources.settings import Settings
from tests.conftest import FinishedDemo
from tests.integration.webhooks_sent import fire

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]

MONTHS = [f"{year}-{month:02d}-01" for year in range(2016, 2027) for month in range(1, 13)][3:123]
"""April 2016 to March 2026. The demo's books begin in 2024."""
PARTITIONS = """query ($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  partitionStats { numMaterialized numFailed numPartitions }
} } }"""


@pytest.fixture(scope="module")
def up(finished_demo: FinishedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with serving(finished_demo.copy(tmp_path_factory.mktemp("up") / "data").environment) as running:
        yield running


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


def test_every_asset_is_materialized_and_says_how_many_rows_it_has(up: Up) -> None:
    nodes = up.ask(
        "{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { metadataEntries { label } } } }"
    )["assetNodes"]
    said = {
        "/".join(node["assetKey"]["path"]): {
            entry["label"] for made in node["assetMaterializations"] for entry in made["metadataEntries"]
        }
        for node in nodes
    }
    # Made when somebody asks for them, and in the morning.
    assert {asset for asset, labels in said.items() if not labels} == {
        "portfolio/backtests",
        "portfolio/backtest_days",
        "published/opened",
        "operations/backup",
        "operations/drill",
        "operations/maintenance",
    }
    uncounted = {asset for asset, labels in said.items() if labels and "dagster/row_count" not in labels}
    assert uncounted == {"published/pages"}


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


def test_a_backfill_of_120_months_is_one_run(up: Up) -> None:
    """Months before the books begin are made too, and are empty."""
    status, [run] = up.backfilled(up.backfill(WRITTEN, MONTHS))
    assert (status, run["status"]) == ("COMPLETED_SUCCESS", "SUCCESS")
    assert run["tags"]["dagster/asset_partition_range_start"] == MONTHS[0]
    assert run["tags"]["dagster/asset_partition_range_end"] == MONTHS[-1]
    for table in WRITTEN:
        key = {"path": table.split(".")}
        assert up.ask(PARTITIONS, key=key)["assetNodeOrError"]["partitionStats"]["numMaterialized"] == 120


@pytest.mark.parametrize(
    ("tables", "partitions"),
    [
        (["raw.alpaca_bars"], ["2026-03-02", "2026-03-03", "2026-03-04"]),
        (
            ["portfolio.backtests", "portfolio.backtest_days"],
            ["household.bands.absolute-0.05", "household.bands.absolute-0.1"],
        ),
    ],
)
def test_every_other_partitioning_is_backfilled_in_one_run_too(
    up: Up, tables: list[str], partitions: list[str]
) -> None:
    status, [run] = up.backfilled(up.backfill(tables, partitions))
    assert (status, run["status"]) == ("COMPLETED_SUCCESS", "SUCCESS")


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
        assert httpx.post(address, content=b"{}", timeout=60).status_code == 401
        eventually(lambda: _cursor(up, "webhooks") == str(fired["webhook_id"]))
        assert manna.ops.webhooks()[-1] == fired
        assert [found["runId"] for found in _runs_of_webhooks(up)] == [run["runId"]]
    finally:
        manna.close()


def _installation(up: Up) -> tuple[Installation, str]:
    """The installation that is being served, and where it receives webhooks."""
    process = eventually(lambda: up.process_of("pipelines.receiver"))
    [listening] = eventually(
        lambda: [one.laddr.port for one in process.net_connections(kind="inet") if one.status == "LISTEN"]
    )
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
        if any(tag["key"] == STATE_TAG and tag["value"].startswith(OF_WEBHOOKS) for tag in run["tags"])
    ]


def _cursor(up: Up, sensor: str) -> str:
    found = up.ask(
        """query ($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
        sensorState { typeSpecificData { ... on SensorData { lastCursor } } } } } }""",
        sensor={**REPOSITORY, "sensorName": sensor},
    )["sensorOrError"]["sensorState"]["typeSpecificData"]
    return str(found["lastCursor"])


def test_a_run_whose_process_is_killed_fails_and_is_run_once_more(up: Up) -> None:
    run_id = up.launch("nightly_close")
    eventually(lambda: up.executing(run_id)).kill()
    assert up.ended(run_id) == "FAILURE"
    # Dagster repeats it by itself. The pools it may have held have room for that.
    repeated = "query ($of: RunsFilter!) { runsOrError(filter: $of) { ... on Runs { results { runId } } } }"
    of_it = {"tags": [{"key": "dagster/parent_run_id", "value": run_id}]}
    [again] = eventually(lambda: up.ask(repeated, of=of_it)["runsOrError"]["results"])
    assert up.ended(again["runId"]) == "SUCCESS"


def test_nobody_serves_the_same_data_directory_twice(up: Up) -> None:
    for command in (["up", "--port", str(free_port())], ["run", "nightly_close"]):
        done = run_manna(up.environment, *command)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            f"error: another `manna up` serves {up.data_dir}; use its address, or end it first"
        )
    assert run_manna(up.environment, "status").returncode == 0
    assert up.ended(up.launch("rebalance")) == "SUCCESS"


@pytest.fixture(scope="module")
def page(up: Up) -> Iterator[Any]:
    if not browsing.CHROMIUM.exists():
        pytest.skip(f"no chromium at {browsing.CHROMIUM}")
    with browsing.browser(up.url) as opened:
        yield opened


def test_an_operator_materializes_and_sees_what_came_of_it(up: Up, page: Any) -> None:
    assert up.ended(_whole_id(up, browsing.materialize(page, "portfolio/drift"))) == "SUCCESS"
    page.goto("/assets/portfolio/drift")
    page.get_by_text("30 hours since last materialization").wait_for()
    page.get_by_role("cell", name="household", exact=True).first.wait_for()  # in its preview
    assert up.ended(_whole_id(up, browsing.materialize(page, "published/pages"))) == "SUCCESS"
    page.goto("/assets/published/pages")
    for link, heading in (
        ("/documents/household/2026-03.html", "Rivera household"),
        ("/documents/data_docs/index.html", "Examined tables"),
    ):
        opened = browsing.open_link(page, link)
        assert heading in opened.locator("h1").first.inner_text()
        opened.close()
    picture = browsing.show_markdown(page, "plots").locator("img[src^='data:image/svg']").first
    eventually(lambda: picture.evaluate("image => image.naturalWidth > 0"))


def _whole_id(up: Up, begins: str) -> str:
    found = up.ask("{ runsOrError(limit: 10) { ... on Runs { results { runId } } } }")["runsOrError"][
        "results"
    ]
    [run_id] = [run["runId"] for run in found if run["runId"].startswith(begins)]
    return str(run_id)


def test_an_operator_backfills_a_range(up: Up, page: Any) -> None:
    browsing.choose_partitions(page, "portfolio/tear_sheets", "[2025-10-01...2026-01-01]")
    page.get_by_role("button", name="Launch backfill").click()
    latest = "{ partitionBackfillsOrError(limit: 1) { ... on PartitionBackfills { results { id assetSelection { path } } } } }"

    def launched() -> dict[str, Any] | None:
        [found] = up.ask(latest)["partitionBackfillsOrError"]["results"]
        return found if found["assetSelection"] == [{"path": ["portfolio", "tear_sheets"]}] else None

    status, [run] = up.backfilled(eventually(launched)["id"])
    assert (status, run["status"]) == ("COMPLETED_SUCCESS", "SUCCESS")
    assert run["tags"]["dagster/asset_partition_range_start"] == "2025-10-01"
    assert run["tags"]["dagster/asset_partition_range_end"] == "2026-01-01"


def test_an_operator_runs_again_from_where_it_failed(up: Up, page: Any) -> None:
    index = up.data_dir / "documents" / "index.html"
    index.unlink()
    index.mkdir()  # nothing can be written there, not even by root
    failed = up.launch("statements", tags={"dagster/partition": "2026-03-01"})
    assert up.ended(failed) == "FAILURE"
    page.goto(f"/runs/{failed}")
    page.get_by_text("make its folder writable").first.wait_for()
    index.rmdir()
    again = browsing.reexecute_from_failure(page, failed)
    assert up.ended(again) == "SUCCESS"
    run = up.ask(
        "query ($id: ID!) { runOrError(runId: $id) { ... on Run { parentRunId stepStats { stepKey } } } }",
        id=again,
    )["runOrError"]
    assert run == {"parentRunId": failed, "stepStats": [{"stepKey": "publish"}]}
    assert index.is_file()


def test_an_operator_sees_why_a_check_failed(up: Up, page: Any) -> None:
    manna, _ = _installation(up)
    try:
        token = manna.vault.open(manna.ops.connections(provider="plaid")[0]["token"])
    finally:
        manna.close()
    known = eventually(lambda: up.process_of("pipelines.receiver")).environ()
    keys = {"client_id": known["PLAID_CLIENT_ID"], "secret": known["PLAID_SECRET"], "access_token": token}
    httpx.post(
        f"{known['PLAID_BASE_URL']}/sandbox/item/reset_login", json=keys, timeout=60
    ).raise_for_status()
    assert up.ended(_whole_id(up, browsing.materialize(page, "raw/plaid_accounts"))) == "SUCCESS"
    browsing.show_check(page, "raw/plaid_accounts", "every_connection_answered")
    page.get_by_text("ITEM_LOGIN_REQUIRED").first.wait_for()


def test_when_the_daemon_is_killed_all_of_it_ends(up: Up) -> None:
    """The last one here: nothing is served after it."""
    for process in up.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.cmdline()[1:4] == ["-m", "dagster._daemon", "run"]:
                process.kill()
    assert up.process.wait(PATIENCE_SECONDS) == 1
    assert up.process.stdout is not None
    assert "the daemon has ended; see " in up.process.stdout.read()
    assert up.processes() == []
