"""`manna up` as a person and a browser meet it: its processes, and the GraphQL API that the UI speaks.

What belongs here: starting it, asking it, and finding its processes. What does not: assertions about what
it did, and fixtures.
"""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 600
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "manna"}


def eventually(look: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """What ``look`` returns as soon as that is true; ``tenacity.RetryError`` when it never is."""
    return Retrying(
        retry=retry_if_result(lambda found: not found), stop=stop_after_delay(seconds), wait=wait_fixed(0.1)
    )(look)


@contextmanager
def until_asked(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process until the block ends, which it does by SIGTERM, as a container's; killed where it does not listen."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def free_port() -> int:
    [port] = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, each another: all are taken before the first is given back."""
    with contextlib.ExitStack() as taken:
        probes = [taken.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@dataclass(frozen=True, slots=True)
class Up:
    """A running `manna up`."""

    process: "subprocess.Popen[str]"
    port: int
    environment: Mapping[str, str]

    @property
    def data_dir(self) -> Path:
        return Path(self.environment["MANNA_DATA_DIR"])

    def processes(self) -> list[psutil.Process]:
        """Its supervisor and everything that was started for its data directory, the database included."""
        postgres = self.data_dir / "postgres" / "cluster"
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("MANNA_DATA_DIR") == str(self.data_dir)
                if ours or Path(process.cwd()) == postgres:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def process_of(self, module: str) -> psutil.Process | None:
        """The process that runs a module, if one does. Others may end while it is looked for."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.cmdline()[1:] == ["-m", module]:
                    return process
        return None

    def executing(self, run_id: str) -> psutil.Process | None:
        """The process that executes the run, once it has begun."""
        lock = self.data_dir / "dagster" / "running" / run_id
        for process in self.processes():
            try:
                if any(file.path == str(lock) for file in process.open_files()):
                    return process
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return None

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer's data."""
        asked = {"query": query, "variables": variables}
        answer = httpx.post(f"http://127.0.0.1:{self.port}/graphql", json=asked, timeout=60).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def materialize(self, *path: str) -> str:
        """Launches what the button "Materialize" of one asset does; returns the run's id.

        The UI asks which others its function makes in the same go, and adds the checks made with them.
        """
        keys = [{"path": path}]
        keys += self.ask(ADDITIONAL_KEYS, keys=keys)["assetNodeAdditionalRequiredKeys"]
        nodes = self.ask(CHECKS, keys=keys)["assetNodes"]
        checks = [
            {"name": check["name"], "assetKey": check["assetKey"]}
            for node in nodes
            for check in node["assetChecksOrError"].get("checks", ())
            if check["canExecuteIndividually"] == "REQUIRES_MATERIALIZATION"
        ]
        return self.launch("__ASSET_JOB", assetSelection=keys, assetCheckSelection=checks)

    def launch(self, job: str, tags: Mapping[str, str] | None = None, **selection: Any) -> str:
        """Launches a run as the launchpad does; returns its id."""
        selector = {**REPOSITORY, "jobName": job, **selection}
        tagged = [{"key": name, "value": value} for name, value in (tags or {}).items()]
        parameters = {"selector": selector, "runConfigData": "{}", "mode": "default"}
        parameters["executionMetadata"] = {"tags": tagged}
        launched = self.ask(LAUNCH_RUN, parameters=parameters)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def backfill(self, tables: Iterable[str], partitions: Sequence[str]) -> str:
        """Launches what the dialog of partitions does; returns the backfill's id."""
        keys = [{"path": table.split(".")} for table in tables]
        params = {"assetSelection": keys, "partitionNames": partitions, "fromFailure": False}
        launched = self.ask(LAUNCH_BACKFILL, params=params)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def backfilled(self, backfill_id: str) -> tuple[str, list[dict[str, Any]]]:
        """The status with which a backfill ends, waited for, and its runs, oldest first."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.ask(BACKFILL, id=backfill_id)["partitionBackfillOrError"]
            return None if found["status"] in UNDER_WAY else found

        found = eventually(ended)
        runs = [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found["runs"]]
        return str(found["status"]), sorted(runs, key=lambda run: float(run["creationTime"]))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def status(self, run_id: str) -> str:
        return str(self.ask(RUN, id=run_id)["runOrError"]["status"])

    def ended(self, run_id: str) -> str:
        """The status with which the run ends, waited for."""
        ends = ("SUCCESS", "FAILURE", "CANCELED")
        return str(eventually(lambda: (status := self.status(run_id)) in ends and status))


LAUNCH_RUN = """mutation ($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""

LAUNCH_BACKFILL = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
} }"""

BACKFILL = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
  status runs { runId status creationTime startTime endTime tags { key value } }
} } }"""

UNDER_WAY = ("REQUESTED", "COMPLETED", "FAILING", "CANCELING")

ADDITIONAL_KEYS = """query ($keys: [AssetKeyInput!]!) {
  assetNodeAdditionalRequiredKeys(assetKeys: $keys) { path }
}"""

CHECKS = """query ($keys: [AssetKeyInput!]!) { assetNodes(assetKeys: $keys) { assetChecksOrError {
  ... on AssetChecks { checks { name assetKey { path } canExecuteIndividually } }
} } }"""

RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[Up]:
    """`manna up` until the block ends; nothing of it is left then, whatever happens."""
    port, metrics = free_ports(2)
    environment = {"MANNA_METRICS_PORT": str(metrics), **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "up", "--port", str(port)],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    up = Up(process, port, environment)
    with process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "Manna is up" in line:
                    break
            else:
                raise AssertionError("".join(said))
            yield up
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_SECONDS)
            finally:
                for left in up.processes():
                    with contextlib.suppress(psutil.NoSuchProcess):
                        left.kill()


def run_manna(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command of `manna`, to its end."""
    return run_python(environment, "-m", "pipelines", *arguments)


def run_python(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A program of ours, to its end; in a group of its own, which it may kill."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**environment, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        start_new_session=True,
    )
