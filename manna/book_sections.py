"""Sections of a book's file that are about its bookkeeping: the chart of accounts.

What belongs here: their shape, and what all sections share. What does not: the book as a whole (:mod:`manna.books`), or
what follows from a section (:mod:`manna.ledger`).
"""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from manna.tax_forms import form_and_line

CHART_PATTERN = r"^(Assets|Liabilities|Equity|Income|Expenses)(:[^:\n]+)+$"
ChartAccount = Annotated[str, Field(pattern=CHART_PATTERN)]
Ratio = Annotated[Decimal, Field(ge=0, le=1)]


class Section(BaseModel):
    """Frozen, and an unknown key is a mistake, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChartSetting(Section):
    """What a book says of one account of its chart, and so of all accounts below it.

    ``tax_line`` is written as ``Schedule C 27b``, or ``none`` where an account is on no form although the one above it
    is. What is not said is as for the account above.
    """

    account: ChartAccount
    name: str | None = None
    description: str | None = None
    tax_line: str | None = None

    @field_validator("tax_line")
    @classmethod
    def _is_a_line(cls, text: str | None) -> str | None:
        if text is not None:
            form_and_line(text)
        return text
