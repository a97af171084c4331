"""Several calls at the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable
from typing import Any


def at_once(*calls: Callable[[], Any]) -> None:
    """Runs the calls in a thread each, let go together; an exception in one is raised here."""
    together = threading.Barrier(len(calls))
    failed: list[BaseException] = []

    def run(call: Callable[[], Any]) -> None:
        together.wait()
        try:
            call()
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
