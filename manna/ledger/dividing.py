"""Rows of a bank that are several things at once: sales net of a fee or with tax in them, spending of two books.

What belongs here: how such a row is divided, in the shape of categorized.splits, and what the other book makes of its
share. What does not: what a person split by hand (that stays as it is), or payments of loans (:mod:`loans`).

A share of spending is reckoned from the payer's row alone, by one function for both books, so that the draw or
contribution of the one is the other's to the cent.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from manna.book_sections import Deposit
from manna.books import Book
from manna.categorizing.claims import owner_category
from manna.contracts.categorized import SPLITS
from manna.ledger.journal import Entry, Line
from manna.money import round_money

ESTIMATED_TAX = "Equity:Owner's Draws:Estimated Tax"
_INCOME_TAX = "Expenses:Taxes:Federal"
_TAX_PAYMENT = "Expenses:Government and Non Profit:Tax Payment"
_TO_THE_REVENUE = r"(?i)\bIRS\b|USATAXPYMT|EFTPS|FRANCHISE TAX|EST(IMATED)?\.? TAX"
_BY_PEOPLE = ("override", "rule")
_LOANS = "Expenses:Loan Payments"

SHARES = {
    "transaction_id": pl.String(),
    "payer": pl.String(),
    "book": pl.String(),
    "date": pl.Date(),
    "description": pl.String(),
    "category": pl.String(),
    "account": pl.String(),
    "amount": pl.Decimal(18, 4),
    "part": pl.Decimal(18, 4),
    "currency": pl.String(),
}
"""Spending of ``payer`` of which ``part`` is that of ``book``, which books it as ``account``; ledger's sign."""


def undivided(rows: pl.DataFrame, categories: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Booked rows that are no transfer and that nobody has split, with their ``category`` and its ``source``.

    Args:
        rows: booked rows of clean.transactions.
        categories, splits: rows of the tables of those names in ``categorized``.
    """
    named = categories.select("transaction_id", "category", "source", "transfer_id")
    return (
        rows.join(splits, on="transaction_id", how="anti", maintain_order="left")
        .join(named, on="transaction_id", how="left", maintain_order="left")
        .filter(pl.col("transfer_id").is_null())
    )


def with_draws(book: Book, rows: pl.DataFrame, categories: pl.DataFrame) -> pl.DataFrame:
    """``categories``, in which a proprietor's income tax is a draw: it is the owner's, not the firm's (IRS Pub. 535).

    What is categorized as federal income tax, and what the feed calls a tax payment and is paid to the revenue, unless a
    person or a rule says otherwise of it.
    """
    if book.kind != "proprietor":
        return categories
    guessed = categories.filter(pl.col("category") == _TAX_PAYMENT, ~pl.col("source").is_in(_BY_PEOPLE))
    to_revenue = rows.join(guessed.select("transaction_id"), on="transaction_id", how="semi").filter(
        pl.col("description").str.contains(_TO_THE_REVENUE)
    )
    drawn = pl.col("transaction_id").is_in(to_revenue["transaction_id"].implode())
    return categories.with_columns(
        category=pl.when(drawn | _below(pl.col("category"), _INCOME_TAX))
        .then(pl.lit(ESTIMATED_TAX))
        .otherwise("category")
    )


def gross(net: Decimal, deposit: Deposit, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """(income, sales tax, fee) of what arrived: income + sales tax - fee = ``net``.

    The fee is a part of the gross amount, so gross = net / (1 - fee); sales tax is in the gross amount, so it is
    gross x rate / (1 + rate) of it.
    """
    fee = Decimal(0) if deposit.fee is None else round_money(net * deposit.fee / (1 - deposit.fee), currency)
    tax = Decimal(0)
    if deposit.sales_tax is not None:
        tax = round_money((net + fee) * deposit.sales_tax / (1 + deposit.sales_tax), currency)
    return net + fee - tax, tax, fee


def deposit_splits(book: Book, rows: pl.DataFrame) -> pl.DataFrame:
    """The divisions of all sales that a setting of the book is about, as rows of categorized.splits.

    Args:
        rows: :func:`undivided`.
    """
    divided, done = [], set[str]()
    for deposit in book.deposits:
        met = rows.filter(_below(pl.col("category"), deposit.category))
        if deposit.description is not None:
            met = met.filter(pl.col("description").str.contains(f"(?i){deposit.description}"))
        for row in met.select("transaction_id", "category", "amount", "currency").iter_rows(named=True):
            if row["transaction_id"] in done:  # the first setting decides
                continue
            done.add(row["transaction_id"])
            income, tax, fee = gross(row["amount"], deposit, row["currency"])
            parts = (
                (row["category"], income),
                (deposit.sales_tax_account, tax),
                (deposit.fee_account, -fee),
            )
            divided += _split(book, row, [part for part in parts if part[1]])
    return pl.DataFrame(divided, schema=SPLITS.polars_schema, orient="row")


def shares(payer: Book, books: Mapping[str, Book], rows: pl.DataFrame) -> pl.DataFrame:
    """What other books of the taxpayer have to do with the payer's spending: rows of :data:`SHARES`.

    Args:
        payer: whose rows these are; its ``shared`` says what is shared. The first setting that a row meets decides.
        books: the books of its taxpayer, by id; a setting that names any other is passed over.
        rows: :func:`undivided`.
    """
    found, done = [], set[str]()
    spent = rows.filter(~_below(pl.col("category"), _LOANS).fill_null(False))
    for loan in payer.loans:  # a loan's payment is divided otherwise
        if loan.payments is not None:
            spent = spent.filter(~pl.col("description").str.contains(f"(?i){loan.payments}"))
    for setting in payer.shared:
        if setting.book not in books or setting.book == payer.id:
            continue
        met = spent.filter(_below(pl.col("category"), setting.account))
        if setting.description is not None:
            met = met.filter(pl.col("description").str.contains(f"(?i){setting.description}"))
        for row in met.iter_rows(named=True):
            part = round_money(row["amount"] * setting.share, row["currency"])
            if row["transaction_id"] in done:
                continue
            done.add(row["transaction_id"])
            found.append(
                {name: row[name] for name in ("transaction_id", "date", "description", "category", "amount", "currency")}
                | {"payer": payer.id, "book": setting.book, "part": part}
                | {"account": setting.booked_as or row["category"]}
            )  # fmt: skip
    return pl.DataFrame([row for row in found if row["part"]], schema=SHARES)


def share_splits(payer: Book, books: Mapping[str, Book], shared: pl.DataFrame) -> pl.DataFrame:
    """The payer's side: the other book's part is a draw or a contribution, the rest its own expense."""
    divided = []
    for row in shared.iter_rows(named=True):
        away = owner_category(payer, books[row["book"]], leaves=True)
        parts = [(row["category"], row["amount"] - row["part"]), (away, row["part"])]
        divided += _split(payer, row, [part for part in parts if part[1]])
    return pl.DataFrame(divided, schema=SPLITS.polars_schema, orient="row")


def share_entries(book: Book, books: Mapping[str, Book], shared: pl.DataFrame) -> list[Entry]:
    """The other side: an expense of ``book`` that its owner paid from another book.

    Args:
        book: whose expenses these are.
        books: the books of its taxpayer, by id.
        shared: :func:`shares` of other books.
    """
    entries = []
    for row in shared.filter(pl.col("book") == book.id).iter_rows(named=True):
        paid_by = owner_category(book, books[row["payer"]], leaves=False)
        lines = (
            Line(row["account"], -row["part"], row["currency"]),
            Line(paid_by, row["part"], row["currency"]),
        )
        # The payer's own entry is made from the same row.
        source_id = f"{row['transaction_id']}/{book.id}"
        entries.append(
            Entry(row["date"], "transaction", row["description"], "clean.transactions", source_id, lines)
        )
    return entries


def _split(
    book: Book, row: Mapping[str, object], parts: Sequence[tuple[str, Decimal]]
) -> list[tuple[object, ...]]:
    return [
        (row["transaction_id"], position, book.id, account, amount, row["currency"])
        for position, (account, amount) in enumerate(parts, start=1)
    ]


def _below(category: pl.Expr, account: str) -> pl.Expr:
    """Whether an account is ``account`` or below it."""
    return (category == account) | category.str.starts_with(f"{account}:")
