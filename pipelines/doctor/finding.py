"""One thing that was looked at, and how it is.

What belongs here: its shape, how bad is bad, and what becomes of a look that cannot be had. What does not: looking.
"""

from collections.abc import Callable, Iterator
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


def guarded(what: str, remedy: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What ``look`` finds. Whatever keeps it from looking is a finding too, and the looks after it are had all the same."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001  see above
        said = str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__]
        yield Finding(what, BROKEN, said[0], remedy)
