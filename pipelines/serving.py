"""`manna up`: Dagster's webserver and daemon, the monitor, and the receiver of webhooks, supervised until Ctrl-C.

What belongs here: those children and their end. What does not: the database and the sandbox, which stand
already (``services``).
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

import dagster as dg
import httpx
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from pipelines.process import CHILDREN, SERVING, bury_dead_runs, hold, owns_database
from pipelines.services import ServiceError, leashed, let_go
from resources.settings import PROJECT, Settings

READY_SECONDS = 300


def serve(settings: Settings, port: int, ready: Callable[[str], None]) -> None:
    """Serves until Ctrl-C or SIGTERM; ends its children, and their children, in any case.

    Webhooks are received where they can reach this machine.

    Raises:
        ServiceError: one of them did not start, or ended by itself; the log is named. Or another process
            serves this data directory already: two daemons would do everything twice.
    """
    url, logs = f"http://127.0.0.1:{port}", settings.data_dir / "logs"
    told = ["--log-format", "json"] if settings.log_format == "json" else []
    modules = {
        "webserver": ["pipelines.webserver", "--port", str(port), *told],
        "daemon": ["dagster._daemon", "run", *told, "-w", str(PROJECT / "workspace.yaml")],
        "monitor": ["pipelines.monitor"],
    }
    if settings.receives_webhooks:
        modules["receiver"] = ["pipelines.receiver"]
    with ExitStack() as stack:
        stopped = stack.enter_context(_stop_requests())
        lock = stack.enter_context(_alone(settings))
        children = {}
        for name, module in modules.items():
            command = [sys.executable, "-m", *module]
            children[name] = stack.enter_context(leashed(command, logs / f"{name}.log", [lock]))
        for child in children.values():  # all of them end at once; then each is waited for
            stack.callback(let_go, child)

        def alive() -> None:
            for name, child in children.items():
                if child.poll() is not None:
                    raise ServiceError(f"the {name} has ended; see {logs / f'{name}.log'}")

        _wait_until_ready(url, stopped, alive)
        if not stopped.is_set():
            ready(url)
        while not stopped.wait(1):
            alive()


@contextmanager
def _alone(settings: Settings) -> Iterator[int]:
    """Nobody else serves this data directory until the block ends; yields the lock its children keep.

    What a killed supervisor has left is ended and buried first.
    """
    bury_dead_runs(dg.DagsterInstance.get(), alone=owns_database(settings))
    serving = hold(settings.dagster_home / SERVING)
    children = None if serving is None else hold(settings.dagster_home / CHILDREN)
    try:
        if serving is None or children is None:
            raise ServiceError(
                f"another `manna up` serves {settings.data_dir}; use its address, or end it first"
            )
        yield children
    finally:
        for descriptor in (children, serving):
            if descriptor is not None:
                os.close(descriptor)


def _wait_until_ready(url: str, stopped: threading.Event, alive: Callable[[], None]) -> None:
    def answers() -> bool:
        alive()
        return stopped.is_set() or httpx.get(f"{url}/server_info", timeout=5).status_code == 200

    patience = Retrying(
        retry=retry_if_exception_type(httpx.TransportError) | retry_if_result(lambda answer: not answer),
        stop=stop_after_delay(READY_SECONDS),
        wait=wait_fixed(0.3),
        reraise=True,
    )
    try:
        patience(answers)
    except (httpx.TransportError, RetryError) as error:
        raise ServiceError(f"the webserver does not answer at {url}; see its log") from error


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set until the block ends."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
