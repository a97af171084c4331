"""Sections of a book's file that are about its bookkeeping: the chart of accounts, things with dated values,
loans, deposits and shared spending.

What belongs here: their shape, and what all sections share. What does not: the book as a whole (:mod:`manna.books`), or
what follows from a section (:mod:`manna.ledger`).
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from manna.tax_forms import form_and_line

CHART_PATTERN = r"^(Assets|Liabilities|Equity|Income|Expenses)(:[^:\n]+)+$"
ChartAccount = Annotated[str, Field(pattern=CHART_PATTERN)]
Ratio = Annotated[Decimal, Field(ge=0, le=1)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Money = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4)]
"""An amount without a sign."""


def _compiles(pattern: str) -> str:
    """``pattern``, if the engine that will use it takes it: Rust's expressions have no look-around."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        raise ValueError(f"not a regular expression: {' '.join(str(error).split())}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression; it matches any case, anywhere."""


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


class Valued(Section):
    """A house, a car or anything else that no feed knows, or a debt that is not linked, with what it was worth by day.

    A debt's values are what was owed, without a sign. ``cost`` is what the thing was bought for; else its first value.
    """

    account: ChartAccount
    kind: Literal["house", "car", "other", "debt"]
    currency: Currency | None = None
    cost: Money | None = None
    values: Annotated[dict[date, Money], Field(min_length=1)]

    @model_validator(mode="after")
    def _stands_where_it_belongs(self) -> "Valued":
        wanted = "Liabilities" if self.kind == "debt" else "Assets"
        if not self.account.startswith(f"{wanted}:"):
            raise ValueError(f"a {self.kind} belongs below {wanted}, not in {self.account}")
        if self.kind == "debt" and self.cost is not None:
            raise ValueError("a debt has no cost; leave it out")
        return self


class LoanSetting(Section):
    """What a book says of a linked loan of which its lender tells balances alone.

    ``account`` is its id, name or last digits. The schedule: ``rate`` in percent a year, and ``payment`` (principal and
    interest of one month) or ``principal`` and ``term`` (months) from which it follows; ``escrow`` is paid on top.
    """

    account: str
    payments: Pattern | None = None
    rate: Annotated[Decimal, Field(ge=0, lt=100)] | None = None
    payment: Money | None = None
    principal: Money | None = None
    term: Annotated[int, Field(ge=1, le=600)] | None = None
    escrow: Money | None = None
    interest_account: ChartAccount | None = None
    escrow_pays: ChartAccount | None = None

    @model_validator(mode="after")
    def _is_a_schedule(self) -> "LoanSetting":
        if (self.principal is None) != (self.term is None):
            raise ValueError("principal and term belong together")
        if self.rate is None and (self.payment is not None or self.principal is not None):
            raise ValueError("a schedule needs its rate, in percent a year")
        return self


class Deposit(Section):
    """Sales that arrive less a processor's fee, or with sales tax in them: rows of income that meet the conditions.

    ``fee`` is the part of the gross amount that the processor keeps, ``sales_tax`` the rate on the price before tax.
    """

    description: Pattern | None = None
    category: ChartAccount = "Income:Sales"
    fee: Annotated[Decimal, Field(gt=0, lt=1)] | None = None
    fee_account: ChartAccount = "Expenses:Fees:Processing"
    sales_tax: Annotated[Decimal, Field(gt=0, lt=1)] | None = None
    sales_tax_account: ChartAccount = "Liabilities:Taxes:Sales Tax"

    @model_validator(mode="after")
    def _divides_something(self) -> "Deposit":
        if self.fee is None and self.sales_tax is None:
            raise ValueError("say fee, sales_tax, or both")
        if not self.category.startswith("Income:"):
            raise ValueError(f"a deposit is income, not {self.category}")
        return self


class Shared(Section):
    """Spending paid from this book that is another book's of the same taxpayer, wholly or by a share.

    Business spending on a personal card, a telephone used for both, or personal spending on a business card. Rows of the
    expense account ``account`` (or below) whose description matches; ``booked_as`` is the other book's account.
    """

    account: ChartAccount
    book: str
    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)
    description: Pattern | None = None
    booked_as: ChartAccount | None = None

    @model_validator(mode="after")
    def _is_spending(self) -> "Shared":
        for account in (self.account, self.booked_as or self.account):
            if not account.startswith("Expenses:"):
                raise ValueError(f"what is shared is an expense, not {account}")
        return self
