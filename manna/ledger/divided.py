"""All divisions of a book's bank rows: by people, loans, deposits and shared spending, in this order.

What belongs here: that order. What does not: any of the divisions (:mod:`loans`, :mod:`dividing`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from manna.books import Book
from manna.contracts.clean import LOAN_TERMS
from manna.ledger.dividing import deposit_splits, share_splits, shares, undivided, with_draws
from manna.ledger.loan_entries import BookedLoans, book_loans
from manna.ledger.loans import Loan, find_loans
from manna.ledger.told import Told


@dataclass(frozen=True, slots=True)
class Divided:
    """``categories`` and ``splits`` as the ledger books them; the loans that were ``found``, what follows from them, and
    their account_id by the leaf of their balance."""

    categories: pl.DataFrame
    splits: pl.DataFrame
    found: list[Loan]
    loans: BookedLoans
    leaves: dict[str, str]


def divide(
    book: Book,
    family: Mapping[str, Book],
    told: Told,
    loan_terms: pl.DataFrame | None,
    categories: pl.DataFrame,
    splits: pl.DataFrame,
) -> Divided:
    """Divides the bank's rows.

    Args:
        book, family: the book, and all books of its taxpayer by id.
        told: of the book.
        loan_terms, categories, splits: rows of those tables; no ``loan_terms`` where none were told.
    """
    rows, balances = told.booked, told.balances
    categories = with_draws(book, rows, categories)
    heard = frozenset(rows["account_id"].unique()) | frozenset(told.standing["account_id"].unique())
    silent = [a for a in told.own.values() if a.type == "loan" and a.account_id not in heard]
    if not (silent or book.deposits or book.shared):  # most books: nothing to look for in a million rows
        return Divided(categories, splits, [], BookedLoans(), {})
    whole = undivided(rows, categories, splits)
    paid = whole.select("transaction_id", "amount", "currency", "description", "category", date="counted_on")
    terms = LOAN_TERMS.empty() if loan_terms is None else loan_terms
    found = find_loans(book, silent, told.accounts, balances, terms, paid)
    known = [day for day in (rows["date"].max(), balances["as_of"].max()) if isinstance(day, date)]
    loans = book_loans(found, max(known, default=date.min), told.days)
    of_loans = loans.split_rows(book.id)
    left = whole.join(of_loans, on="transaction_id", how="anti", maintain_order="left")
    parts = [of_loans, deposit_splits(book, left), share_splits(book, family, shares(book, family, left))]
    return Divided(
        categories, pl.concat([splits, *parts]), found, loans, {a.cash: a.account_id for a in silent}
    )
