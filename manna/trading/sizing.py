"""How much is ordered, and at what limit.

What belongs here: one net order per symbol, limits inside the collar, what the account can pay for, whole or fractional
units. What does not: which trades are wanted (the plan), or limits that stop trading (:mod:`limits`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal

_UNIT = Decimal("0.000000001")
_LEAST = Decimal(1)
"""USD: the least amount of an order at Alpaca."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A trade as planned: ``side`` is ``buy`` or ``sell``, ``quantity`` and ``price`` (per unit) are positive."""

    symbol: str
    side: str
    quantity: Decimal
    price: Decimal


def netted(trades: Iterable[Wanted]) -> tuple[Wanted, ...]:
    """One trade per symbol, sells first, by symbol; what cancels out is left out. The price is the last one's."""
    sums: dict[str, Decimal] = {}
    prices: dict[str, Decimal] = {}
    for trade in trades:
        signed = trade.quantity if trade.side == "buy" else -trade.quantity
        sums[trade.symbol] = sums.get(trade.symbol, Decimal(0)) + signed
        prices[trade.symbol] = trade.price
    found = [
        Wanted(symbol, "buy" if units > 0 else "sell", abs(units), prices[symbol])
        for symbol, units in sums.items()
        if units
    ]
    return tuple(sorted(found, key=lambda trade: (trade.side == "buy", trade.symbol)))


def limit_price(price: Decimal, side: str, collar: Decimal) -> Decimal:
    """The worst price that may be paid or taken: ``collar`` (a ratio) beyond ``price``, rounded towards it.

    Steps are those of SEC Rule 612: a cent from one dollar on, a hundredth of a cent below.
    """
    worst = price * (1 + collar if side == "buy" else 1 - collar)
    step = Decimal("0.01") if worst >= 1 else Decimal("0.0001")
    return max(worst.quantize(step, ROUND_DOWN if side == "buy" else ROUND_UP), step)


def units(quantity: Decimal, *, fractional: bool) -> Decimal:
    """What of a quantity can be ordered: nine decimals, or whole units where the account takes no fractions."""
    return quantity.quantize(_UNIT if fractional else Decimal(1), ROUND_DOWN)


def budget(cash: Decimal, non_marginable: Decimal, open_buys: Iterable[Decimal]) -> Decimal:
    """What buys may cost: the lesser of cash and non-marginable buying power, less what open buys may cost.

    The broker's buying power may have the open ones taken off already: then this is too little, never too much.
    """
    return max(min(cash, non_marginable) - sum(open_buys, Decimal(0)), Decimal(0))


def affordable(
    buys: Sequence[Wanted], limits: Sequence[Decimal], money: Decimal, fractional: Sequence[bool]
) -> tuple[Wanted, ...]:
    """The buys as far as ``money`` goes at their limits, all cut by the same ratio; too small ones are left out.

    Args:
        buys: as wanted.
        limits: limit price of each.
        money: see :func:`budget`.
        fractional: whether each may be of a fraction.
    """
    full = [
        replace(buy, quantity=units(buy.quantity, fractional=part))
        for buy, part in zip(buys, fractional, strict=True)
    ]
    cost = sum((buy.quantity * limit for buy, limit in zip(full, limits, strict=True)), Decimal(0))
    if cost > money:
        share = money / cost
        full = [
            replace(buy, quantity=units(buy.quantity * share, fractional=part))
            for buy, part in zip(full, fractional, strict=True)
        ]
    return tuple(buy for buy in full if buy.quantity * buy.price >= _LEAST)
