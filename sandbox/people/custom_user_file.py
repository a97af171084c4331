"""The format of Plaid's custom-user files, and the message for a file that breaks it.

Here belongs what such a file may say (`override_accounts`, as Plaid documents it; unknown fields are
ignored, `null` means absent). What is made of it belongs to `custom_users`.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Balance = Decimal | None


class PeopleError(Exception):
    """The people cannot be loaded; the message names the file, the field, and what is wrong with it."""


class _Part(BaseModel):
    """A part of the file: fields we do not serve are allowed, `null` is the same as absent."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: part for key, part in value.items() if part is not None}
        return value


class Meta(_Part):
    """Names and limit of an account."""

    name: str | None = None
    official_name: str | None = None
    limit: Balance = None
    mask: str | None = None


class CustomTransaction(_Part):
    """One row: pending from `date_transacted` on, posted from `date_posted` on; positive = money out."""

    date_transacted: date
    date_posted: date
    amount: Decimal
    description: str
    currency: str | None = None


class CustomSecurity(_Part):
    """A security, by any of its identifiers."""

    name: str | None = None
    ticker_symbol: str | None = None
    cusip: str | None = None
    isin: str | None = None
    currency: str = "USD"

    @model_validator(mode="after")
    def _is_identified(self) -> "CustomSecurity":
        if not (self.ticker_symbol or self.cusip or self.isin):
            raise ValueError("needs a ticker_symbol, cusip or isin")
        return self


class CustomHolding(_Part):
    """A position, as the institution reports it."""

    institution_price: Decimal
    institution_price_as_of: date | None = None
    cost_basis: Balance = None
    quantity: Decimal
    currency: str = "USD"
    security: CustomSecurity


class CustomInvestmentTransaction(_Part):
    """A trade; `quantity` is positive for a buy and negative for a sale."""

    date: date
    name: str
    quantity: Decimal
    price: Decimal
    fees: Decimal = Decimal("0.00")
    type: Literal["buy", "sell", "cash", "fee", "transfer"]
    currency: str = "USD"
    security: CustomSecurity | None = None


class RepaymentModel(_Part):
    """How a student loan is repaid; only `standard` exists."""

    type: str = "standard"
    non_repayment_months: int = 0
    repayment_months: int = 120


class LoanStatus(_Part):
    """A student loan's status."""

    type: str | None = None
    end_date: date | None = None


class Liability(_Part):
    """What Plaid's Liabilities product is to say of the account."""

    type: Literal["credit", "student"]
    purchase_apr: Balance = None
    cash_apr: Balance = None
    balance_transfer_apr: Balance = None
    special_apr: Balance = None
    last_payment_amount: Balance = None
    minimum_payment_amount: Balance = None
    is_overdue: bool = False
    origination_date: date | None = None
    principal: Balance = None
    nominal_apr: Balance = None
    repayment_model: RepaymentModel = Field(default_factory=RepaymentModel)
    expected_payoff_date: date | None = None
    guarantor: str | None = None
    loan_name: str | None = None
    loan_status: LoanStatus = Field(default_factory=LoanStatus)
    payment_reference_number: str | None = None
    repayment_plan_description: str | None = None
    repayment_plan_type: str | None = None
    sequence_number: str | None = None
    servicer_address: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _student_has_terms(self) -> "Liability":
        missing = [
            name for name in ("origination_date", "principal", "nominal_apr") if getattr(self, name) is None
        ]
        if self.type == "student" and missing:
            raise ValueError(f"a student loan needs {', '.join(missing)}")
        return self


class InflowModel(_Part):
    """Regular income, or regular payments of what is owed."""

    type: Literal["none", "monthly-income", "monthly-balance-payment", "monthly-interest-only-payment"]
    income_amount: Balance = None
    payment_day_of_month: int | Literal["last"] | None = None
    transaction_name: str | None = None
    statement_day_of_month: int | Literal["last"] | None = None

    @field_validator("payment_day_of_month", "statement_day_of_month", mode="before")
    @classmethod
    def _day_of_month(cls, value: Any) -> Any:
        """Plaid's document calls one a number and the other a string; both are accepted as either."""
        return int(value) if isinstance(value, str | Decimal) and str(value).isdigit() else value

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> "InflowModel":
        needed = {
            "none": (),
            "monthly-income": ("income_amount", "payment_day_of_month", "transaction_name"),
        }.get(self.type, ("payment_day_of_month", "transaction_name", "statement_day_of_month"))
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise ValueError(f"{self.type} needs {', '.join(missing)}")
        days = (self.payment_day_of_month, self.statement_day_of_month)
        if any(isinstance(day, int) and not 1 <= day <= 28 for day in days):
            raise ValueError("a day of the month is 1 to 28, or 'last'")
        return self


class OverrideAccount(_Part):
    """One account of a custom user."""

    type: Literal["investment", "credit", "depository", "loan", "payroll", "other"]
    subtype: str
    starting_balance: Balance = None
    force_available_balance: Balance = None
    has_null_available_balance: bool = False
    currency: str = "USD"
    meta: Meta = Field(default_factory=Meta)
    transactions: list[CustomTransaction] = Field(default_factory=list)
    holdings: list[CustomHolding] = Field(default_factory=list)
    investment_transactions: list[CustomInvestmentTransaction] = Field(default_factory=list)
    liability: Liability | None = None
    inflow_model: InflowModel | None = None

    @field_validator("holdings", "investment_transactions", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Plaid's document describes a single object, its examples use a list."""
        return [value] if isinstance(value, dict) else value


class CustomUserFile(_Part):
    """A whole file."""

    override_accounts: list[OverrideAccount] = Field(min_length=1)


def read_custom_user(path: Path) -> CustomUserFile | None:
    """The custom user of `path`, or None when every value in it is null (Plaid's blank template).

    Raises PeopleError naming the file and every field that is wrong.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise PeopleError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PeopleError(f"{path}: is not JSON: {error}") from error
    if not isinstance(content, dict) or "override_accounts" not in content:
        raise PeopleError(f"{path}: override_accounts is missing: not a custom user of Plaid's sandbox")
    if _is_blank(content):
        return None
    try:
        return CustomUserFile.model_validate(content)
    except ValidationError as error:
        raise PeopleError("\n".join(f"{path}: {problem}" for problem in _problems(error))) from None


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{_field_path(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _field_path(location: tuple[int | str, ...]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".")


def _is_blank(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_blank(part) for part in value.values())
    if isinstance(value, list):
        return all(_is_blank(part) for part in value)
    return value is None
