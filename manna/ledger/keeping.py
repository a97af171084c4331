"""The books of one book, kept: everything in this folder put together.

What belongs here: the order in which the parts are made. What does not: any rule of bookkeeping.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from manna.books import Book
from manna.ledger.divided import Divided, divide
from manna.ledger.dividing import share_entries
from manna.ledger.entered import book_entered
from manna.ledger.exchanges import Exchanges, book_exchanges
from manna.ledger.instructions import Instruction
from manna.ledger.invested import gain_frame, invest, lot_frame
from manna.ledger.journal import Entry, book_transactions, entry_frames
from manna.ledger.loan_entries import trued_up
from manna.ledger.margin import margin_loans
from manna.ledger.openings import cash_openings
from manna.ledger.positions import Booked
from manna.ledger.reconciliation import provider_money, reconcile
from manna.ledger.told import Told, as_counted, told_of
from manna.ledger.valued import book_valued


@dataclass(frozen=True, slots=True)
class Books:
    """The tables of stage ``ledger`` for one book, each as its contract says, sorted.

    ``ledger.months`` is not among them: it depends on valuations too (:func:`manna.ledger.month_hashes`).
    ``refused_instructions`` says which instructions on lots do not hold, and why; ``unrated`` which exchanges of
    currencies stay in transit.
    """

    journal: pl.DataFrame
    postings: pl.DataFrame
    lots: pl.DataFrame
    gains: pl.DataFrame
    reconciliation: pl.DataFrame
    refused_instructions: tuple[str, ...] = ()
    unrated: tuple[str, ...] = ()


def keep_books(
    book: Book,
    *,
    accounts: pl.DataFrame,
    balances: pl.DataFrame,
    transactions: pl.DataFrame,
    categories: pl.DataFrame,
    splits: pl.DataFrame,
    transfers: pl.DataFrame,
    securities: pl.DataFrame,
    holdings: pl.DataFrame,
    trades: pl.DataFrame,
    entered: pl.DataFrame | None = None,
    loan_terms: pl.DataFrame | None = None,
    tax_forms: pl.DataFrame | None = None,
    family: Mapping[str, Book] | None = None,
    shared: pl.DataFrame | None = None,
    instructions: Sequence[Instruction] = (),
) -> Books:
    """Double entry for one book from its rows of ``clean`` and ``categorized``, and no other book's.

    The order of rows does not matter. ``categories`` is categorized.transactions, ``splits``, ``transfers`` and
    ``loan_terms`` the tables of those names, ``entered`` what people wrote (:data:`manna.ledger.entered.ENTERED`),
    ``tax_forms`` rows of :data:`manna.ledger.loan_entries.FORMS`, ``family`` all books of its taxpayer by id, ``shared``
    what they paid for this one (:func:`manna.ledger.dividing.shares`). What is not given is not there.
    ``instructions`` are what people said of the lots that sales take.

    Raises:
        UnknownAccountError: rows name accounts that are not in ``accounts``; all are listed.
        OversoldError: more was sold than held; every case is listed, no books are made.
    """
    told = told_of(book, accounts, balances, transactions, securities, holdings, trades)
    invested = invest(book, told, transfers, instructions)
    paid = divide(book, family or {}, told, loan_terms, categories, splits)
    written = [] if entered is None else book_entered(entered, told.own)
    if tax_forms is not None:
        written += trued_up(book.id, paid.found, paid.loans, tax_forms)
    if shared is not None:
        written += share_entries(book, family or {}, shared)
    exchanged = book_exchanges(book, transfers, told.booked_on())
    return _put_together(book, told, invested, paid, written, exchanged)


def _put_together(
    book: Book, told: Told, invested: Booked, paid: Divided, written: Sequence[Entry], exchanged: Exchanges
) -> Books:
    """What the feed moved; what was there before it, plugged from the first balances; what people wrote; and what
    follows from all of these together."""
    own, days = told.own, told.days
    fed = _together(
        book_transactions(book.id, told.booked, paid.categories, paid.splits, own, paid.leaves),
        entry_frames(book.id, invested.entries),
    )
    seen = as_counted(*fed, told)
    provider = provider_money(own, told.balances, told.holdings, told.securities)
    opened = entry_frames(book.id, cash_openings(own, provider, seen, days) + paid.loans.entries)
    people = entry_frames(book.id, [*written, *exchanged.entries])
    moved = _together(fed, opened, people)
    valued = book_valued(book, moved[1], min(days.values(), default=None))
    further = entry_frames(book.id, [*valued, *margin_loans(own, moved[1], provider)])
    journal, postings = _together(moved, further)
    # People's entries are compared with the provider, and are no part of what an opening is plugged from.
    compared = [seen, *(lines.select(seen.columns) for _, lines in (opened, people))]
    return Books(
        journal=journal.sort("date", "entry_id", maintain_order=True),
        postings=postings.sort("date", "posting_id", maintain_order=True),
        lots=lot_frame(book.id, invested.lots),
        gains=gain_frame(book.id, invested),
        reconciliation=reconcile(
            book.id,
            own,
            provider,
            pl.concat(compared, how="vertical_relaxed"),
            frozenset(paid.leaves.values()),
        ),
        refused_instructions=tuple(sorted(invested.refused)),
        unrated=exchanged.unrated,
    )


def _together(*parts: tuple[pl.DataFrame, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Journals and postings, the one below the other."""
    journals, postings = zip(*parts, strict=True)
    return pl.concat(journals), pl.concat(postings)
