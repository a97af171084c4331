"""The progress display: which stage is running, how long each took.

What belongs here: that display. What does not: anything about what the stages do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.status import Status


class Teller:
    """Says which stage and step is running; on a terminal in one line, else a line per stage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = console.status("") if console.is_terminal else None
        self._stage, self._since = "", perf_counter()
        if self._status:
            self._status.start()

    def __call__(self, stage: str, step: str) -> None:
        """A step of a stage begins."""
        if stage != self._stage:
            self._finish()
            self._stage, self._since = stage, perf_counter()
            if not self._status:
                self._console.print(f"{stage} ...", highlight=False)
        if self._status:
            self._status.update(f"{stage}: {step.replace('_', ' ')}")

    def _finish(self) -> None:
        if self._stage and self._status:
            seconds = perf_counter() - self._since
            self._console.print(f"[green]✓[/] {self._stage} [dim]{seconds:.1f} s[/]", highlight=False)

    def stop(self) -> None:
        """Ends the display."""
        self._finish()
        self._stage = ""
        if self._status:
            self._status.stop()


@contextmanager
def progress(console: Console) -> Iterator[Teller]:
    """A display that is gone when the block ends, however it ends."""
    teller = Teller(console)
    try:
        yield teller
    finally:
        teller.stop()
