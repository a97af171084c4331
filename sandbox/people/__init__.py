"""The people whose money the sandbox serves, and everything their banks know about them.

Here belongs what happens to a person: paydays, purchases, payments, prices paid. How a provider puts it
on the wire belongs to `sandbox.plaid` and `sandbox.alpaca`; prices of securities to `sandbox.market`.

`load_people` returns the generated demo people, or those of Plaid's published custom-user files.
"""

from datetime import date
from pathlib import Path

from sandbox.market import Market
from sandbox.people.custom_users import PeopleError, load_custom_users
from sandbox.people.household import Household
from sandbox.people.model import Login, Person
from sandbox.people.studio import Studio

__all__ = ["Login", "PeopleError", "Person", "load_people"]


def check_people(path: Path) -> None:
    """Raises PeopleError when `path` cannot be served, whatever the day."""
    list(load_custom_users(path, date(2026, 1, 1), seed=1))


def load_people(path: Path | None, start: date, seed: int, market: Market) -> list[Person]:
    """The people of `path` (a custom-user file, or a folder of them), or the demo people when it is None.

    `start` is the first day of the world; the same seed and start make the same people on every machine.
    Raises PeopleError naming the file and the field when a file is not a custom user.
    """
    if path is not None:
        return list(load_custom_users(path, start, seed))
    return [Household(start, seed, market), Studio(start, seed)]
