"""Which transaction took the place of which, so that what a person decided on the one follows to the other.

What belongs here: pending rows and the posted rows they became. What does not: which rows a new login sent
again (``relinking``; they are listed here), and what was decided (``manna.categorizing.following``).

The bank's own word comes first. Where it says nothing, a pending row that was taken back is compared with
posted rows of its account. Nothing here removes a row: two equal rows with different ids are two rows, and a
pending row leaves only when its provider removes it.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from manna.cleaning.likeness import LARGEST_CHANGE, MOST_DAYS, SIMILAR, similarity
from manna.cleaning.relinking import one_to_one
from manna.contracts.continuity import SUCCESSIONS


def successions(transactions: pl.DataFrame) -> pl.DataFrame:
    """Rows of clean.successions: at most one successor per row, and at most one pending predecessor.

    A posted row that the provider says was pending under a known id; else, for a pending row that was removed
    and that no posted row names, the nearest posted row of the same account and currency, at most 14 days
    later, with a similar description and the same amount (certain), or an amount of the same sign that
    differs by at most 30 % (not certain: a person is asked).

    Args:
        transactions: rows of clean.transactions, in any order.
    """
    sent_again = _sent_again(transactions)
    named = _named(transactions)
    guessed = _guessed(transactions, named)
    every = pl.concat([SUCCESSIONS.conform(part) for part in (sent_again, named, guessed)])
    # A pending row may have been sent again and be named too: then the row sent again leads on.
    return every.unique("predecessor_id", keep="first", maintain_order=True).sort("predecessor_id")


def _sent_again(transactions: pl.DataFrame) -> pl.DataFrame:
    """What later logins sent again; a row whose amount the bank changed meanwhile is proposed to a person."""
    heirs = transactions.select(superseded_by="transaction_id", becomes="amount")
    found = transactions.join(heirs, on="superseded_by", maintain_order="left")
    is_same = ~pl.col("unlisted") | (pl.col("amount") == pl.col("becomes"))
    changed = pl.format("{} became {}, in what a later login sent", *map(_in_cents, ("amount", "becomes")))
    return found.select(
        "book",
        "account_id",
        predecessor_id="transaction_id",
        successor_id="superseded_by",
        how=pl.when(is_same).then(pl.lit("relinked")).otherwise(pl.lit("changed_amount")),
        certain=is_same,
        reason=pl.when(is_same).then(pl.lit("the same row, sent again by a later login")).otherwise(changed),
    )


def _in_cents(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Decimal(18, 2)).cast(pl.String)


def _named(transactions: pl.DataFrame) -> pl.DataFrame:
    """By ``pending_transaction_id``; of two rows that name the same one the one that is not removed."""
    known = transactions.select("account_id", predecessor_id="transaction_id")
    return (
        transactions.filter(pl.col("pending_transaction_id").is_not_null())
        .filter(pl.col("pending_transaction_id") != pl.col("transaction_id"))
        .join(
            known,
            left_on=["account_id", "pending_transaction_id"],
            right_on=["account_id", "predecessor_id"],
            how="semi",
        )
        .sort("removed", "first_known_on", "transaction_id", descending=[False, True, False])
        .unique("pending_transaction_id", keep="first", maintain_order=True)
        .select(
            "book",
            "account_id",
            predecessor_id="pending_transaction_id",
            successor_id="transaction_id",
            how=pl.lit("provider"),
            certain=pl.lit(True),
            reason=pl.lit("the provider names the pending row"),
        )
    )


def _guessed(transactions: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Pending rows that vanished without a word, and the posted rows they probably became."""
    columns = ["transaction_id", "book", "account_id", "currency", "date", "amount", "first_known_on"]
    text = pl.concat_str("description", "merchant", separator=" ", ignore_nulls=True)
    vanished = (
        transactions.filter(pl.col("pending"), pl.col("removed"), pl.col("superseded_by").is_null())
        .join(named, left_on="transaction_id", right_on="predecessor_id", how="anti")
        .select(*columns, text=text)
    )
    if vanished.is_empty():
        return SUCCESSIONS.empty()
    posted = (
        transactions.filter(~pl.col("pending"), ~pl.col("removed"))
        .join(named, left_on="transaction_id", right_on="successor_id", how="anti")
        .select(*columns, text=text)
    )
    pairs = _candidates(vanished, posted)
    same = pairs.filter(pl.col("amount") == pl.col("amount_new"))
    certain = one_to_one(same.select("transaction_id", "transaction_id_new").rows())
    rest = pairs.join(
        same, on=["transaction_id", "transaction_id_new"], how="anti", maintain_order="left"
    ).filter(
        ~pl.col("transaction_id").is_in(list(certain)),
        ~pl.col("transaction_id_new").is_in(list(certain.values())),
    )
    likely = one_to_one(rest.select("transaction_id", "transaction_id_new").rows())
    chosen = pl.DataFrame(
        list({**certain, **likely}.items()),
        schema={"transaction_id": pl.String, "transaction_id_new": pl.String},
        orient="row",
    )
    return _said(chosen.join(pairs, on=["transaction_id", "transaction_id_new"], how="left"))


def _candidates(vanished: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """Pairs that may be one purchase, the nearest first; ties are settled by id."""
    days = pl.DataFrame({"days": range(MOST_DAYS + 1)}, schema={"days": pl.Int64})
    change = (pl.col("amount_new") - pl.col("amount")).abs()
    near = (
        vanished.join(days, how="cross")
        .with_columns(pending_on="date", date=pl.col("date") + pl.duration(days="days"))
        .join(posted, on=["account_id", "currency", "date"], suffix="_new")
        .filter(
            pl.col("amount").sign() == pl.col("amount_new").sign(),
            change <= pl.col("amount").abs() * LARGEST_CHANGE,
            pl.col("first_known_on_new") >= pl.col("first_known_on"),
        )
    )
    alike = [similarity(*texts) for texts in near.select("text", "text_new").iter_rows()]
    return (
        near.with_columns(alike=pl.Series(alike, dtype=pl.Float64), change=change)
        .filter(pl.col("alike") >= SIMILAR)
        .sort(
            "days", "change", "alike", "pending_on", "transaction_id", "transaction_id_new",
            descending=[False, False, True, False, False, False],
        )
    )  # fmt: skip


def _said(pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs as rows of clean.successions."""
    rows = [_row(pair) for pair in pairs.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=SUCCESSIONS.polars_schema)


def _row(pair: dict[str, Any]) -> dict[str, Any]:
    before, after, days = pair["amount"], pair["amount_new"], pair["days"]
    later = "the same day" if days == 0 else f"{days} day{'s' if days != 1 else ''} later"
    changed = f"{before:,.2f} became {after:,.2f}" if before != after else "same amount"
    return {
        "predecessor_id": pair["transaction_id"],
        "successor_id": pair["transaction_id_new"],
        "book": pair["book"],
        "account_id": pair["account_id"],
        "how": "same_amount" if before == after else "changed_amount",
        "certain": before == after,
        "reason": f"{changed}, {later}, similar description",
    }


def chain(start: str, successors: dict[str, str]) -> Sequence[str]:
    """``start`` and all that took its place, one after the other; a circle is left where it closes."""
    found = [start]
    while (following := successors.get(found[-1])) is not None and following not in found:
        found.append(following)
    return found
