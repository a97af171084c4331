"""What people and orders decide, and how connections fare: the Postgres schema ``ops``.

What belongs here: the few statements on its tables (``ops_tables``). What does not: facts from providers (the
lake has those), a decision about money, the life of connections (``connections``), decisions on
transactions and accounts (``decisions``), people's entries (``entries``), instructions on lots (``lot_instructions``),
models (``models``), plans (``plans``), examinations and decisions on refused rows (``verdicts``), or files and closings of books
(``book_records``).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.book_records import BookRecords
from resources.connections import Connections
from resources.decisions import Decisions
from resources.entries import Entries
from resources.lot_instructions import LotInstructions
from resources.models import Models
from resources.ops_tables import ALERTS, CONNECTIONS, METADATA, SCHEMA, WEBHOOKS
from resources.order_problems import order_problems
from resources.plans import Plans
from resources.verdicts import Verdicts

__all__ = ["ALERTS", "CONNECTIONS", "METADATA", "SCHEMA", "Ops"]


class Ops(BookRecords, Connections, Decisions, Entries, LotInstructions, Models, Plans, Verdicts):
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

    # -- orders -----------------------------------------------------------------------------------

    def order_problems(self, since: datetime, now: datetime) -> list[dict[str, Any]]:
        """What of orders a person has to look at (:mod:`resources.order_problems`)."""
        with self.engine.connect() as connection:
            return order_problems(connection, since, now)

    # -- alerts -----------------------------------------------------------------------------------

    def settle_alerts(self, found: Sequence[Mapping[str, Any]], at: datetime) -> tuple[int, int]:
        """Opens an alert per condition found that has none open; resolves open ones no longer found.

        Idempotent: the same conditions again change nothing. Returns (opened, resolved).
        """
        with self.engine.begin() as connection:
            opened = 0
            # In one order everywhere, so that two who settle at once do not wait for each other.
            for alert in sorted(found, key=lambda alert: alert["fingerprint"]):
                query = insert(ALERTS).values(**alert, opened_at=at)
                query = query.on_conflict_do_nothing(
                    index_elements=["fingerprint"], index_where=sa.text("status = 'open'")
                )
                opened += connection.execute(query.returning(ALERTS.c.alert_id)).first() is not None
            gone = (
                sa.update(ALERTS)
                .where(ALERTS.c.status == "open")
                .where(ALERTS.c.fingerprint.not_in([alert["fingerprint"] for alert in found]))
                .values(status="resolved", resolved_at=at)
            )
            return opened, connection.execute(gone).rowcount

    def alerts(self, *, status: str | None = "open", unsent: bool = False) -> list[dict[str, Any]]:
        """Alerts, most severe first, then newest."""
        rank = sa.case({"critical": 0, "warning": 1}, value=ALERTS.c.severity, else_=2)
        query = sa.select(ALERTS).order_by(rank, ALERTS.c.opened_at.desc(), ALERTS.c.alert_id)
        if status is not None:
            query = query.where(ALERTS.c.status == status)
        if unsent:
            query = query.where(ALERTS.c.notified_at.is_(None))
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def alert_sent(self, alert_id: int, at: datetime) -> None:
        """Remembers that an alert has been delivered."""
        query = sa.update(ALERTS).where(ALERTS.c.alert_id == alert_id).values(notified_at=at)
        with self.engine.begin() as connection:
            connection.execute(query)
