"""Loans of which the lender tells balances alone: what is known of each, and which rows paid it.

What belongs here: that. What does not: their entries (:mod:`loan_entries`), the arithmetic (:mod:`amortizing`), or loans
whose feed has rows of its own (their payments are transfers).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from manna.book_sections import LoanSetting
from manna.books import Book
from manna.ledger.amortizing import installment
from manna.ledger.chart import OwnAccount

ESCROW_PAYS = "Expenses:Home:Escrow Payments"
_PAYMENTS = "Expenses:Loan Payments"
MORTGAGES = ("mortgage", "home equity")
"""Subtypes of what is secured by a home, so that its interest is on Form 1098."""
_KINDS = {
    "mortgage": ("Mortgage Payment", "Mortgage"),
    "home equity": ("Mortgage Payment", "Mortgage"),
    "auto": ("Car Payment", "Car Loan"),
    "student": ("Student Loan Payment", "Student Loan"),
}
"""By subtype: Plaid's name of its payments, and the leaf of its interest."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A row that paid a loan; ``amount`` is positive."""

    transaction_id: str
    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Loan:
    """One loan and all that is known of it. ``owed`` is (day, amount), positive, ``terms`` rows of clean.loan_terms."""

    account: OwnAccount
    institution: str
    subtype: str | None
    setting: LoanSetting | None
    owed: Sequence[tuple[date, Decimal]]
    terms: Sequence[Mapping[str, Any]]
    payments: Sequence[Payment] = ()

    @property
    def interest(self) -> str:
        """The account of its interest."""
        told = self.setting.interest_account if self.setting else None
        return told or f"Expenses:Interest:{_KINDS.get(self.subtype or '', ('', 'Loan'))[1]}"

    @property
    def is_mortgage(self) -> bool:
        """Whether it is secured by a home, so that its interest is on Form 1098."""
        return self.subtype in MORTGAGES

    @property
    def escrow(self) -> str:
        """The account of what the lender holds for taxes and insurance."""
        return f"Assets:Escrow:{self.account.path.rpartition(':')[2]}"

    @property
    def escrow_pays(self) -> str:
        """The account of what the lender pays from it."""
        return (self.setting.escrow_pays if self.setting else None) or ESCROW_PAYS

    @property
    def keeps_escrow(self) -> bool:
        """Whether what is paid beyond principal and interest is for taxes and insurance."""
        if self.setting is not None and self.setting.escrow is not None:
            return True
        return any(row["escrow"] is not None for row in self.terms)

    def rate(self, day: date) -> Decimal | None:
        """Percent a year on a day: the book's file says it, else the lender's last word by then, else its first."""
        if self.setting is not None and self.setting.rate is not None:
            return self.setting.rate
        said = [
            (row["as_of"], row["interest_rate"]) for row in self.terms if row["interest_rate"] is not None
        ]
        by_then = [rate for as_of, rate in said if as_of <= day]
        return by_then[-1] if by_then else said[0][1] if said else None

    def installed(self) -> Decimal | None:
        """Principal and interest of a regular payment, where the book's file or fixed terms give it."""
        own, currency = self.setting, self.account.currency
        if own is not None and own.payment is not None:
            return own.payment
        if own is not None and own.principal is not None and own.term is not None and own.rate is not None:
            return installment(own.principal, own.rate, own.term, currency)
        for row in self.terms:
            if row["is_fixed"] and None not in (
                row["interest_rate"],
                row["original_principal"],
                row["term_months"],
            ):
                return installment(
                    row["original_principal"], row["interest_rate"], row["term_months"], currency
                )
        return None

    def interest_told(self, since: date, until: date) -> Decimal | None:
        """What the lender's figure of interest paid this year rose by between two days; null where it does not say."""
        said = [
            (row["as_of"], row["interest_paid"]) for row in self.terms if row["interest_paid"] is not None
        ]
        before = [told for told in said if told[0] <= since]
        after = [told for told in said if told[0] <= until]
        if not before or not after:
            return None
        (first, low), (last, high) = before[-1], after[-1]
        rose = Decimal(high if last.year > first.year or high < low else high - low)
        return rose if rose > 0 else None


def find_loans(
    book: Book,
    silent: Iterable[OwnAccount],
    accounts: pl.DataFrame,
    balances: pl.DataFrame,
    terms: pl.DataFrame,
    rows: pl.DataFrame,
) -> list[Loan]:
    """The loans whose feed has balances alone, with their payments.

    Args:
        silent: those accounts.
        accounts, balances, terms: rows of clean.accounts, clean.balances (each with ``current``), clean.loan_terms.
        rows: transaction_id, date, amount, currency, description, category of booked rows that are no transfer and that
            nobody has split.

    A payment belongs to the loan whose setting's ``payments`` finds it in the description; else to the one loan of its
    kind, by the category: with two mortgages and no setting nobody can say whose it is.
    """
    known = {row["account_id"]: row for row in accounts.iter_rows(named=True)}
    loans = []
    for account in sorted(silent, key=lambda a: a.account_id):
        row = known[account.account_id]
        names = (account.account_id, row["name"], row["mask"])
        setting = next((s for s in book.loans if s.account in names), None)
        of_it = balances.filter(
            pl.col("account_id") == account.account_id, pl.col("currency") == account.currency
        ).sort("as_of")
        told = terms.filter(pl.col("account_id") == account.account_id).sort("as_of").to_dicts()
        owed = [(as_of, -current) for as_of, current in of_it.select("as_of", "current").iter_rows()]
        loans.append(Loan(account, row["institution"], row["subtype"], setting, owed, told))
    return _with_payments(loans, rows.filter(pl.col("amount") < 0))


def _with_payments(loans: Sequence[Loan], rows: pl.DataFrame) -> list[Loan]:
    names = [_KINDS.get(loan.subtype or "", ("Other Payment", ""))[0] for loan in loans]
    found = []
    for loan, name in zip(loans, names, strict=True):
        pattern = loan.setting.payments if loan.setting else None
        if pattern is not None:
            its = rows.filter(pl.col("description").str.contains(f"(?i){pattern}"))
        elif names.count(name) == 1:
            its = rows.filter(pl.col("category") == f"{_PAYMENTS}:{name}")
        else:
            its = rows.clear()
        rows = rows.join(its, on="transaction_id", how="anti", maintain_order="left")
        its = its.filter(pl.col("currency") == loan.account.currency).sort("date", "transaction_id")
        paid = [
            Payment(name, day, -amount)
            for name, day, amount in its.select("transaction_id", "date", "amount").iter_rows()
        ]
        found.append(replace(loan, payments=paid))
    return found
