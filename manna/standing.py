"""What a book's reports may claim: up to which day all is known, and whether its past may still change.

What belongs here: that, and whether a period may be closed, from ``clean.coverage``. What does not: how the
coverage of an account comes about (``manna.cleaning.coverage``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a book.

    Attributes:
        complete_through: the day up to which every row of every account is known; null when a login never
            answered, or there is none.
        provisional: logins (institutions, sorted) whose past has not been told in full: opening balances may
            still change, in every period.
        unlisted: how many accounts their login no longer lists, though money was in them.
    """

    complete_through: date | None
    provisional: tuple[str, ...] = ()
    unlisted: int = 0


def standing(
    coverage: pl.DataFrame, balances: pl.DataFrame, connections: Iterable[Mapping[str, Any]]
) -> Standing:
    """What is known of one book.

    An account that is no longer listed was closed if its last balance is zero; what has been unlinked was ended
    by a person. Neither holds anything up. Any other account does, also one whose login was revoked, until
    the login is repaired or unlinked.

    Args:
        coverage: the book's rows of ``clean.coverage``.
        balances: the book's rows of ``clean.balances``.
        connections: the book's rows of ``ops.connections``.
    """
    logins = {row["connection_id"]: row for row in connections if row["status"] != "unlinked"}
    stated = balances.filter(pl.col("current").is_not_null())
    last = stated.sort("as_of").unique("account_id", keep="last").select("account_id", "current")
    held = coverage.filter(pl.col("connection_id").is_in(list(logins))).join(
        last, on="account_id", how="left"
    )
    held = held.filter(pl.col("listed") | (pl.col("current") != 0).fill_null(False))
    days: list[date | None] = held["complete_through"].to_list()
    days += [None for row in logins.values() if row["last_success_at"] is None]
    loading = held.filter("provisional")["connection_id"].unique()
    return Standing(
        complete_through=min((day for day in days if day), default=None) if None not in days else None,
        provisional=tuple(sorted({logins[login]["institution"] for login in loading})),
        unlisted=held.filter(~pl.col("listed")).height,
    )


def reasons_against_closing(stands: Standing, last_day: date) -> list[str]:
    """Every reason why the period that ends on ``last_day`` cannot be closed; none when it can."""
    reasons = [f"the past of {name} has not been told in full" for name in stands.provisional]
    if stands.complete_through is None:
        reasons.append("a login has never answered")
    elif stands.complete_through < last_day:
        reasons.append(f"rows are known up to {stands.complete_through}, not up to {last_day}")
    return reasons
