"""What another model would do to the reports, before it is used: in money, line by line.

What belongs here: that comparison. What does not: making the categories (``deciding``).
"""

import polars as pl

from manna.categorizing.deciding import Categorized

DIFFERENCE = {
    "line": pl.String(),
    "currency": pl.String(),
    "rows": pl.Int64(),
    "before": pl.Decimal(18, 4),
    "after": pl.Decimal(18, 4),
    "difference": pl.Decimal(18, 4),
}


def difference(transactions: pl.DataFrame, before: Categorized, after: Categorized) -> pl.DataFrame:
    """Report lines that would differ, the largest difference first: columns of :data:`DIFFERENCE`.

    Args:
        transactions: live rows of the book; pending ones stand in no report.
        before, after: the same rows, categorized in two ways.

    Returns:
        One row per line (account of the chart) and currency: how many transactions come or go, and the line's sum over
        all time (ledger's sign: positive = money in) one way and the other.
    """
    posted = transactions.filter(~pl.col("pending")).select("transaction_id", "amount", "currency")
    key = ["transaction_id", "line", "currency"]
    ways = [
        _parts(posted, one).group_by(key).agg(pl.col("amount").sum()).rename({"amount": name})
        for name, one in (("before", before), ("after", after))
    ]
    both = ways[0].join(ways[1], on=key, how="full", coalesce=True)
    moved = pl.col("before").is_null() != pl.col("after").is_null()
    lines = both.group_by("line", "currency").agg(
        rows=moved.sum().cast(pl.Int64),
        before=pl.col("before").fill_null(0).sum(),
        after=pl.col("after").fill_null(0).sum(),
    )
    return (
        lines.filter(pl.col("rows") > 0)
        .with_columns(difference=pl.col("after") - pl.col("before"))
        .sort(pl.col("difference").abs(), "line", "currency", descending=[True, False, False])
        .select(pl.col(name).cast(kind) for name, kind in DIFFERENCE.items())
    )


def _parts(posted: pl.DataFrame, made: Categorized) -> pl.DataFrame:
    """transaction_id, line, currency, amount: whole transactions, and the parts of those that are split."""
    whole = made.transactions.join(made.splits, on="transaction_id", how="anti").select(
        "transaction_id", line="category"
    )
    parts = made.splits.select("transaction_id", "currency", "amount", line="category")
    found = posted.join(whole, on="transaction_id", how="inner").select(
        "transaction_id", "line", "currency", "amount"
    )
    return pl.concat(
        [found, parts.join(posted, on="transaction_id", how="semi").select(found.columns)],
        how="vertical_relaxed",
    )
