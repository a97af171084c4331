"""`manna up`: Dagster's webserver and daemon, supervised until Ctrl-C.

What belongs here: those two children and their end. What does not: the database and the sandbox, which
stand already (``services``).
"""

import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

import httpx
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from pipelines.services import ServiceError, leashed
from resources.settings import PROJECT, Settings

READY_SECONDS = 90


def serve(settings: Settings, port: int, ready: Callable[[str], None]) -> None:
    """Serves until Ctrl-C or SIGTERM; ends both children, and their children, in any case.

    Raises:
        ServiceError: one of them did not start, or ended by itself; the log is named.
    """
    url, logs = f"http://127.0.0.1:{port}", settings.data_dir / "logs"
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    web = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *workspace]
    daemon = [sys.executable, "-m", "dagster._daemon", "run", *workspace]
    with ExitStack() as stack:
        children = {
            name: stack.enter_context(leashed(command, logs / f"{name}.log"))
            for name, command in (("webserver", web), ("daemon", daemon))
        }

        def alive() -> None:
            for name, child in children.items():
                if child.poll() is not None:
                    raise ServiceError(f"the {name} has ended; see {logs / f'{name}.log'}")

        _wait_until_ready(url, alive)
        ready(url)
        stopped = _stop_requested()
        while not stopped.wait(1):
            alive()


def _wait_until_ready(url: str, alive: Callable[[], None]) -> None:
    def answers() -> bool:
        alive()
        return httpx.get(f"{url}/server_info", timeout=5).status_code == 200

    patience = Retrying(
        retry=retry_if_exception_type(httpx.TransportError) | retry_if_result(lambda answer: not answer),
        stop=stop_after_delay(READY_SECONDS),
        wait=wait_fixed(0.3),
        reraise=True,
    )
    patience(answers)


def _stop_requested() -> threading.Event:
    """Set by Ctrl-C and SIGTERM from now on."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopped
