"""What the household did with its Alpaca account: a deposit each month, spent the same morning.

Here belongs the script of the demo account. It is a function of (seed, first day) and never of today, so
a later day only adds to it. Sales belong to the first two years: no client can have traded before the
sandbox was first started, so the script never sells what a client has sold already.
"""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from sandbox.alpaca.book import CENT, SHARE, Deposit, Fill, shares_for
from sandbox.alpaca.wire import blank_order, identifier, instant, new_york, number
from sandbox.market import Market, alpaca_funding

# Well away from a 60/20/20 of VTI/VXUS/BND: a habit of buying what is in the news. The rest stays cash.
HABIT = {
    "VTI": Decimal("0.34"),
    "VXUS": Decimal("0.10"),
    "BND": Decimal("0.08"),
    "AAPL": Decimal("0.22"),
    "NVDA": Decimal("0.20"),
}
SALES = {9: ("NVDA", Decimal("0.20")), 15: ("VXUS", Decimal("0.25")), 21: ("AAPL", Decimal("0.15"))}
CHANCE_OF_TWO_FILLS = 0.2


@dataclass(slots=True)
class Script:
    """Deposits, fills and the filled orders they belong to (wire documents), each in order of time."""

    deposits: list[Deposit]
    fills: list[Fill]
    orders: list[dict[str, Any]]


def household_script(market: Market, until: date) -> Script:
    """What the household did up to and including the day `until`."""
    return _Writer(market).write(until)


class _Writer:
    def __init__(self, market: Market) -> None:
        self._market = market
        self._script = Script([], [], [])
        self._held: dict[str, Decimal] = {}
        self._split_done: set[str] = set()

    def write(self, until: date) -> Script:
        for month, (day, amount) in enumerate(alpaca_funding(self._market.start, until)):
            self._carry_splits(day)
            self._script.deposits.append(Deposit(new_york(day, 8, 30), amount))
            dice = random.Random(f"{self._market.seed}/alpaca/{day}")
            for position, (symbol, share) in enumerate(HABIT.items()):
                mood = Decimal(f"{0.85 + 0.3 * dice.random():.3f}")
                at = new_york(day, 9, 31, 7 * position + 2)
                spent = (amount * share * mood).quantize(CENT)
                self._trade(day, at, symbol, "buy", spent, dice)
            if month in SALES:
                symbol, fraction = SALES[month]
                price = self._market.bar(symbol, day).open
                proceeds = (self._held[symbol] * fraction * price).quantize(CENT, ROUND_DOWN)
                self._trade(day, new_york(day, 10, 5), symbol, "sell", proceeds, dice)
        return self._script

    def _carry_splits(self, day: date) -> None:
        for split in self._market.splits:
            if split.ex_date <= day and split.symbol not in self._split_done:
                self._split_done.add(split.symbol)
                held = self._held.get(split.symbol, Decimal(0)) * split.new_rate / split.old_rate
                self._held[split.symbol] = held.quantize(SHARE, ROUND_DOWN)

    def _trade(
        self, day: date, at: datetime, symbol: str, side: str, amount: Decimal, dice: random.Random
    ) -> None:
        """One market order for about `amount` USD at the day's opening price, in one or two fills."""
        price = self._market.bar(symbol, day).open
        qty = shares_for(amount, price)
        sequence = len(self._script.orders) - 1_000_000  # before every order that a client places
        order = blank_order(sequence, symbol, side, "market", "day", at - timedelta(seconds=1))
        order |= {
            "id": identifier("household", "order", day, symbol, side),
            "client_order_id": identifier("household", "client order", day, symbol, side),
            "expires_at": instant(new_york(day, 16)),
            "qty": number(qty),
            "filled_qty": number(qty),
            "filled_avg_price": number(price),
            "status": "filled",
        }
        parts = [qty]
        if dice.random() < CHANCE_OF_TWO_FILLS:
            first = shares_for((amount * Decimal("0.6")).quantize(CENT), price)
            parts = [first, qty - first]
        done = Decimal(0)
        for count, part in enumerate(parts):
            done += part
            moment = at + timedelta(milliseconds=137 * count)
            execution = identifier(order["id"], "execution", count)
            fill = Fill(moment, order["id"], execution, symbol, side, part, price, done, qty - done)
            self._script.fills.append(fill)
            order |= {"filled_at": instant(moment), "updated_at": instant(moment)}
        self._script.orders.append(order)
        self._held[symbol] = self._held.get(symbol, Decimal(0)) + (qty if side == "buy" else -qty)
