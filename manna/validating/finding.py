"""One finding, and many of them as rows of ``clean.findings``.

What belongs here: their common shape. What does not: what is found (the modules beside this one).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from manna.contracts.findings import FINDINGS


@dataclass(frozen=True, slots=True)
class Finding:
    """What looks wrong; see the columns of ``clean.findings``.

    ``amount`` is positive, and null where nobody can tell. ``rows`` are keys of the rows it rests on.
    """

    book: str
    kind: str
    severity: str
    subject: str
    since: date
    until: date
    message: str
    amount: Decimal | None = None
    currency: str | None = None
    rows: tuple[str, ...] = ()

    @property
    def finding_id(self) -> str:
        """The same for the same thing found again: its words, severity and amount are no part of it."""
        parts = (self.book, self.kind, self.subject, str(self.since), str(self.until), *sorted(self.rows))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


HOLDING = ("doubled_account",)
"""Kinds that hold the reports of their book back: every figure would be counted twice, and a person can end it
by saying that it is not so. Others are shown, and nothing waits for them."""


def reasons_to_hold(findings: pl.DataFrame, periods: Iterable[date]) -> dict[date, list[str]]:
    """Why the reports of a book are held, by month: those of the finding's first month, and all later ones.

    Args:
        findings: rows of ``clean.findings`` of one book.
        periods: first days of months.
    """
    held = findings.filter(pl.col("kind").is_in(HOLDING)).sort("since", "finding_id")
    found: dict[date, list[str]] = {}
    for period in periods:
        for since, message in held.select("since", "message").iter_rows():
            if since.replace(day=1) <= period:
                found.setdefault(period, []).append(message)
    return found


def as_rows(findings: Iterable[Finding]) -> pl.DataFrame:
    """Rows of ``clean.findings``, one per finding, by book, kind, subject and day."""
    rows = {
        found.finding_id: {
            "finding_id": found.finding_id,
            "row_ids": ",".join(sorted(found.rows)),
            **{name: getattr(found, name) for name in _SAME},
        }
        for found in findings
    }
    frame = pl.DataFrame(list(rows.values()), schema=FINDINGS.polars_schema)
    return frame.sort("book", "kind", "subject", "since", "finding_id")


_SAME = [name for name in FINDINGS.names if name not in ("finding_id", "row_ids")]
