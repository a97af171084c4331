"""What statements are made from beside postings and valuations.

What belongs here: those frames, each empty where nobody has any. What does not: what is made of them.
"""

from dataclasses import dataclass, field

import polars as pl

from manna.contracts.closings import ADJUSTMENTS
from manna.contracts.ledger import JOURNAL
from manna.contracts.tax import TAXABLE_GAINS


def _no_merchants() -> pl.DataFrame:
    return pl.DataFrame(schema={"entry_id": pl.String(), "merchant": pl.String()})


@dataclass(frozen=True, slots=True)
class Sources:
    """Further facts of one book.

    Attributes:
        journal: of ``ledger.journal`` at least the entries of kind ``adjusting``.
        gains: ``ledger.taxable_gains``.
        merchants: ``entry_id, merchant``: who was paid, where that is known.
        adjustments: ``ledger.adjustments``.
    """

    journal: pl.DataFrame = field(default_factory=JOURNAL.empty)
    gains: pl.DataFrame = field(default_factory=TAXABLE_GAINS.empty)
    merchants: pl.DataFrame = field(default_factory=_no_merchants)
    adjustments: pl.DataFrame = field(default_factory=ADJUSTMENTS.empty)
