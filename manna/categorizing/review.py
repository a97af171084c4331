"""What a person should look at, most valuable first.

What belongs here: the queue, and what an answer settles. What does not: asking (``pipelines``), or deciding.

Rows of one merchant in one direction with the same suggestion are one question: one answer settles them all. A
question's worth is the money at stake times the doubt, summed over its rows.
"""

import hashlib

import polars as pl

QUEUE = {
    "question_id": pl.String(),
    "book": pl.String(),
    "merchant": pl.String(),
    "direction": pl.String(),
    "suggested": pl.String(),
    "source": pl.String(),
    "confidence": pl.Decimal(18, 8),
    "rows": pl.Int64(),
    "amount": pl.Decimal(18, 4),
    "currency": pl.String(),
    "first_on": pl.Date(),
    "last_on": pl.Date(),
    "example": pl.String(),
    "reason": pl.String(),
    "worth": pl.Float64(),
    "transaction_ids": pl.List(pl.String()),
}


def queue(transactions: pl.DataFrame, categorized: pl.DataFrame) -> pl.DataFrame:
    """The questions of one or more books, the most valuable first.

    Args:
        transactions: live rows of ``clean.transactions``; pending ones are not asked about yet.
        categorized: rows of ``categorized.transactions``.

    Returns:
        Columns of :data:`QUEUE`. ``amount`` is the sum of the rows (ledger's sign), ``confidence`` the lowest,
        ``example`` the description of the latest row. A row whose text names no merchant is a question of its
        own.
    """
    doubtful = categorized.filter(~pl.col("certain")).drop("book")
    rows = (
        transactions.filter(~pl.col("pending"), ~pl.col("removed"))
        .join(doubtful, on="transaction_id", how="inner", suffix="_named")
        .with_columns(
            payee=pl.col("merchant_named"),
            direction=pl.when(pl.col("amount") > 0).then(pl.lit("in")).otherwise(pl.lit("out")),
            doubt=pl.col("amount").abs().cast(pl.Float64) * (1 - pl.col("confidence").cast(pl.Float64)),
        )
        .with_columns(one=pl.when(pl.col("payee") == "").then("transaction_id").otherwise(pl.lit("")))
        .sort("date", "transaction_id")
    )
    grouped = rows.group_by(
        "book", "payee", "direction", "category", "source", "currency", "one", maintain_order=True
    ).agg(
        confidence=pl.col("confidence").min(),
        rows=pl.len().cast(pl.Int64),
        amount=pl.col("amount").sum(),
        first_on=pl.col("date").min(),
        last_on=pl.col("date").max(),
        example=pl.col("description").last(),
        reason=pl.col("reason").last(),
        worth=pl.col("doubt").sum(),
        transaction_ids=pl.col("transaction_id"),
    )
    ids = [
        hashlib.sha256("\n".join(key).encode()).hexdigest()[:12]
        for key in grouped.select(
            "book", "payee", "direction", "category", "source", "currency", "one"
        ).iter_rows()
    ]
    return (
        grouped.with_columns(question_id=pl.Series(ids, dtype=pl.String))
        .rename({"payee": "merchant", "category": "suggested"})
        .sort("worth", "question_id", descending=[True, False])
        .select(pl.col(name).cast(kind) for name, kind in QUEUE.items())
    )
