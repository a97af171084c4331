"""What a book's file says of investments: the section ``investments``.

What belongs here: the shape of that section and what it means in itself. What does not: acting on it
(``manna.ledger``, ``manna.tax``), or the other sections (``manna.books``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from manna.book_sections import Section

Symbol = Annotated[str, Field(min_length=1)]
Positive = Annotated[Decimal, Field(gt=0, decimal_places=9)]


class InvestmentAccount(Section):
    """What no feed says of an account. Every given condition must match, without regard to case."""

    institution: str | None = None
    name: str | None = None
    mask: str | None = None
    sheltered: bool

    @model_validator(mode="after")
    def _says_which(self) -> "InvestmentAccount":
        if self.institution is None and self.name is None and self.mask is None:
            raise ValueError("say which account is meant: institution, name or mask")
        return self

    def is_about(self, account: Mapping[str, Any]) -> bool:
        """Whether it means this row of clean.accounts."""
        wanted = {"institution": self.institution, "name": self.name, "mask": self.mask}
        return all(
            value is None or value.casefold() == (account[field] or "").casefold()
            for field, value in wanted.items()
        )


class KnownLot(Section):
    """A lot held before the feed begins, as a person knows it. ``account``: its id, name or last digits.

    ``inherited``: it came by inheritance; ``opened`` is the day of death then, and ``cost`` what it was worth on it.
    """

    account: str
    security: Symbol
    quantity: Positive
    opened: date
    cost: Annotated[Decimal, Field(gt=0)]
    inherited: bool = False


class SpinOff(Section):
    """Which part of the basis of ``parent`` goes to the shares of ``security`` that came on ``date``."""

    parent: Symbol
    security: Symbol
    date: date
    basis: Annotated[Decimal, Field(ge=0, le=1)]


class Investments(Section):
    """``same``: groups of securities that count as substantially identical, each under any of its names."""

    accounts: tuple[InvestmentAccount, ...] = ()
    same: tuple[tuple[Symbol, ...], ...] = ()
    lots: tuple[KnownLot, ...] = ()
    spin_offs: tuple[SpinOff, ...] = ()

    @field_validator("same")
    @classmethod
    def _are_groups(cls, groups: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        if any(len(group) < 2 for group in groups):
            raise ValueError("a group names two securities at least, e.g. [FB, META]")
        return groups


def sameness(groups: Iterable[Sequence[str]]) -> Callable[[str], str]:
    """One name for all securities that some ``groups`` join, directly or through one another."""
    names: dict[str, str] = {}
    for group in groups:
        joined = {names.get(symbol, symbol) for symbol in group}
        one = min(joined)
        names |= dict.fromkeys(group, one)
        names = {symbol: one if name in joined else name for symbol, name in names.items()}
    return lambda symbol: names.get(symbol, symbol)
