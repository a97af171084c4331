"""The history that a new login sends again: it takes the place of what the former login sent.

What belongs here: which rows of a continued account stand for the same movement, and which day's holdings and
balances come from which login. What does not: which accounts are one (``identity``), and what a person
decided on a row (``succession``).

A new login sends up to two years of history anew, under new ids. The *new* row lives on, because only its
login can still modify or remove it; the old one is superseded. An old row that the new login does not list
stays: it is older than the new login's window, or the bank has dropped it. A new row that matches nothing is
a row we did not have: the gap while the login was broken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from manna.cleaning.identity import Identities
from manna.cleaning.likeness import SIMILAR, similarity

DAYS = (0, -1, 1)
"""A row may be dated a day off by another login; only where no row of the very day is left."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of one kind are compared: the id, what must be equal, and the text that tells twins apart."""

    key: str
    equal: tuple[str, ...]
    text: str


TRANSACTIONS = Shape("transaction_id", ("amount", "currency", "pending"), "description")
TRADES = Shape("trade_id", ("kind", "security_id", "quantity", "amount", "currency"), "description")


def relinked_transactions(rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities) -> pl.DataFrame:
    """Rows of clean.transactions under Manna's account ids, of which each movement is live once.

    A row whose place a later login's row has taken is removed, without a ``removed_on``: for the books it never
    was. So are pending rows of a former login, because only a login that answers can take them back; where
    the later login has no such row, ``superseded_by`` is null.

    Args:
        rows: clean.transactions as now known, under the provider's account ids.
        earlier: the same rows as they were first said.
        who: which accounts are one.
    """
    former = [account_id for chain in who.chains for account_id in chain[:-1]]
    is_memo = pl.col("pending") & pl.col("account_id").is_in(former)
    return _marked(TRANSACTIONS, rows.with_columns(is_memo=is_memo), earlier, who).select(rows.columns)


def relinked_trades(rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities) -> pl.DataFrame:
    """Rows of clean.trades under Manna's account ids, of which each movement is live once.

    Args: see :func:`relinked_transactions`.
    """
    return _marked(TRADES, rows.with_columns(is_memo=False), earlier, who).select(rows.columns)


def _marked(shape: Shape, rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities) -> pl.DataFrame:
    found = superseded(shape, rows, earlier, who)
    heirs = pl.col(shape.key).replace_strict(found, default=None, return_dtype=pl.String)
    return inherited(shape, rows, found).with_columns(
        superseded_by=heirs,
        removed=pl.col("removed") | heirs.is_not_null() | pl.col("is_memo"),
        account_id=pl.col("account_id").replace(who.owners),
    )


def superseded(shape: Shape, rows: pl.DataFrame, earlier: pl.DataFrame, who: Identities) -> dict[str, str]:
    """Which row of a later login has taken the place of which: old id to new id, one to one.

    Rows match when one version of the one equals one version of the other in account, day and all that
    ``shape`` names; so a row that one login corrects after the match keeps its partner.

    Args: see :func:`relinked_transactions`; of ``earlier`` only the columns compared count.
    """
    ranks = who.ranks
    facts = (
        rows.filter(pl.col("account_id").is_in(list(ranks)))
        .with_columns(
            rank=pl.col("account_id").replace_strict(ranks, return_dtype=pl.Int64),
            gone="removed",
            text=shape.text,
        )
        .select(shape.key, "rank", "gone", "text", "first_known_on")
    )
    compared = [shape.key, "date", *shape.equal]
    versions = pl.concat(
        frame.select(*compared, account=pl.col("account_id").replace(who.owners), is_first=pl.lit(is_first))
        for frame, is_first in ((rows, False), (earlier, True))
    )
    found: dict[str, str] = {}
    for rank in range(1, max(ranks.values(), default=0) + 1):
        former = facts.filter(pl.col("rank") < rank, ~pl.col("gone"), ~pl.col(shape.key).is_in(list(found)))
        found |= _matched(shape, former, facts.filter(pl.col("rank") == rank), versions)
    return found


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


def from_the_latest_login(rows: pl.DataFrame, who: Identities) -> pl.DataFrame:
    """Rows per account and ``as_of``: from a login's first day on its word counts, not a former login's.

    Args:
        rows: of clean.balances or clean.holdings, under the provider's account ids.
        who: which accounts are one.

    Returns:
        The rows that count, under Manna's account ids.
    """
    ranked = rows.with_columns(
        account=pl.col("account_id").replace(who.owners),
        rank=pl.col("account_id").replace_strict(who.ranks, default=0, return_dtype=pl.Int64),
    )
    begun = ranked.group_by("account", "rank").agg(begins=pl.col("as_of").min())
    later = begun.join(begun, on="account", suffix="_later").filter(pl.col("rank_later") > pl.col("rank"))
    ends = later.group_by("account", "rank").agg(ends=pl.col("begins_later").min())
    return (
        ranked.join(ends, on=["account", "rank"], how="left", maintain_order="left")
        .filter(pl.col("ends").is_null() | (pl.col("as_of") < pl.col("ends")))
        .with_columns(account_id="account")
        .select(rows.columns)
    )


def given_up(former: pl.DataFrame, counting: pl.DataFrame, who: Identities) -> pl.DataFrame:
    """What a former login listed last and the one that replaced it does not list: held at zero from then on.

    Without this a position that was sold while no login answered would stand as last told for ever.

    Args:
        former: all rows of clean.holdings, under the provider's account ids.
        counting: those of them that count (:func:`from_the_latest_login`).
        who: which accounts are one.

    Returns:
        Rows of clean.holdings on the first day of the replacing login, to be added to ``counting``.
    """
    key = ["account_id", "security_id"]
    told = former.with_columns(login="account_id", account_id=pl.col("account_id").replace(who.owners))
    starts = told.group_by("account_id", "login").agg(begins=pl.col("as_of").min())
    listed = told.select(*key, "login", "as_of").join(starts, on=["account_id", "login"])
    first_lists = listed.filter(pl.col("as_of") == pl.col("begins")).select(*key, "begins")
    last = (
        counting.join(starts.select("account_id", "begins"), on="account_id")
        .filter(pl.col("as_of") < pl.col("begins"))
        .sort("as_of")
        .unique([*key, "begins"], keep="last", maintain_order=True)
        .filter(pl.col("quantity") != 0)
        .join(first_lists, on=[*key, "begins"], how="anti")
    )
    return last.with_columns(
        pl.lit(0).cast(former.schema["quantity"]).alias("quantity"),
        pl.lit(0).cast(former.schema["value"]).alias("value"),
        pl.lit(None, dtype=former.schema["cost_basis"]).alias("cost_basis"),
        as_of="begins",
    ).select(former.columns)
