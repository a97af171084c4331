"""Roll-forward: what a provider's balance moved by between two snapshots, against the rows in between.

What belongs here: that comparison, and the ways in which a difference explains itself. What does not: the
ledger's own reconciliation (``manna.ledger``), which stands on the same rows but also on an opening.

Which rows a balance includes is said in :func:`manna.ledger.records.counted`, and in one respect here: what a
provider took back was in the balances it told before. A balance may be null or missing on a day, and past ones
cannot be asked for, so the comparison is between one that was told and the next.
"""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from manna.ledger.records import counted
from manna.validating.finding import Finding

BANKING = ("depository", "credit")
_ACCOUNT = ["account_id", "currency"]

PENDING = "the bank counts pending rows in its balance"
DAY_OPEN = "the balance was told before that day's rows had posted"
MADE_GOOD = "the next balance makes it good"


def roll_forward(accounts: pl.DataFrame, balances: pl.DataFrame, transactions: pl.DataFrame) -> list[Finding]:
    """A finding for every two successive balances whose difference is not the sum of the rows in between.

    Args:
        accounts, balances, transactions: the tables of ``clean``; only bank accounts and cards are looked at,
            and of them only those with a transaction (others, such as a loan, are told by balances alone).

    Returns:
        Kind ``balance_jump``. It is ``info`` where one of these explains all of it, and says which:
        pending rows, the rows of the very day of a snapshot, or the next snapshot making it good. Else it
        is a ``warning``. The amount at stake is the unexplained difference; rows are those in between.
    """
    banks = accounts.filter(pl.col("type").is_in(BANKING)).select("account_id")
    told = balances.filter(pl.col("current").is_not_null()).join(banks, on="account_id", how="semi")
    told = told.join(transactions.select(_ACCOUNT).unique(), on=_ACCOUNT, how="semi")
    # A row whose place another took (a login linked anew) is removed without a day: that one counts instead.
    replaced = pl.col("removed") & pl.col("removed_on").is_null()
    moves = counted(transactions.filter(~replaced), balances)
    sides = {
        "posted": _running(moves.filter(~pl.col("pending")), "counted_on"),
        "pending": _running(moves.filter("pending"), "first_known_on"),
    }
    compared = told.select("book", *_ACCOUNT, "as_of", "current").sort("as_of")
    for name, side in sides.items():
        compared = compared.join_asof(
            side.rename({"total": name}), left_on="as_of", right_on="day", by=_ACCOUNT, check_sortedness=False
        ).drop("day", strict=False)
    that_day = moves.filter(~pl.col("pending"), ~pl.col("removed")).group_by(*_ACCOUNT, as_of="counted_on")
    compared = compared.join(
        that_day.agg(own_day=pl.col("amount").sum()), on=[*_ACCOUNT, "as_of"], how="left"
    ).with_columns(pl.col("posted", "pending", "own_day").fill_null(0))
    return list(_differences(compared.sort(*_ACCOUNT, "as_of"), moves))


def _running(rows: pl.DataFrame, day: str) -> pl.DataFrame:
    """Sums of ``rows`` from each day on: in from ``day``, out again from the day they were taken back."""
    come = rows.select(*_ACCOUNT, "amount", day=pl.col(day))
    gone = rows.filter("removed").select(*_ACCOUNT, -pl.col("amount"), day=pl.col("removed_on"))
    return (
        pl.concat([come, gone.select(come.columns)], how="vertical_relaxed")
        .drop_nulls("day")
        .group_by(*_ACCOUNT, "day")
        .agg(pl.col("amount").sum())
        .sort("day")
        .with_columns(total=pl.col("amount").cum_sum().over(_ACCOUNT))
        .drop("amount")
    )


def _differences(compared: pl.DataFrame, moves: pl.DataFrame) -> Iterator[Finding]:
    for _, snapshots in compared.group_by(_ACCOUNT, maintain_order=True):
        days = snapshots.to_dicts()
        pairs = list(itertools.pairwise(days))
        unexplained = [(b["current"] - a["current"]) - (b["posted"] - a["posted"]) for a, b in pairs]
        for place, ((before, after), difference) in enumerate(zip(pairs, unexplained, strict=True)):
            if not difference:
                continue
            following = unexplained[place + 1] if place + 1 < len(unexplained) else None
            former = unexplained[place - 1] if place else None
            made_good = difference in (-value for value in (following, former) if value is not None)
            why = _explanation(before, after, difference) or (MADE_GOOD if made_good else None)
            yield _finding(before, after, difference, why, moves)


def _explanation(before: dict[str, Any], after: dict[str, Any], difference: Decimal) -> str | None:
    """Why the balance moved by more (or less) than the rows, where one cause accounts for all of it."""
    if difference in (after["pending"] - before["pending"], after["pending"], -before["pending"]):
        return PENDING
    if difference in (-after["own_day"], before["own_day"], before["own_day"] - after["own_day"]):
        return DAY_OPEN
    return None


def _finding(
    before: dict[str, Any], after: dict[str, Any], difference: Decimal, why: str | None, moves: pl.DataFrame
) -> Finding:
    between = moves.filter(
        pl.col("account_id") == after["account_id"],
        ~pl.col("pending"),
        pl.col("counted_on").is_between(before["as_of"], after["as_of"], closed="right"),
    )
    moved, posted = after["current"] - before["current"], after["posted"] - before["posted"]
    currency = after["currency"]
    said = (
        f"the balance moved by {moved:,.2f} {currency} from {before['as_of']} to {after['as_of']}, "
        f"the rows in between sum to {posted:,.2f}"
    )
    return Finding(
        book=after["book"],
        kind="balance_jump",
        severity="info" if why else "warning",
        subject=after["account_id"],
        since=before["as_of"],
        until=after["as_of"],
        message=f"{said}: {why}" if why else f"{said}; {abs(difference):,.2f} is unexplained",
        amount=abs(difference),
        currency=currency,
        rows=tuple(between["transaction_id"]),
    )
