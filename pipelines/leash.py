"""A leash: runs a command, and ends its whole tree of processes as soon as whoever holds the leash is gone.

What belongs here: that, and nothing that costs time to import. What does not: what is run.

Usage: ``python -m pipelines.leash COMMAND ...`` with standard input a pipe held by the supervisor. The
kernel closes the pipe when the supervisor dies, however it dies. Dagster needs this: its webserver and
daemon leave code servers behind when only their own process group is ended.
"""

import signal
import subprocess
import sys
import threading

import psutil

PATIENCE_SECONDS = 15


def main() -> int:
    """Runs the command until it ends or standard input does."""
    # Ctrl-C in the terminal is the supervisor's to handle; it then lets go of the leash.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_wait_for_release, args=(child,), daemon=True).start()
    try:
        return child.wait()
    finally:
        end_tree(child.pid)


def _wait_for_release(child: "subprocess.Popen[bytes]") -> None:
    while sys.stdin.buffer.read(4096):
        pass
    end_tree(child.pid)


def end_tree(pid: int) -> None:
    """Ends a process and all its descendants: asked first, killed after a while."""
    try:
        top = psutil.Process(pid)
        tree = [*top.children(recursive=True), top]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(tree, timeout=PATIENCE_SECONDS)
    for process in alive:
        _signal(process, signal.SIGKILL)


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    sys.exit(main())
