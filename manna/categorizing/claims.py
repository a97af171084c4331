"""What each source says of which transaction: claims, put in order by ``deciding``.

What belongs here: one function per source that turns what it knows into claims. What does not: the order of the
sources, or how a source comes to know it (``rules``, ``transfers``, ``precedents``, ``model``, ``categories``).

A claim is a row of :data:`CLAIM`: a category for a transaction, how sure, why, and whether that is certain, i.e.
sure enough to stand without a person.
"""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from manna.books import Book, Rule
from manna.categorizing.categories import (
    CONFIDENCE,
    TRANSFERS,
    UNCATEGORIZED_IN,
    UNCATEGORIZED_OUT,
    plaid_categories,
)
from manna.categorizing.rules import first_rule

_SURE = pl.Decimal(18, 8)
CLAIM = {
    "transaction_id": pl.String(),
    "category": pl.String(),
    "source": pl.String(),
    "confidence": _SURE,
    "certain": pl.Boolean(),
    "reason": pl.String(),
}
_CERTAIN, _MATCHED = Decimal(1), Decimal("0.99")
_STANDS_ALONE = "VERY_HIGH"
"""Plaid's word for more than 98 % sure; anything less is for a person to see."""


def by_people(rows: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """A person's last word on a transaction, or on the row it came from.

    Args:
        rows: live transactions.
        decisions: :func:`manna.categorizing.following.followed`.
    """
    elsewhere = pl.col("decided_on") != pl.col("transaction_id")
    known = decisions.join(rows.select("transaction_id"), on="transaction_id", how="semi")
    reason = pl.format("decided by {}", "decided_by") + pl.when(elsewhere).then(
        pl.lit(" on the row it came from")
    ).otherwise(pl.lit(""))
    return _claims(known, "override", pl.col("category"), _CERTAIN, reason)


def by_rules(rows: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The first rule of the book that a transaction meets. ``rows`` have their account beside them."""
    met = rows.select("transaction_id", rule=first_rule(rules)).filter(pl.col("rule").is_not_null())
    words = pl.DataFrame(
        [(position, rule.category, f"rule: {rule.wording}") for position, rule in enumerate(rules)],
        schema={"rule": met.schema["rule"], "category": pl.String, "reason": pl.String},
        orient="row",
    )
    found = met.join(words, on="rule", how="left", maintain_order="left")
    return _claims(found, "rule", pl.col("category"), _CERTAIN, pl.col("reason"))


def by_transfer(transfers: pl.DataFrame) -> pl.DataFrame:
    """Both legs of each transfer within a book; a leg in ``clean.trades`` is claimed too and means nothing."""
    legs = pl.concat([transfers.select("days_apart", transaction_id=side) for side in ("out_id", "in_id")])
    reason = pl.format("opposite amount on an own account {} days apart", "days_apart")
    return _claims(legs, "transfer", pl.lit(TRANSFERS), _MATCHED, reason)


def by_owner(transfers: pl.DataFrame, book: Book, books: Sequence[Book]) -> pl.DataFrame:
    """Legs in ``book`` of money moved between two books of one taxpayer: a draw or a contribution.

    Never income and never an expense: a proprietor and his firm are one person before the tax office. Each book names
    it from its own side: what the firm calls its owner's draw, the household has received from the firm.
    """
    known = {other.id: other for other in books}
    parts = [CLAIMS_NONE]
    for side, other_side, ids in (("book", "in_book", "out_id"), ("in_book", "book", "in_id")):
        own = transfers.filter(pl.col(side) == book.id, pl.col(other_side) != book.id)
        for (other_id,), part in own.group_by([other_side], maintain_order=True):
            category = owner_category(book, known[str(other_id)], leaves=side == "book")
            reason = pl.format("opposite amount in the book {} {} days apart", pl.lit(other_id), "days_apart")
            claimed = part.select("days_apart", transaction_id=ids)
            parts.append(_claims(claimed, "transfer", pl.lit(category), _MATCHED, reason))
    return pl.concat(parts)


def owner_category(book: Book, other: Book, *, leaves: bool) -> str:
    """The equity account in ``book`` for money that goes to (or comes from) ``other``."""
    if book.kind == "proprietor" and other.kind != "proprietor":
        return "Equity:Owner's Draws" if leaves else "Equity:Owner's Contributions"
    return f"Equity:{'Contributions to' if leaves else 'Received from'} {other.name}"


def by_prediction(rows: pl.DataFrame, predictions: pl.DataFrame, source: str) -> pl.DataFrame:
    """What memory or the model says.

    Args:
        rows: live transactions.
        predictions: transaction_id, category, probability (0 to 1), certain, reason.
    """
    known = predictions.join(rows.select("transaction_id"), on="transaction_id", how="semi")
    return known.select(
        "transaction_id",
        "category",
        pl.lit(source).alias("source"),
        pl.col("probability").cast(_SURE).alias("confidence"),
        "certain",
        "reason",
    )


def by_plaid(rows: pl.DataFrame) -> pl.DataFrame:
    """Plaid's category, mapped to the chart of accounts."""
    sure = pl.col("plaid_confidence").replace_strict(
        CONFIDENCE, default=CONFIDENCE["UNKNOWN"], return_dtype=_SURE
    )
    return (
        rows.join(
            plaid_categories(rows),
            on=["plaid_primary", "plaid_detailed"],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .filter(pl.col("suggested").is_not_null())
        .select(
            "transaction_id",
            category="suggested",
            source=pl.lit("plaid"),
            confidence=sure,
            certain=(pl.col("plaid_confidence") == _STANDS_ALONE).fill_null(False),
            reason=pl.format("Plaid: {}", pl.coalesce("plaid_detailed", "plaid_primary", pl.lit(""))),
        )
    )


def by_nobody(rows: pl.DataFrame) -> pl.DataFrame:
    """Uncategorized income or expense: the row is in the books all the same."""
    category = (
        pl.when(pl.col("amount") > 0).then(pl.lit(UNCATEGORIZED_IN)).otherwise(pl.lit(UNCATEGORIZED_OUT))
    )
    claimed = _claims(rows, "none", category, Decimal(0), pl.lit("nobody knows yet"))
    return claimed.with_columns(certain=pl.lit(False))


def _claims(
    rows: pl.DataFrame, source: str, category: pl.Expr, confidence: Decimal, reason: pl.Expr
) -> pl.DataFrame:
    return rows.select(
        "transaction_id",
        category=category,
        source=pl.lit(source),
        confidence=pl.lit(confidence, dtype=_SURE),
        certain=pl.lit(True),
        reason=reason,
    )


CLAIMS_NONE = pl.DataFrame(schema=CLAIM)
