"""Seeded chance for the demo people.

Here belongs drawing from a named stream. What is drawn for belongs to the people.
"""

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Chance that depends on its name alone: the same parts, the same throws, in every process.

    Everything is made from `random()`, the one method whose sequence Python promises to keep.
    """

    def __init__(self, *name: object) -> None:
        self._stream = random.Random("/".join(str(part) for part in name))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._stream.random() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number with low <= n <= high."""
        return low + int(self._stream.random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`, each as likely as the others."""
        return choices[int(self._stream.random() * len(choices))]

    def money(self, low: float, high: float) -> Decimal:
        """An amount between the two with two decimals; small ones are likelier, as in a till."""
        cents = low * 100 + (high - low) * 100 * self._stream.random() ** 1.7
        return Decimal(int(cents)) / 100

    def text(self, length: int, alphabet: str = "0123456789") -> str:
        """`length` characters of `alphabet`."""
        return "".join(self.pick(alphabet) for _ in range(length))
