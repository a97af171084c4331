"""Stage ``ledger``, for tax: realized gains as the law counts them, beside what the books say.

What belongs here: tables that tax law makes of the books. What does not: the books (:mod:`ledger`).
"""

from manna.contracts.declaration import Column, Contract, Kind
from manna.contracts.ledger import TERMS

BOXES = (*"ABCDEFGHIJKL", "unassigned")
"""Of Form 8949 for 2025: A to C short term and D to F long term; of digital assets G to I and J to L. The first of each three is for sales
of which a 1099 told the basis to the IRS, the second for those of which it did not, the third for those on no 1099."""

VARIOUS, INHERITED = "VARIOUS", "INHERITED"
"""What the instructions of Form 8949 have in column (b) where that is no day."""

ACQUIRED_HOW = Column(
    "acquired_how",
    Kind.TEXT,
    "what stands in column (b) in place of a day: VARIOUS for units bought on several days that have one pooled cost, "
    "INHERITED where the book's file says so; null where the day stands there or nothing is known",
    nullable=True,
    allowed=(VARIOUS, INHERITED),
)

TAXABLE_GAINS = Contract(
    "ledger",
    "taxable_gains",
    "Realized gains as tax counts them, laid out like Form 8949: a row per sale, lot and holding period, after the "
    "wash sales of all books of the taxpayer and spouse. An overlay: no journal entry is made of it.",
    (
        Column("part_id", Kind.TEXT, "ledger.gains and the number of the part"),
        Column("book", Kind.TEXT, "the book"),
        Column("gain_id", Kind.TEXT, "ledger.gains"),
        Column("account_id", Kind.TEXT, "clean.accounts"),
        Column("security_id", Kind.TEXT, "clean.securities"),
        Column("lot_id", Kind.TEXT, "ledger.lots"),
        Column("description", Kind.TEXT, "column (a): what was sold, e.g. 100 sh. ABC"),
        Column("acquired", Kind.DATE, "column (b); null where the day is not known", nullable=True),
        ACQUIRED_HOW,
        Column("held_since", Kind.DATE, "acquired, or earlier where it replaced what was sold at a loss"),
        Column("sold", Kind.DATE, "column (c)"),
        Column("quantity", Kind.QUANTITY, "sold; zero for a return of capital beyond the basis"),
        Column("proceeds", Kind.MONEY, "column (d), after fees"),
        Column("cost", Kind.MONEY, "what the books say it cost; null = unknown", nullable=True),
        Column("basis", Kind.MONEY, "column (e): cost, and the losses that were added to it", nullable=True),
        Column("code", Kind.TEXT, "column (f): W for a wash sale, else empty", allowed=("", "W")),
        Column("adjustment", Kind.MONEY, "column (g): the part of the loss that does not count, positive"),
        Column("gain", Kind.MONEY, "column (h): proceeds - basis + adjustment", nullable=True),
        Column("term", Kind.TEXT, "held over one year or not", allowed=TERMS),
        Column("box", Kind.TEXT, "box of the form, as a 1099-B says; else unassigned", allowed=BOXES),
        Column(
            "provisional", Kind.BOOLEAN, "a purchase within 30 days of the sale could still disallow more"
        ),
        Column(
            "lost", Kind.MONEY, "part of adjustment that no basis takes up: replaced in a sheltered account"
        ),
        Column("replaced_by", Kind.TEXT, "the lots that replaced it, comma separated"),
        Column("currency", Kind.TEXT, "of all amounts"),
    ),
    key=("part_id",),
)

TABLES = (TAXABLE_GAINS,)
