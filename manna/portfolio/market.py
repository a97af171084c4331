"""Past prices and what happened to shares, as a walk through them needs it; and what may be seen of it on a day.

What belongs here: splits, dividends, days without a price, delistings, and the one door to the past (:meth:`Told.seen`). What
does not: decisions and trades (:mod:`backtest`).

Arrays are float64, (days, assets).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Market:
    """What happened: ``closes`` (days, assets), NaN where nothing traded.

    ``splits``: new shares per old one from that day's open on (1: none). ``dividends``: per share, to whoever held it at the
    close of the day before; it is cash on its ex date. ``delistings``: money per share paid on the first day on which it is no
    longer listed (0: worthless), NaN on all others. None: there were none.

    ``patience``: after so many days without a price, and no word of why, an asset counts as gone, and what is held of it is
    paid out at its last price. Nobody could say earlier whether a price will come again; if one comes, it may be bought again.
    """

    days: tuple[date, ...]
    symbols: tuple[str, ...]
    closes: Floats
    splits: Floats | None = None
    dividends: Floats | None = None
    delistings: Floats | None = None
    patience: int = 10

    def __post_init__(self) -> None:
        shape = (len(self.days), len(self.symbols))
        for name in ("closes", "splits", "dividends", "delistings"):
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
        if self.patience < 1:
            raise ValueError("patience is a day or more")
        if self.delistings is not None:
            self._require_silence(self.delistings)

    def _require_silence(self, delistings: Floats) -> None:
        gone = ~np.isnan(delistings)
        if (delistings[gone] < 0).any():
            raise ValueError("a delisting pays nothing or more per share")
        traded = np.maximum.accumulate(gone, axis=0) & ~np.isnan(self.closes)
        if traded.any():
            at, asset = (int(found[0]) for found in np.nonzero(traded))
            raise ValueError(f"{self.symbols[asset]} has a price on {self.days[at]}, but is delisted by then")

    def until(self, count: int) -> "Market":
        """Its first ``count`` days."""
        return replace(self, days=self.days[:count], **self._each(lambda given: given[:count]))

    def of(self, symbols: Sequence[str]) -> "Market":
        """These of its assets, in this order.

        Raises:
            ValueError: there is no such asset.
        """
        places = [self._place(symbol) for symbol in symbols]
        return replace(self, symbols=tuple(symbols), **self._each(lambda given: given[:, places]))

    def _each(self, cut: Callable[[Floats], Floats]) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("closes", "splits", "dividends", "delistings")}
        return {name: None if array is None else cut(array) for name, array in given.items()}

    def _place(self, symbol: str) -> int:
        if symbol not in self.symbols:
            raise ValueError(f"there are no prices of {symbol}; there are: {', '.join(self.symbols)}")
        return self.symbols.index(symbol)

    def total_returns(self, symbol: str) -> Floats:
        """What one asset earned each day after the first, dividends and splits included: (days - 1,); NaN before its first price.

        On a day without a price it earns nothing, and from its delisting on neither.

        Raises:
            ValueError: there is no such asset.
        """
        at = self._place(symbol)
        closes = self.closes[:, at].copy()
        ones, zeros = np.ones(len(closes)), np.zeros(len(closes))
        ratio = ones if self.splits is None else self.splits[:, at]
        paid = zeros if self.dividends is None else self.dividends[:, at]
        for day in np.flatnonzero(np.isnan(closes[1:])) + 1:
            closes[day] = closes[day - 1] / ratio[day]
        if self.delistings is not None:
            for day in np.flatnonzero(~np.isnan(self.delistings[:, at])):
                closes[day:] = self.delistings[day, at]
        before = closes[:-1]
        earned = (closes[1:] + paid[1:]) * ratio[1:]
        return np.divide(earned, before, where=before != 0, out=np.ones_like(before)) - 1


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
        self.ends: dict[int, list[tuple[int, float]]] = {}
        self.known = self.worths = closes
        if missing.any():
            self._carry(closes, missing)
        self.dividends = market.dividends
        if market.dividends is not None and self.factor is not None:
            self.dividends = market.dividends * self.factor

    def _carry(self, closes: Floats, missing: NDArray[np.bool_]) -> None:
        """Last prices carried on until an asset is gone; looks at each day from the days before it alone."""
        days = np.arange(len(closes))[:, None]
        last = np.maximum.accumulate(np.where(missing, 0, days), axis=0)
        known = np.take_along_axis(closes, last, axis=0)
        self.worths = np.nan_to_num(known)
        silent = days - last
        gone = silent >= self.market.patience
        delistings = self.market.delistings
        if delistings is not None:
            gone |= np.maximum.accumulate(~np.isnan(delistings), axis=0)
            for at, asset in np.argwhere(~np.isnan(delistings)):
                factor = 1.0 if self.factor is None else float(self.factor[at, asset])
                self.ends.setdefault(int(at), []).append((int(asset), float(delistings[at, asset]) * factor))
        for at, asset in np.argwhere((silent == self.market.patience) & ~np.isnan(known)):
            self.ends.setdefault(int(at), []).append((int(asset), float(known[at, asset])))
        self.known = np.where(gone, np.nan, known)

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
        """Pays out what is gone since that day."""
        for asset, price in self.ends.get(at, ()):
            if account.units[asset]:
                account.cash += float(account.units[asset]) * price
                account.units[asset] = 0.0
                account.delisted.append((self.market.days[at], self.market.symbols[asset]))

    @property
    def split_days(self) -> list[int]:
        """Positions of the days on which anything splits."""
        splits = self.market.splits
        return [] if splits is None else [int(at) for at in np.flatnonzero((splits != 1).any(axis=1))]

    def pay_fractions(self, at: int, account: Held) -> None:
        """What a split leaves of a share is paid out at the day's close (cash in lieu)."""
        if self.factor is not None:
            whole = np.floor(account.units * self.factor[at] + 1e-9) / self.factor[at]
            account.cash += float((account.units - whole) @ self.worths[at])
            account.units = whole

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
