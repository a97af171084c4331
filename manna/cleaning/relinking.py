"""The history that a new login sends again: it takes the place of what the former login sent.

What belongs here: which rows of a continued account stand for the same movement. What does not: balances and
holdings (``snapshots``), which accounts are one (``identity``), what a person decided on a row (``succession``).

A new login sends up to two years of history anew, under new ids. The *new* row lives on, because only its
login can still modify or remove it; the old one is superseded. A new row that matches nothing is a row we did
not have: the gap while the login was broken. An old row that the new login does not list stays where it is
older than the new login's window, or while that login's past is not told in full. Else it is *unlisted*: the bank
changed it meanwhile (then what is most like it takes its place) or removed it. But where so many are unlisted
that a hole in the new login's history is likelier, they stay, and a finding says so (``manna.validating``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import polars as pl

from manna.cleaning.identity import Identities
from manna.cleaning.likeness import LARGEST_CHANGE, MOST_DAYS, SIMILAR, similarity

DAYS = (0, -1, 1)
"""A row may be dated a day off by another login; only where no row of the very day is left."""
FEW_UNLISTED, PART_UNLISTED = 3, 0.1
"""So many rows of an account, or such a part of those a login covers, a bank may have removed meanwhile."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of one kind are compared: the id, what must be equal, and the text that tells twins apart.

    ``lasting``: what stays equal when the bank changes a row.
    """

    key: str
    equal: tuple[str, ...]
    lasting: tuple[str, ...]
    text: str = "description"


TRANSACTIONS = Shape("transaction_id", ("amount", "currency", "pending"), ("currency", "pending"))
_WHAT = ("kind", "security_id", "currency")
TRADES = Shape("trade_id", (*_WHAT, "quantity", "amount"), _WHAT)


def relinked_transactions(
    rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities, pasts: pl.DataFrame
) -> pl.DataFrame:
    """Rows of clean.transactions under Manna's account ids, of which each movement is live once.

    A row whose place a later login's row has taken is removed, without a ``removed_on``: for the books it never
    was. So are pending rows of a former login, because only a login that answers can take them back; where
    the later login has no such row, ``superseded_by`` is null. A posted row that is unlisted and that nothing
    took the place of is removed on the day on which the later login first answered.

    Args:
        rows: clean.transactions as now known, under the provider's account ids.
        earlier: the same rows as they were first said, with ``known_at``.
        who: which accounts are one.
        pasts: :func:`manna.cleaning.coverage.pasts_in_full`.
    """
    former = [account_id for chain in who.chains for account_id in chain[:-1]]
    is_memo = pl.col("pending") & pl.col("account_id").is_in(former)
    return _marked(TRANSACTIONS, rows.with_columns(is_memo=is_memo), earlier, who, pasts).select(rows.columns)


def relinked_trades(
    rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities, pasts: pl.DataFrame
) -> pl.DataFrame:
    """Rows of clean.trades under Manna's account ids, of which each movement is live once.

    Args: see :func:`relinked_transactions`.
    """
    return _marked(TRADES, rows.with_columns(is_memo=False), earlier, who, pasts).select(rows.columns)


@dataclass(slots=True)
class Replaced:
    """What became of the rows of former logins.

    ``found``: old id to new id, one to one. ``unlisted``: ids of those that a later login does not list as they
    were, with the day since which it is known; null where they stay all the same.
    """

    found: dict[str, str] = field(default_factory=dict)
    unlisted: dict[str, date | None] = field(default_factory=dict)


def _marked(
    shape: Shape, rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities, pasts: pl.DataFrame
) -> pl.DataFrame:
    done = replaced(shape, rows, earlier, who, pasts)
    key = pl.col(shape.key)
    heirs = key.replace_strict(done.found, default=None, return_dtype=pl.String)
    gone = {name: since for name, since in done.unlisted.items() if since and name not in done.found}
    gone_on = key.replace_strict(gone, default=None, return_dtype=pl.Date)
    return inherited(shape, rows, done.found).with_columns(
        superseded_by=heirs,
        unlisted=key.is_in(list(done.unlisted)),
        removed=pl.col("removed") | heirs.is_not_null() | pl.col("is_memo") | gone_on.is_not_null(),
        removed_on=pl.coalesce("removed_on", gone_on),
        account_id=pl.col("account_id").replace(who.owners),
    )


def replaced(
    shape: Shape, rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities, pasts: pl.DataFrame
) -> Replaced:
    """Which row of a later login has taken the place of which, and which rows no later login lists.

    Rows match when one version of the one equals one version of the other in account, day and all that
    ``shape`` names; so a row that one login corrects after the match keeps its partner.

    Args: see :func:`relinked_transactions`; of ``earlier`` only the columns compared and ``known_at`` count.
    """
    ranks = who.ranks
    told, at_first = (
        frame.filter(pl.col("account_id").is_in(list(ranks)))
        .join(pasts, on="account_id", how="left", maintain_order="left")
        .with_columns(
            rank=pl.col("account_id").replace_strict(ranks, return_dtype=pl.Int64),
            account=pl.col("account_id").replace(who.owners),
            gone="removed",
            text=shape.text,
        )
        for frame in (rows, earlier)
    )
    facts = told.select(shape.key, "rank", "gone", "text", "first_known_on")
    compared = [shape.key, "date", *shape.equal]
    versions = pl.concat(
        frame.select(*compared, account=pl.col("account_id").replace(who.owners), is_first=pl.lit(is_first))
        for frame, is_first in ((rows, False), (earlier, True))
    )
    done = Replaced()
    for rank in range(1, max(ranks.values(), default=0) + 1):
        former = facts.filter(
            pl.col("rank") < rank, ~pl.col("gone"), ~pl.col(shape.key).is_in(list(done.found))
        )
        done.found |= _matched(shape, former, facts.filter(pl.col("rank") == rank), versions)
        news = at_first.filter(pl.col("rank") == rank, pl.col("known_at") <= pl.col("complete_at"))
        before = told.filter(pl.col("rank") < rank, ~pl.col("gone"), ~pl.col("is_memo"))
        _look_for_the_rest(shape, before, news, at_first, done)
    return done


def _look_for_the_rest(
    shape: Shape, before: pl.DataFrame, news: pl.DataFrame, at_first: pl.DataFrame, done: Replaced
) -> None:
    """Adds to ``done`` what became of rows of former logins that ``news`` covers and does not list as they were.

    Args:
        before: rows of former logins as now known.
        news: what the later login said first, until all of its past was told. Only that: what it says later is
            no reason to take a row for the one or the other.
        at_first: every row as it was first said.
    """
    # Of the very first day a login may send a part only.
    windows = news.group_by("account").agg(pl.col("listed_at", "since").first(), begins=pl.col("date").min())
    covered = (
        before.drop("listed_at", "since")
        .join(at_first.select(shape.key, told_at="known_at"), on=shape.key, maintain_order="left")
        .join(windows, on="account", maintain_order="left")
        .filter(pl.col("date") > pl.col("begins"), pl.col("told_at") < pl.col("listed_at"))
    )
    settled = [name for name, since in done.unlisted.items() if since]
    rest = covered.filter(~pl.col(shape.key).is_in([*done.found, *settled]))
    if rest.is_empty():
        return
    changed = _changed(shape, rest, news.filter(~pl.col(shape.key).is_in(list(done.found.values()))))
    done.found |= changed
    most = dict(covered.group_by("account").len().iter_rows())
    lost = rest.filter(~pl.col(shape.key).is_in(list(changed)))
    done.unlisted |= dict(rest.select(shape.key, "since").iter_rows())
    for (account,), part in lost.group_by("account"):
        if part.height > max(FEW_UNLISTED, PART_UNLISTED * most[account]):
            done.unlisted |= dict.fromkeys(part[shape.key])


def _changed(shape: Shape, olds: pl.DataFrame, news: pl.DataFrame) -> dict[str, str]:
    """Old id to new id of rows that the bank changed: the same amount first, then the nearest day."""
    days = pl.DataFrame({"shift": range(-MOST_DAYS, MOST_DAYS + 1)}, schema={"shift": pl.Int64})
    change = (pl.col("amount_new") - pl.col("amount")).abs()
    near = (
        olds.join(days, how="cross")
        .with_columns(date=pl.col("date") + pl.duration(days="shift"))
        .join(news, on=["account", "date", *shape.lasting], nulls_equal=True, suffix="_new")
        .with_columns(days=pl.col("shift").abs(), change=change)
        .filter(
            pl.col("amount").sign() == pl.col("amount_new").sign(),
            pl.col("change") <= pl.col("amount").abs() * LARGEST_CHANGE,
        )
    )
    alike = [_alike(*texts) for texts in near.select("text", "text_new").iter_rows()]
    new_key = f"{shape.key}_new"
    ordered = (
        near.with_columns(is_tip=pl.col("change") > 0, alike=pl.Series(alike, dtype=pl.Float64))
        .filter(pl.col("alike") >= SIMILAR)
        .sort(
            "is_tip", "days", "change", "alike", shape.key, new_key,
            descending=[False, False, False, True, False, False],
        )
    )  # fmt: skip
    return one_to_one(ordered.select(shape.key, new_key).rows())


def _matched(
    shape: Shape, former: pl.DataFrame, later: pl.DataFrame, versions: pl.DataFrame
) -> dict[str, str]:
    """Old id to new id. Nearest day first; then what the former login said last and the later one first, for that
    is what both said at about the same time; live rows before removed ones; then the nearest description.
    """
    shifted = pl.DataFrame({"shift": DAYS}, schema={"shift": pl.Int64})
    news = later.join(versions, on=shape.key)
    # What is older than all that the later login sends is not among it, a day off or not.
    window = news.group_by("account").agg(begins=pl.col("date").min())
    olds = (
        former.join(versions, on=shape.key)
        .join(window, on="account")
        .filter(pl.col("date") >= pl.col("begins"))
        .join(shifted, how="cross")
        .with_columns(date=pl.col("date") + pl.duration(days="shift"))
    )
    pairs = olds.join(
        news,
        on=["account", "date", *shape.equal],
        how="inner",
        nulls_equal=True,
        suffix="_new",
    ).with_columns(
        days=pl.col("shift").abs(),
        apart=pl.col("is_first").cast(pl.Int8) + (~pl.col("is_first_new")).cast(pl.Int8),
    )
    new_key = f"{shape.key}_new"
    nearest = pairs.sort("days", "apart").unique([shape.key, new_key], keep="first", maintain_order=True)
    alike = [_alike(*texts) for texts in nearest.select("text", "text_new").iter_rows()]
    nearest = nearest.with_columns(alike=pl.Series(alike, dtype=pl.Float64)).filter(
        (pl.col("days") == 0) | (pl.col("alike") >= SIMILAR)
    )
    ordered = nearest.sort(
        "days", "apart", "gone_new", "alike", "first_known_on", shape.key, "first_known_on_new", new_key,
        descending=[False, False, False, True, False, False, False, False],
    )  # fmt: skip
    return one_to_one(ordered.select(shape.key, new_key).rows())


def one_to_one(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The pairs, best first, without those of which either side is taken already."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for old, new in pairs:
        if old not in found and new not in taken:
            found[old] = new
            taken.add(new)
    return found


@lru_cache(maxsize=10_000)
def _alike(one: str, other: str) -> float:
    return similarity(one, other)


def inherited(shape: Shape, rows: pl.DataFrame, found: Mapping[str, str]) -> pl.DataFrame:
    """``rows`` in which a row that took another's place was first known when that one was."""
    since = dict(rows.select(shape.key, "first_known_on").iter_rows())
    for old, new in found.items():  # in the order of logins, so that a chain passes it on
        since[new] = min(since[new], since[old])
    heirs = {new: since[new] for new in found.values()}
    return rows.with_columns(
        first_known_on=pl.col(shape.key).replace_strict(
            heirs, default=pl.col("first_known_on"), return_dtype=pl.Date
        )
    )
