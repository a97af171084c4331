"""The oracle: a notebook with one line per thing, in which the bank's last word stands.

What belongs here: what the clean tables ought to say, from what the bank said in the pulls that were kept;
dictionaries and nothing clever. What does not: any code of the product.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one pull heard that was kept, and on which day in the book's time zone."""

    login: str
    day: date
    said: tuple[tuple[str, Row], ...] = ()
    accounts: tuple[Row, ...] = ()
    holdings: tuple[Row, ...] = ()
    trades: tuple[Row, ...] = ()


@dataclass(slots=True)
class Notebook:
    """What is written down. Amounts have the ledger's sign: money in is positive."""

    transactions: dict[str, Row] = field(default_factory=dict)
    garbled: dict[str, Row] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    balances: dict[tuple[str, date], Decimal] = field(default_factory=dict)
    holdings: dict[tuple[str, str, date], Decimal] = field(default_factory=dict)
    trades: dict[str, Row] = field(default_factory=dict)

    @property
    def alive(self) -> set[str]:
        """Transactions that the bank has not taken back."""
        return {name for name, row in self._every().items() if not row["removed"]}

    def _every(self) -> Mapping[str, Row]:
        return self.transactions | self.garbled


def write_down(heard: Iterable[Heard]) -> Notebook:
    """The notebook of somebody who heard all this in this order."""
    book = Notebook()
    first_heard: dict[str, date] = {}
    rows: dict[str, Row] = {}
    held: dict[str, set[tuple[str, str]]] = {}
    for pull in heard:
        for change, row in pull.said:
            name = row["transaction_id"]
            first_heard.setdefault(name, pull.day)
            if change != "removed":
                rows[name] = row | {"removed": False, "removed_on": None, "first": first_heard[name]}
            elif name in rows and not rows[name]["removed"]:
                rows[name] |= {"removed": True, "removed_on": pull.day}
        for account in pull.accounts:
            book.accounts.add(account["account_id"])
            book.balances[account["account_id"], pull.day] = exact(account["balances"]["current"])
        now = {(row["account_id"], row["security_id"]): exact(row["quantity"]) for row in pull.holdings}
        for sold in held.get(pull.login, set()) - set(now):
            book.holdings[(*sold, pull.day)] = Decimal(0)
        for position, quantity in now.items():
            book.holdings[(*position, pull.day)] = quantity
        held[pull.login] = set(now)
        for trade in pull.trades:
            book.trades[trade["investment_transaction_id"]] = trade
    # Of an account that the bank never listed nothing can be believed: it waits in quarantine.
    book.holdings = {key: value for key, value in book.holdings.items() if key[0] in book.accounts}
    book.trades = {name: row for name, row in book.trades.items() if row["account_id"] in book.accounts}
    book.garbled = {name: row for name, row in rows.items() if row["amount"] is None}
    book.transactions = {name: row for name, row in rows.items() if row["amount"] is not None}
    return book


def exact(number: float) -> Decimal:
    """The number as it was written."""
    return Decimal(str(number))
