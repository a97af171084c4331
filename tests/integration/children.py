"""Processes of a test: Python programs of its own that talk with it through their standard streams."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from resources.settings import PROJECT

Child = subprocess.Popen[str]


@contextmanager
def child(program: str, *arguments: object, **environment: str) -> Iterator[Child]:
    """``program`` as a process with no more than this environment, ended at the latest with the block.

    One that a failed test left behind would fail another.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore", **environment},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def children(number: int, program: str, *arguments: object, **environment: str) -> Iterator[list[Child]]:
    """The same several times over."""
    with ExitStack() as started:
        yield [started.enter_context(child(program, *arguments, **environment)) for _ in range(number)]


def said(process: Child) -> str:
    """The next line that it prints, without its end."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def tell(process: Child, line: str = "") -> None:
    """A line for its standard input."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def ended(process: Child) -> str:
    """What else it printed, once it has ended well."""
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    return out
