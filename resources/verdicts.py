"""What was examined, and what people decided about refused rows: their statements in ``ops``.

What belongs here: ``ops.examinations`` and ``ops.quarantine_decisions``. What does not: running a suite
(``resources.examiner``), or which refused rows are open (``manna.validating.quarantine``).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from manna.validating.quarantine import DECISIONS
from resources.ops_database import OpsDatabase
from resources.ops_tables import EXAMINATIONS, QUARANTINE_DECISIONS


class Verdicts(OpsDatabase):
    """The part of ``Ops`` that is about examinations and refused rows."""

    def last_examinations(self) -> dict[str, dict[str, Any]]:
        """The last examination of every suite, by suite."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(EXAMINATIONS).order_by(EXAMINATIONS.c.suite)).mappings()
            return {row["suite"]: dict(row) for row in rows}

    def examined(self, values: Mapping[str, Any]) -> None:
        """Remembers an examination in place of the suite's former one (Dagster's event log has them all)."""
        with self.engine.begin() as connection:
            connection.execute(sa.delete(EXAMINATIONS).where(EXAMINATIONS.c.suite == values["suite"]))
            connection.execute(sa.insert(EXAMINATIONS).values(**values))

    def decide_on_quarantine(self, decisions: Sequence[Mapping[str, Any]]) -> None:
        """Adds decisions on refused rows: all columns but the id. Never edits an earlier one."""
        with self.engine.begin() as connection:
            connection.execute(sa.insert(QUARANTINE_DECISIONS), [dict(decision) for decision in decisions])

    def quarantine_decisions(self, as_known_on: datetime | None = None) -> pl.DataFrame:
        """The latest decision per refused row, with the columns of ``manna.validating.quarantine.DECISIONS``."""
        q = QUARANTINE_DECISIONS.c
        row = (q.book, q.table_name, q.source_id, q.payload_sha256)
        query = sa.select(*(q[name] for name in DECISIONS)).ext(distinct_on(*row))
        query = query.order_by(*row, q.decision_id.desc())
        if as_known_on is not None:
            query = query.where(q.known_at <= as_known_on)
        with self.engine.connect() as connection:
            rows = [tuple(found) for found in connection.execute(query)]
        return pl.DataFrame(rows, schema=DECISIONS, orient="row")
