"""What sensors ask for: once per state of the data, again after a failure, and never "nothing" when blind."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from dagster._core.test_utils import create_run_for_test
from states import opened

from assets.alerts import KEY as ALERTS
from assets.alerts import tell_counts
from manna.alerting.life import acknowledged
from manna.contracts import CONTRACTS
from pipelines import sensors
from pipelines.jobs import MARKET, ONCE, REBALANCE, STATE_TAG, STATEMENTS
from pipelines.sensors import MOST_ATTEMPTS, RANGE_END, RANGE_START
from pipelines.watching import BLIND
from resources.installation import Installation
from resources.settings import Settings
from tests.conftest import FinishedDemo

MONTHS, DRIFT = "ledger.months", "portfolio.drift"


@pytest.fixture(scope="module")
def copied(finished_demo: FinishedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with opened(finished_demo.copy(tmp_path_factory.mktemp("sensors") / "data").environment) as manna:
        yield manna


@pytest.fixture
def manna(copied: Installation) -> Iterator[Installation]:
    """A finished night; what a test changes of the lake's tables is put back."""
    before = {address: copied.lake.read(address) for address in (MONTHS, DRIFT)}
    yield copied
    for address, rows in before.items():
        write(copied, address, rows)
    copied.lake.query("DELETE FROM raw.alpaca_assets WHERE source_id = 'NEWCO'")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def write(manna: Installation, address: str, rows: pl.DataFrame) -> None:
    manna.lake.commit([address], lambda transaction: transaction.replace(address, rows))


def change_months(manna: Installation, content: str, *months: date) -> None:
    changed = pl.when(pl.col("month").is_in(months)).then(pl.lit(content)).otherwise("content_hash")
    write(manna, MONTHS, manna.lake.read(MONTHS).with_columns(content_hash=changed))


def tick(sensor: dg.SensorDefinition, manna: Installation, instance: dg.DagsterInstance) -> object:
    with dg.build_sensor_context(instance=instance) as context:
        return sensor(context, manna=manna)


def end(instance: dg.DagsterInstance, request: object, status: dg.DagsterRunStatus) -> None:
    """A run as requested comes to an end."""
    assert isinstance(request, dg.RunRequest)
    create_run_for_test(instance, job_name=request.job_name, tags=request.tags, status=status)


def skipped(answer: object) -> str:
    assert isinstance(answer, dg.SkipReason)
    return answer.skip_message or ""


# -- statements of changed months ---------------------------------------------------------------------


def test_nothing_changed(manna: Installation, instance: dg.DagsterInstance) -> None:
    assert skipped(tick(sensors.changed_months, manna, instance)) == "every month's statements are up to date"


def test_changed_months_are_asked_for_as_one_range(manna: Installation, instance: dg.DagsterInstance) -> None:
    change_months(manna, "a" * 64, date(2025, 6, 1), date(2025, 9, 1))
    asked = tick(sensors.changed_months, manna, instance)
    assert isinstance(asked, dg.RunRequest)
    assert asked.job_name == STATEMENTS
    assert (asked.tags[RANGE_START], asked.tags[RANGE_END]) == ("2025-06-01", "2025-09-01")


def test_the_key_names_the_state(manna: Installation, instance: dg.DagsterInstance) -> None:
    def key() -> str | None:
        asked = tick(sensors.changed_months, manna, instance)
        assert isinstance(asked, dg.RunRequest)
        return asked.run_key

    change_months(manna, "a" * 64, date(2025, 6, 1))
    first = key()
    assert key() == first
    change_months(manna, "b" * 64, date(2025, 6, 1))
    second = key()
    assert second != first
    change_months(manna, "a" * 64, date(2025, 6, 1))
    assert key() == first


def test_what_failed_is_asked_for_again_but_not_for_ever(
    manna: Installation, instance: dg.DagsterInstance
) -> None:
    change_months(manna, "a" * 64, date(2025, 6, 1))
    keys = set()
    for _ in range(MOST_ATTEMPTS):
        asked = tick(sensors.changed_months, manna, instance)
        assert isinstance(asked, dg.RunRequest)
        keys.add(asked.run_key)
        end(instance, asked, dg.DagsterRunStatus.FAILURE)
    assert len(keys) == MOST_ATTEMPTS
    assert skipped(tick(sensors.changed_months, manna, instance)).startswith("statements has failed 3 times")


# -- a plan for drift ---------------------------------------------------------------------------------


def test_a_drift_is_planned_once(manna: Installation, instance: dg.DagsterInstance) -> None:
    asked = tick(sensors.drift, manna, instance)
    assert isinstance(asked, dg.RunRequest)
    assert asked.job_name == REBALANCE
    assert tick(sensors.drift, manna, instance) == asked
    end(instance, asked, dg.DagsterRunStatus.SUCCESS)
    assert skipped(tick(sensors.drift, manna, instance)) == "this drift has its plan"


def test_another_drift_is_planned_anew(manna: Installation, instance: dg.DagsterInstance) -> None:
    asked = tick(sensors.drift, manna, instance)
    end(instance, asked, dg.DagsterRunStatus.SUCCESS)
    drift = manna.lake.read(DRIFT)
    write(manna, DRIFT, CONTRACTS[DRIFT].conform(drift.with_columns(pl.col("drift") + Decimal("0.001"))))
    again = tick(sensors.drift, manna, instance)
    assert isinstance(again, dg.RunRequest)
    assert isinstance(asked, dg.RunRequest)
    assert again.run_key != asked.run_key


# -- bars that are missing ----------------------------------------------------------------------------


def at(manna: Installation, moment: str) -> Installation:
    settings = Settings(_env_file=None, data_dir=manna.settings.data_dir, fixed_now=moment)
    return Installation(settings.model_copy(update={"postgres_url": manna.postgres_url}))


@pytest.mark.parametrize(
    ("moment", "asked"),
    [
        ("2026-03-16T12:00:00Z", None),  # Monday morning: Friday's bars are there
        ("2026-03-16T21:59:00Z", None),  # 17:59 in New York: the schedule asks
        ("2026-03-16T22:00:00Z", ("2026-03-16", "2026-03-16")),
        ("2026-03-20T12:00:00Z", ("2026-03-16", "2026-03-19")),
        ("2026-03-22T12:00:00Z", ("2026-03-16", "2026-03-20")),  # Sunday
    ],
)
def test_days_without_bars(
    manna: Installation, instance: dg.DagsterInstance, moment: str, asked: tuple[str, str] | None
) -> None:
    then = at(manna, moment)
    answer = tick(sensors.bars, then, instance)
    if asked is None:
        assert skipped(answer) == "every market day has its bars"
    else:
        assert isinstance(answer, dg.RunRequest)
        assert (answer.job_name, answer.tags[RANGE_START], answer.tags[RANGE_END]) == (MARKET, *asked)
        end(instance, answer, dg.DagsterRunStatus.SUCCESS)
        assert skipped(tick(sensors.bars, then, instance)).startswith("asked already")
    then.close()


def test_a_new_symbol_gets_its_history(manna: Installation, instance: dg.DagsterInstance) -> None:
    """A login linked later brings symbols whose bars nobody has asked for."""
    row = manna.lake.read("raw.alpaca_assets").head(1)
    new = row.with_columns(source_id=pl.lit("NEWCO"), batch_id=pl.lit("new"), seq=0)
    manna.lake.commit(["raw"], lambda transaction: transaction.append("raw.alpaca_assets", new))
    answer = tick(sensors.bars, manna, instance)
    assert isinstance(answer, dg.RunRequest)
    assert (answer.tags[RANGE_START], answer.tags[RANGE_END]) == ("2024-03-15", "2026-03-13")


# -- alerts, and reads that fail ----------------------------------------------------------------------


def test_alerts_are_settled_and_counted_once(manna: Installation, instance: dg.DagsterInstance) -> None:
    def counted() -> list[dict[str, Any]]:
        records = instance.fetch_materializations(ALERTS, limit=9).records
        return [{k: v.value for k, v in one.asset_materialization.metadata.items()} for one in records]

    for _ in range(2):
        assert skipped(tick(sensors.alerts, manna, instance)) == "0 opened, 0 resolved, 0 told"
        (said,) = counted()
        counts = Counter((row["severity"], row["status"]) for row in manna.ops.alerts())
        assert said["dagster/row_count"] == said["open"] == counts.total() > 0
        assert (said["critical"], said["warning"]) == (0, counts["warning", "open"])
        assert "| household | warning | open |" in said["counts"]
    number = manna.ops.alerts()[0]["alert_id"]
    manna.ops.decide_alert(number, acknowledged, "ana", manna.settings.now())
    assert tell_counts(manna, instance)
    assert counted()[0]["open"] == said["open"] - 1


@pytest.mark.parametrize("sensor", sensors.SENSORS, ids=lambda sensor: sensor.name)
def test_a_sensor_that_cannot_look_says_why(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path).model_copy(
        update={"postgres_url": f"postgresql://manna@/manna?host={tmp_path}"}
    )
    reason = skipped(tick(sensor, Installation(settings), instance))
    assert reason.startswith(("cannot read the ", "cannot look for alerts: "))
    assert reason.startswith(BLIND)  # by which `manna doctor` knows it
    assert len(reason.partition(": ")[2]) > len("no")


def test_every_state_is_in_the_tags(manna: Installation, instance: dg.DagsterInstance) -> None:
    asked = tick(sensors.drift, manna, instance)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == f"{REBALANCE}-{asked.tags[STATE_TAG]}-0"


def test_a_killed_run_is_asked_for_again_by_its_sensor_alone(
    manna: Installation, instance: dg.DagsterInstance
) -> None:
    """Dagster would repeat it too (``run_retries`` in dagster.yaml), and the same would be made twice."""
    change_months(manna, "a" * 64, date(2025, 6, 1))
    for sensor in (sensors.changed_months, sensors.drift):
        asked = tick(sensor, manna, instance)
        assert isinstance(asked, dg.RunRequest)
        assert ONCE.items() <= asked.tags.items()
