"""The owner's draws: money that leaves the studio's book and enters the household's.

Here belongs what both books must agree on, and nothing else.
"""

from datetime import date
from decimal import Decimal

from sandbox.people.calendar import falls_due

DRAW_DAY = 15


def owner_draw(day: date) -> Decimal | None:
    """What Ana takes out of her studio on `day` in USD, or None. The household receives it a day later."""
    if not falls_due(day, DRAW_DAY):
        return None
    return Decimal("3600.00") if day.month == 12 else Decimal("2400.00")
