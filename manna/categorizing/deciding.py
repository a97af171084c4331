"""Who decides what a transaction was for, in what order, how sure and why.

What belongs here: the order of the sources. What does not: the sources themselves (``claims``).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from manna.books import Book
from manna.categorizing import claims
from manna.categorizing.rules import with_account
from manna.categorizing.splitting import splits
from manna.categorizing.transfers import Pair, legs_of, pair_between_books, pair_transfers
from manna.contracts import categorized as contract

PREDICTIONS = {
    "transaction_id": pl.String(),
    "category": pl.String(),
    "probability": pl.Float64(),
    "certain": pl.Boolean(),
    "reason": pl.String(),
}
NO_PREDICTIONS = pl.DataFrame(schema=PREDICTIONS)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one book.

    ``transactions``, ``trades`` and ``accounts`` are its rows of those tables of ``clean``, ``decisions`` what
    people decided (:func:`manna.categorizing.following.followed`), ``merchants`` the normalized merchant of
    each transaction (transaction_id, merchant).
    """

    book: Book
    transactions: pl.DataFrame
    trades: pl.DataFrame
    accounts: pl.DataFrame
    decisions: pl.DataFrame
    merchants: pl.DataFrame
    rejected: Collection[Pair] = ()

    @property
    def live(self) -> pl.DataFrame:
        """Transactions that were not taken back, with their account and merchant."""
        rows = with_account(self.transactions.filter(~pl.col("removed")), self.accounts)
        named = self.merchants.select("transaction_id", payee="merchant")
        return rows.join(named, on="transaction_id", how="left", maintain_order="left").with_columns(
            pl.col("payee").fill_null("")
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """What people and rules have said of a book, and the transfers within it: all that needs no guess."""

    facts: Facts
    rows: pl.DataFrame
    claimed: tuple[pl.DataFrame, ...]
    transfers: pl.DataFrame

    @property
    def open(self) -> pl.DataFrame:
        """Rows that nothing so far has a claim on."""
        taken = pl.concat([claim.select("transaction_id") for claim in self.claimed])
        return self.rows.join(taken, on="transaction_id", how="anti", maintain_order="left")


@dataclass(frozen=True, slots=True)
class Categorized:
    """Rows of the tables ``categorized.transactions``, ``splits`` and ``transfers`` of one book."""

    transactions: pl.DataFrame
    splits: pl.DataFrame = field(default_factory=contract.SPLITS.empty)
    transfers: pl.DataFrame = field(default_factory=contract.TRANSFERS.empty)


def settle(facts: Facts) -> Settled:
    """People first, then the book's rules, then transfers between its own accounts."""
    rows, book = facts.live, facts.book
    people = claims.by_people(rows, facts.decisions)
    rules = claims.by_rules(rows, book.rules)
    undecided = _without(_without(rows, people), rules)
    rates = {book.currency: Decimal(1), **book.exchange_rates}
    transfers = pair_transfers(undecided, facts.trades, rejected=facts.rejected, rates=rates)
    return Settled(facts, rows, (people, rules, claims.by_transfer(transfers)), transfers)


def between_books(settled: Sequence[Settled]) -> pl.DataFrame:
    """Transfers between books of one taxpayer, of what is no transfer within one of them."""
    if len(settled) < 2:
        return contract.TRANSFERS.empty()
    no_trades = settled[0].facts.trades.clear()
    legs = pl.concat([legs_of(one.open, no_trades) for one in settled])
    rejected = {pair for one in settled for pair in one.facts.rejected}
    rates = {settled[0].facts.book.currency: Decimal(1), **settled[0].facts.book.exchange_rates}
    return pair_between_books(legs, rejected=rejected, rates=rates)


def categorize(
    settled: Settled,
    *,
    between: pl.DataFrame | None = None,
    books: Sequence[Book] = (),
    memory: pl.DataFrame = NO_PREDICTIONS,
    model: pl.DataFrame = NO_PREDICTIONS,
) -> Categorized:
    """Categories of one book: the first source that has a claim on a row decides.

    A person, a rule, a transfer, the merchant's memory, the model, Plaid, nobody. What memory, the model and
    Plaid say without being certain comes after what any of them is certain of.

    Args:
        settled: :func:`settle`.
        between: :func:`between_books`, where the book's taxpayer has several; ``books`` are those.
        memory, model: what they predict: columns of :data:`PREDICTIONS`.

    Returns:
        One row per live transaction, in their order; splits; transfers whose leaving leg is in this book.
    """
    book, rows = settled.facts.book, settled.rows
    moved = contract.TRANSFERS.empty() if between is None else between
    guesses = [
        claims.by_prediction(rows, memory, "memory"),
        claims.by_prediction(rows, model, "model"),
        claims.by_plaid(rows),
    ]
    ranked = [
        *settled.claimed,
        claims.by_owner(moved, book, books),
        *(guess.filter("certain") for guess in guesses),
        *(guess.filter(~pl.col("certain")) for guess in guesses),
        claims.by_nobody(rows),
    ]
    verdicts = pl.concat(ranked).unique("transaction_id", keep="first", maintain_order=True)
    legs = pl.concat(
        [settled.transfers.select("transfer_id", transaction_id=side) for side in ("out_id", "in_id")]
    )
    found = (
        rows.select("transaction_id", "book", merchant="payee")
        .join(verdicts, on="transaction_id", how="left", maintain_order="left")
        .join(legs, on="transaction_id", how="left", maintain_order="left")
    )
    return Categorized(
        transactions=contract.TRANSACTIONS.conform(found),
        splits=splits(rows, settled.facts.decisions),
        transfers=pl.concat([settled.transfers, moved.filter(pl.col("book") == book.id)]),
    )


def _without(rows: pl.DataFrame, claimed: pl.DataFrame) -> pl.DataFrame:
    return rows.join(claimed, on="transaction_id", how="anti", maintain_order="left")
