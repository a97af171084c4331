"""Movements between accounts of one owner: two rows that are one thing.

What belongs here: finding pairs. What does not: what a pair does to the books
(``claims``, ``manna.ledger``).
"""

import hashlib
from collections.abc import Collection, Mapping
from decimal import Decimal

import polars as pl

from manna.categorizing.categories import CARD_PAYMENT
from manna.contracts.categorized import TRANSFERS

MOST_DAYS_APART = 4
BAND = Decimal("0.03")
"""What banks put on the exchange rate, and what it moves by in four days: so far two legs may be apart."""

_LOOKS_LIKE_TRANSFER = (
    r"(?i)\b(transfer|xfer|trnsfr|ach|payment|pymt|autopay|deposit|withdrawal|wire|zelle|draw)\b"
)
_CASH_MOVES = ("deposit", "withdrawal", "contribution")
_LEG = {
    "id": pl.String(),
    "book": pl.String(),
    "account_id": pl.String(),
    "date": pl.Date(),
    "amount": pl.Decimal(18, 4),
    "currency": pl.String(),
    "likely": pl.Boolean(),
}
Pair = tuple[str, str]


def pair_transfers(
    transactions: pl.DataFrame,
    trades: pl.DataFrame,
    *,
    rejected: Collection[Pair] = (),
    rates: Mapping[str, Decimal] | None = None,
) -> pl.DataFrame:
    """Pairs legs of one book, opposite in amount and at most four days apart, nearest first.

    Args:
        transactions: rows of ``clean.transactions`` that nobody has decided otherwise; pending and
            removed rows take no part.
        trades: rows of ``clean.trades``: cash that enters or leaves a brokerage is a leg too.
        rejected: pairs (id that leaves, id that arrives) of which a person has said that they are none.
        rates: worth of one unit of a currency in some common one. Legs in two currencies that both have a rate
            are paired when they are worth the same within :data:`BAND`, after those of exactly equal amounts.

    Returns:
        Rows of ``categorized.transfers``. Both legs must be possible transfers, and one must look like
        one (by Plaid's category, by its words, or by being a brokerage's deposit): a coffee and a refund
        of the same price are no transfer. Ties are settled by id, so that the order of rows is irrelevant.
    """
    legs = legs_of(transactions, trades)
    return _paired(legs, pl.col("book") == pl.col("book_in"), rejected, rates or {})


def pair_between_books(
    legs: pl.DataFrame, *, rejected: Collection[Pair] = (), rates: Mapping[str, Decimal] | None = None
) -> pl.DataFrame:
    """Pairs legs of different books of one taxpayer, by the rules of :func:`pair_transfers`.

    Args:
        legs: :func:`legs_of` all those books that are no transfer within their own.
    """
    return _paired(legs, pl.col("book") != pl.col("book_in"), rejected, rates or {})


def legs_of(transactions: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """What may be a leg of a transfer: id, book, account_id, date, amount, currency, likely."""
    primary = pl.col("plaid_primary")
    by_plaid = primary.is_in(["TRANSFER_IN", "TRANSFER_OUT"]) | (pl.col("plaid_detailed") == CARD_PAYMENT)
    # A person's card shows a payment received as a loan payment too; anything else is a purchase.
    possible = primary.is_null() | by_plaid | primary.is_in(["LOAN_PAYMENTS", "OTHER", "INCOME"])
    # Money that comes in as a loan payment is the loan's own side of it.
    received = (primary == "LOAN_PAYMENTS") & (pl.col("amount") > 0)
    bank = (
        transactions.filter(~pl.col("pending"), ~pl.col("removed"))
        .with_columns(
            id=pl.col("transaction_id"),
            likely=(by_plaid | received).fill_null(False)
            | pl.col("description").str.contains(_LOOKS_LIKE_TRANSFER),
        )
        .filter(possible.fill_null(True))
        .select(_LEG.keys())
    )
    broker = (
        trades.filter(pl.col("kind").is_in(_CASH_MOVES), pl.col("quantity") == 0)
        .with_columns(id=pl.col("trade_id"), likely=pl.lit(True))
        .select(_LEG.keys())
    )
    return pl.concat([bank, broker])


def transfer_id(out_id: str, in_id: str) -> str:
    """The id of a pair, derived from both legs."""
    return hashlib.sha256(f"{out_id}\n{in_id}".encode()).hexdigest()[:32]


def _paired(
    legs: pl.DataFrame, whose: pl.Expr, rejected: Collection[Pair], rates: Mapping[str, Decimal]
) -> pl.DataFrame:
    leaving = legs.filter(pl.col("amount") < 0).with_columns(-pl.col("amount"))
    arriving = legs.filter(pl.col("amount") > 0).rename(lambda name: f"{name}_in")
    exact = leaving.join(
        arriving, left_on=["currency", "amount"], right_on=["currency_in", "amount_in"], coalesce=False
    )
    pairs = [exact.with_columns(apart=pl.lit(0.0))]
    # Few people have a second currency: without one there is nothing to compare.
    if legs["currency"].filter(legs["currency"].is_in(list(rates))).n_unique() > 1:
        pairs.append(_across_currencies(leaving, arriving, rates))
    days = (pl.col("date") - pl.col("date_in")).dt.total_days().abs()
    found = (
        pl.concat(pairs)
        .with_columns(days_apart=days, exchanged=pl.col("currency") != pl.col("currency_in"))
        .filter(
            whose,
            pl.col("account_id") != pl.col("account_id_in"),
            pl.col("days_apart") <= MOST_DAYS_APART,
            pl.col("likely") | pl.col("likely_in"),
        )
        .sort("exchanged", "days_apart", "apart", "date", "id", "id_in")
    )
    refused, taken, rows = frozenset(rejected), set[str](), []
    for pair in found.iter_rows(named=True):
        ids = pair["id"], pair["id_in"]
        if ids in refused or taken.intersection(ids):
            continue
        taken.update(ids)
        rows.append(
            {
                "transfer_id": transfer_id(*ids),
                "book": pair["book"],
                "in_book": pair["book_in"],
                "out_id": pair["id"],
                "in_id": pair["id_in"],
                "amount": pair["amount"],
                "currency": pair["currency"],
                "in_amount": pair["amount_in"],
                "in_currency": pair["currency_in"],
                "days_apart": pair["days_apart"],
            }
        )
    return TRANSFERS.conform(pl.DataFrame(rows, schema=TRANSFERS.polars_schema))


def _across_currencies(
    leaving: pl.DataFrame, arriving: pl.DataFrame, rates: Mapping[str, Decimal]
) -> pl.DataFrame:
    """Pairs in two currencies that are worth nearly the same; ``apart`` says how nearly, as a part."""
    worth = pl.DataFrame(
        [(currency, float(rate)) for currency, rate in rates.items()],
        schema={"currency": pl.String, "rate": pl.Float64},
        orient="row",
    )
    days = range(-MOST_DAYS_APART, MOST_DAYS_APART + 1)
    out = leaving.join(worth, on="currency").join(pl.DataFrame({"shift": days}), how="cross")
    into = arriving.join(worth.rename(lambda name: f"{name}_in"), on="currency_in")
    value = pl.col("amount").cast(pl.Float64) * pl.col("rate")
    arrived = pl.col("amount_in").cast(pl.Float64) * pl.col("rate_in")
    return (
        out.with_columns(on=pl.col("date") + pl.duration(days="shift"))
        .join(into, left_on="on", right_on="date_in", coalesce=False)
        .filter(pl.col("currency") != pl.col("currency_in"))
        .with_columns(apart=(value - arrived).abs() / value)
        .filter(pl.col("apart") <= float(BAND))
        .select(*leaving.columns, *arriving.columns, "apart")
    )
