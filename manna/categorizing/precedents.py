"""Merchant memory: what this book decided of a merchant before.

What belongs here: learning it from people's decisions, and recalling it. What does not: merchants' names
(``merchants``), or who comes first (``deciding``).
"""

import polars as pl

CONSISTENT = 2
"""Decisions that must agree before memory is certain; one may have been a slip."""


def recalled(rows: pl.DataFrame, known: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """What memory says of every row whose merchant was decided on: columns of ``deciding.PREDICTIONS``.

    A merchant is remembered by direction (a refund is no purchase), only where all decisions on it agree and
    none was a split. The probability is (n + 1) / (n + 2) for n decisions, Laplace's rule of succession.

    Args:
        rows: live transactions to say something of: transaction_id, amount and ``payee``, the normalized
            merchant.
        known: all live transactions of that book, with the same columns.
        decisions: of that book, :func:`manna.categorizing.following.followed`.
    """
    key = ["payee", "incoming"]
    incoming = (pl.col("amount") > 0).alias("incoming")
    taught = (
        known.filter(pl.col("payee") != "")
        .with_columns(incoming)
        .join(decisions.select("transaction_id", "category", "splits"), on="transaction_id")
        .group_by(key)
        .agg(
            n=pl.len(),
            category=pl.col("category").first(),
            agreed=(pl.col("category").n_unique() == 1) & pl.col("splits").is_null().all(),
        )
        .filter("agreed")
    )
    decided = pl.col("n").cast(pl.Float64)
    times = pl.when(pl.col("n") == 1).then(pl.lit("once")).otherwise(pl.format("{} times", "n"))
    return (
        rows.with_columns(incoming)
        .join(taught, on=key, maintain_order="left")
        .select(
            "transaction_id",
            "category",
            probability=(decided + 1) / (decided + 2),
            certain=pl.col("n") >= CONSISTENT,
            reason=pl.format("{} was decided so {}", "payee", times),
        )
    )
