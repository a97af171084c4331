"""Where Manna's log goes and how it is written: as text, or a JSON object per line, in both without secrets.

What belongs here: the handler, the two formats, and which run a line is of. What does not: what is logged (any module, through
``logging.getLogger("manna.…")``; a line about one book says so with ``extra={"book": ...}``), or what a secret is
(``resources.redacting``). Dagster's servers write logs of their own.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from typing import Any

import structlog

from resources.redacting import Redactor
from resources.settings import Settings

LOG_BYTES = 10_000_000
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
ROOT = logging.getLogger("manna")


class RedactedText(logging.Formatter):
    """A line of text that ends with its run and its book; what an exception says comes after it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(TEXT)
        self._redactor = redactor

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        """The line itself."""
        known = {**structlog.contextvars.get_contextvars(), "book": getattr(record, "book", None)}
        facts = " ".join(f"{name}={value}" for name, value in known.items() if value)
        return super().formatMessage(record) + (f" [{facts}]" if facts else "")

    def format(self, record: logging.LogRecord) -> str:
        """The line and its exception, redacted."""
        return self._redactor.text(super().format(record))


def json_lines(redactor: Redactor) -> logging.Formatter:
    """One JSON object per line: event, level, logger, timestamp (UTC), exception, run_id, and what is in ``extra``."""

    def redact(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        # A moment and the ids of runs are ours, and look like nothing that is secret.
        own = {name: event[name] for name in ("timestamp", "run_id") if name in event}
        return {**redactor.value(dict(event)), **own}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
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
    # Not by tokens: Dagster may end a resource in another context than it has begun it in.
    structlog.contextvars.bind_contextvars(run_id=run_id)
    try:
        if ROOT.handlers:
            yield
        else:
            with _handled(logging.StreamHandler(sys.stderr), settings):
                yield
    finally:
        structlog.contextvars.unbind_contextvars("run_id")


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
