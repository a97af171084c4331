"""What Dagster says of its own runs becomes conditions."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from manna.alerting import platform
from pipelines.watching import platform_conditions

FAILS = {"now": True}


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
