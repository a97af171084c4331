"""What a person is: a book, its logins, their accounts, and the feed of what happens.

Here belong the shapes that every person shares. The kinds of account are in `bank`, `loans` and
`investments`; who the people are is in `household`, `studio` and `custom_users`.

A person lives one day at a time and only forward. Whatever happens on a day is decided by the seed, the
first day of the world and the days before it, so a later "now" adds to the past and never alters it.
"""

import hashlib
import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sandbox.people.calendar import ONE_DAY

Json = dict[str, Any]
ZERO = Decimal("0.00")

_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"
_ID_LENGTH = 37


def plaid_id(*parts: object) -> str:
    """An identifier that looks like Plaid's and depends on `parts` alone."""
    number = int.from_bytes(hashlib.sha256("/".join(str(part) for part in parts).encode()).digest())
    letters = []
    for _ in range(_ID_LENGTH):
        number, letter = divmod(number, len(_ID_ALPHABET))
        letters.append(_ID_ALPHABET[letter])
    return "".join(letters)


@dataclass(frozen=True, slots=True)
class Event:
    """From `moment` (UTC) on, the bank's answer about one transaction is different.

    `row` is the transaction as Plaid writes it (amount a Decimal, positive = money out). A `removed` event
    carries the row that vanishes.
    """

    moment: datetime
    serial: int
    kind: Literal["added", "modified", "removed"]
    row: Json


@dataclass
class Account:
    """An account at an institution; `opening` is its balance before its first row, as Plaid signs it.

    Plaid's sign: what the holder owns is positive in a depository or investment account, what the holder
    owes is positive in a credit or loan account.
    """

    account_id: str
    name: str
    official_name: str | None
    mask: str
    type: str
    subtype: str
    opening: Decimal = ZERO
    limit: Decimal | None = None
    holder: str = "personal"
    currency: str = "USD"
    events: list[Event] = field(default_factory=list, repr=False)

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        """(available, current) as known at `when`."""
        raise NotImplementedError

    def liability(self, when: datetime) -> tuple[str, Json] | None:
        """(`credit`, `mortgage` or `student`, the record Plaid gives), or None when the bank sends none."""
        return None

    def describe(self, when: datetime) -> Json:
        """The account as Plaid's `AccountBase`, with its balances at `when`."""
        available, current = self.balances(when)
        return {
            "account_id": self.account_id,
            "balances": {
                "available": available,
                "current": current,
                "iso_currency_code": self.currency,
                "limit": self.limit,
                "unofficial_currency_code": None,
            },
            "holder_category": self.holder,
            "mask": self.mask,
            "name": self.name,
            "official_name": self.official_name,
            "subtype": self.subtype,
            "type": self.type,
        }


@dataclass(frozen=True)
class Login:
    """A person's access to one institution: what Plaid makes an Item of."""

    username: str
    institution_id: str
    institution_name: str
    products: tuple[str, ...]
    accounts: tuple[Account, ...]
    _ordered: list[Event] = field(default_factory=list, compare=False, repr=False)

    def feed(self, when: datetime) -> list[Event]:
        """Everything its bank has told up to `when`, in the order it told it."""
        # Put in order when something was added only: a pass over 200 pages asks 200 times.
        if len(self._ordered) != sum(len(account.events) for account in self.accounts):
            events = [event for account in self.accounts for event in account.events]
            self._ordered[:] = sorted(events, key=lambda event: (event.moment, event.serial))
        return self._ordered[: bisect_right(self._ordered, when, key=lambda event: event.moment)]

    def describe(self) -> Json:
        """What a client needs in order to link this login."""
        return {
            "username": self.username,
            "institution_id": self.institution_id,
            "institution_name": self.institution_name,
            "products": list(self.products),
        }


class Person(ABC):
    """One book: a household, a firm, or a custom user, with the logins that show its money."""

    book: str
    book_name: str
    time_zone: str
    alpaca: bool = False
    logins: tuple[Login, ...]

    def __init__(self, start: date, seed: int) -> None:
        self.start = start
        self.seed = seed
        self.zone = ZoneInfo(self.time_zone)
        self._serial = count()
        self._next_day = start
        self._lock = threading.Lock()

    @abstractmethod
    def live(self, day: date) -> None:
        """Let `day` happen. Called once for every day, in order."""

    def advance(self, now: datetime) -> None:
        """Live every day up to and including the local date of `now`; days already lived stay as they are."""
        today = now.astimezone(self.zone).date()
        with self._lock:
            while self._next_day <= today:
                self.live(self._next_day)
                self._next_day += ONE_DAY

    def tell(
        self, account: Account, moment: datetime, kind: Literal["added", "modified", "removed"], row: Json
    ) -> None:
        """Let the account's bank tell of a row from `moment` on."""
        account.events.append(Event(moment, next(self._serial), kind, row))

    def describe(self) -> Json:
        """The book and its logins, for a client that sets the demo up."""
        return {
            "book": self.book,
            "book_name": self.book_name,
            "time_zone": self.time_zone,
            "logins": [login.describe() for login in self.logins],
            "alpaca": self.alpaca,
        }
