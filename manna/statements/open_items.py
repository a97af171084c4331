"""What a reader of a statement must know before relying on it, in plain words."""

_ITEMS = {
    "uncategorized": ("transaction without a category", "transactions without a category"),
    "suggested": ("suggested category, not confirmed", "suggested categories, not confirmed"),
    "unpaired": (
        "unresolved transfer to or from an account that is not linked, neither income nor expense",
        "unresolved transfers to or from accounts that are not linked, neither income nor expense",
    ),
    "quarantined": ("row in quarantine", "rows in quarantine"),
    "unreconciled": ("account that does not reconcile", "accounts that do not reconcile"),
    "unproven": (
        "account whose opening balance nothing confirms",
        "accounts whose opening balances nothing confirms",
    ),
    "basis_unknown": ("position of unknown cost basis", "positions of unknown cost basis"),
    "untranslated": ("currency without an exchange rate", "currencies without an exchange rate"),
    "unpriced": (
        "position without a price, carried at cost",
        "positions without a price, carried at cost",
    ),
    "unlisted": ("account that its login no longer lists", "accounts that their logins no longer list"),
    "adjustments": ("adjustment of earlier periods", "adjustments of earlier periods"),
    "provisional": ("provisional amount", "provisional amounts"),
}


def open_items(**counts: int) -> str:
    """The counts that are not zero, in words, separated by ``'; '``; empty when nothing is open.

    Args:
        counts: by name of what is open: uncategorized, suggested, unpaired, quarantined, unreconciled, unproven, basis_unknown,
            untranslated, unpriced, unlisted, adjustments, provisional.

    Raises:
        ValueError: a count is negative, or of something that is not known.
    """
    unknown = sorted(counts.keys() - _ITEMS.keys())
    if unknown:
        raise ValueError(f"no such open items: {', '.join(unknown)}; there are: {', '.join(_ITEMS)}")
    if any(count < 0 for count in counts.values()):
        raise ValueError(f"counts cannot be negative: {counts}")
    stated = ((counts.get(name, 0), words) for name, words in _ITEMS.items())
    return "; ".join(f"{count:,} {words[count > 1]}" for count, words in stated if count)
