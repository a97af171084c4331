"""`manna` to which the worst happens at a chosen point of a night.

What belongs here: that program, for the crash tests. It is run as ``python dying.py WHAT STEP SECONDS COMMAND ...``,
and WHAT happens SECONDS after the step STEP (``job/op``) has begun; exact points are reached with SECONDS 0. STEP may
also be ``before-commit:N`` or ``after-commit:N``, the N-th commit of the lake. WHAT is one of ``HAPPENING``.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines import cli
from pipelines.progress import Teller
from resources.lake import Lake

FILLER = "filler"
"""The file in the data directory that takes all the room there is."""


def die() -> None:
    """SIGKILL to the whole process group."""
    os.killpg(0, signal.SIGKILL)


def kill_postgres() -> None:
    """SIGKILL to the server, which takes its children along by itself."""
    found = Path(os.environ["MANNA_DATA_DIR"]) / "postgres" / "cluster" / "postmaster.pid"
    os.kill(int(found.read_text().split()[0]), signal.SIGKILL)


def fill_the_disk() -> None:
    """Takes all the room there is."""
    folder = Path(os.environ["MANNA_DATA_DIR"])
    with (folder / FILLER).open("wb") as file:
        free = os.statvfs(folder)
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize)


HAPPENING = {"die": die, "kill-postgres": kill_postgres, "fill-the-disk": fill_the_disk}


def main() -> None:
    happens, point, seconds = HAPPENING[sys.argv[1]], sys.argv[2], float(sys.argv[3])
    sys.argv = ["manna", *sys.argv[4:]]
    at_step(happens, point, seconds)
    at_commit(happens, point)
    cli.main()


def at_step(happens: Callable[[], None], point: str, seconds: float) -> None:
    told = Teller.__call__

    def tell(self: Teller, stage: str, step: str) -> None:
        told(self, stage, step)
        if f"{stage}/{step}" == point:
            if not seconds:
                happens()
            else:
                threading.Timer(seconds, happens).start()

    Teller.__call__ = tell  # type: ignore[method-assign]


def at_commit(happens: Callable[[], None], point: str) -> None:
    kind, _, number = point.partition(":")
    once, count = Lake._once, [0]

    def counted(self: Lake, work: Any, *rest: Any) -> Any:
        count[0] += 1
        here = number == str(count[0])

        def worked(transaction: Any) -> Any:
            found = work(transaction)
            if here and kind == "before-commit":
                happens()
            return found

        result = once(self, worked, *rest)
        if here and kind == "after-commit":
            happens()
        return result

    Lake._once = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
