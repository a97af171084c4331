"""What people decide: ``ops.overrides``, ``ops.transfer_decisions`` and ``ops.account_decisions``.

What belongs here: writing a decision down and reading decisions as known on a moment. Both tables are
append-only: a change of mind is one more row. What does not: what follows from a decision
(``manna.categorizing``, ``manna.cleaning.identity``), or decisions on refused rows (``verdicts``).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from manna.categorizing.following import DECISIONS
from manna.cleaning.identity import Decision
from resources.ops_database import OpsDatabase
from resources.ops_tables import ACCOUNT_DECISIONS, OVERRIDES, TRANSFER_DECISIONS


class Decisions(OpsDatabase):
    """The part of ``Ops`` that is about people's decisions."""

    def decide(
        self,
        book: str,
        transaction_id: str,
        category: str,
        by: str,
        at: datetime,
        *,
        note: str | None = None,
        splits: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Records a person's category for a transaction. Never edits an earlier decision.

        Args:
            book: the book it belongs to.
            transaction_id: what was decided on.
            category: account of the book's chart.
            by: who decided.
            at: when.
            note: the person's own words.
            splits: several categories with their amounts (as text), in place of the one.
        """
        values = {
            "book": book,
            "transaction_id": transaction_id,
            "category": category,
            "note": note,
            "splits": sa.null() if splits is None else list(splits),
            "decided_by": by,
            "known_at": at,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(OVERRIDES).values(**values))

    def overrides(self, as_known_on: datetime | None = None) -> pl.DataFrame:
        """Every decision on a transaction, oldest first: columns of ``following.DECISIONS``."""
        o = OVERRIDES.c
        query = sa.select(o.transaction_id, o.category, o.note, o.splits, o.decided_by)
        query = query.order_by(o.override_id)
        if as_known_on is not None:
            query = query.where(o.known_at <= as_known_on)
        with self.engine.connect() as connection:
            rows = [
                (row.transaction_id, row.category, row.note, _text(row.splits), row.decided_by)
                for row in connection.execute(query)
            ]
        return pl.DataFrame(rows, schema=DECISIONS, orient="row")

    def decide_transfer(
        self, book: str, out_id: str, in_id: str, by: str, at: datetime, *, is_transfer: bool
    ) -> None:
        """Records whether two rows that look like a transfer are one. Never edits an earlier decision."""
        values = {
            "book": book,
            "out_id": out_id,
            "in_id": in_id,
            "is_transfer": is_transfer,
            "decided_by": by,
            "known_at": at,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(TRANSFER_DECISIONS).values(**values))

    def rejected_transfers(
        self, book: str, as_known_on: datetime | None = None
    ) -> frozenset[tuple[str, str]]:
        """Pairs (id that leaves, id that arrives) of which the last word is that they are no transfer."""
        t = TRANSFER_DECISIONS.c
        query = sa.select(t.out_id, t.in_id, t.is_transfer).where(t.book == book).order_by(t.decision_id)
        if as_known_on is not None:
            query = query.where(t.known_at <= as_known_on)
        with self.engine.connect() as connection:
            last = {(row.out_id, row.in_id): row.is_transfer for row in connection.execute(query)}
        return frozenset(pair for pair, is_transfer in last.items() if not is_transfer)

    def decide_account(self, book: str, account_id: str, same_as: str | None, by: str, at: datetime) -> None:
        """Records whether an account continues ``same_as`` or (null) is another one."""
        values = {
            "book": book,
            "account_id": account_id,
            "same_as": same_as,
            "decided_by": by,
            "known_at": at,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(ACCOUNT_DECISIONS).values(**values))

    def account_decisions(self, as_known_on: datetime | None = None) -> list[Decision]:
        """Every decision on an account, oldest first."""
        d = ACCOUNT_DECISIONS.c
        query = sa.select(d.book, d.account_id, d.same_as, d.known_at).order_by(d.decision_id)
        if as_known_on is not None:
            query = query.where(d.known_at <= as_known_on)
        with self.engine.connect() as connection:
            return [Decision(*row) for row in connection.execute(query)]


def _text(splits: Any) -> str | None:
    """Splits as canonical JSON, so that equal ones are equal texts."""
    return None if splits is None else json.dumps(splits, sort_keys=True, ensure_ascii=False)
