"""Stage ``clean``, continued: how far what we know of each account reaches.

What belongs here: that table. What does not: tables of what a provider said (``clean``).
"""

from manna.contracts.declaration import Column, Contract, Kind

COVERAGE = Contract(
    "clean",
    "coverage",
    "Up to which day every row of an account is known, and whether its past has been told in full.",
    (
        Column("account_id", Kind.TEXT, "the account", references="clean.accounts"),
        Column("book", Kind.TEXT, "the book it belongs to"),
        Column("connection_id", Kind.TEXT, "the login it comes through; of several the latest"),
        Column("listed", Kind.BOOLEAN, "the login still lists it"),
        Column(
            "complete_through",
            Kind.DATE,
            "the last day on which its provider answered with what the institution said that day; null: never",
            nullable=True,
        ),
        Column("provisional", Kind.BOOLEAN, "the provider has not told all of the login's past yet"),
    ),
    key=("account_id",),
)

TABLES = (COVERAGE,)
