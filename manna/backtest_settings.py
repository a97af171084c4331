"""What a book's file says of backtests: the section ``backtests``.

What belongs here: the shape of that section, and the sets of parameters it stands for. What does not: strategies and the walk
(``manna.portfolio``), which are heavy: this module is imported by every process of Dagster.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, StrictFloat, StrictInt, model_validator

from manna.book_sections import Ratio, Section

StrategyName = Literal[
    "fixed targets",
    "drift bands",
    "momentum",
    "moving average cross",
    "minimum variance",
    "risk parity",
    "hierarchical risk parity",
    "maximum sharpe",
]
"""Those of ``manna.portfolio.strategies``, which a test keeps equal."""

BacktestName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
Number = StrictBool | StrictInt | StrictFloat
Points = Annotated[Decimal, Field(ge=0, lt=10_000)]
_MOST_SETS = 200
"""A partition event costs 16 ms, and a page of thousands of partitions shows nothing."""


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One backtest to be made: ``key`` names it among all books, ``parameters`` are those of the strategy."""

    key: str
    parameters: dict[str, Any]


class BacktestSetting(Section):
    """A strategy to be tried on the lake's own bars, once per combination of what ``sweep`` lists.

    ``symbols``: what may be held; else the targets', else all with bars. ``targets`` that are not given are the book's.
    """

    strategy: StrategyName
    parameters: dict[str, Number | dict[str, Ratio]] = Field(default_factory=dict)
    sweep: dict[str, Annotated[tuple[Number, ...], Field(min_length=1)]] = Field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    every: Literal["day", "week", "month", "quarter", "year"] = "month"
    capital: Annotated[Decimal, Field(gt=0)] = Decimal(10_000)
    contribution: Decimal = Decimal(0)
    cost_bps: Points = Decimal(0)
    slippage_bps: Points = Decimal(0)
    per_order: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    whole_shares: bool = False
    benchmark: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        both = sorted(self.parameters.keys() & self.sweep.keys())
        if both:
            raise ValueError(f"given in parameters and swept: {', '.join(both)}")
        sets = 1
        for name, values in self.sweep.items():
            if len(set(map(repr, values))) < len(values):
                raise ValueError(f"sweep of {name} names a value twice")
            sets *= len(values)
        if sets > _MOST_SETS:
            raise ValueError(f"the sweep has {sets} combinations; {_MOST_SETS} are allowed")
        if self.first and self.last and self.first >= self.last:
            raise ValueError(f"there are no days from {self.first} to {self.last}")
        return self

    def sets(self, book: str, name: str) -> Iterator[ParameterSet]:
        """Every combination, e.g. ``household.risers.count-5.lookback-60``."""
        fixed = {
            key: {symbol: float(weight) for symbol, weight in value.items()}
            if isinstance(value, dict)
            else value
            for key, value in self.parameters.items()
        }
        for values in itertools.product(*self.sweep.values()):
            swept = dict(zip(self.sweep, values, strict=True))
            told = [f"{key.replace('_', '-')}-{str(value).lower()}" for key, value in swept.items()]
            yield ParameterSet(".".join([book, name, *told]), {**fixed, **swept})
