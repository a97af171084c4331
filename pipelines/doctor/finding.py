"""One thing that was looked at, and how it is.

What belongs here: its shape, and how bad is bad. What does not: looking.
"""

from dataclasses import dataclass

FINE, WARNING, BROKEN = "fine", "warning", "broken"
EXIT_CODES = {FINE: 0, WARNING: 1, BROKEN: 2}
"""Those of monitoring plugins (Nagios, Icinga, Checkmk): OK, WARNING, CRITICAL."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what, how it is (one of :data:`EXIT_CODES`), in words, and what mends it."""

    what: str
    status: str
    finding: str
    remedy: str = ""
