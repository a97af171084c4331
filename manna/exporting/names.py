"""Names as other programs allow them: accounts, commodities, descriptions.

What belongs here: what each language forbids. What does not: the lines of a file (``plain_text``).
"""

import re
from collections.abc import Callable, Iterable

_FORBIDDEN = re.compile(r"[;\x00-\x1f\x7f]")
_SPACES = re.compile(r"\s+")


def unique(names: Iterable[str], make: Callable[[str], str]) -> dict[str, str]:
    """What ``make`` makes of each name; where two become one, the later ones (by the alphabet) get a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names)):
        wanted = made = make(name)
        number = 2
        while made in taken:
            made, number = f"{wanted}-{number}", number + 1
        taken.add(made)
        found[name] = made
    return found


def beancount_account(path: str) -> str:
    """Letters, digits and hyphens; every part begins with a capital or a digit."""
    root, *parts = path.split(":")
    return ":".join([root, *(_beancount_part(part) for part in parts)])


def _beancount_part(part: str) -> str:
    # By its own letters: an apostrophe joins ("Owner's" is "Owners"), anything else separates.
    text = re.sub(r"['’()]", "", part)
    text = re.sub(r"[^A-Za-z0-9]+", "-", text.encode("ascii", "ignore").decode()).strip("-")
    return text[:1].upper() + text[1:] or "Other"


def beancount_commodity(symbol: str) -> str:
    """Capitals, digits and ``'._-``, 24 at most, beginning and ending with a capital or a digit, the first a capital."""
    text = re.sub(r"[^A-Z0-9._-]+", "-", symbol.upper())[:24].strip("._-")
    text = text if text[:1].isalpha() else f"X{text}"[:24].rstrip("._-")
    return text if len(text) > 1 else f"{text}X"


def ledger_account(path: str) -> str:
    """Two spaces would end it, a semicolon begin a comment."""
    return ":".join(plain(part) for part in path.split(":"))


def ledger_commodity(symbol: str) -> str:
    """In quotes, unless it is letters only."""
    return symbol if symbol.isalpha() and symbol.isascii() else f'"{plain(symbol).replace(chr(34), "")}"'


def plain(text: str) -> str:
    """One line without semicolons; a beginning that means something in a journal is set off by a hyphen."""
    text = _SPACES.sub(" ", _FORBIDDEN.sub(" ", text)).strip() or "-"
    return f"- {text}" if text[0] in "(*!=~@" else text
