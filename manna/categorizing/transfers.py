"""Movements between own accounts: two rows that are one thing.

What belongs here: finding pairs. What does not: what a pair does to the books (``manna.ledger``).
"""

import hashlib

import polars as pl

from manna.categorizing.categories import CARD_PAYMENT
from manna.contracts.categorized import TRANSFERS

MOST_DAYS_APART = 4
_LOOKS_LIKE_TRANSFER = (
    r"(?i)\b(transfer|xfer|trnsfr|ach|payment|pymt|autopay|deposit|withdrawal|wire|zelle)\b"
)
_CASH_MOVES = ("deposit", "withdrawal", "contribution")


def pair_transfers(transactions: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """Pairs legs of one book, exactly opposite in amount and at most four days apart, nearest first.

    Args:
        transactions: rows of ``clean.transactions`` that nobody has decided otherwise; pending and
            removed rows take no part.
        trades: rows of ``clean.trades``: cash that enters or leaves a brokerage is a leg too, unless it was
            reversed.

    Returns:
        Rows of ``categorized.transfers``. Both legs must be possible transfers, and one must look like
        one (by Plaid's category, by its words, or by being a brokerage's deposit): a coffee and a refund
        of the same price are no transfer. Ties are settled by id, so that the order of rows is irrelevant.
    """
    candidates = _candidates(transactions, trades)
    if candidates.is_empty():
        return TRANSFERS.empty()
    leaving = candidates.filter(pl.col("amount") < 0).with_columns(-pl.col("amount"))
    arriving = candidates.filter(pl.col("amount") > 0)
    pairs = (
        leaving.join(arriving, on=["book", "currency", "amount"], suffix="_in")
        .with_columns(days_apart=(pl.col("date") - pl.col("date_in")).dt.total_days().abs())
        .filter(
            pl.col("account_id") != pl.col("account_id_in"),
            pl.col("days_apart") <= MOST_DAYS_APART,
            pl.col("likely") | pl.col("likely_in"),
        )
        .sort("days_apart", "date", "id", "id_in")
    )
    taken: set[str] = set()
    rows = []
    for pair in pairs.iter_rows(named=True):
        out_id, in_id = pair["id"], pair["id_in"]
        if out_id in taken or in_id in taken:
            continue
        taken |= {out_id, in_id}
        rows.append(
            {
                "transfer_id": hashlib.sha256(f"{out_id}\n{in_id}".encode()).hexdigest()[:32],
                "book": pair["book"],
                "out_id": out_id,
                "in_id": in_id,
                "amount": pair["amount"],
                "currency": pair["currency"],
                "days_apart": pair["days_apart"],
            }
        )
    return TRANSFERS.conform(pl.DataFrame(rows, schema=TRANSFERS.polars_schema))


def _candidates(transactions: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """Legs: id, book, account_id, date, amount, currency, likely."""
    columns = ["id", "book", "account_id", "date", "amount", "currency", "likely"]
    primary = pl.col("plaid_primary")
    by_plaid = primary.is_in(["TRANSFER_IN", "TRANSFER_OUT"]) | (pl.col("plaid_detailed") == CARD_PAYMENT)
    # A person's card shows a payment received as a loan payment too; anything else is a purchase.
    possible = primary.is_null() | by_plaid | primary.is_in(["LOAN_PAYMENTS", "OTHER", "INCOME"])
    bank = (
        transactions.filter(~pl.col("pending"), ~pl.col("removed"))
        .with_columns(
            id=pl.col("transaction_id"),
            likely=by_plaid.fill_null(False) | pl.col("description").str.contains(_LOOKS_LIKE_TRANSFER),
        )
        .filter(possible.fill_null(True))
        .select(columns)
    )
    broker = (
        trades.filter(pl.col("kind").is_in(_CASH_MOVES), pl.col("quantity") == 0, ~pl.col("removed"))
        .with_columns(id=pl.col("trade_id"), likely=pl.lit(True))
        .select(columns)
    )
    return pl.concat([bank, broker])
