"""Bars adjusted for the splits and dividends that came after them.

Here belongs the arithmetic of adjusted prices, as Alpaca's `adjustment` parameter means it.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sandbox.market import Bar, Market

ADJUSTMENTS = frozenset({"split", "dividend", "spin-off"})
_PLACES = Decimal("0.0001")


def adjusted(
    bars: list[Bar], market: Market, symbol: str, today: date, adjustment: frozenset[str]
) -> list[Bar]:
    """`bars` (in order, of one symbol) as they look after what happened up to `today`.

    A split divides the prices before it and multiplies their volume. A dividend scales the prices before
    it by 1 - rate / close of the session before the ex-date. Prices are rounded to four places.
    """
    if not bars or not adjustment:
        return bars
    prices: dict[date, Decimal] = {}
    volumes: dict[date, Decimal] = {}
    if "split" in adjustment:
        for split in market.splits:
            if split.symbol == symbol and split.ex_date <= today:
                ratio = Decimal(split.new_rate) / Decimal(split.old_rate)
                prices[split.ex_date] = prices.get(split.ex_date, Decimal(1)) / ratio
                volumes[split.ex_date] = ratio
    if "dividend" in adjustment:
        for dividend in market.dividends(symbol, bars[0].day + timedelta(days=1), today):
            before = market.close(symbol, dividend.ex_date - timedelta(days=1))
            factor = 1 - dividend.rate / before
            prices[dividend.ex_date] = prices.get(dividend.ex_date, Decimal(1)) * factor
    return _scaled(bars, prices, volumes)


def _scaled(bars: list[Bar], prices: dict[date, Decimal], volumes: dict[date, Decimal]) -> list[Bar]:
    """Each bar multiplied by every factor of a later day."""
    factor = volume = Decimal(1)
    pending = sorted(prices, reverse=True)
    found: list[Bar] = []
    for bar in reversed(bars):
        while pending and bar.day < pending[0]:
            factor *= prices[pending[0]]
            volume *= volumes.get(pending.pop(0), Decimal(1))
        found.append(bar if factor == volume == 1 else _scale(bar, factor, volume))
    return found[::-1]


def _scale(bar: Bar, factor: Decimal, volume: Decimal) -> Bar:
    names = ("open", "high", "low", "close", "vwap")
    scaled = {name: (getattr(bar, name) * factor).quantize(_PLACES) for name in names}
    return replace(bar, **scaled, volume=int(bar.volume * volume))
