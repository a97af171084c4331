"""What people say of the lots that sales take: ``ops.lot_instructions``.

What belongs here: writing an instruction down and reading them as known on a moment. The table is append-only: a
change of mind is one more row. What does not: which of them holds for a sale (``manna.ledger.instructions``).
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from manna.ledger.instructions import Instruction
from resources.ops_database import OpsDatabase
from resources.ops_tables import LOT_INSTRUCTIONS


class LotInstructions(OpsDatabase):
    """The part of ``Ops`` that is about instructions on lots."""

    def instruct_lots(
        self,
        book: str,
        account_id: str,
        method: str,
        by: str,
        at: datetime,
        *,
        security_id: str | None = None,
        trade_id: str | None = None,
        since: date | None = None,
        lots: Sequence[tuple[str, Decimal]] = (),
    ) -> int:
        """Records how sales take their lots, and returns the instruction's number. Never edits an earlier one.

        Args:
            book: the book of the account.
            account_id: whose sales.
            method: one of :data:`manna.ledger.matching.METHODS`.
            by: who decided.
            at: when.
            security_id: which security's; null means all.
            trade_id: the one sale that is meant; null means a standing instruction.
            since: the first trade day of a standing instruction; null means from ``at`` on.
            lots: of specific identification, lot and units each.
        """
        values = {
            "book": book,
            "account_id": account_id,
            "security_id": security_id,
            "trade_id": trade_id,
            "since": since,
            "method": method,
            "lots": [{"lot": lot, "quantity": str(units)} for lot, units in lots] or sa.null(),
            "decided_by": by,
            "known_at": at,
        }
        query = sa.insert(LOT_INSTRUCTIONS).values(**values).returning(LOT_INSTRUCTIONS.c.instruction_id)
        with self.engine.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def lot_instructions(
        self, book: str, zone: ZoneInfo, as_known_on: datetime | None = None
    ) -> list[Instruction]:
        """Every instruction of a book, oldest first; the day it was made is that of ``zone``."""
        i = LOT_INSTRUCTIONS.c
        query = sa.select(LOT_INSTRUCTIONS).where(i.book == book).order_by(i.instruction_id)
        if as_known_on is not None:
            query = query.where(i.known_at <= as_known_on)
        with self.engine.connect() as connection:
            return [
                Instruction(
                    instruction_id=row.instruction_id,
                    account_id=row.account_id,
                    method=row.method,
                    made_on=row.known_at.astimezone(zone).date(),
                    made_by=row.decided_by,
                    security_id=row.security_id,
                    trade_id=row.trade_id,
                    since=row.since,
                    lots=tuple((each["lot"], Decimal(each["quantity"])) for each in row.lots or ()),
                )
                for row in connection.execute(query)
            ]
