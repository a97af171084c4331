"""What Dagster says of its own runs becomes conditions."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg

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
            return [one["kind"] for one in platform_conditions(manna, instance, served=True)]

        assert kinds() == []
        nightly_close.execute_in_process(instance=instance, raise_on_error=False)
        assert kinds() == ["failed_run"]
        FAILS["now"] = False
        nightly_close.execute_in_process(instance=instance)
        assert kinds() == []
