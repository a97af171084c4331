"""People from Plaid's custom-user files: one file is one person, one book and one login.

Here belongs what the sandbox makes of such a file; its format belongs to `custom_user_file`. The book is
named after the file. Dates are served as they are written, however old.

Honoured: type, subtype, currency, meta, starting_balance (the current balance on the first day the sandbox
serves, 24 months after the world's first day; rows before it are its history), force_available_balance,
has_null_available_balance, transactions, holdings, investment_transactions, liability, inflow_model
(income from the world's first day on; payments of a balance from the first day served on). Missing names,
masks and balances are Plaid's defaults. Not honoured: identity, numbers, income and payroll accounts (the
products are not served), mfa, recaptcha, force_error and seed; no random transactions are added to an
account that has none, and no interest is charged to a card.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from sandbox.market import add_months
from sandbox.people.bank import BankAccount, Banking, CardAccount, cents
from sandbox.people.calendar import instant, is_month_end
from sandbox.people.category_guess import guess_description
from sandbox.people.custom_accounts import (
    PLAID_BALANCES,
    CustomBankAccount,
    CustomCardAccount,
    StudentLoanAccount,
    open_investment_account,
)
from sandbox.people.custom_user_file import (
    CustomTransaction,
    CustomUserFile,
    InflowModel,
    OverrideAccount,
    PeopleError,
    read_custom_user,
)
from sandbox.people.model import ZERO, Account, Login, plaid_id
from sandbox.people.rows import Description, transaction_row

__all__ = ["CustomUser", "PeopleError", "load_custom_users"]

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def slug(name: str) -> str:
    """A book's id from a file name: `welderTestUser` becomes `welder-test-user`."""
    return _NOT_SLUG.sub("-", _WORD_START.sub("-", name).lower()).strip("-")


def load_custom_users(path: Path, start: date, seed: int) -> Iterator["CustomUser"]:
    """The people of a file, or of every .json file in a folder and the folders in it.

    In a folder, files without anything to serve (a blank template, payroll only) are passed over. Raises
    PeopleError when a file is malformed, when two files would make the same book, or when nobody is left.
    """
    if not path.exists():
        raise PeopleError(f"{path}: there is no such file or folder")
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    found: dict[str, Path] = {}
    for file in files:
        content = read_custom_user(file)
        served = (
            [account for account in content.override_accounts if account.type != "payroll"] if content else []
        )
        if content is None or not served:
            continue
        book = slug(file.stem)
        if book in found:
            raise PeopleError(f"{file}: makes the same book {book!r} as {found[book]}: rename one")
        found[book] = file
        yield CustomUser(book, content, start, seed)
    if not found:
        raise PeopleError(f"{path}: override_accounts: holds no account that the sandbox can serve")


class CustomUser(Banking):
    """A person made from a custom-user file."""

    time_zone = "America/New_York"

    def __init__(self, book: str, content: CustomUserFile, start: date, seed: int) -> None:
        self.book = book
        self.book_name = book.replace("-", " ").capitalize()
        super().__init__(start, seed)
        self._served_from = add_months(start, 24)
        served = [account for account in content.override_accounts if account.type != "payroll"]
        self._accounts = [self._open(account, number) for number, account in enumerate(served)]
        for account, made_from in zip(self._accounts, served, strict=True):
            if isinstance(account, BankAccount):
                self._fill(account, made_from)
        self._inflows = [
            (account, made_from.inflow_model)
            for account, made_from in zip(self._accounts, served, strict=True)
            if made_from.inflow_model is not None and isinstance(account, BankAccount)
        ]
        self._owed: dict[str, Decimal] = {}
        institution = ("ins_109508", "First Platypus Bank")
        self.logins = (Login(book, *institution, self._products(), tuple(self._accounts)),)

    def live(self, day: date) -> None:
        for account, model in self._inflows:
            if model.type == "monthly-income":
                continue  # written at once: the opening balance needs it
            if _is_day(day, model.statement_day_of_month):
                self._owed[account.account_id] = self.balance(account, day)
            owed = self._owed.get(account.account_id, ZERO)
            if _is_day(day, model.payment_day_of_month) and day > self._served_from and owed > 0:
                paid = owed if model.type == "monthly-balance-payment" else self._interest(account, owed)
                text = Description(model.transaction_name or "", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", "LOW")
                if paid > 0:
                    self.post(account, day, text, -paid, currency=account.currency)

    def _interest(self, account: Account, owed: Decimal) -> Decimal:
        return cents(owed * account.apr / 1200) if isinstance(account, CardAccount) else ZERO

    def _open(self, given: OverrideAccount, number: int) -> Account:
        account_id = plaid_id("account", self.seed, self.book, number)
        name = given.meta.name or f"Plaid {given.subtype.title()}"
        mask = given.meta.mask if given.meta.mask is not None else f"{number}" * 4
        known = (account_id, name, given.meta.official_name, mask, given.type, given.subtype)
        if given.type == "investment":
            return open_investment_account(known, given, self._served_from, self.zone)
        if given.liability is not None and given.liability.type == "student":
            return StudentLoanAccount(*known, currency=given.currency, terms=given.liability,
                                      stated=given.starting_balance)  # fmt: skip
        kind = CustomCardAccount if given.type in ("credit", "loan") else CustomBankAccount
        account = kind(*known, limit=given.meta.limit, currency=given.currency)
        account.forced_available = given.force_available_balance
        account.null_available = given.has_null_available_balance or given.type == "loan"
        if isinstance(account, CustomCardAccount):
            account.stated = given.liability
            account.apr = (given.liability.purchase_apr if given.liability else None) or ZERO
        return account

    def _fill(self, account: BankAccount, given: OverrideAccount) -> None:
        """Write the rows of the file and the monthly income, then the opening balance they imply."""
        for number, transaction in enumerate(given.transactions):
            self._write(account, transaction, number)
        if given.inflow_model is not None and given.inflow_model.type == "monthly-income":
            self._write_income(account, given.inflow_model)
        current = given.starting_balance
        if current is None:
            current = PLAID_BALANCES.get(given.subtype, ZERO)
        posted, _ = account.totals(instant(self._served_from, 0, 0, self.zone))
        account.opening = current - posted if isinstance(account, CardAccount) else current + posted

    def _write(self, account: BankAccount, given: CustomTransaction, number: int) -> None:
        text = guess_description(given.description, given.amount < 0)
        pending_id = plaid_id(account.account_id, "pending", number)
        currency = given.currency or account.currency
        waits = given.date_posted > given.date_transacted
        posted = transaction_row(
            account.account_id, plaid_id(account.account_id, "posted", number), text, given.amount, given.date_posted,
            authorized=given.date_transacted, pending_transaction_id=pending_id if waits else None, currency=currency,
        )  # fmt: skip
        posting = instant(given.date_posted, 5, 30, self.zone)
        if waits:
            pending = transaction_row(
                account.account_id, pending_id, text, given.amount, given.date_transacted,
                authorized=given.date_transacted, pending=True, currency=currency,
            )  # fmt: skip
            self.tell(account, instant(given.date_transacted, 12, 0, self.zone), "added", pending)
            self.tell(account, posting, "removed", pending)
        self.tell(account, posting, "added", posted)

    def _write_income(self, account: BankAccount, model: InflowModel) -> None:
        """Thirty years of income: what lies in the future is not told yet."""
        amount, text = model.income_amount or ZERO, guess_description(model.transaction_name or "", True)
        day = self.start
        while day < add_months(self.start, 360):
            if _is_day(day, model.payment_day_of_month):
                self.post(account, day, text, -amount, currency=account.currency)
            day += timedelta(days=1)

    def _products(self) -> tuple[str, ...]:
        kinds = {account.type for account in self._accounts}
        products = (
            ["transactions"] if any(isinstance(account, BankAccount) for account in self._accounts) else []
        )
        if "investment" in kinds:
            products.append("investments")
        if any(account.liability(instant(self._served_from, 0, 0, self.zone)) for account in self._accounts):
            products.append("liabilities")
        return tuple(products)


def _is_day(day: date, wanted: int | str | None) -> bool:
    return is_month_end(day) if wanted == "last" else day.day == wanted
