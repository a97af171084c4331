"""`manna` that kills its whole process group with SIGKILL at a chosen point of a night.

What belongs here: that program, for the crash tests. It is run as ``python dying.py STEP SECONDS COMMAND ...``
and dies SECONDS after the step STEP (``job/op``) has begun; exact points are reached with SECONDS 0. STEP may
also be ``before-commit:N`` or ``after-commit:N``, the N-th commit of the lake.
"""

import os
import signal
import sys
import threading
from typing import Any

from pipelines import cli
from pipelines.progress import Teller
from resources.lake import Lake


def die() -> None:
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    point, seconds = sys.argv[1], float(sys.argv[2])
    sys.argv = ["manna", *sys.argv[3:]]
    die_at_step(point, seconds)
    die_at_commit(point)
    cli.main()


def die_at_step(point: str, seconds: float) -> None:
    told = Teller.__call__

    def tell(self: Teller, stage: str, step: str) -> None:
        told(self, stage, step)
        if f"{stage}/{step}" == point:
            if not seconds:
                die()
            threading.Timer(seconds, die).start()

    Teller.__call__ = tell  # type: ignore[method-assign]


def die_at_commit(point: str) -> None:
    kind, _, number = point.partition(":")
    once, count = Lake._once, [0]

    def counted(self: Lake, work: Any, *rest: Any) -> Any:
        count[0] += 1
        here = number == str(count[0])

        def worked(transaction: Any) -> Any:
            found = work(transaction)
            if here and kind == "before-commit":
                die()
            return found

        result = once(self, worked, *rest)
        if here and kind == "after-commit":
            die()
        return result

    Lake._once = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
