"""One transaction, several categories: a person's split.

What belongs here: whether a split can be, and its rows. What does not: who may say so (``deciding``).
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from manna.contracts.categorized import SPLITS


class SplitError(ValueError):
    """These parts are no split of this amount. One line that says why."""


def parts(amount: Decimal, given: Sequence[Mapping[str, Any]]) -> list[tuple[str, Decimal]]:
    """Categories and amounts of a split of ``amount`` (ledger's sign: positive = money in).

    Args:
        amount: the transaction's.
        given: ``category`` and ``amount`` (text or number) of each part. At most one may lack its amount: it
            gets the rest. Parts have the sign of the whole; written without a sign they get it.

    Raises:
        SplitError: fewer than two parts, a part without a category, two without an amount, an amount that is
            none, or parts that do not sum to the whole.
    """
    if len(given) < 2:
        raise SplitError("a split has at least two parts")
    if any(not part.get("category") for part in given):
        raise SplitError("every part needs a category")
    sums = [_number(part.get("amount")) for part in given]
    if sums.count(None) > 1:
        raise SplitError("only one part may be left without an amount")
    if amount < 0 and all(each is None or each > 0 for each in sums):
        sums = [None if each is None else -each for each in sums]
    told = sum((each for each in sums if each is not None), Decimal(0))
    if None not in sums and told != amount:
        raise SplitError(f"the parts sum to {told:f}, the transaction is {amount:f}")
    rest = amount - told
    if None in sums and rest == 0:
        raise SplitError("nothing is left for the part without an amount")
    return [
        (str(part["category"]), rest if each is None else each)
        for part, each in zip(given, sums, strict=True)
    ]


def splits(rows: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``categorized.splits``.

    A split that does not sum to its row any more (the amount changed when it posted) has no rows: the
    decision's main category holds, and review asks again.

    Args:
        rows: live transactions of one book.
        decisions: :func:`manna.categorizing.following.followed`; ``splits`` is JSON.
    """
    wanted = decisions.filter(pl.col("splits").is_not_null()).select("transaction_id", "splits")
    found = rows.join(wanted, on="transaction_id", how="inner", maintain_order="left")
    made = []
    for row in found.iter_rows(named=True):
        try:
            divided = parts(row["amount"], json.loads(row["splits"]))
        except SplitError:
            continue
        for position, (category, amount) in enumerate(divided, start=1):
            made.append(
                {
                    "transaction_id": row["transaction_id"],
                    "position": position,
                    "book": row["book"],
                    "category": category,
                    "amount": amount,
                    "currency": row["currency"],
                }
            )
    return SPLITS.conform(pl.DataFrame(made, schema=SPLITS.polars_schema))


def _number(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise SplitError(f"{value!r} is no amount") from None
    if not found.is_finite():
        raise SplitError(f"{value!r} is no amount")
    return found
