"""A book: one household or firm, as its YAML file describes it.

What belongs here: the shape of that file, its defaults, and every complaint about it. What does not:
reading the file (``resources/books.py``) or acting on it.
"""

import hashlib
import json
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator, model_validator

from manna.backtest_settings import BacktestName, BacktestSetting
from manna.book_sections import (
    ChartAccount,
    ChartSetting,
    Deposit,
    LoanSetting,
    Pattern,
    Section,
    Shared,
    Valued,
)
from manna.investment_settings import Investments, sameness
from manna.performance_settings import Performance
from manna.rebalancing.targets import Targets
from manna.trading.settings import Trading

__all__ = [
    "AccountSetting",
    "AmountRange",
    "Book",
    "DaysOfMonth",
    "Rule",
    "Targets",
    "Thresholds",
    "complaints",
    "document_hash",
    "document_of",
]

_Said = TypeVar("_Said", ChartSetting, Valued, LoanSetting)


class AccountSetting(Section):
    """Where a provider's account stands in the chart. Every given condition must match."""

    institution: str | None = None
    name: str | None = None
    mask: str | None = None
    account: ChartAccount

    @model_validator(mode="after")
    def _says_which(self) -> "AccountSetting":
        if self.institution is None and self.name is None and self.mask is None:
            raise ValueError("say which account is meant: institution, name or mask")
        return self


class AmountRange(Section):
    """Of the amount without its sign, in the transaction's currency; both ends included."""

    at_least: Decimal | None = None
    at_most: Decimal | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> "AmountRange":
        low, high = self.at_least, self.at_most
        if low is None and high is None:
            raise ValueError("say at_least, at_most, or both")
        if low is not None and high is not None and low > high:
            raise ValueError(f"at_least {low} is more than at_most {high}")
        return self


class DaysOfMonth(Section):
    """Both ends included. ``{first: 28, last: 3}`` goes over the end of the month."""

    first: Annotated[int, Field(ge=1, le=31)]
    last: Annotated[int, Field(ge=1, le=31)]


class Rule(Section):
    """Category for transactions that meet every given condition; expressions match any case, anywhere."""

    category: ChartAccount
    description: Pattern | None = None
    counterparty: Pattern | None = None
    account: str | None = None
    amount: AmountRange | None = None
    sign: Literal["in", "out"] | None = None
    day: DaysOfMonth | None = None

    @model_validator(mode="after")
    def _has_a_condition(self) -> "Rule":
        if not self.conditions:
            raise ValueError("a rule without a condition would decide everything")
        return self

    @property
    def conditions(self) -> dict[str, Any]:
        """What is asked of a transaction, as written in the file."""
        return self.model_dump(mode="json", exclude={"category"}, exclude_none=True)

    @property
    def wording(self) -> str:
        """The rule in one line, for people."""
        said = []
        for name, value in self.conditions.items():
            inner = (
                " ".join(f"{key.replace('_', ' ')} {v}" for key, v in value.items() if v is not None)
                if isinstance(value, dict)
                else value
            )
            said.append(f"{name} {inner}")
        return ", ".join(said)


class Thresholds(Section):
    """When to raise an alert. Amounts are in the book's currency, shares of 1.

    ``low_balance``: what a bank account should hold. ``projected_days``: how far ahead known payments are looked at.
    ``large_payment``: of a first payment to somebody. ``unusual``: so many times what a merchant is usually paid,
    from ``unusual_from`` on. ``duplicate``: the least that is worth asking whether it was charged twice (a subscription
    always is).
    ``price_rise``, ``overspent``, ``drawdown``: shares of the price before, of the budget, of the highest value.
    ``value_at_risk``: the level; 0.99 tells of losses that one day in a hundred exceeds.
    """

    low_balance: Decimal = Decimal(500)
    large_payment: Annotated[Decimal, Field(gt=0)] = Decimal(1000)
    unusual: Annotated[Decimal, Field(gt=1)] = Decimal(2)
    unusual_from: Annotated[Decimal, Field(ge=0)] = Decimal(100)
    duplicate: Annotated[Decimal, Field(ge=0)] = Decimal(10)
    price_rise: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.02")
    stale_after_days: Annotated[int, Field(gt=0)] = 3
    projected_days: Annotated[int, Field(ge=0)] = 14
    overspent: Annotated[Decimal, Field(ge=0)] = Decimal("0.1")
    drawdown: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.2")
    value_at_risk: Annotated[Decimal, Field(gt=0, lt=1)] = Decimal("0.99")


class Telling(Section):
    """When the people of a book want to hear of things; what is critical is told at once, at any hour.

    ``quiet_from`` and ``quiet_to``: between these hours nothing else is told. ``digest``: when the day's information is.
    """

    quiet_from: time | None = None
    quiet_to: time | None = None
    digest: time = time(8)

    @field_validator("quiet_from", "quiet_to", "digest", mode="before")
    @classmethod
    def _clock(cls, value: Any) -> Any:
        # YAML reads 22:30 without quotes as the number 22 * 60 + 30.
        return time(*divmod(value, 60)) if isinstance(value, int) and 0 <= value < 24 * 60 else value

    @model_validator(mode="after")
    def _both_ends(self) -> "Telling":
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError(
                "quiet hours have two ends: give quiet_from and quiet_to, such as 22:00 and 07:00"
            )
        return self


class Book(Section):
    """One household or firm, fully separate from the others."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: str
    kind: Literal["household", "proprietor"] = "household"
    time_zone: str = "America/New_York"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    taxpayer: str | None = None
    spouse: str | None = None
    exchange_rates: dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Annotated[Decimal, Field(gt=0)]] = (
        Field(default_factory=dict)
    )
    dated_rates: dict[
        Annotated[str, Field(pattern=r"^[A-Z]{3}$")], dict[date, Annotated[Decimal, Field(gt=0)]]
    ] = Field(default_factory=dict)
    budgets: dict[ChartAccount, Annotated[Decimal, Field(gt=0)]] = Field(default_factory=dict)
    accounts: tuple[AccountSetting, ...] = ()
    chart: tuple[ChartSetting, ...] = ()
    valued: tuple[Valued, ...] = ()
    loans: tuple[LoanSetting, ...] = ()
    deposits: tuple[Deposit, ...] = ()
    shared: tuple[Shared, ...] = ()
    rules: tuple[Rule, ...] = ()
    investments: Investments = Investments()
    performance: Performance = Performance()
    targets: Targets = Targets()
    trading: Trading = Trading()
    thresholds: Thresholds = Thresholds()
    telling: Telling = Telling()
    backtests: dict[BacktestName, BacktestSetting] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"unknown time zone {zone!r}; use a name such as America/New_York")
        return zone

    @field_validator("budgets")
    @classmethod
    def _counts_once(cls, budgets: dict[str, Decimal]) -> dict[str, Decimal]:
        for category in budgets:
            if category.split(":")[0] not in ("Income", "Expenses"):
                raise ValueError(f"{category} is neither income nor an expense")
            for other in budgets:
                if other.startswith(f"{category}:"):
                    raise ValueError(f"{other} is part of {category}; give one of them a budget")
        return budgets

    @field_validator("chart", "valued", "loans")
    @classmethod
    def _says_it_once(cls, settings: tuple[_Said, ...]) -> tuple[_Said, ...]:
        paths = [setting.account for setting in settings]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice:
            raise ValueError(f"accounts given twice: {', '.join(twice)}")
        return settings

    @model_validator(mode="after")
    def _substitutes_differ(self) -> "Book":
        same = sameness(self.investments.same)
        for symbol, stand_ins in self.targets.substitutes.items():
            alike = [other for other in stand_ins if same(other) == same(symbol)]
            if alike:
                raise ValueError(
                    f"targets.substitutes: {', '.join(alike)} and {symbol} count as the same in investments.same; a "
                    "substitute must not be substantially identical"
                )
        return self

    def rate(self, currency: str, day: date) -> tuple[Decimal | None, date | None]:
        """What one unit of ``currency`` was worth in the book's on ``day``, and the day that rate is of.

        The last dated rate up to that day; else the rate without a day; else neither.
        """
        days = [known for known in self.dated_rates.get(currency, {}) if known <= day]
        if days:
            return self.dated_rates[currency][max(days)], max(days)
        return self.exchange_rates.get(currency), None


def complaints(document: Any) -> list[str]:
    """Every reason for which ``document`` (parsed YAML) is no book; empty when it is one."""
    try:
        Book.model_validate(document)
    except ValidationError as error:
        return [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
    return []


def document_of(book: Book) -> dict[str, Any]:
    """The book as its file describes it: what is not written there is not here either."""
    return book.model_dump(mode="json", exclude_unset=True)


def document_hash(document: Any) -> str:
    """SHA-256 of a book's document (null: there is no file any more), hex; equal documents have equal ones."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
