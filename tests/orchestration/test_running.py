"""What a failed run says to whoever started it."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.running import _reason


class LakeError(Exception):
    """As one of ours."""


@dg.op(required_resource_keys={"manna"})
def step() -> None:
    raise RuntimeError("not reached")


def run(op: Any, resource: Any, home: Path) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.local_temp(str(home), QUIET) as instance:
        job = dg.GraphDefinition(name="night", node_defs=[op]).to_job(resource_defs={"manna": resource})
        return job.execute_in_process(instance=instance, raise_on_error=False)


QUIET = {"telemetry": {"enabled": False}}
NOTHING = dg.ResourceDefinition.none_resource()


def failing(error: Exception, cause: Exception | None = None) -> Any:
    @dg.op
    def step() -> None:
        raise error from cause

    return step


@pytest.mark.parametrize(
    ("op", "said"),
    [
        pytest.param(failing(LakeError("the lake is shut")), "the lake is shut", id="an error"),
        pytest.param(
            failing(LakeError("the lake is shut"), OSError("errno 5")), "the lake is shut", id="not its cause"
        ),
        pytest.param(failing(LakeError()), "test_running.LakeError", id="no words"),
        pytest.param(failing(dg.Failure("log in again")), "log in again", id="a failure"),
    ],
)
def test_a_step_that_failed_says_why(op: Any, said: str, tmp_path: Path) -> None:
    assert _reason("night", run(op, NOTHING, tmp_path)) == f"night: step failed: {said}"


def test_a_resource_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    @dg.resource
    def shut(context: dg.InitResourceContext) -> None:
        raise LakeError("the lake is shut")

    assert _reason("night", run(step, shut, tmp_path)).endswith("the lake is shut")
