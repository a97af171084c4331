"""What people and orders decide, and how connections fare: the Postgres schema ``ops``.

What belongs here: the few statements on its tables (``ops_tables``). What does not: facts from providers (the
lake has those), a decision about money, the life of connections (``connections``), decisions on
transactions and accounts (``decisions``), circuit breakers (``circuits``), alerts (``alerts``), people's entries (``entries``), instructions on lots (``lot_instructions``),
models (``models``), plans (``plans``), examinations and decisions on refused rows (``verdicts``), or files and closings of books
(``book_records``).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.alerts import Alerts
from resources.book_records import BookRecords
from resources.circuits import Circuits
from resources.connections import Connections
from resources.decisions import Decisions
from resources.entries import Entries
from resources.lot_instructions import LotInstructions
from resources.models import Models
from resources.ops_tables import CONNECTIONS, METADATA, SCHEMA, WEBHOOKS
from resources.order_problems import order_problems
from resources.plans import Plans
from resources.verdicts import Verdicts

__all__ = ["CONNECTIONS", "METADATA", "SCHEMA", "Ops"]


class Ops(
    Alerts, BookRecords, Circuits, Connections, Decisions, Entries, LotInstructions, Models, Plans, Verdicts
):
    """The ``ops`` schema."""

    # -- webhooks ---------------------------------------------------------------------------------

    def store_webhook(self, values: Mapping[str, Any]) -> bool:
        """Keeps a verified event; False (and nothing changed) when this very one has come in before."""
        query = insert(WEBHOOKS).values(**values).on_conflict_do_nothing(index_elements=["signature_sha256"])
        with self.engine.begin() as connection:
            # One after the other: who has read up to an id must not be overtaken by a smaller one.
            connection.execute(sa.text("LOCK TABLE ops.webhooks IN SHARE ROW EXCLUSIVE MODE"))
            return connection.execute(query.returning(WEBHOOKS.c.webhook_id)).first() is not None

    def webhooks(self, *, after: int = 0, through: int | None = None) -> list[dict[str, Any]]:
        """Events by id, from the first beyond ``after`` to ``through`` (null: to the last)."""
        w = WEBHOOKS.c
        query = sa.select(WEBHOOKS).where(w.webhook_id > after).order_by(w.webhook_id)
        if through is not None:
            query = query.where(w.webhook_id <= through)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def webhooks_waiting(self, after: int) -> tuple[int, datetime | None]:
        """How many events there are beyond ``after``, and when the oldest of them came."""
        w = WEBHOOKS.c
        query = sa.select(sa.func.count(), sa.func.min(w.received_at)).where(w.webhook_id > after)
        with self.engine.connect() as connection:
            count, oldest = connection.execute(query).one()
        return count, oldest

    # -- orders -----------------------------------------------------------------------------------

    def order_problems(self, since: datetime, now: datetime) -> list[dict[str, Any]]:
        """What of orders a person has to look at (:mod:`resources.order_problems`)."""
        with self.engine.connect() as connection:
            return order_problems(connection, since, now)
