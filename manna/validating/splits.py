"""Splits against prices and against positions: unknown, not applied, told or applied twice.

What belongs here: that. What does not: applying a split (``manna.ledger``, ``manna.portfolio``), or jumps of
any other size (``prices``).
"""

import itertools
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from manna.ledger.records import Trade, cash_securities, read_trades
from manna.validating.finding import Finding
from manna.validating.prices import TOLERANCE, Holders, concerned, daily_moves, split_size

_CENT = Decimal("0.01")
NEAR_DAYS = 5
"""A broker may book a split some days off its ex date, and tell it twice some days apart."""


def splits(corporate_actions: pl.DataFrame) -> pl.DataFrame:
    """The splits among corporate actions: ``action_id, symbol, ex_date, ratio``."""
    found = corporate_actions.filter(pl.col("kind") == "split", pl.col("ratio") > 0)
    return found.select("action_id", "symbol", "ex_date", "ratio").sort("symbol", "ex_date", "action_id")


def unknown_splits(bars: pl.DataFrame, known: pl.DataFrame, held: Holders) -> list[Finding]:
    """A finding for every jump of a price that has the size of a split of which nothing is known.

    Args:
        bars: rows of ``clean.bars``.
        known: :func:`splits`.
        held: who holds what.

    Returns:
        Kind ``split_unknown``; at stake is the jump times what is held now.
    """
    moves = daily_moves(bars, known).with_columns(size=split_size(pl.col("move")))
    return [
        Finding(
            book=book,
            kind="split_unknown",
            severity=severity,
            subject=row["symbol"],
            since=row["former_date"],
            until=row["date"],
            message=f"{row['symbol']} went from {row['former']:,.2f} to {row['close']:,.2f}, as after a split of "
            f"{_words(row['size'])}, and no split is known",
            amount=amount,
            currency=currency,
            rows=(f"{row['symbol']} {row['former_date']}", f"{row['symbol']} {row['date']}"),
        )
        for row in moves.filter(pl.col("size").is_not_null(), pl.col("ratio") == 1).iter_rows(named=True)
        for book, severity, amount, currency in concerned(row["symbol"], row["close"] - row["former"], held)
    ]


def splits_without_jump(bars: pl.DataFrame, known: pl.DataFrame, held: Holders) -> list[Finding]:
    """A finding for every known split on whose ex date the price does not move as it must.

    Either there was none, or its bars are adjusted already; then the price before it is divided twice.

    Returns:
        Kind ``split_without_jump``; at stake is what the split moves the price by times what is held now.
    """
    moves = daily_moves(bars, known).filter(pl.col("ratio") != 1)
    raw = pl.col("move") / pl.col("ratio")
    # The move as told, splits not allowed for, is an ordinary day's.
    still = moves.filter((raw - 1).abs() <= TOLERANCE, (pl.col("ratio") - 1).abs() > 2 * TOLERANCE)
    found = []
    for row in still.join(known, on="symbol").iter_rows(named=True):
        if not row["former_date"] < row["ex_date"] <= row["date"]:
            continue
        for book, severity, amount, currency in concerned(row["symbol"], row["close"] - row["former"], held):
            found.append(
                Finding(
                    book=book,
                    kind="split_without_jump",
                    severity=severity,
                    subject=row["symbol"],
                    since=row["former_date"],
                    until=row["date"],
                    message=f"{row['symbol']} was split {_words(row['ratio'])} on {row['ex_date']}, and its price "
                    "did not move as it must",
                    amount=amount,
                    currency=currency,
                    rows=(row["action_id"], f"{row['symbol']} {row['date']}"),
                )
            )
    return found


def splits_told_twice(known: pl.DataFrame, held: Holders) -> list[Finding]:
    """A finding for two splits of a symbol with the same ratio within days: the price would be divided twice.

    Returns:
        Kind ``split_told_twice``; nobody can say what is at stake without knowing which is right.
    """
    rows = known.to_dicts()
    return [
        Finding(
            book=book,
            kind="split_told_twice",
            severity=severity,
            subject=one["symbol"],
            since=one["ex_date"],
            until=other["ex_date"],
            message=f"{one['symbol']}: a split of {_words(one['ratio'])} on {one['ex_date']} and again on "
            f"{other['ex_date']}",
            rows=(one["action_id"], other["action_id"]),
        )
        for one, other in itertools.pairwise(rows)
        if (one["symbol"], one["ratio"]) == (other["symbol"], other["ratio"])
        and (other["ex_date"] - one["ex_date"]).days <= NEAR_DAYS
        for book, severity, _, _ in concerned(one["symbol"], None, held)
    ]


def splits_in_positions(
    trades: pl.DataFrame, securities: pl.DataFrame, bars: pl.DataFrame, known: pl.DataFrame
) -> list[Finding]:
    """A finding for every account that held a symbol at a split, by its trades, and did not book it once.

    Args:
        trades, securities, bars: the tables of ``clean``.
        known: :func:`splits`.

    Returns:
        Kinds ``split_not_applied`` and ``split_applied_twice``, both ``critical``: the position is wrong by the
        shares of a split. At stake are those shares at the first price from the ex date on.
    """
    symbols = dict(
        securities.filter(pl.col("symbol").is_not_null()).select("security_id", "symbol").iter_rows()
    )
    books = dict(trades.select("account_id", "book").unique().iter_rows())
    found: list[Finding] = []
    kept = trades.filter(~pl.col("removed")).with_columns(counted_on="date")  # no balance is looked at
    for account_id, rows in read_trades(kept, cash_securities(securities, trades)).items():
        for security_id in sorted({row.security_id for row in rows} & symbols.keys(), key=str):
            own = [row for row in rows if row.security_id == security_id]
            symbol = symbols[security_id]
            for split in known.filter(pl.col("symbol") == symbol).iter_rows(named=True):
                found += _booked(books[account_id], own, split, _first_price(bars, symbol, split["ex_date"]))
    return found


def _booked(book: str, own: list[Trade], split: dict[str, Any], price: Decimal | None) -> Iterator[Finding]:
    """Nothing, if one split trade (or one pair of old out and new in) is booked near the ex date.

    The history may begin in the middle, so what is held by the trades may be too little. So only the number of
    split trades that add shares tells of a second booking, and only what was bought before tells of a first
    that is missing.
    """
    ex_date: date = split["ex_date"]
    near = [t for t in own if t.kind == "split" and abs((t.date - ex_date).days) <= NEAR_DAYS]
    held = sum((t.moved for t in own if t.date < ex_date and t not in near), Decimal(0))
    grows = split["ratio"] > 1
    steps = [t for t in near if (t.moved > 0 if grows else t.moved < 0)]
    expected = abs(held * (split["ratio"] - 1))
    kind, doubted = None, Decimal(0)
    if not near and held > 0:
        kind, doubted = "split_not_applied", expected
    elif len(steps) > len({t.moved for t in steps}):
        kind, doubted = "split_applied_twice", abs(steps[-1].moved)
    if kind is None:
        return
    many = "is not among its trades" if kind == "split_not_applied" else f"is booked {len(steps)} times"
    yield Finding(
        book=book,
        kind=kind,
        severity="critical",
        subject=own[0].account_id,
        since=min([ex_date, *(t.date for t in near)]),
        until=max([ex_date, *(t.date for t in near)]),
        message=f"{split['symbol']}: the split of {_words(split['ratio'])} on {ex_date} {many}; "
        f"{doubted.normalize():f} shares are in doubt",
        amount=None if price is None else (doubted * price).quantize(_CENT),
        currency=own[0].currency,
        rows=(split["action_id"], *(t.trade_id for t in near)),
    )


def splits_in_holdings(
    holdings: pl.DataFrame, trades: pl.DataFrame, securities: pl.DataFrame, known: pl.DataFrame
) -> list[Finding]:
    """A finding for every position whose institution did not multiply it by a split, or did so twice.

    Compared are the last day told before the ex date and the first one told :data:`NEAR_DAYS` after it, where
    nothing was traded between them. Of a position that was not told on both nothing can be said.

    Returns:
        Kinds ``split_not_applied`` and ``split_applied_twice``, ``critical``. At stake is the difference to the
        position as it should be, at the price told with it.
    """
    symbols = (
        securities.filter(pl.col("symbol").is_not_null())
        .select("security_id", "symbol")
        .unique("security_id")
    )
    key = ["account_id", "security_id"]
    told = holdings.join(symbols, on="security_id").join(known, on="symbol").sort("as_of")
    before = told.filter(pl.col("as_of") < pl.col("ex_date")).unique([*key, "action_id"], keep="last")
    settled = pl.col("as_of") > pl.col("ex_date") + pl.duration(days=NEAR_DAYS)
    after = told.filter(settled).unique([*key, "action_id"], keep="first")
    moved = trades.filter(
        ~pl.col("removed"), pl.col("kind").is_in(["buy", "reinvestment", "sell", "transfer", "other"])
    )
    found: list[Finding] = []
    pairs = before.join(after, on=[*key, "action_id"], suffix="_after").sort(*key, "action_id")
    for row in pairs.iter_rows(named=True):
        days = pl.col("date").is_between(row["as_of"], row["as_of_after"])
        if moved.filter(days, *(pl.col(name) == row[name] for name in key)).is_empty():
            found += _told_about(row)
    return found


def _told_about(row: dict[str, Any]) -> Iterator[Finding]:
    """What is wrong with a position told before (``quantity``) and after a split (``quantity_after``); nothing may be."""
    ratio, was, now = row["ratio"], row["quantity"], row["quantity_after"]
    kind = "split_not_applied" if now == was else "split_applied_twice"
    if kind == "split_applied_twice" and abs(now - was * ratio * ratio) >= 1:
        return
    yield Finding(
        book=row["book"],
        kind=kind,
        severity="critical",
        subject=row["account_id"],
        since=row["as_of"],
        until=row["as_of_after"],
        message=f"{row['symbol']}: {was.normalize():f} held on {row['as_of']} and {now.normalize():f} on "
        f"{row['as_of_after']}, with a split of {_words(ratio)} on {row['ex_date']}",
        amount=abs((now - was * ratio) * row["price_after"]).quantize(_CENT),
        currency=row["currency_after"],
        rows=(
            row["action_id"],
            *(f"{row['security_id']} {row[day]}" for day in ("as_of", "as_of_after")),
        ),
    )


def _first_price(bars: pl.DataFrame, symbol: str, day: date) -> Decimal | None:
    from_then = bars.filter(pl.col("symbol") == symbol, pl.col("date") >= day).sort("date")
    return None if from_then.is_empty() else from_then["close"][0]


def _words(ratio: Decimal | float) -> str:
    """``4 for 1``; ``1 for 10`` for a reverse split."""
    parts = Fraction(ratio).limit_denominator(100)
    return f"{parts.numerator} for {parts.denominator}"
