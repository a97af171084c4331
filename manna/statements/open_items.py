"""What a reader of a statement must know before relying on it, in plain words."""

_ITEMS = {
    "uncategorized": ("transaction without a category", "transactions without a category"),
    "quarantined": ("row in quarantine", "rows in quarantine"),
    "unreconciled": ("account that does not reconcile", "accounts that do not reconcile"),
    "basis_unknown": ("position of unknown cost basis", "positions of unknown cost basis"),
    "unpriced": (
        "position without a price, carried at cost",
        "positions without a price, carried at cost",
    ),
    "unlisted": ("account that its login no longer lists", "accounts that their logins no longer list"),
    "provisional": ("provisional amount", "provisional amounts"),
}


def open_items(
    *,
    uncategorized: int = 0,
    quarantined: int = 0,
    unreconciled: int = 0,
    basis_unknown: int = 0,
    unpriced: int = 0,
    unlisted: int = 0,
    provisional: int = 0,
) -> str:
    """The counts that are not zero, in words, separated by ``'; '``; empty when nothing is open.

    Raises:
        ValueError: a count is negative.
    """
    counts = {
        "uncategorized": uncategorized,
        "quarantined": quarantined,
        "unreconciled": unreconciled,
        "basis_unknown": basis_unknown,
        "unpriced": unpriced,
        "unlisted": unlisted,
        "provisional": provisional,
    }
    if any(count < 0 for count in counts.values()):
        raise ValueError(f"counts cannot be negative: {counts}")
    return "; ".join(f"{count:,} {_ITEMS[name][count > 1]}" for name, count in counts.items() if count)
