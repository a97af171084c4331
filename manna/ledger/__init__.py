"""Stage ``ledger``: double entry for one book, as pure functions over Polars frames.

The map:

- :mod:`keeping`: :func:`keep_books`, which puts the rest together;
- :mod:`told`: what was told of the accounts, made ready for booking;
- :mod:`chart`: where each provider account stands in the chart of accounts;
- :mod:`tax_lines`: which line of which tax form an account leads to;
- :mod:`journal`: entries, postings, their ids, and ordinary transactions;
- :mod:`entered`, :mod:`entry_file`: entries that people write, and files of them;
- :mod:`dividing`, :mod:`divided`: rows that are several things: sales with fee and tax, spending of two books;
- :mod:`exchanges`: transfers between own accounts of two currencies;
- :mod:`margin`: what investment accounts owe their institutions;
- :mod:`valued`: houses, cars and debts whose values the book's file gives;
- :mod:`openings`: what was there before the feed begins;
- :mod:`loans`, :mod:`loan_entries`, :mod:`amortizing`: loans without transactions, their payments divided;
- :mod:`invested`, :mod:`records`, :mod:`walking`, :mod:`trades`, :mod:`positions`, :mod:`disposals`: investment accounts:
  all of a book, rows, their order, booking, gains and overselling; :mod:`sheltered`: those that are not taxed;
- :mod:`lots`, :mod:`matching`, :mod:`instructions`, :mod:`settlement`: lots, and which of them a sale takes;
  :mod:`corporate`, :mod:`carrying`, :mod:`basis`: transfers in kind, exchanges, spin-offs, returns of capital;
- :mod:`trial`: trial balance and the proof that every entry balances;
- :mod:`reconciliation`: the ledger against the provider;
- :mod:`months`: which months' reports are out of date.

Signs: positive = debit, throughout. What does not belong here: categories (``categorized``), market
values (``portfolio``), statements (``statements``), and anything that reads or writes.
"""

from manna.ledger.chart import OwnAccount, chart_account, chart_of_accounts
from manna.ledger.disposals import LedgerError, Oversold, OversoldError
from manna.ledger.journal import Entry, Line, book_transactions, identity
from manna.ledger.keeping import Books, keep_books
from manna.ledger.lots import Lot, Taken, fifo, split_lots
from manna.ledger.months import month_hashes, since_when
from manna.ledger.reconciliation import position_differences, reconcile
from manna.ledger.tax_lines import tax_lines
from manna.ledger.told import UnknownAccountError
from manna.ledger.trial import out_of_balance, trial_balance
from manna.ledger.walking import book_trades

__all__ = [
    "Books",
    "Entry",
    "LedgerError",
    "Line",
    "Lot",
    "Oversold",
    "OversoldError",
    "OwnAccount",
    "Taken",
    "UnknownAccountError",
    "book_trades",
    "book_transactions",
    "chart_account",
    "chart_of_accounts",
    "fifo",
    "identity",
    "keep_books",
    "month_hashes",
    "out_of_balance",
    "position_differences",
    "reconcile",
    "since_when",
    "split_lots",
    "tax_lines",
    "trial_balance",
]
