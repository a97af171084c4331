"""How a tear sheet writes names, days and plain numbers.

What belongs here: text that its drawings and its tables share. What does not: rates (:mod:`curves`), amounts and dates
(:mod:`numerals`).
"""

from datetime import date
from typing import Any

from manna.documents.numerals import MINUS

Document = dict[str, Any]
"""What ``manna.portfolio.tear_sheet`` makes."""


def called(name: str) -> str:
    """Money is called that."""
    if name.startswith("CUR:"):
        return f"Cash, {name.removeprefix('CUR:')}"
    return name[:1].upper() + name[1:]


def plain(value: float | None) -> str:
    """Two decimals and a true minus; an unknown one is an en dash."""
    return "\N{EN DASH}" if value is None else f"{MINUS if value < 0 else ''}{abs(value):.2f}"


def day_of(text: str) -> date:
    """A day as JSON has it."""
    return date.fromisoformat(text)
