"""Journal entries and postings: their shape, their ids, and the entries of ordinary transactions.

What belongs here: what every entry has in common, and bank and card transactions, which are booked a
million at a time. What does not: trades (:mod:`trades`), openings (:mod:`openings`).

Ids. An entry's id is the first 128 bits of the SHA-256 of its source table and source id, so it is the
same in every run and on every machine; among a thousand million entries the chance that any two are equal
is below 2e-21. A posting's id is its entry's id and its position.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from manna.contracts.ledger import JOURNAL, POSTINGS
from manna.ledger.chart import IN_TRANSIT, SHELTERED, SUSPENSE, OwnAccount

_ID_LENGTH = 32
_POSITION = "{}-{:03d}"
_OF_NO_LOT = tuple(pl.lit(None).alias(name) for name in ("security_id", "quantity", "lot_id"))


@dataclass(frozen=True, slots=True)
class Line:
    """One posting to be. ``amount`` is positive = debit; ``account_id`` only on a provider's account."""

    account: str
    amount: Decimal
    currency: str
    account_id: str | None = None
    security_id: str | None = None
    quantity: Decimal | None = None
    lot_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry with its lines, whose amounts sum to zero per currency."""

    date: date
    kind: str
    description: str
    source_table: str
    source_id: str
    lines: tuple[Line, ...]

    @property
    def entry_id(self) -> str:
        """See :func:`identity`."""
        return identity(self.source_table, self.source_id)


def identity(source_table: str, source_id: str) -> str:
    """The id of whatever the row ``source_id`` of ``source_table`` gives rise to: 32 hex digits."""
    return hashlib.sha256(f"{source_table}\x1f{source_id}".encode()).hexdigest()[:_ID_LENGTH]


def identities(source_table: str, source_ids: pl.Series) -> pl.Series:
    """:func:`identity` of many rows of one table, in half the time."""
    sha256, prefix = hashlib.sha256, f"{source_table}\x1f"
    found = [sha256((prefix + name).encode()).hexdigest()[:_ID_LENGTH] for name in source_ids.to_list()]
    return pl.Series("entry_id", found, dtype=pl.String)


def balanced(lines: Iterable[Line], counter: str) -> tuple[Line, ...]:
    """``lines`` and, per currency in which they do not sum to zero, one more on the account ``counter``."""
    kept = tuple(lines)
    rest: dict[str, Decimal] = {}
    for line in kept:
        rest[line.currency] = rest.get(line.currency, Decimal(0)) + line.amount
    return kept + tuple(Line(counter, -amount, currency) for currency, amount in rest.items() if amount)


def entry_frames(book_id: str, entries: Iterable[Entry]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``entries`` as rows of ledger.journal and ledger.postings."""
    journal: list[tuple[object, ...]] = []
    postings: list[tuple[object, ...]] = []
    for entry in entries:
        entry_id = entry.entry_id
        journal.append((
            entry_id, book_id, entry.date, entry.kind, entry.description, entry.source_table, entry.source_id,
        ))  # fmt: skip
        postings.extend(
            (
                _POSITION.format(entry_id, position), entry_id, book_id, entry.date, line.account,
                line.account_id, line.amount, line.currency, line.security_id, line.quantity, line.lot_id,
            )
            for position, line in enumerate(entry.lines, start=1)
        )  # fmt: skip
    return (
        pl.DataFrame(journal, schema=JOURNAL.polars_schema, orient="row"),
        pl.DataFrame(postings, schema=POSTINGS.polars_schema, orient="row"),
    )


def posted(transactions: pl.DataFrame) -> pl.DataFrame:
    """The rows of clean.transactions that are booked: pending ones are memo, removed ones are gone."""
    return transactions.filter(~pl.col("pending") & ~pl.col("removed"))


def book_transactions(
    book_id: str,
    transactions: pl.DataFrame,
    categories: pl.DataFrame,
    splits: pl.DataFrame,
    own: Mapping[str, OwnAccount],
    loans: Mapping[str, str] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Posted transactions as rows of ledger.journal and ledger.postings, two postings each or more.

    The own account gets ``amount``; the counter account gets ``-amount``: the category, or
    ``Assets:In Transit`` for a leg of a transfer (so that net worth does not dip while money is on its
    way), or ``Equity:Suspense`` for a row without a category, so that no row is ever lost. Interest and the like of a
    sheltered account is no income. A row that a person split has a counter posting for each part.

    Args:
        transactions: rows of clean.transactions; pending and removed ones are passed over.
        categories: rows of categorized.transactions.
        splits: rows of categorized.splits; they sum to their transaction.
        own: the chart, with every account_id of ``transactions``.
        loans: account_id by the account that parts of a loan's payment are booked on: its balance includes them.
    """
    rows = _on_leaves(posted(transactions), categories, own)
    rows = rows.with_columns(identities("clean.transactions", rows["transaction_id"]), book=pl.lit(book_id))
    # Once and narrow: what is made of it comes sorted, and sorting that again costs next to nothing.
    rows = rows.sort("date", "entry_id")
    journal = rows.with_columns(
        kind=pl.lit("transaction"),
        source_table=pl.lit("clean.transactions"),
        source_id="transaction_id",
    )
    own_side = rows.with_columns(*_OF_NO_LOT, posting_id=pl.col("entry_id") + "-001")
    counter_side = _counter_side(rows, splits, loans or {})
    postings = pl.concat([POSTINGS.conform(own_side), POSTINGS.conform(counter_side)])
    return JOURNAL.conform(journal), postings


def _on_leaves(
    transactions: pl.DataFrame, categories: pl.DataFrame, own: Mapping[str, OwnAccount]
) -> pl.DataFrame:
    """``transactions`` with their category, and the account of the chart that is theirs."""
    leaves = pl.DataFrame(
        [(name, account.cash, account.sheltered) for name, account in own.items()],
        schema={"account_id": pl.String, "account": pl.String, "sheltered": pl.Boolean},
        orient="row",
    )
    return (
        transactions.select("transaction_id", "account_id", "date", "amount", "currency", "description")
        .join(
            categories.select("transaction_id", "category", "transfer_id"),
            on="transaction_id",
            how="left",
            validate="m:1",
        )
        .join(leaves, on="account_id", how="left")
    )


def _counter_side(rows: pl.DataFrame, splits: pl.DataFrame, loans: Mapping[str, str]) -> pl.DataFrame:
    """What the own accounts' postings stand against, each part of a split row for itself."""
    divided = splits.select("transaction_id", "position", part="amount", part_of="category")
    parts = rows.join(divided, on="transaction_id", how="left").with_columns(
        amount=pl.coalesce("part", "amount"),
        category=pl.coalesce("part_of", "category"),
        number=pl.col("position").fill_null(1) + 1,
    )
    category = pl.when("sheltered").then(pl.col("category").replace(SHELTERED)).otherwise("category")
    counter = pl.when(pl.col("transfer_id").is_not_null()).then(pl.lit(IN_TRANSIT)).otherwise(category)
    return parts.with_columns(
        *_OF_NO_LOT,
        posting_id=pl.format("{}-{}", "entry_id", pl.col("number").cast(pl.String).str.zfill(3)),
        account=counter.fill_null(SUSPENSE),
        account_id=counter.replace_strict(loans, default=None) if loans else pl.lit(None),
        amount=-pl.col("amount"),
    )
