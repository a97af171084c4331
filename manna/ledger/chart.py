"""The chart of accounts: where each provider account stands, and the accounts Manna itself books to.

What belongs here: account paths. What does not: categories of spending (stage ``categorized``) and any
amount. A path is ``Kind:Part:Part``; a colon separates and nothing else may be one.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from manna.books import AccountSetting, Book
from manna.ledger.sheltered import is_sheltered

IN_TRANSIT = "Assets:In Transit"
OPENING_BALANCES = "Equity:Opening Balances"
TRANSFERS = "Equity:Transfers"
SUSPENSE = "Equity:Suspense"
UNKNOWN_BASIS = "Equity:Unknown Basis"
LOAN_CHANGES = "Equity:Loan Balance Changes"
REVALUATION = "Equity:Revaluation"
"""What things that a book's file values are worth beyond their cost: unrealized, and never income."""
REVALUED = "Revaluation"
"""Leaf below such a thing's account, which itself stays at cost: without these leaves a balance sheet is at cost."""
EXCHANGE = "Equity:Currency Exchange"
EXCHANGE_GAINS = "Income:Exchange Gains"
CAPITAL_GAINS = "Income:Capital Gains"
DIVIDENDS = "Income:Dividends"
INTEREST = "Income:Interest"
MARGIN_INTEREST = "Expenses:Interest:Margin"
"""What a broker charges for its loan: investment interest expense (26 U.S.C. 163(d))."""
RETIREMENT_CONTRIBUTIONS = "Income:Retirement Contributions"
BROKERAGE_FEES = "Expenses:Fees:Brokerage"
SHELTERED = {
    CAPITAL_GAINS: "Equity:Sheltered Accounts:Capital Gains",
    DIVIDENDS: "Equity:Sheltered Accounts:Dividends",
    INTEREST: "Equity:Sheltered Accounts:Interest",
    MARGIN_INTEREST: "Equity:Sheltered Accounts:Interest",
    BROKERAGE_FEES: "Equity:Sheltered Accounts:Fees",
}
"""Where the results of sheltered accounts go: they are wealth, and neither income nor expense of a year."""

RESERVED = frozenset({
    IN_TRANSIT, OPENING_BALANCES, TRANSFERS, SUSPENSE, UNKNOWN_BASIS, LOAN_CHANGES, CAPITAL_GAINS,
    DIVIDENDS, INTEREST, MARGIN_INTEREST, RETIREMENT_CONTRIBUTIONS, BROKERAGE_FEES, REVALUATION, EXCHANGE, EXCHANGE_GAINS, *SHELTERED.values(),
})  # fmt: skip
"""Accounts Manna books to by itself; no provider account may take one of these paths."""

INVESTMENT_TYPES = ("investment", "brokerage")
_PARENTS = {
    "depository": "Assets:Cash",
    "credit": "Liabilities:Cards",
    "loan": "Liabilities:Loans",
    "investment": "Assets:Investments",
    "brokerage": "Assets:Investments",
}
_SHORTEST_SUFFIX = 4


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """A provider account in the chart: its path, and the leaves its money and its securities are on.

    An investment account has the children ``:Cash`` and ``:Securities``; any other keeps its money on the
    path itself (and would keep securities, should a bank report some, on a child ``:Securities``). What an investment
    account owes its institution is on the same path among the liabilities, on a child ``:Margin``.
    ``sheltered``: what it earns is not taxed (:mod:`manna.ledger.sheltered`).
    """

    account_id: str
    path: str
    type: str
    currency: str
    sheltered: bool = False

    @property
    def cash(self) -> str:
        """The leaf that money is booked on."""
        return f"{self.path}:Cash" if self.type in INVESTMENT_TYPES else self.path

    @property
    def securities(self) -> str:
        """The leaf that securities are booked on, at cost."""
        return f"{self.path}:Securities"

    @property
    def margin(self) -> str:
        """The leaf that a margin loan is booked on."""
        return f"Liabilities:{self.path.partition(':')[2]}:Margin"

    @property
    def leaves(self) -> tuple[str, ...]:
        """Every leaf that may be booked on."""
        own = (self.cash, self.securities)
        return (*own, self.margin) if self.type in INVESTMENT_TYPES else own

    def result(self, account: str) -> str:
        """Where a result goes that would go to ``account``, were it taxed."""
        return SHELTERED.get(account, account) if self.sheltered else account


def chart_account(book: Book, account: Mapping[str, Any]) -> str:
    """The path wanted for one row of clean.accounts, before accounts of equal path are told apart.

    The first matching entry of ``book.accounts`` decides (conditions compare without regard to case);
    without one the path is made from the type, the institution, the name and the mask.
    """
    for setting in book.accounts:
        if _matches(setting, account):
            return setting.account
    parts = (_neutral(account[part]) for part in ("institution", "name", "mask"))
    name = " ".join(part for part in parts if part) or "Account"
    return f"{_PARENTS.get(account['type'], 'Assets:Other')}:{name}"


def chart_of_accounts(book: Book, accounts: pl.DataFrame) -> dict[str, OwnAccount]:
    """Every row of clean.accounts with its unique place in the chart, by account_id.

    Accounts that want the same path (or one that Manna itself or the book's file uses) all get the shortest tail of their
    account_id, at least four characters, that tells them apart. Independent of row order.
    """
    rows = {row["account_id"]: row for row in accounts.sort("account_id").iter_rows(named=True)}
    wanted = {account_id: chart_account(book, row) for account_id, row in rows.items()}
    tails = dict.fromkeys(rows, 0)
    taken = RESERVED.union(*((thing.account, f"{thing.account}:{REVALUED}") for thing in book.valued))
    while True:
        own = {
            account_id: OwnAccount(
                account_id,
                _with_tail(wanted[account_id], account_id, tail),
                row["type"],
                row["currency"],
                is_sheltered(book.investments, row),
            )
            for (account_id, row), tail in zip(rows.items(), tails.values(), strict=True)
        }
        owners = Counter(leaf for account in own.values() for leaf in account.leaves)
        clashing = [
            account.account_id
            for account in own.values()
            if any(owners[leaf] > 1 or leaf in taken for leaf in account.leaves)
            and tails[account.account_id] < len(account.account_id)
        ]
        if not clashing:
            return own
        for account_id in clashing:
            tails[account_id] = max(_SHORTEST_SUFFIX, tails[account_id] + 1)


def _with_tail(path: str, account_id: str, length: int) -> str:
    return f"{path} {_neutral(account_id)[-length:]}" if length else path


def _matches(setting: AccountSetting, account: Mapping[str, Any]) -> bool:
    wanted = {"institution": setting.institution, "name": setting.name, "mask": setting.mask}
    return all(
        value is None or value.casefold() == (account[field] or "").casefold()
        for field, value in wanted.items()
    )


def _neutral(text: str | None) -> str:
    """``text`` as one part of a path: colons, line ends and control characters become single spaces."""
    return re.sub(r"[:\s\x00-\x1f\x7f]+", " ", text or "").strip()
