"""How much two accounts, or two descriptions, look like one and the same.

What belongs here: comparing two things that a bank said. What does not: what follows from it (``identity``,
``relinking``, ``succession``).
"""

import re
from dataclasses import dataclass
from decimal import Decimal

import msgspec

SAME, PERHAPS, RENUMBERED, OTHER = "same", "perhaps", "renumbered", "other"

SIMILAR = 0.5
"""Descriptions from here on are taken for the same purchase, given that account, days and amount agree."""
MOST_DAYS = 14
"""So long after it was made a purchase may still post, or be dated otherwise."""
LARGEST_CHANGE = Decimal("0.30")
"""A tip, a tank filled after a deposit: so much the amount may change, as a part of the former one."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_SHORTEST_STEM = 4
_NOISE = frozenset({
    "ach", "auth", "authorization", "card", "checkcard", "com", "debit", "for", "from", "inc", "llc", "of",
    "online", "payment", "paypal", "pending", "pos", "pp", "ppd", "purchase", "recurring", "sq", "sqc", "the",
    "to", "tst", "visa", "web", "www",
})  # fmt: skip
"""Words that say how a purchase was made, not where."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """By what an account may be recognised. Anything may be unknown."""

    type: str | None
    subtype: str | None
    mask: str | None
    name: str | None
    currency: str | None
    persistent_id: str | None


def read_evidence(payload: str) -> Evidence | None:
    """What the payload of a Plaid account says; null where it cannot be read."""
    try:
        sent = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(sent, dict):
        return None
    balances = sent.get("balances")
    money = balances if isinstance(balances, dict) else {}
    told = [sent.get(name) for name in ("type", "subtype", "mask", "name")]
    told.append(money.get("iso_currency_code") or money.get("unofficial_currency_code"))
    told.append(sent.get("persistent_account_id"))
    return Evidence(*(value if isinstance(value, str) and value else None for value in told))


def resemblance(former: Evidence, later: Evidence) -> str:
    """How much two accounts of different logins at one institution look like the same one.

    ``same``: equal persistent ids; or equal mask, type and subtype. ``perhaps``: an equal mask with another
    subtype, or a mask missing where the subtypes are equal. ``renumbered``: another mask, but equal name and
    subtype (a card that was replaced). ``other``: different persistent ids, types or currencies, or the rest.
    """
    if former.type is None or former.type != later.type:
        return OTHER
    if former.persistent_id and later.persistent_id:
        return SAME if former.persistent_id == later.persistent_id else OTHER
    if former.currency and later.currency and former.currency != later.currency:
        return OTHER
    same_subtype = former.subtype == later.subtype
    if not former.mask or not later.mask:
        return PERHAPS if same_subtype else OTHER
    if former.mask == later.mask:
        return SAME if same_subtype else PERHAPS
    return RENUMBERED if same_subtype and former.name and former.name == later.name else OTHER


def similarity(one: str, other: str) -> float:
    """How alike two descriptions are, 0 to 1: the part of the shorter one's words that the longer one has.

    A pending row says little ("SQ *BLUE BOTTLE") and the posted one more ("BLUE BOTTLE COFFEE #0042 OAKLAND
    CA"), so what the longer one adds does not count. Numbers, single letters and words for the way of paying
    are passed over; a word that is cut off counts as the whole from four letters on. Texts without any
    word are alike when they are equal.
    """
    fewer, more = sorted((_words(one), _words(other)), key=len)
    if not fewer:
        return float(one.casefold().split() == other.casefold().split())
    found = sum(any(_is_same_word(word, another) for another in more) for word in fewer)
    return found / len(fewer)


def _words(text: str) -> list[str]:
    words = dict.fromkeys(_WORD.findall(text.casefold()))
    return [word for word in words if word not in _NOISE] or list(words)


def _is_same_word(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) if len(shorter) >= _SHORTEST_STEM else one == other
