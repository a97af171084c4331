"""Rebalancing: the trades that would bring the managed accounts to their targets. A proposal only.

What belongs here: sizing. What does not: orders, approval, or whether anything is ever sent.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import polars as pl

from manna.books import Book
from manna.contracts.portfolio import REBALANCE_PLAN
from manna.money import minor_units, round_money
from manna.portfolio.drift import CASH

_UNIT = Decimal("0.000000001")
_RATIO = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class _Trade:
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal

    @property
    def signed(self) -> Decimal:
        """Change of the position's value at the planned price."""
        return self.quantity * self.price * (1 if self.side == "buy" else -1)


def rebalance_plan(
    book: Book, drift: pl.DataFrame, prices: Mapping[str, Decimal], account_id: str, today: date
) -> pl.DataFrame:
    """Trades to the targets, once any weight has left its band; else none.

    Positions are valued anew at ``prices``. Sells come first, largest excess first, never more than is
    held; then buys, largest shortfall first, within cash and proceeds less the cash that is itself a
    target. Quantities are rounded down to 9 decimals; a trade below the book's minimum is left out.
    So exact cost of all buys never exceeds cash plus proceeds. There is no plan unless every
    security has a price: to sell and then be unable to buy is worse than to wait.

    Args:
        drift: :func:`manna.portfolio.drift` of this book.
        prices: price per unit by symbol, in the book's currency.
        account_id: the account the trades would be made in.
        today: day of the prices.

    Returns:
        ``portfolio.rebalance_plan``; ``plan_id`` is derived from the trades, so the same plan has the same id.
    """
    breached = drift.filter(pl.col("breached")).height > 0
    if not breached or unpriced(drift, prices):
        return REBALANCE_PLAN.empty()
    rows = {row["security_id"]: row for row in drift.iter_rows(named=True)}
    cash = rows[CASH]["quantity"] if CASH in rows else Decimal(0)
    values = {name: row["quantity"] * prices[name] for name, row in rows.items() if name != CASH}
    whole = cash + sum(values.values(), Decimal(0))
    if whole <= 0:
        return REBALANCE_PLAN.empty()
    gaps = {name: rows[name]["target"] * whole - value for name, value in values.items()}
    order = sorted(gaps, key=lambda name: (-abs(gaps[name]), name))
    sells = _sells(book, [name for name in order if gaps[name] < 0], gaps, rows, prices)
    reserve = rows[CASH]["target"] * whole if CASH in rows else Decimal(0)
    buys = _buys(
        book,
        [name for name in order if gaps[name] > 0],
        gaps,
        prices,
        cash + _proceeds(book, sells) - reserve,
    )
    described = [_describe(book, rows[t.symbol], t, values[t.symbol], whole) for t in (*sells, *buys)]
    plan_id = _plan_id(book, account_id, today, (*sells, *buys))
    fixed = {"plan_id": plan_id, "book": book.id, "account_id": account_id, "planned_on": today}
    return REBALANCE_PLAN.conform(
        pl.DataFrame([{**row, **fixed} for row in described], schema=REBALANCE_PLAN.polars_schema)
    )


def unpriced(drift: pl.DataFrame, prices: Mapping[str, Decimal]) -> list[str]:
    """Securities without a weight or without a positive price: the reason why there is no plan."""
    names = drift.filter(pl.col("security_id") != CASH).select("security_id", "weight").iter_rows()
    return sorted(name for name, weight in names if weight is None or prices.get(name, Decimal(0)) <= 0)


def last_prices(bars: pl.DataFrame, day: date) -> dict[str, Decimal]:
    """The last raw close of every symbol of ``clean.bars`` up to ``day``."""
    known = bars.filter(pl.col("date") <= day).sort("date").group_by("symbol").agg(pl.col("close").last())
    return dict(known.sort("symbol").iter_rows())


def _sells(
    book: Book,
    names: list[str],
    gaps: Mapping[str, Decimal],
    rows: Mapping[str, Mapping[str, Decimal]],
    prices: Mapping[str, Decimal],
) -> list[_Trade]:
    trades = []
    for name in names:
        held, target = rows[name]["quantity"], rows[name]["target"]
        quantity = held if target == 0 else min(held, _units(-gaps[name], prices[name]))
        trades.append(_Trade(name, "sell", quantity, prices[name]))
    return [trade for trade in trades if _worthwhile(book, trade)]


def _buys(
    book: Book, names: list[str], gaps: Mapping[str, Decimal], prices: Mapping[str, Decimal], budget: Decimal
) -> list[_Trade]:
    """Greedy: the largest shortfall first, each as far as the budget goes, in whole minor units of it."""
    trades = []
    for name in names:
        cent = Decimal(1).scaleb(-minor_units(book.currency))
        spend = max(min(gaps[name], budget), Decimal(0)).quantize(cent, ROUND_DOWN)
        trade = _Trade(name, "buy", _units(spend, prices[name]), prices[name])
        if _worthwhile(book, trade):
            trades.append(trade)
            budget -= spend
    return trades


def _units(amount: Decimal, price: Decimal) -> Decimal:
    return (amount / price).quantize(_UNIT, ROUND_DOWN)


def _worthwhile(book: Book, trade: _Trade) -> bool:
    return trade.quantity > 0 and abs(trade.signed) >= book.targets.minimum_trade


def _proceeds(book: Book, sells: list[_Trade]) -> Decimal:
    """What the sells bring, each by the lower of its exact and its stated amount."""
    exact = [-trade.signed for trade in sells]
    return sum((min(amount, round_money(amount, book.currency)) for amount in exact), Decimal(0))


def _describe(
    book: Book, row: Mapping[str, Decimal], trade: _Trade, value: Decimal, whole: Decimal
) -> dict[str, object]:
    before, target = _ratio(value / whole), row["target"]
    gap = before - target
    word = "above" if gap > 0 else "below"
    return {
        "symbol": trade.symbol,
        "side": trade.side,
        "quantity": trade.quantity,
        "price": trade.price,
        "notional": round_money(abs(trade.signed), book.currency),
        "currency": book.currency,
        "weight_before": before,
        "weight_after": _ratio((value + trade.signed) / whole),
        "target": target,
        "reason": f"{_percent(before)} held, {_percent(target)} wanted: {_percent(abs(gap))} {word} target",
    }


def _ratio(share: Decimal) -> Decimal:
    return share.quantize(_RATIO, ROUND_HALF_EVEN)


def _percent(share: Decimal) -> str:
    return f"{share * 100:.1f} %"


def _plan_id(book: Book, account_id: str, today: date, trades: tuple[_Trade, ...]) -> str:
    parts = [f"{t.symbol}|{t.side}|{t.quantity:.9f}|{t.price:.9f}" for t in trades]
    text = "\n".join([book.id, account_id, today.isoformat(), *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:24]
