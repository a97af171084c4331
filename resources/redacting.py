"""What must not be read in a log: secrets of this installation, what looks like one, and account numbers.

What belongs here: taking them out of texts and of values with texts in them. What does not: logging (``pipelines.logs``), or what a
page shows (``manna.documents.masking``, which says what an account number looks like).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from manna.documents.masking import SECRET_KEYS, masked
from resources.settings import Settings
from resources.vault import DEMO_KEY

HIDDEN = "****"
SHORTEST, LONG = 6, 12
"""Characters. What is shorter is a word of every other sentence; what is not long may stand within another word by chance."""
_KEYS = (
    "token|secret|(?:pg)?password|passwd|authorization|client[_-]id|"
    "(?:api|secret|access|private|manna)[_-]key|former[_-]keys"
)
"""How the name of what is secret ends: alone, or after anything that is no letter (``APCA-API-SECRET-KEY``)."""
_LOOKS_SECRET = re.compile(
    r"\b(?:access|public|link|processor|asset-report)-(?:sandbox|development|production)-[\w-]+"  # Plaid's tokens
    r"|\bgAAAA[\w-]{20,}=*"  # what Fernet has sealed
    r"|(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|(?<=://)[^\s/\"<>]+(?=@)"  # user and password of an address, or a token in their place
)
# Each begins where a word does, and nowhere within it: else a long text would be gone through once per letter.
_NAMED = re.compile(
    rf"""(?i)((?<![\w-])[\w-]*(?<![a-z])(?:{_KEYS})["']?\s*[:=]\s*)("[^"]*"|'[^']*'|(?:bearer |basic )?[^\s,;&"'}}\]]+)"""
)
_NUMBERED = re.compile(rf"""(["'](?:{"|".join(sorted(SECRET_KEYS))})["']\s*:\s*)("[^"]*"|'[^']*'|\d+)""")


class Redactor:
    """Takes secrets out. Made once from the settings; a call costs microseconds."""

    def __init__(self, settings: Settings) -> None:
        known = {form for secret in _secrets(settings) for form in _forms(secret) if len(form) >= SHORTEST}
        # The longest first: one may be a part of another.
        ordered = sorted(known, key=lambda each: (-len(each), each))
        parts = [
            re.escape(each) if len(each) >= LONG else rf"(?<![^\W_]){re.escape(each)}(?![^\W_])"
            for each in ordered
        ]
        self._known = re.compile("|".join(parts)) if ordered else None

    def text(self, text: str) -> str:
        """``text`` without secrets, and with account numbers as ``••••1234``."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        text = _LOOKS_SECRET.sub(HIDDEN, text)
        text = _NAMED.sub(rf"\g<1>{HIDDEN}", text)
        return masked(_NUMBERED.sub(rf'\g<1>"{HIDDEN}"', text))

    def value(self, value: Any, name: str = "") -> Any:
        """The same of a value that may be of any type; what is of no simple one becomes its text."""
        if name in SECRET_KEYS or re.fullmatch(rf"(?i)(?:.*[_-])?(?:{_KEYS})", name):
            return HIDDEN
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, dict):
            return {str(key): self.value(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        text = self.text(str(value))
        return value if isinstance(value, int) and text == str(value) else text


def _secrets(settings: Settings) -> Iterator[str]:
    """Every secret of this installation: of the settings, in addresses, and the demo's key."""
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        if isinstance(value, SecretStr):
            yield from value.get_secret_value().split()
    if settings.postgres_url:
        yield urlsplit(settings.postgres_url).password or ""
        yield from re.findall(r"password=([^&\s]+)", settings.postgres_url)
    for address in f"{settings.notify_urls} {settings.notify_critical_urls}".split():
        yield address
        # A part may be a token, wherever it stands; one with a full stop is a host's name.
        yield from (part for part in re.split(r"[/:@?&=]+", address)[1:] if "." not in part)
    key = Path(settings.data_dir / DEMO_KEY)
    if key.is_file():
        yield key.read_text(encoding="ascii").strip()


def _forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, in an address, in JSON, in a representation."""
    return {secret, quote(secret, safe=""), unquote(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
