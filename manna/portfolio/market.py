"""Past prices and what happened to shares, as a walk through them needs it; and what may be seen of it on a day.

What belongs here: splits, dividends, days without a price, delistings, and the one door to the past (:meth:`Told.seen`). What
does not: decisions and trades (:mod:`backtest`).

Arrays are float64, (days, assets).
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Market:
    """What happened: ``closes`` (days, assets), NaN where nothing traded.

    ``splits``: new shares per old one from that day's open on (1: none). ``dividends``: per share, to whoever held it at the
    close of the day before; it is cash on its ex date. None: there were none.
    """

    days: tuple[date, ...]
    symbols: tuple[str, ...]
    closes: Floats
    splits: Floats | None = None
    dividends: Floats | None = None

    def __post_init__(self) -> None:
        shape = (len(self.days), len(self.symbols))
        for name in ("closes", "splits", "dividends"):
            given = getattr(self, name)
            if given is not None and given.shape != shape:
                raise ValueError(
                    f"{name} are {given.shape}, but there are {shape[0]} days of {shape[1]} assets"
                )
        if any(late <= early for early, late in zip(self.days, self.days[1:], strict=False)):
            raise ValueError("days must rise, each once")
        if (self.closes <= 0).any():
            raise ValueError("a price is not positive; leave it out (NaN) where nothing traded")
        if self.splits is not None and not (self.splits > 0).all():
            raise ValueError("a split ratio is new shares per old one, above zero (1: none)")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a strategy may know at the close of ``day``.

    ``closes`` (window, assets): the last closes up to that day in shares of that day, so that a split is no fall; NaN before
    an asset's first price. ``weights`` (assets): what is held, as shares of the whole; what is missing to one is cash.
    """

    day: date
    symbols: tuple[str, ...]
    closes: Floats
    weights: Floats


@dataclass(slots=True)
class Held:
    """What is held as of the close of a day: ``units`` are shares as they were on the first day, before any split."""

    units: Floats
    cash: float
    delisted: list[tuple[date, str]] = field(default_factory=list)


class Told:
    """The market in units of the first day, last prices carried on."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.factor = None if market.splits is None else np.cumprod(market.splits, axis=0)
        closes = market.closes if self.factor is None else market.closes * self.factor
        missing = np.isnan(closes)
        self.ends: dict[int, list[int]] = {}
        self.known = self.worths = closes
        if missing.any():
            self._carry(closes, missing)
        self.dividends = market.dividends
        if market.dividends is not None and self.factor is not None:
            self.dividends = market.dividends * self.factor

    def _carry(self, closes: Floats, missing: NDArray[np.bool_]) -> None:
        rows = np.where(missing, 0, np.arange(len(closes))[:, None])
        self.known = np.take_along_axis(closes, np.maximum.accumulate(rows, axis=0), axis=0)
        self.worths = np.nan_to_num(self.known)
        final = len(closes) - 1 - np.argmax(~missing[::-1], axis=0)
        for asset in np.flatnonzero(~missing.all(axis=0) & (final < len(closes) - 1)):
            self.ends.setdefault(int(final[asset]) + 1, []).append(int(asset))
            self.known[final[asset] + 1 :, asset] = np.nan

    def walk(self, last: int, at: int, account: Held, values: Floats, cash: Floats) -> None:
        """Values and cash of the days after ``last`` up to ``at``; dividends become cash."""
        if at == last:
            return
        stretch = slice(last + 1, at + 1)
        cash[stretch] = account.cash
        if self.dividends is not None:
            cash[stretch] += np.cumsum(self.dividends[stretch] @ account.units)
        values[stretch] = self.worths[stretch] @ account.units + cash[stretch]
        account.cash = float(cash[at])

    def delist(self, at: int, account: Held) -> None:
        """Pays out what had its last price the day before."""
        for asset in self.ends.get(at, ()):
            if account.units[asset]:
                account.cash += float(account.units[asset] * self.worths[at, asset])
                account.units[asset] = 0.0
                account.delisted.append((self.market.days[at], self.market.symbols[asset]))

    def worth(self, at: int, account: Held) -> float:
        """Of everything at the close of a day."""
        return float(self.worths[at] @ account.units) + account.cash

    def seen(self, at: int, account: Held, window: int) -> Seen:
        """Copies: a view would lead to the whole array, and to tomorrow."""
        closes = self.known[max(at - window + 1, 0) : at + 1].copy()
        if self.factor is not None:
            closes /= self.factor[at]
        worth = self.worth(at, account)
        held = self.worths[at] * account.units / worth if worth > 0 else np.zeros(len(account.units))
        return Seen(self.market.days[at], self.market.symbols, closes, held)
