"""Models: which there are, and which one is in use: ``ops.models`` and ``ops.model_uses``.

What belongs here: the statements on these tables. What does not: the models' files (``model_files``), or which model is
better (``manna.categorizing.measuring``).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from manna.categorizing.versions import standing
from resources.ops_database import OpsDatabase
from resources.ops_tables import MODEL_USES, MODELS


class Models(OpsDatabase):
    """The part of ``Ops`` that is about models."""

    def record_model(self, values: Mapping[str, Any]) -> None:
        """Writes a trained model down: columns of ``ops.models``. One that is there already stays as it is."""
        query = insert(MODELS).values(**values).on_conflict_do_nothing(index_elements=["model_id"])
        with self.engine.begin() as connection:
            connection.execute(query)

    def models(self, book: str | None = None) -> list[dict[str, Any]]:
        """Every model, the latest first."""
        query = sa.select(MODELS).order_by(MODELS.c.trained_at.desc(), MODELS.c.model_id)
        if book is not None:
            query = query.where(MODELS.c.book == book)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def use_model(self, book: str, model_id: str | None, reason: str, by: str, at: datetime) -> None:
        """Puts a model into use, or (null) none. Append-only."""
        values = {"book": book, "model_id": model_id, "reason": reason, "decided_by": by, "known_at": at}
        with self.engine.begin() as connection:
            connection.execute(sa.insert(MODEL_USES).values(**values))

    def model_uses(self, book: str, as_known_on: datetime | None = None) -> list[dict[str, Any]]:
        """What was put into use in a book, oldest first."""
        query = sa.select(MODEL_USES).where(MODEL_USES.c.book == book).order_by(MODEL_USES.c.use_id)
        if as_known_on is not None:
            query = query.where(MODEL_USES.c.known_at <= as_known_on)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def model_in_use(self, book: str, as_known_on: datetime | None = None) -> dict[str, Any] | None:
        """The row of ``ops.models`` that a book uses, or null."""
        model_id = standing([use["model_id"] for use in self.model_uses(book, as_known_on)])[-1]
        return next((row for row in self.models(book) if row["model_id"] == model_id), None)
