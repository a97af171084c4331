"""The seal of a page: a comment at its end that says what the page was made from, and that it is whole.

What belongs here: putting a seal on and reading it. What does not: what a page is made from (who makes it
knows), or files.

Making a page takes fifty times as long as reading it. Whoever makes pages every night asks the seal first:
a page that was made from the same facts by the same templates, and has not been touched since, stays.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

_TEMPLATES = Path(__file__).parent / "templates"
_SEAL = re.compile(rb"<!-- sealed ([0-9a-f]{64}) ([0-9a-f]{64}) -->\n\Z")


def seal_of(*facts: object) -> str:
    """A hash (hex) of all that a page is made from: ``facts`` by their ``repr``, and the templates."""
    return hashlib.sha256("\0".join([_templates(), *map(repr, facts)]).encode()).hexdigest()


def sealed(page: str, seal: str) -> str:
    """``page`` with ``seal``, as :func:`seal_of` gives it, and the hash of the page at its end."""
    whole = page if page.endswith("\n") else f"{page}\n"
    return f"{whole}<!-- sealed {seal} {hashlib.sha256(whole.encode()).hexdigest()} -->\n"


def seal_on(content: bytes) -> str | None:
    """The seal of a page; None where there is none, or the page is not as it was when it was sealed."""
    found = _SEAL.search(content)
    if found is None or hashlib.sha256(content[: found.start()]).hexdigest().encode() != found[2]:
        return None
    return found[1].decode()


@cache
def _templates() -> str:
    """One hash of all templates."""
    digest = hashlib.sha256()
    for file in sorted(_TEMPLATES.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
