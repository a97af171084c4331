"""Who decides what a transaction was for, in what order, how sure and why.

What belongs here: the order of the sources. What does not: the sources themselves.
"""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from manna.books import Book
from manna.categorizing.categories import (
    CONFIDENCE,
    TRANSFERS,
    UNCATEGORIZED_IN,
    UNCATEGORIZED_OUT,
    plaid_categories,
)
from manna.categorizing.transfers import pair_transfers
from manna.contracts import categorized as contract

_CERTAIN, _MATCHED, _UNKNOWN = Decimal(1), Decimal("0.99"), Decimal(0)


def categorize(
    book: Book, transactions: pl.DataFrame, trades: pl.DataFrame, overrides: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Categories and transfers of one book.

    Args:
        book: its rules are tried in the order of the file; the first that matches counts.
        transactions: its rows of ``clean.transactions``.
        trades: its rows of ``clean.trades``.
        overrides: people's decisions, :func:`manna.categorizing.following.followed`.

    Returns:
        Rows of ``categorized.transactions`` (one per live transaction) and ``categorized.transfers``.
    """
    live = transactions.filter(~pl.col("removed"))
    decided = live.join(
        overrides.select("transaction_id", override="category", by="decided_by", seen="decided_on"),
        on="transaction_id",
        how="left",
        maintain_order="left",
    ).with_columns(rule=_first_rule(book))
    undecided = decided.filter(pl.col("override").is_null(), pl.col("rule").is_null())
    transfers = pair_transfers(undecided, trades)
    legs = pl.concat(
        [
            transfers.select(transaction_id=side, transfer_id="transfer_id", days_apart="days_apart")
            for side in ("out_id", "in_id")
        ]
    )
    found = decided.join(legs, on="transaction_id", how="left", maintain_order="left")
    return contract.TRANSACTIONS.conform(_verdicts(book, found)), transfers


def _first_rule(book: Book) -> pl.Expr:
    """Index of the first rule that matches, else null."""
    found: list[pl.Expr] = []
    for index, rule in enumerate(book.rules):
        matches = pl.col("description").str.contains(f"(?i){rule.description}")
        if rule.account_id is not None:
            matches &= pl.col("account_id") == rule.account_id
        if rule.sign is not None:
            matches &= (pl.col("amount") > 0) if rule.sign == "in" else (pl.col("amount") < 0)
        found.append(pl.when(matches).then(pl.lit(index, dtype=pl.Int64)))
    return pl.coalesce(found) if found else pl.lit(None, dtype=pl.Int64)


def _verdicts(book: Book, found: pl.DataFrame) -> pl.DataFrame:
    default = (
        pl.when(pl.col("amount") > 0).then(pl.lit(UNCATEGORIZED_IN)).otherwise(pl.lit(UNCATEGORIZED_OUT))
    )
    sure = pl.col("plaid_confidence").replace_strict(
        CONFIDENCE, default=CONFIDENCE["UNKNOWN"], return_dtype=pl.Decimal(18, 8)
    )
    by_override, by_rule = pl.col("override").is_not_null(), pl.col("rule").is_not_null()
    paired = pl.col("transfer_id").is_not_null()
    suggested = found.join(
        plaid_categories(found),
        on=["plaid_primary", "plaid_detailed"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return suggested.with_columns(
        category=pl.coalesce(
            "override",
            _of_rule([rule.category for rule in book.rules]),
            pl.when(paired).then(pl.lit(TRANSFERS)),
            "suggested",
            default,
        ),
        source=_choose(by_override, by_rule, paired, "override", "rule", "transfer", "plaid", "none"),
        confidence=pl.when(by_override | by_rule)
        .then(_money(_CERTAIN))
        .when(paired)
        .then(_money(_MATCHED))
        .when(pl.col("suggested").is_not_null())
        .then(sure)
        .otherwise(_money(_UNKNOWN)),
        reason=pl.when(by_override)
        .then(_by_whom())
        .when(by_rule)
        .then(_of_rule([f"rule: {rule.description}" for rule in book.rules]))
        .when(paired)
        .then(pl.format("opposite amount on an own account {} days apart", pl.col("days_apart").fill_null(0)))
        .when(pl.col("suggested").is_not_null())
        .then(pl.format("Plaid: {}", pl.coalesce("plaid_detailed", "plaid_primary", pl.lit(""))))
        .otherwise(pl.lit("nobody knows yet")),
    )


def _by_whom() -> pl.Expr:
    """Who decided, and on which row where that was another one."""
    by = pl.format("decided by {}", pl.col("by").fill_null(""))
    elsewhere = pl.format("{}, on {} that this row follows", by, pl.col("seen").fill_null(""))
    return pl.when(pl.col("seen") != pl.col("transaction_id")).then(elsewhere).otherwise(by)


def _of_rule(texts: Sequence[str]) -> pl.Expr:
    """The text of the matching rule, else null."""
    return pl.col("rule").replace_strict(dict(enumerate(texts)), default=None, return_dtype=pl.String)


def _choose(first: pl.Expr, second: pl.Expr, third: pl.Expr, *names: str) -> pl.Expr:
    override, rule, transfer, plaid, nobody = (pl.lit(name) for name in names)
    return (
        pl.when(first)
        .then(override)
        .when(second)
        .then(rule)
        .when(third)
        .then(transfer)
        .when(pl.col("suggested").is_not_null())
        .then(plaid)
        .otherwise(nobody)
    )


def _money(value: Decimal) -> pl.Expr:
    return pl.lit(value, dtype=pl.Decimal(18, 8))
