"""A leash: runs a command, and ends its whole tree of processes as soon as whoever holds the leash is gone.

What belongs here: that, and nothing that costs time to import. What does not: what is run.

Usage: ``python -m pipelines.leash COMMAND ...`` with standard input a pipe held by the supervisor. The
kernel closes the pipe when the supervisor dies, however it dies. Dagster needs this: its webserver and
daemon leave code servers behind when only their own process group is ended.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, stop_never, wait_fixed
from tenacity.stop import stop_base

PATIENCE_SECONDS = 15


_ENDING = threading.Lock()


def main() -> int:
    """Runs the command until it ends or standard input does; returns its exit code."""
    # Ctrl-C in the terminal is the supervisor's to handle; it then lets go of the leash.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_wait_for_release, args=(child.pid,), daemon=True).start()
    try:
        code = child.wait()
        return code if code >= 0 else 128 - code  # ended by a signal, as a shell says it
    finally:
        end_tree(child.pid)


def _wait_for_release(pid: int) -> None:
    # Not sys.stdin: its lock, held while it waits, would abort the interpreter as it ends.
    while os.read(0, 4096):
        pass
    end_tree(pid)


def end_tree(pid: int) -> None:
    """Ends a process, its descendants and its group: asked first, killed after a while.

    The group finds those whose parent has ended before them. Returns when all are gone.
    """
    with _ENDING:
        for number, patience in (
            (signal.SIGTERM, stop_after_delay(PATIENCE_SECONDS)),
            (signal.SIGKILL, stop_never),
        ):
            tree = _tree(pid)
            for process in tree:
                _signal(process, number)
            _wait(tree, patience)


def _wait(tree: list[psutil.Process], patience: stop_base) -> None:
    """Until none of them runs, or patience has run out.

    Not ``psutil.wait_procs``: it waits until zombies are reaped too. Those of an orphan are pid 1's, which may take its time.
    """
    Retrying(
        retry=retry_if_result(bool),
        stop=patience,
        wait=wait_fixed(0.02),
        retry_error_callback=lambda state: None,
    )(lambda: any(map(_is_running, tree)))


def _tree(pid: int) -> list[psutil.Process]:
    found = {process for process in psutil.process_iter() if _group(process) == pid}
    for process in list(found):
        with contextlib.suppress(psutil.NoSuchProcess):
            found.update(process.children(recursive=True))
    return [process for process in found if _is_running(process)]


def _group(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None


def _is_running(process: psutil.Process) -> bool:
    """Not so a zombie: it has ended and waits for its parent to notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    sys.exit(main())
