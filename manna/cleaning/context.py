"""What the cleaning knows beside the payloads, and what was known of all that on a past moment.

What belongs here: that. What does not: any table (``tables``, ``accounts``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from manna.cleaning.identity import Decision, Status

Raw = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Context:
    """What payloads do not say: time zones of books, institutions of connections, what people decided.

    ``decisions`` (on accounts) and ``statuses`` (of connections) are facts with a moment, oldest first.
    """

    zones: Mapping[str, str]
    institutions: Mapping[str, str]
    decisions: Sequence[Decision] = ()
    statuses: Sequence[Status] = ()


def known_by(moment: datetime, raw: Raw, context: Context) -> tuple[Raw, Context]:
    """What was known on ``moment``: every fact with a later moment is left out.

    Zones and institutions have no moment: a book's zone comes from its file, and of a connection that was
    linked later there are no rows.
    """
    return (
        {name: frame.filter(pl.col("known_at") <= moment) for name, frame in raw.items()},
        replace(
            context,
            decisions=[decision for decision in context.decisions if decision.known_at <= moment],
            statuses=[status for status in context.statuses if status.at <= moment],
        ),
    )
