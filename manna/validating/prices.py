"""Prices that are missing on a market day, or that jump.

What belongs here: bars against the calendar and against each other. What does not: splits, which explain a
jump (``splits``), or what a position is worth (``manna.portfolio``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

import polars as pl

from manna.contracts.findings import MARKET
from manna.validating.finding import Finding

LEAST_JUMP = 0.25
TIMES_USUAL = 10
"""A price jumps when it moves by more than a quarter, and ten times as far as on a usual day."""

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Held:
    """How many units of a symbol a book holds, all accounts together, in the currency it is priced in."""

    book: str
    quantity: Decimal
    currency: str


Holders = Mapping[str, Sequence[Held]]
"""Who holds each symbol, as last told. A symbol without holders concerns no book."""


def holders(holdings: pl.DataFrame, securities: pl.DataFrame) -> Holders:
    """Who holds what, by symbol: the last day told of each account."""
    last = holdings.filter(pl.col("as_of") == pl.col("as_of").max().over("account_id"))
    symbols = (
        securities.filter(pl.col("symbol").is_not_null())
        .select("security_id", "symbol")
        .unique("security_id")
    )
    held = (
        last.join(symbols, on="security_id")
        .group_by("symbol", "book", "currency")
        .agg(pl.col("quantity").sum())
    )
    found: dict[str, list[Held]] = {}
    for row in held.filter(pl.col("quantity") != 0).sort("symbol", "book", "currency").iter_rows(named=True):
        found.setdefault(row["symbol"], []).append(Held(row["book"], row["quantity"], row["currency"]))
    return found


def concerned(
    symbol: str, change: Decimal | None, held: Holders
) -> Iterator[tuple[str, str, Decimal | None, str | None]]:
    """Whom a finding on ``symbol`` concerns: (book, severity, amount at stake, currency).

    ``change`` is what is in doubt about the price of one unit. Where nobody holds the symbol nothing is at
    stake.
    """
    if not held.get(symbol):
        yield MARKET, "info", None, None
    for one in held.get(symbol, ()):
        amount = None if change is None else abs(one.quantity * change).quantize(_CENT)
        yield one.book, "warning", amount, one.currency


def missing_prices(bars: pl.DataFrame, market_days: Sequence[date], held: Holders) -> list[Finding]:
    """A finding for every run of market days on which a symbol has no bar, between its first and last known.

    Args:
        bars: rows of ``clean.bars``.
        market_days: days on which the market was open and whose bars are due, sorted.
        held: see :data:`Holders`.

    Returns:
        Kind ``missing_price``: ``warning`` for who holds the symbol, with the value of the position at the
        last price before as what is at stake; ``info`` where nobody does.
    """
    place = {day: number for number, day in enumerate(market_days)}
    found = []
    for (symbol,), rows in bars.sort("symbol", "date").group_by(["symbol"], maintain_order=True):
        prices = dict(rows.select("date", "close").iter_rows())
        first, name = rows["date"][0], str(symbol)
        absent = [day for day in market_days if day >= first and day not in prices]
        for _, run in groupby(enumerate(absent), key=lambda pair: place[pair[1]] - pair[0]):
            days = [day for _, day in run]
            last = max(day for day in prices if day < days[0])
            for book, severity, amount, currency in concerned(name, prices[last], held):
                found.append(
                    Finding(
                        book=book,
                        kind="missing_price",
                        severity=severity,
                        subject=name,
                        since=days[0],
                        until=days[-1],
                        message=f"{name} has no price on {len(days)} market day{'s' if len(days) > 1 else ''}; "
                        f"the price of {last} stands in",
                        amount=amount,
                        currency=currency,
                        rows=(f"{name} {last}",),
                    )
                )
    return found


def price_jumps(bars: pl.DataFrame, splits: pl.DataFrame, held: Holders) -> list[Finding]:
    """A finding for every close that is far from the one before, splits allowed for.

    Far is more than :data:`LEAST_JUMP`, and more than :data:`TIMES_USUAL` times the symbol's usual move
    (median, absolute). A jump that has the size of a split is told by ``splits.unknown_splits`` instead.

    Args:
        bars: rows of ``clean.bars``.
        splits: ``symbol, ex_date, ratio``.
        held: see :data:`Holders`.

    Returns:
        Kind ``price_jump``: at stake is the jump times what is held now.
    """
    moves = daily_moves(bars, splits)
    far = (pl.col("move") - 1).abs() > pl.max_horizontal(pl.lit(LEAST_JUMP), TIMES_USUAL * pl.col("usual"))
    return [
        Finding(
            book=book,
            kind="price_jump",
            severity=severity,
            subject=row["symbol"],
            since=row["former_date"],
            until=row["date"],
            message=f"{row['symbol']} closed at {row['former']:,.2f} on {row['former_date']} and at "
            f"{row['close']:,.2f} on {row['date']}",
            amount=amount,
            currency=currency,
            rows=(f"{row['symbol']} {row['former_date']}", f"{row['symbol']} {row['date']}"),
        )
        for row in moves.filter(far, split_size(pl.col("move")).is_null()).iter_rows(named=True)
        for book, severity, amount, currency in concerned(row["symbol"], row["close"] - row["former"], held)
    ]


def daily_moves(bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Each bar with the one before it: ``symbol, date, close, former_date, former, ratio, move, usual``.

    ``ratio`` is the product of the splits between the two (1 without any); ``former`` is the former close in the
    later day's shares; ``move`` is close over former, a float; ``usual`` the symbol's median absolute move.
    """
    ordered = bars.sort("symbol", "date").with_columns(
        former_date=pl.col("date").shift(1).over("symbol"), told=pl.col("close").shift(1).over("symbol")
    )
    ordered = ordered.filter(pl.col("told").is_not_null())
    between = (
        ordered.select("symbol", "date", "former_date")
        .join(splits, on="symbol")
        .filter(pl.col("ex_date") > pl.col("former_date"), pl.col("ex_date") <= pl.col("date"))
        .group_by("symbol", "date")
        .agg(ratio=pl.col("ratio").cast(pl.Float64).product())
    )
    return (
        ordered.join(between, on=["symbol", "date"], how="left")
        .with_columns(pl.col("ratio").fill_null(1.0))
        .with_columns(former=(pl.col("told").cast(pl.Float64) / pl.col("ratio")).cast(pl.Decimal(28, 9)))
        .with_columns(move=pl.col("close").cast(pl.Float64) / pl.col("former").cast(pl.Float64))
        .with_columns(usual=(pl.col("move") - 1).abs().median().over("symbol"))
        .select("symbol", "date", "close", "former_date", "former", "ratio", "move", "usual")
        .sort("symbol", "date")
    )


WHOLE = (*range(2, 11), 12, 15, 20, 25, 30, 40, 50, 100)
RATIOS = (3 / 2, *map(float, WHOLE), *(1 / number for number in WHOLE))
"""Common splits: 3 for 2, 2 for 1 and so on, 1 for 2 and so on. Smaller ones hide in an ordinary bad day."""
TOLERANCE = 0.08
"""On the day of a split the price moves as on any other day besides."""


def split_size(move: pl.Expr) -> pl.Expr:
    """The common split ratio a move has the size of (shares after per share before); null for none."""
    near = [pl.when((move * ratio - 1).abs() <= TOLERANCE).then(pl.lit(ratio)) for ratio in RATIOS]
    return pl.when((move - 1).abs() > LEAST_JUMP).then(pl.coalesce(near))
