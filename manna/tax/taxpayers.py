"""Whose losses and purchases are looked at together: all books of a taxpayer, and of the spouse.

What belongs here: which books these are, and what they have in common. What does not: the rules (:mod:`wash`).
"""

from collections.abc import Callable, Iterable, Mapping

import polars as pl

from manna.books import Book
from manna.investment_settings import sameness
from manna.ledger.sheltered import is_sheltered


def taxpayers(books: Mapping[str, Book]) -> list[list[Book]]:
    """The books in groups: each is one taxpayer's, and the spouse's. A book that names neither is alone.

    It is enough that one book says who is married to whom.
    """
    same = sameness(
        [(book.taxpayer, book.spouse) for book in books.values() if book.taxpayer and book.spouse]
    )
    groups: dict[tuple[str, str], list[Book]] = {}
    for book in books.values():
        who = ("taxpayer", same(book.taxpayer)) if book.taxpayer else ("book", book.id)
        groups.setdefault(who, []).append(book)
    return list(groups.values())


def sheltered_accounts(books: Iterable[Book], accounts: pl.DataFrame) -> frozenset[str]:
    """account_ids of the sheltered ones among the rows of clean.accounts of ``books``."""
    of = {book.id: book.investments for book in books}
    return frozenset(
        row["account_id"] for row in accounts.iter_rows(named=True) if is_sheltered(of[row["book"]], row)
    )


def same_security(books: Iterable[Book], actions: pl.DataFrame, trades: pl.DataFrame) -> Callable[[str], str]:
    """One name for what is substantially identical: through changes of symbol, and as the books declare.

    Args:
        actions: rows of clean.corporate_actions.
        trades: rows of clean.trades; a change of symbol is told there as old shares out and new shares in.
    """
    renamed = actions.filter(pl.col("kind") == "name_change", pl.col("new_symbol").is_not_null())
    groups = [*renamed.select("symbol", "new_symbol").unique().sort("symbol", "new_symbol").rows()]
    told = trades.filter(
        pl.col("kind") == "symbol_change", ~pl.col("removed"), pl.col("security_id").is_not_null()
    )
    changed = told.group_by("account_id", "date").agg(pl.col("security_id").unique().sort())
    groups += [tuple(names) for names in changed["security_id"].to_list() if len(names) == 2]
    groups += [group for book in books for group in book.investments.same]
    return sameness(groups)
