"""The bundle's README: what is in it, how far it can be trusted, and how to check it.

What belongs here: that text. What does not: the files.
"""

from collections.abc import Sequence

from manna.documents.cover import Cover

_FOLDERS = {
    "statements.pdf": "the year's statements, for reading and printing",
    "statements.xlsx": "the same as a workbook: real numbers, totals as formulas",
    "statements/": "every line of every statement of every month (CSV and Parquet)",
    "months/": "each month's statements as they were published",
    "ledger/": "general ledger and journal of the year, and the reconciliation with banks and brokers",
    "tax/": "realized gains, lots, and wash sales where there are any; tax reports restated after the year was closed",
    "plain-text/": "all entries of the book for beancount, hledger and ledger",
    "open-items.csv": "what is incomplete, provisional or undecided, month by month",
    "manifest.json": "SHA-256 of every file, the snapshot and the version it was made with",
    "manifest.sig": "the signature over manifest.json (Ed25519)",
    "public-key.pem": "the key it can be checked with",
}


def readme(cover: Cover, names: Sequence[str], fingerprint: str) -> str:
    """The text; ``names`` are the bundle's files without this one and the seals."""
    facts = [f"  {name + ':':18}{said}" for name, said in cover.facts]
    warned = [f"  ! {warning}" for warning in cover.warnings]
    items = [f"  - {item}" for item in cover.open_items] or ["  None."]
    kept = {name: said for name, said in _FOLDERS.items() if _is_there(name, names)}
    listed = [f"  {name:18}{said}" for name, said in kept.items()]
    return "\n".join(
        [
            f"{cover.book.name}: the books of {cover.span.label}",
            "",
            *facts,
            *warned,
            "",
            "What is in it",
            *listed,
            "",
            "Amounts of statements are positive in their usual direction; in the journal positive is debit. Amounts are",
            "at cost unless a heading says otherwise. A text that a spreadsheet would take for a formula has an",
            "apostrophe before it in the CSV files.",
            "",
            "Open items",
            *items,
            "",
            "How to check it",
            "  manna verify FILE.zip --public-key KEY.pem",
            "or without Manna, in the unpacked folder:",
            "  openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in manifest.json -sigfile manifest.sig",
            "and compare the SHA-256 of each file with manifest.json. Take KEY.pem from the sender, not from here; or ask",
            "the sender for the fingerprint of public-key.pem (SHA-256 of the key's 32 bytes), which should be",
            f"  {fingerprint}",
            "",
        ]
    )


def _is_there(name: str, names: Sequence[str]) -> bool:
    sealed = name in ("manifest.json", "manifest.sig", "public-key.pem")
    return sealed or any(other == name or (other.startswith(name) and name.endswith("/")) for other in names)
