"""Numbers of accounts and cards, hidden but for their last four digits, in texts that a page shows.

What belongs here: what counts as such a number. What does not: a page. Ids of providers stay: they open nothing.
"""

import json
import re
from typing import Any

_HIDDEN = "••••"
# A card or account number as banks write it into descriptions: digits alone, or in groups with blanks or hyphens. Not
# within a longer word (an id), nor before two colons (Alpaca's ids begin with a moment).
_NUMBER = re.compile(r"(?<![\w.,-])(?:\d{8,19}|\d{4}(?:[ -]\d{4}){2,3}(?:[ -]\d{1,3})?)(?!\w|::|[.,-]\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
SECRET_KEYS = {
    "account",
    "account_number",
    "routing",
    "routing_number",
    "wire_routing",
    "iban",
    "bban",
    "sort_code",
    "ssn",
}
"""Keys of payloads whose value is such a number, whatever it looks like."""


def masked(text: str) -> str:
    """``text`` with every account number as ``••••1234``."""
    return _NUMBER.sub(_last_four, _IBAN.sub(_last_four, text))


def masked_payload(payload: str) -> str:
    """A JSON payload, indented, its texts masked; what is no JSON is masked as a text."""
    try:
        return json.dumps(_masked(json.loads(payload)), indent=1, ensure_ascii=False)
    except ValueError:
        return masked(payload)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {
            key: f"{_HIDDEN}{str(item)[-4:]}"
            if key in SECRET_KEYS and isinstance(item, str | int) and item != ""
            else _masked(item)
            for key, item in value.items()
        }
    return value


def _last_four(found: re.Match[str]) -> str:
    return f"{_HIDDEN}{''.join(filter(str.isalnum, found.group()))[-4:]}"
