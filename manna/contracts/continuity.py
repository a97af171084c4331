"""Stage ``clean``, continued: what is one and the same, though the provider gave it another id.

What belongs here: the tables of what follows from comparing rows with each other. What does not: tables of
what a provider said (``clean``).
"""

from manna.contracts.declaration import Column, Contract, Kind

HOW = ("provider", "same_amount", "changed_amount", "relinked")

SUCCESSIONS = Contract(
    "clean",
    "successions",
    "Which transaction took the place of which: a posted row of its pending one, a row sent again through a "
    "later login. What a person decided on a row follows to its successor where that is certain.",
    (
        Column("predecessor_id", Kind.TEXT, "clean.transactions: the row that was there before"),
        Column("successor_id", Kind.TEXT, "clean.transactions: the row that took its place"),
        Column("book", Kind.TEXT, "the book both belong to"),
        Column("account_id", Kind.TEXT, "clean.accounts, of both"),
        Column("how", Kind.TEXT, "how we know", allowed=HOW),
        Column("certain", Kind.BOOLEAN, "decisions are carried over; else it is proposed to a person"),
        Column("reason", Kind.TEXT, "why, in words"),
    ),
    key=("predecessor_id",),
)

ACCOUNT_QUESTIONS = Contract(
    "clean",
    "account_questions",
    "Accounts of a new login that may continue one of a former login, but not certainly. Until a person "
    "answers (`manna accounts`), such an account and all its rows are in quarantine.",
    (
        Column("account_id", Kind.TEXT, "the provider's id of the later account"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("connection_id", Kind.TEXT, "the later login"),
        Column("institution", Kind.TEXT, "the bank or broker"),
        Column("name", Kind.TEXT, "the name the institution gives", nullable=True),
        Column("mask", Kind.TEXT, "last digits of the number", nullable=True),
        Column("candidates", Kind.TEXT, "accounts it may continue (clean.accounts), separated by commas"),
        Column("reason", Kind.TEXT, "why it is not certain"),
    ),
    key=("account_id",),
)

TABLES = (SUCCESSIONS, ACCOUNT_QUESTIONS)
