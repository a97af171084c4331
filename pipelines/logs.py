"""Where Manna's log goes and how it is written: as text, or a JSON object per line, in both without secrets.

What belongs here: the handler, the two formats, and which run a line is of. What does not: what is logged (any module, through
``logging.getLogger("manna.…")``; a line about one book says so with ``extra={"book": ...}``), or what a secret is
(``resources.redacting``). Dagster's servers write logs of their own.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

from resources.redacting import Redactor
from resources.settings import Settings

if TYPE_CHECKING:
    import structlog

LOG_BYTES = 10_000_000
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
ROOT = logging.getLogger("manna")
RUN: ContextVar[str | None] = ContextVar("run_id", default=None)
"""The run that this process is at."""


class RedactedText(logging.Formatter):
    """A line of text that ends with its run and its book; what an exception says comes after it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(TEXT)
        self._redactor = redactor

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        """The line itself."""
        known = {"run_id": RUN.get(), "book": getattr(record, "book", None)}
        facts = " ".join(f"{name}={value}" for name, value in known.items() if value)
        return super().formatMessage(record) + (f" [{facts}]" if facts else "")

    def format(self, record: logging.LogRecord) -> str:
        """The line and its exception, redacted."""
        return self._redactor.text(super().format(record))


def json_lines(redactor: Redactor) -> logging.Formatter:
    """One JSON object per line: event, level, logger, timestamp (UTC), exception, run_id, and what is in ``extra``."""

    import structlog  # 0.1 s, and only this format needs it

    def redact(logger: Any, method: str, event: "structlog.typing.EventDict") -> "structlog.typing.EventDict":
        # A moment and the ids of runs are ours, and look like nothing that is secret.
        own = {"timestamp": event["timestamp"], **({"run_id": run} if (run := RUN.get()) else {})}
        return {**redactor.value(dict(event)), **own}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def formatter(settings: Settings) -> logging.Formatter:
    """That of ``MANNA_LOG_FORMAT``."""
    redactor = Redactor(settings)
    return json_lines(redactor) if settings.log_format == "json" else RedactedText(redactor)


@contextmanager
def logged(settings: Settings, name: str = "manna") -> Iterator[None]:
    """What Manna logs goes to ``logs/NAME.log`` until the block ends, and not onto the terminal.

    Each process has a name of its own: two cannot share a file that is renamed when it is full.
    """
    file = settings.data_dir / "logs" / f"{name}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=3, delay=True, encoding="utf-8")
    with _handled(handler, settings):
        yield


@contextmanager
def of_run(settings: Settings, run_id: str) -> Iterator[None]:
    """Every line until the block ends names the run. In a process of its own they go to stderr, which Dagster keeps."""
    # Not reset by its token: Dagster may end a resource in another context than it has begun it in.
    RUN.set(run_id)
    try:
        if ROOT.handlers:
            yield
        else:
            with _handled(logging.StreamHandler(sys.stderr), settings):
                yield
    finally:
        RUN.set(None)


@contextmanager
def _handled(handler: logging.Handler, settings: Settings) -> Iterator[None]:
    handler.setFormatter(formatter(settings))
    before = ROOT.propagate
    ROOT.addHandler(handler)
    ROOT.propagate = False
    try:
        yield
    finally:
        ROOT.propagate = before
        ROOT.removeHandler(handler)
        handler.close()
