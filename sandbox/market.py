"""The sandbox's stock market: prices, splits and dividends, the same for both providers.

Here belongs what is true of a security on a day, whoever asks. Accounts, orders and the wire formats
belong to the halves that serve them.

Every bar is drawn from a stream that belongs to its symbol and runs forward one session at a time, so a
bar depends on the seed, the symbol and the sessions before it, and never on how far anybody has looked.
"""

import random
import threading
import warnings
from bisect import bisect_left, bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from math import exp, sqrt
from statistics import NormalDist

from sandbox.listings import LISTINGS, Listing

HISTORY_MONTHS = 25  # before `start`: 24 months, and a month so that "the last close" exists on the first day
SPLIT_SYMBOL, SPLIT_MONTH, SPLIT_NEW_RATE, SPLIT_OLD_RATE = "NVDA", 16, 4, 1
SESSIONS_A_YEAR = 252
MARKET_DRIFT, MARKET_VOLATILITY = 0.09, 0.15

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's trading in USD, unadjusted; `volume` in shares, `vwap` to four places."""

    symbol: str
    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    trade_count: int
    vwap: Decimal


@dataclass(frozen=True, slots=True)
class Split:
    """From `ex_date` on, `old_rate` shares are `new_rate` shares."""

    symbol: str
    ex_date: date
    new_rate: int
    old_rate: int


@dataclass(frozen=True, slots=True)
class Dividend:
    """`rate` USD a share to whoever held at the end of the session before `ex_date`, paid on `pay_date`."""

    symbol: str
    ex_date: date
    pay_date: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Session:
    """A day on which the exchange opens; both instants aware, in UTC."""

    day: date
    opens: datetime
    closes: datetime


def add_months(day: date, months: int) -> date:
    """The same day `months` later (earlier if negative), or that month's last day when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@cache
def _sessions_of_decade(first_year: int) -> tuple[Session, ...]:
    import exchange_calendars  # imports pandas: seconds that only a running sandbox should pay

    # Building a calendar costs the same for one year as for ten, and unasked it covers only twenty.
    span = {"start": f"{first_year}-01-01", "end": f"{first_year + 9}-12-31"}
    with warnings.catch_warnings():
        # exchange_calendars 4.13 on pandas 3.1
        warnings.filterwarnings("ignore", "Series.values returning an ndarray", DeprecationWarning)
        calendar = exchange_calendars.get_calendar("XNYS", **span)
    opens, closes = calendar.opens, calendar.closes
    return tuple(
        Session(stamp.date(), opens[stamp].to_pydatetime(), closes[stamp].to_pydatetime())
        for stamp in calendar.sessions
    )


def sessions_between(first: date, last: date) -> list[Session]:
    """The sessions of the New York Stock Exchange with first <= day <= last, in order."""
    found: list[Session] = []
    for decade in range(first.year // 10 * 10, last.year + 1, 10):
        sessions = _sessions_of_decade(decade)
        start = bisect_left(sessions, first, key=_day_of)
        found.extend(sessions[start : bisect_right(sessions, last, key=_day_of)])
    return found


def _day_of(session: Session) -> date:
    return session.day


def next_market_day(day: date) -> date:
    """`day` itself if the exchange opens on it, else the next day on which it does."""
    return sessions_between(day, day + timedelta(days=10))[0].day


def alpaca_funding(start: date, end: date) -> list[tuple[date, Decimal]]:
    """The household's deposits into its Alpaca account up to and including `end`: (day, USD), in order.

    2,000.00 on the first market day from `start` on, then 500.00 on or just after the 5th of each month.
    """
    deposits = [(next_market_day(start), Decimal("2000.00"))]
    for months in count(1):
        day = add_months(start.replace(day=5), months)
        if day > end:
            break
        deposits.append((next_market_day(day), Decimal("500.00")))
    return [(day, amount) for day, amount in deposits if day <= end]


class Market:
    """Prices of `symbols` from 24 months before `start` on, for ever forward.

    Safe to use from several threads. Days before the history, and symbols not listed, raise LookupError.
    """

    def __init__(self, seed: int, start: date) -> None:
        self.seed = seed
        self.start = start
        self.symbols: tuple[str, ...] = tuple(LISTINGS)
        self.first_day = next_market_day(add_months(start, -HISTORY_MONTHS))
        ex_date = next_market_day(add_months(start, SPLIT_MONTH))
        self.splits = [Split(SPLIT_SYMBOL, ex_date, SPLIT_NEW_RATE, SPLIT_OLD_RATE)]
        self._lock = threading.Lock()
        self._days: list[date] = []
        self._moves: list[float] = []  # the whole market's return, a session each
        self._mood = random.Random(f"{seed}/market")
        self._walks: dict[str, _Walk] = {}

    def listing(self, symbol: str) -> Listing:
        """Name, exchange and kind of a symbol. Raises LookupError when it is not listed."""
        if symbol not in LISTINGS:
            raise LookupError(f"{symbol} is not listed")
        return LISTINGS[symbol]

    def is_market_day(self, day: date) -> bool:
        """Whether the exchange opens on `day`."""
        return bool(sessions_between(day, day))

    def bar(self, symbol: str, day: date) -> Bar:
        """The bar of the last market day <= `day`. Raises LookupError before the history."""
        walk = self._walk(symbol, day)
        position = bisect_right(self._days, day)
        if position == 0:
            raise LookupError(f"no price of {symbol} on {day}: the history begins on {self.first_day}")
        return walk.bars[position - 1]

    def bars(self, symbol: str, first: date, last: date) -> list[Bar]:
        """The bars with first <= day <= last, in order; days before the history have none."""
        walk = self._walk(symbol, last)
        return walk.bars[bisect_left(self._days, first) : bisect_right(self._days, last)]

    def close(self, symbol: str, day: date) -> Decimal:
        """The unadjusted close (USD) of the last market day <= `day`. Raises LookupError before the history."""
        return self.bar(symbol, day).close

    def dividends(self, symbol: str, first: date, last: date) -> list[Dividend]:
        """The quarterly dividends with first <= ex_date <= last (none before the history), in order."""
        listing = self.listing(symbol)
        found: list[Dividend] = []
        if listing.dividend_yield == 0:
            return found
        first_quarter = self.first_day.year * 4
        for quarter in range(max(first.year * 4, first_quarter), last.year * 4 + 4):
            ex_date = next_market_day(date(quarter // 4, quarter % 4 * 3 + listing.ex_month, 11))
            if max(first, self.first_day) <= ex_date <= last:
                # Payers raise by about 6 % a year; a schedule, so that it does not hang on the price's path.
                rate = listing.price * listing.dividend_yield / 4 * 1.015 ** (quarter - first_quarter)
                rate /= self._split_factor(symbol, ex_date)
                pay_date = next_market_day(ex_date + timedelta(days=14))
                found.append(Dividend(symbol, ex_date, pay_date, Decimal(f"{rate:.4f}")))
        return found

    def _split_factor(self, symbol: str, day: date) -> float:
        """How many shares of `day` one share at the beginning of the history has become."""
        factor = 1.0
        for split in self.splits:
            if split.symbol == symbol and split.ex_date <= day:
                factor *= split.new_rate / split.old_rate
        return factor

    def _walk(self, symbol: str, last: date) -> "_Walk":
        """The walk of `symbol`, advanced at least to `last`."""
        listing = self.listing(symbol)
        with self._lock:
            following = self._days[-1] + timedelta(days=1) if self._days else self.first_day
            for session in sessions_between(following, last) if following <= last else ():
                self._days.append(session.day)
                self._moves.append(_draw(self._mood) * MARKET_VOLATILITY / sqrt(SESSIONS_A_YEAR))
            walk = self._walks.setdefault(symbol, _Walk(listing, self.seed))
            if len(walk.bars) < len(self._days):
                self._advance(walk)
        return walk

    def _advance(self, walk: "_Walk") -> None:
        begin = len(walk.bars)
        symbol = walk.listing.symbol
        dividends = self.dividends(symbol, self._days[begin], self._days[-1])
        rates = {dividend.ex_date: float(dividend.rate) for dividend in dividends}
        for day, move in zip(self._days[begin:], self._moves[begin:], strict=True):
            walk.step(day, move, self._split_factor(symbol, day), rates.get(day, 0.0))


class _Walk:
    """One symbol's prices so far, and the stream the next session is drawn from."""

    def __init__(self, listing: Listing, seed: int) -> None:
        self.listing = listing
        self.bars: list[Bar] = []
        self._stream = random.Random(f"{seed}/{listing.symbol}")
        self._price = listing.price  # in shares of the first day, unrounded
        variance = listing.volatility**2 + (listing.beta * MARKET_VOLATILITY) ** 2
        self._drift = (listing.excess + listing.beta * MARKET_DRIFT - variance / 2) / SESSIONS_A_YEAR
        self._volatility = listing.volatility / sqrt(SESSIONS_A_YEAR)

    def step(self, day: date, move: float, factor: float, rate: float) -> None:
        """Trade one session: `move` is the market's return, `rate` the dividend it opens without."""
        listing, stream = self.listing, self._stream
        surprise = listing.beta * move + _draw(stream) * self._volatility
        before = self._price - rate * factor
        self._price = max(before * exp(self._drift + surprise), 1.0)
        opened = before * exp(_draw(stream) * self._volatility / 3 + listing.beta * move / 4)
        spread = 0.3 * (self._volatility + abs(surprise))
        highest = max(opened, self._price) * (1 + spread * stream.random())
        lowest = min(opened, self._price) * (1 - spread * stream.random())
        volume = int(listing.volume * factor * exp(0.2 * _draw(stream) + 12 * abs(surprise)))
        average = (opened + highest + lowest + self._price) / 4 / factor
        open_, high, low, close = (
            Decimal(f"{price / factor:.2f}") for price in (opened, highest, lowest, self._price)
        )
        trades = volume // 90 + 1
        self.bars.append(
            Bar(listing.symbol, day, open_, high, low, close, volume, trades, Decimal(f"{average:.4f}"))
        )


def _draw(stream: random.Random) -> float:
    """A standard normal number. `random.gauss` may change between Python versions, `random` may not."""
    return _NORMAL.inv_cdf(max(stream.random(), 1e-12))
