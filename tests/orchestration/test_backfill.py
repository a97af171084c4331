"""Ten years of reports at once, as the UI asks for them: one backfill of 120 months is one run."""

from collections.abc import Iterator
from typing import Any

import pytest
from serving_up import Up, eventually, serving

from assets.reports import WRITTEN
from tests.conftest import FinishedDemo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]

MONTHS = [f"{year}-{month:02d}-01" for year in range(2016, 2027) for month in range(1, 13)][3:123]
"""April 2016 to March 2026. The demo's books begin in 2024; months before are made too, and are empty."""
MOST_SECONDS = 60

LAUNCH = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
} }"""
RUNS = """query ($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs {
  results { runId status startTime endTime }
} } }"""
PARTITIONS = """query ($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  partitionStats { numMaterialized numFailed numPartitions }
} } }"""


@pytest.fixture(scope="module")
def up(finished_demo: FinishedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    demo = finished_demo.copy(tmp_path_factory.mktemp("backfill") / "data")
    with serving(demo.environment | {"MANNA_FIRST_MONTH": MONTHS[0]}) as running:
        yield running


def test_a_backfill_of_120_months_is_one_run_of_a_minute(up: Up) -> None:
    keys = [{"path": table.split(".")} for table in WRITTEN]
    launched = up.ask(LAUNCH, params={"assetSelection": keys, "partitionNames": MONTHS})[
        "launchPartitionBackfill"
    ]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    wanted = {"tags": [{"key": "dagster/backfill", "value": launched["backfillId"]}]}

    def ended() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = up.ask(RUNS, filter=wanted)["runsOrError"]["results"]
        return found if all(run["status"] in ("SUCCESS", "FAILURE", "CANCELED") for run in found) else []

    [run] = eventually(ended)
    assert run["status"] == "SUCCESS"
    taken = run["endTime"] - run["startTime"]
    assert taken <= MOST_SECONDS, f"{taken:.1f} s for {len(MONTHS)} months of {len(WRITTEN)} tables"
    for key in keys:
        stats = up.ask(PARTITIONS, key=key)["assetNodeOrError"]["partitionStats"]
        assert stats["numMaterialized"] == len(MONTHS), key
