"""What Dagster says of its own runs becomes conditions."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import SCHEDULE_NAME_TAG
from dagster._core.test_utils import create_run_for_test

from manna.alerting import platform
from pipelines.jobs import NIGHTLY, OF_WEBHOOKS, STATE_TAG
from pipelines.watching import last_nights, platform_conditions

FAILS = {"now": True}
NEW_YORK, LOS_ANGELES = "nightly_close_america_new_york", "nightly_close_america_los_angeles"
FAILURE, SUCCESS = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
BY_HAND: dict[str, Any] = {}
OF_ONE_BOOK = {"run_config": {"ops": {"pull_plaid": {"config": {"books": ["studio"]}}}}}
OF_ONE_ASSET = {"asset_selection": frozenset({dg.AssetKey(["clean", "accounts"])})}


@dg.op
def close() -> None:
    if FAILS["now"]:
        raise RuntimeError("the bank is closed")


@dg.job(executor_def=dg.in_process_executor)
def nightly_close() -> None:
    close()


def test_a_failed_run_is_told_until_the_next_succeeds(tmp_path: Path) -> None:
    manna: Any = SimpleNamespace(settings=SimpleNamespace(data_dir=tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:

        def kinds() -> list[str]:
            return [one["kind"] for one in platform_conditions(manna, instance, served=False)]

        assert kinds() == []
        nightly_close.execute_in_process(instance=instance, raise_on_error=False)
        assert kinds() == ["failed_run"]
        FAILS["now"] = False
        nightly_close.execute_in_process(instance=instance)
        assert kinds() == []


def scheduled(name: str) -> dict[str, Any]:
    return {"tags": {SCHEDULE_NAME_TAG: name}}


def for_webhooks(number: int) -> dict[str, Any]:
    return {"tags": {STATE_TAG: f"{OF_WEBHOOKS}{number}"}}


def night(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    how: dict[str, Any],
    ago: timedelta = timedelta(0),
) -> None:
    """A run of the nightly job comes to an end."""
    run = create_run_for_test(instance, job_name=NIGHTLY, **how)
    kind = dg.DagsterEventType.RUN_FAILURE if status is FAILURE else dg.DagsterEventType.RUN_SUCCESS
    event = dg.DagsterEvent(kind.value, NIGHTLY)
    instance.run_storage.handle_run_event(run.run_id, event, datetime.now(UTC) - ago)


@pytest.mark.parametrize(
    ("nights", "told"),
    [
        ([(FAILURE, scheduled(NEW_YORK)), (SUCCESS, scheduled(LOS_ANGELES))], True),
        ([(FAILURE, scheduled(LOS_ANGELES)), (SUCCESS, scheduled(NEW_YORK))], True),
        ([(FAILURE, scheduled(NEW_YORK)), (SUCCESS, for_webhooks(1))], True),
        ([(FAILURE, scheduled(NEW_YORK)), (SUCCESS, OF_ONE_BOOK)], True),
        ([(FAILURE, scheduled(NEW_YORK)), (SUCCESS, OF_ONE_ASSET)], True),
        ([(FAILURE, scheduled(NEW_YORK)), (SUCCESS, scheduled(NEW_YORK))], False),
        ([(FAILURE, scheduled(NEW_YORK)), (SUCCESS, BY_HAND)], False),
        ([(SUCCESS, scheduled(NEW_YORK)), (SUCCESS, scheduled(LOS_ANGELES)), (FAILURE, BY_HAND)], True),
        ([(FAILURE, BY_HAND), (SUCCESS, scheduled(NEW_YORK))], True),
        ([(FAILURE, BY_HAND), (SUCCESS, scheduled(NEW_YORK)), (SUCCESS, scheduled(LOS_ANGELES))], False),
        ([(FAILURE, for_webhooks(1))], False),
        ([(FAILURE, scheduled("nightly_close_of_a_former_zone"))], False),
    ],
)
def test_a_failed_night_is_made_good_by_one_of_the_same_books(
    tmp_path: Path, nights: list[tuple[dg.DagsterRunStatus, dict[str, Any]]], told: bool
) -> None:
    manna: Any = SimpleNamespace(settings=SimpleNamespace(data_dir=tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        for status, how in nights:
            night(instance, status, how)
        found = [one["kind"] for one in platform_conditions(manna, instance, served=False)]
    assert found == ["failed_run"] * told


def test_a_night_that_does_not_come_is_not_hidden_by_webhooks_or_another_zone(tmp_path: Path) -> None:
    manna: Any = SimpleNamespace(settings=SimpleNamespace(data_dir=tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:

        def told() -> list[str]:
            return [one["message"] for one in platform_conditions(manna, instance, served=False)]

        night(instance, SUCCESS, scheduled(NEW_YORK), timedelta(hours=37))
        night(instance, SUCCESS, scheduled(LOS_ANGELES), timedelta(hours=1))
        for number in range(3):
            night(instance, SUCCESS, for_webhooks(number))
        (late,) = told()
        assert late.startswith(f"{NEW_YORK} has not succeeded since ")
        ages = {name: datetime.now(UTC) - at for name, at in last_nights(instance).items()}
        assert {name: age // timedelta(hours=1) for name, age in ages.items()} == {
            NEW_YORK: 37,
            LOS_ANGELES: 1,
        }
        night(instance, SUCCESS, BY_HAND)
        assert told() == []


def test_an_asset_of_the_night_is_late_until_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manna: Any = SimpleNamespace(settings=SimpleNamespace(data_dir=tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:

        def told() -> list[str]:
            return [one["message"] for one in platform_conditions(manna, instance, served=False)]

        instance.report_runless_asset_event(dg.AssetMaterialization(["clean", "accounts"]))
        instance.report_runless_asset_event(dg.AssetMaterialization(["reports", "net_worth"]))
        assert told() == []
        monkeypatch.setattr(platform, "LATE_AFTER", timedelta(0))
        (words,) = told()
        assert words.startswith("clean.accounts was not made since"), (
            "statements are made when a month changes"
        )
