"""A report in a format for a file: the bytes of it.

What belongs here: which formats there are and what each is made by. What does not: finding the report
(:mod:`pipelines.reporting`), the terminal (:mod:`pipelines.terminal`), and how a format is set (``manna.documents``).

Formats that are rows and nothing else (json, csv, parquet) have the cover's facts beside each row, under the same
names, so that no row goes about without them; a Parquet file has them as metadata too.
"""

import io
import json
from collections.abc import Callable

import polars as pl

from pipelines.rendering import as_csv, as_json
from pipelines.reporting import Report


def in_format(report: Report, name: str) -> bytes:
    """``report`` in one of :data:`FORMATS`."""
    return FORMATS[name](report)


def rows(report: Report) -> pl.DataFrame:
    """The statement's rows in order, with the cover's columns on the right of each."""
    return report.cover.beside(report.frame.drop("book", "period", "line", strict=False))


def _json(report: Report) -> bytes:
    return f"{as_json(rows(report))}\n".encode()


def _csv(report: Report) -> bytes:
    return as_csv(rows(report)).encode()


def _parquet(report: Report) -> bytes:
    file = io.BytesIO()
    facts = dict(report.cover.facts) | {
        "Title": report.title,
        "Warnings": "; ".join(report.cover.warnings),
        "Open items": "; ".join(report.cover.open_items),
    }
    rows(report).write_parquet(file, metadata={"manna": json.dumps(facts, ensure_ascii=False)})
    return file.getvalue()


def _html(report: Report) -> bytes:
    from manna.documents.page import statement_page

    return statement_page(report.cover, report.tables).encode()


def _pdf(report: Report) -> bytes:
    from manna.documents.paper import pdf

    return pdf(report.cover, report.tables)


def _xlsx(report: Report) -> bytes:
    from manna.documents.workbook import workbook

    return workbook(report.cover, report.tables)


FORMATS: dict[str, Callable[[Report], bytes]] = {
    "json": _json,
    "csv": _csv,
    "html": _html,
    "pdf": _pdf,
    "xlsx": _xlsx,
    "parquet": _parquet,
}
on_paper = ("pdf", "xlsx", "parquet")
"""Formats that are no text."""
