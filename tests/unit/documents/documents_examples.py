"""What the tests of documents share: rows of a table, and a record of publication."""

from datetime import UTC, datetime

import polars as pl

from manna.documents.spans import Span

MARCH = Span.parse("2026-03")
PERIOD = MARCH.first


def rows_of(contract, rows, period=PERIOD):
    """Rows (tuples without book, period and line) as a frame of ``contract``."""
    names = contract.names[3:]
    return contract.conform(
        pl.DataFrame(
            [
                {"book": "household", "period": period, "line": line, **dict(zip(names, row, strict=True))}
                for line, row in enumerate(rows)
            ],
            infer_schema_length=None,
        )
    )


def record(month, *, through=None, status="published", **more):
    last = Span("month", month).last
    return {
        "period": month,
        "status": status,
        "reason": None,
        "content_hash": f"hash of {month}",
        "complete_through": through or last,
        "provisional": False,
        "open_items": "",
        "known_at": datetime(2026, 4, 2, 1, 30, tzinfo=UTC),
        "code_version": "0.1.0",
        **more,
    }
