"""What a book's file says of measuring its investments: the section ``performance``.

What belongs here: the shape of that section, and its defaults. What does not: measuring (``manna.portfolio``).
"""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from manna.book_sections import Ratio, Section

Shock = Annotated[Decimal, Field(ge=-1, le=10)]
"""What a scenario does to a class of assets: -0.3 takes three tenths off."""

SCENARIOS: dict[str, dict[str, Decimal]] = {
    "Shares fall by a fifth": {"equity": Decimal("-0.2"), "etf": Decimal("-0.2"), "mutual fund": Decimal("-0.2")},
    "A year like 2008": {
        "equity": Decimal("-0.37"), "etf": Decimal("-0.37"), "mutual fund": Decimal("-0.37"), "fixed income": Decimal("0.05"),
    },
}  # fmt: skip
"""Where the book names none, by the provider's types. 2008: S&P 500 with dividends -37.0 %, US bonds +5.2 %."""


class Performance(Section):
    """``benchmark``: weights by symbol, money is ``CASH``; ``classes``: the securities of each class of assets, by symbol,
    name or id (what is in none is of its provider's type); ``scenarios``: what each does to a class.
    """

    benchmark: dict[str, Ratio] = Field(default_factory=dict)
    classes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    scenarios: dict[str, dict[str, Shock]] = Field(default_factory=lambda: dict(SCENARIOS))
    risk_free: Annotated[Decimal, Field(gt=-1, lt=1)] = Decimal(0)

    @model_validator(mode="after")
    def _sums_to_one(self) -> "Performance":
        total = sum(self.benchmark.values(), Decimal(0))
        if self.benchmark and total != 1:
            raise ValueError(f"the benchmark's weights sum to {total}, not 1")
        return self

    @field_validator("classes")
    @classmethod
    def _says_it_once(cls, classes: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        named = [name for names in classes.values() for name in names]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"in several classes: {', '.join(twice)}; each security is in one")
        return classes

    def class_of(self) -> dict[str, str]:
        """The class by symbol, name or id, as far as the book says."""
        return {name: kind for kind, names in self.classes.items() for name in names}
