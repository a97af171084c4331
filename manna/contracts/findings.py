"""Stage ``clean``, of what looks wrong: findings across rows, days and tables.

What belongs here: the table of findings. What does not: finding anything (``manna.validating``).
"""

from manna.contracts.clean import CURRENCY
from manna.contracts.declaration import Column, Contract, Kind

SEVERITIES = ("info", "warning", "critical")
FINDING_KINDS = (
    "balance_jump",
    "history_gap",
    "stale_connection",
    "stale_balance",
    "possible_duplicate",
    "doubled_account",
    "unlisted_row",
    "unlisted_history",
    "missing_price",
    "price_jump",
    "split_unknown",
    "split_without_jump",
    "split_told_twice",
    "split_not_applied",
    "split_applied_twice",
)
MARKET = "market"
"""The book of a finding about a symbol that nobody holds."""

FINDINGS = Contract(
    "clean",
    "findings",
    "What looks wrong although every row keeps its contract: for people to look at; nothing is changed by it.",
    (
        Column("finding_id", Kind.TEXT, "derived from book, kind, subject, days and rows"),
        Column("book", Kind.TEXT, f"the book it concerns; `{MARKET}`: a symbol that nobody holds"),
        Column("kind", Kind.TEXT, "what looks wrong", allowed=FINDING_KINDS),
        Column(
            "severity",
            Kind.TEXT,
            "info is explained or small; a warning wants a look; critical figures are wrong if it is true",
            allowed=SEVERITIES,
        ),
        Column("subject", Kind.TEXT, "id of the account, connection or symbol"),
        Column("since", Kind.DATE, "first day it concerns"),
        Column("until", Kind.DATE, "last day it concerns"),
        Column("amount", Kind.MONEY, "money at stake, positive; null where it cannot be told", nullable=True),
        Column("currency", Kind.TEXT, "of the amount", nullable=True, pattern=CURRENCY),
        Column("message", Kind.TEXT, "what was found, for people"),
        Column("row_ids", Kind.TEXT, "keys of the rows it rests on, separated by commas"),
    ),
    key=("finding_id",),
)

TABLES = (FINDINGS,)
