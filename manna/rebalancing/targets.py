"""The section ``targets`` of a book's file: what the managed account should hold, and how it may be brought there.

What belongs here: the shape of that section, its defaults, and every complaint about it. What does not: what follows
from it (:mod:`parts` and the modules beside it).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from manna.book_sections import Money, Ratio, Section

CASH = "CASH"
"""The name of money among targets and weights."""

Symbol = Annotated[str, Field(min_length=1)]


def _shape(value: Any) -> str:
    """A number is a weight, all else the description of a part: so that a fault is told of the one that was meant."""
    return "part" if isinstance(value, Part | Mapping) else "weight"


class Part(Section):
    """A part of the whole, with bands of its own if it likes: a security, a sleeve of ``weights``, or a class.

    ``weights`` are shares of this part and sum to one. ``securities`` make a class: any mix of them will do, and the
    first is what is bought. With neither the part is the security it is named after.
    """

    weight: Ratio
    band: Ratio | None = None
    relative_band: Ratio | None = None
    weights: "Weights" = Field(default_factory=dict)
    securities: tuple[Symbol, ...] = ()

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Part":
        if self.weights and self.securities:
            raise ValueError("a part has weights or securities, not both")
        if self.weights:
            _require_one(self.weights)
        return self


Weights = dict[
    Symbol,
    Annotated[Annotated[Ratio, Tag("weight")] | Annotated[Part, Tag("part")], Discriminator(_shape)],
]
Part.model_rebuild()


class TaxRates(Section):
    """What a realized gain costs, as a share of it; a loss saves as much. Federal by default, without state taxes.

    24 % is the bracket of 26 U.S.C. 1(j) that most couples with such accounts are in, 15 % the middle rate of 1(h).
    """

    short_term: Ratio = Decimal("0.24")
    long_term: Ratio = Decimal("0.15")


class TradingCosts(Section):
    """What a trade costs: ``rate`` of its amount (half a spread, say), and ``per_trade`` in the book's currency."""

    rate: Ratio = Decimal("0.0005")
    per_trade: Money = Decimal(0)


class Targets(Section):
    """Wanted weights of the managed account by symbol (``CASH`` is money) or part; they sum to one.

    The bands: a weight may be ``band`` away from its target (absolute), and not more than ``relative_band`` of the
    target where that is given: 0.05 and 0.25 are Larry Swedroe's 5/25 rule.
    """

    institution: str = "Alpaca"
    account: str | None = None
    weights: Weights = Field(default_factory=dict)
    band: Ratio = Decimal("0.05")
    relative_band: Ratio | None = None
    minimum_trade: Annotated[Decimal, Field(gt=0)] = Decimal(50)
    maximum_order: Annotated[Decimal, Field(gt=0)] | None = None
    maximum_turnover: Ratio | None = None
    cash_floor: Money = Decimal(0)
    bill_days: Annotated[int, Field(ge=0, le=366)] = 30
    cool_down: Annotated[int, Field(ge=0, le=3660)] = 0
    restricted: tuple[Symbol, ...] = ()
    substitutes: dict[Symbol, tuple[Symbol, ...]] = Field(default_factory=dict)
    whole_shares: bool = False
    lots: Literal["fifo", "best"] | None = None
    harvesting: bool = False
    minimum_loss: Annotated[Decimal, Field(gt=0)] = Decimal(200)
    drift_price: Annotated[Decimal, Field(gt=0, lt=1)] = Decimal("0.1")
    tax_rates: TaxRates = TaxRates()
    costs: TradingCosts = TradingCosts()
    collar: Annotated[Decimal, Field(gt=0, le=Decimal("0.2"))] = Decimal("0.01")
    expires_after: Annotated[int, Field(gt=0, le=720)] = 24
    approvals: Literal[1, 2] = 1
    automatic: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> "Targets":
        if self.weights:
            _require_one(self.weights)
        named = list(_securities(self.weights))
        twice = sorted({symbol for symbol in named if named.count(symbol) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands in two places; every security has one target")
        if isinstance(self.weights.get(CASH), Part):
            raise ValueError("CASH takes a weight only: its band is the book's")
        inner = [symbol for symbol in named if symbol == CASH and CASH not in self.weights]
        if inner:
            raise ValueError("CASH stands beside the parts, not inside one")
        self._substitutes_fit(set(named))
        return self

    def _substitutes_fit(self, named: set[str]) -> None:
        stand_ins = [symbol for several in self.substitutes.values() for symbol in several]
        for symbol in self.substitutes:
            if symbol not in named:
                raise ValueError(f"substitutes for {symbol}, which has no target")
        for symbol in sorted(set(stand_ins)):
            if symbol in named or stand_ins.count(symbol) > 1 or symbol == CASH:
                raise ValueError(
                    f"substitute {symbol} is a target or a substitute already; it would count in two places"
                )

    @property
    def symbols(self) -> set[str]:
        """Every security that may be bought, substitutes included."""
        stand_ins = {symbol for several in self.substitutes.values() for symbol in several}
        return (set(_securities(self.weights)) | stand_ins) - {CASH}

    @property
    def by_security(self) -> dict[str, Decimal]:
        """The wanted share of the whole by security, without cash; of a class all of it in what is bought first."""
        return dict(_shares(self.weights, Decimal(1)))

    @property
    def lot_method(self) -> str:
        """``fifo`` where the broker takes no instruction which lots are sold (Alpaca takes none), else ``best``."""
        return self.lots or ("fifo" if self.institution.casefold() == "alpaca" else "best")


def _require_one(weights: Mapping[str, Decimal | Part]) -> None:
    total = sum((each.weight if isinstance(each, Part) else each for each in weights.values()), Decimal(0))
    if total != 1:
        raise ValueError(f"weights sum to {total}, not 1")


def _shares(weights: Mapping[str, Decimal | Part], whole: Decimal) -> Iterator[tuple[str, Decimal]]:
    for name, each in weights.items():
        if not isinstance(each, Part):
            if name != CASH:
                yield name, each * whole
        elif each.weights:
            yield from _shares(each.weights, each.weight * whole)
        else:
            yield (each.securities or (name,))[0], each.weight * whole


def _securities(weights: Mapping[str, Decimal | Part]) -> Iterator[str]:
    for name, each in weights.items():
        if not isinstance(each, Part):
            yield name
        elif each.weights:
            yield from _securities(each.weights)
        else:
            yield from each.securities or (name,)
