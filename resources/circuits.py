"""How the circuit breakers stand: the statements on ``ops.circuits``.

What belongs here: reading them. What does not: what one does (``resources.breaker``, which only those who ask a provider import).
"""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from resources.ops_database import OpsDatabase
from resources.ops_tables import CIRCUITS

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"
"""pybreaker's own words for these states."""

if TYPE_CHECKING:
    from resources.breaker import Circuit


class Circuits(OpsDatabase):
    """The part of ``Ops`` that is about circuit breakers."""

    def circuit(self, name: str) -> "Circuit":
        """The circuit breaker of this name, as it stands now."""
        from resources.breaker import Circuit  # pybreaker takes 0.07 s to import

        return Circuit(self.engine, name)

    def try_again(self) -> None:
        """Lets every open circuit be tried at once, without its pause: somebody is here and asks for it."""
        asked = sa.update(CIRCUITS).where(CIRCUITS.c.state == OPEN).values(state=HALF_OPEN)
        with self.engine.begin() as connection:
            connection.execute(asked)

    def silent_providers(self) -> list[dict[str, Any]]:
        """The circuit breakers that are not closed: nobody answered there, and nobody has since."""
        return [row for row in self.circuits() if row["state"] != CLOSED]

    def circuits(self) -> list[dict[str, Any]]:
        """Every circuit breaker that has ever counted a failure: name, state, failures, opened_at, reason."""
        with self.engine.connect() as connection:
            query = sa.select(CIRCUITS).order_by(CIRCUITS.c.name)
            return [dict(row) for row in connection.execute(query).mappings()]
