"""What a portfolio earned between two days: time-weighted, money-weighted, and by Modified Dietz.

What belongs here: returns from values and flows. What does not: where these come from (:mod:`valuation`), and what a
series of returns says about risk (:mod:`risk`).

A value is what everything was worth at a day's end. A flow is what an owner put in (positive) or took out (negative);
dividends, interest and fees are none, they are what is earned. Rates are plain numbers: 0.05 is five per cent.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Timing = Literal["start", "end"]
"""When in its day a flow moves: before anything is earned that day, or after."""

YEAR = 365
"""Days of a year, for rates per year: Actual/365, as spreadsheets' XIRR counts."""

_RATES = np.geomspace(1e-6, 1e6, 6001) - 1
"""Where roots are looked for: from losing all but a millionth a year to gaining a millionfold."""
_HALVINGS = 60
"""So many make an interval as narrow as a float."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Money put in (positive) or taken out (negative) on a day."""

    day: date
    amount: float


@dataclass(frozen=True, slots=True)
class Value:
    """What everything was worth at the end of a day."""

    day: date
    amount: float


@dataclass(frozen=True, slots=True)
class Link:
    """The return between two valued days. ``estimated``: a flow came in between without a valuation.

    ``rate`` is None where there was nothing to earn it on: the chain breaks here.
    """

    begin: date
    end: date
    rate: float | None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """A time-weighted return. ``rate`` is None where the chain is broken; what can be said is in ``links``."""

    links: tuple[Link, ...]
    rate: float | None
    annual: float | None

    @property
    def breaks(self) -> tuple[Link, ...]:
        """Links without a return."""
        return tuple(link for link in self.links if link.rate is None)

    @property
    def estimated(self) -> tuple[Link, ...]:
        """Links in which a flow was not valued."""
        return tuple(link for link in self.links if link.estimated)


def per_year(rate: float | None, begin: date, end: date) -> float | None:
    """``rate`` of the whole span as a rate per year; None for less than a year, which is not made to look like one.

    Source: GIPS 2020, 2.A.6: returns of less than one year must not be annualized.
    """
    days = (end - begin).days
    if rate is None or days < YEAR:
        return None
    return float((1 + rate) ** (YEAR / days) - 1)


def modified_dietz(
    opening: Value, closing: Value, flows: Iterable[Flow], timing: Timing = "end"
) -> float | None:
    """Gain over the capital at work: (closing - opening - flows) / (opening + sum of weight x flow).

    A flow's weight is the share of the span for which it was there; of a flow on the last day that moves at the
    day's end it is zero. Flows on the opening day or before, and after the closing day, are no part of the span.

    Source: Dietz (1966); GIPS guidance on calculation methodology, "Modified Dietz".

    Returns:
        The rate of the span, or None if the capital at work is not positive.

    Raises:
        ValueError: the closing day does not lie after the opening day.
    """
    days = (closing.day - opening.day).days
    if days <= 0:
        raise ValueError(f"no time from {opening.day} to {closing.day}")
    within = [flow for flow in flows if opening.day < flow.day <= closing.day]
    moved = sum(flow.amount for flow in within)
    capital = opening.amount + sum(_weight(flow, opening.day, days, timing) * flow.amount for flow in within)
    return (closing.amount - opening.amount - moved) / capital if capital > 0 else None


def _weight(flow: Flow, begin: date, days: int, timing: Timing) -> float:
    return ((begin - flow.day).days + days + (timing == "start")) / days


def opened(values: Sequence[Value], flows: Sequence[Flow]) -> list[Value]:
    """``values`` in order, from the first day on which anything was there.

    What is put into an empty portfolio is its own valuation: where the first flow comes before the first value, the span
    begins with it.
    """
    known = sorted(values, key=lambda value: value.day)
    first = min((flow.day for flow in flows), default=None)
    if first is not None and (not known or first < known[0].day):
        return [Value(first, sum(flow.amount for flow in flows if flow.day == first)), *known]
    return known


def time_weighted(values: Sequence[Value], flows: Sequence[Flow], timing: Timing = "end") -> Chain:
    """The return of one unit of money that was there all the time: the links between valued days, multiplied.

    A flow on a valued day is taken out exactly. One between two valued days makes that link a Modified Dietz, and
    it says so. Where the capital at work is not positive there is no return: the chain breaks, and is
    never mended by leaving the link out.

    Source: GIPS 2020, 2.A.2 (external cash flows), glossary "time-weighted return".

    Raises:
        ValueError: two values of one day that differ, or fewer than two valued days.
    """
    known = opened(values, flows)
    for one, other in itertools.pairwise(known):
        if one.day == other.day:
            raise ValueError(f"two values of {one.day}: {one.amount} and {other.amount}")
    if len(known) < 2:
        raise ValueError("a return needs values of two days")
    ordered = sorted(flows, key=lambda flow: flow.day)
    links, at = [], 0
    for opening, closing in itertools.pairwise(known):
        while at < len(ordered) and ordered[at].day <= opening.day:
            at += 1
        until = at
        while until < len(ordered) and ordered[until].day <= closing.day:
            until += 1
        links.append(_link(opening, closing, ordered[at:until], timing))
    rates = [link.rate for link in links]
    whole = None if None in rates else float(np.prod([1 + rate for rate in rates if rate is not None]) - 1)
    return Chain(tuple(links), whole, per_year(whole, known[0].day, known[-1].day))


def _link(opening: Value, closing: Value, flows: Sequence[Flow], timing: Timing) -> Link:
    days = (closing.day - opening.day).days
    exact = {_weight(flow, opening.day, days, timing) for flow in flows} <= {0.0, 1.0}
    rate = modified_dietz(opening, closing, flows, timing) if opening.amount > 0 or flows else None
    return Link(opening.day, closing.day, rate, not exact)


def money_weighted(values: Sequence[Value], flows: Sequence[Flow]) -> tuple[float, ...]:
    """Every rate per year at which the flows, the opening and the closing value are worth nothing together (XIRR).

    The opening value counts as put in, the closing one as taken out. There may be several such rates, or none: then
    no single one is *the* return, and the caller has to say so.

    Source: the XIRR function of spreadsheets: sum of flow / (1 + rate) ^ (days / 365) = 0.

    Returns:
        The rates between -99.9999 % and a millionfold, rising.

    Raises:
        ValueError: fewer than two valued days.
    """
    known = opened(values, flows)
    if len(known) < 2:
        raise ValueError("a return needs values of two days")
    opening, closing = known[0], known[-1]
    paid = [Flow(opening.day, -opening.amount)]
    paid += [Flow(flow.day, -flow.amount) for flow in flows if opening.day < flow.day <= closing.day]
    return roots([*paid, Flow(closing.day, closing.amount)])


def roots(flows: Sequence[Flow]) -> tuple[float, ...]:
    """Every rate per year at which ``flows`` have no present value, rising; see :func:`money_weighted`.

    Where one rate solves it and what is invested at that rate never changes its sign before the end, there is no other
    (Soper 1959: The marginal efficiency of capital, a further note). Else all of the range is searched.
    """
    from pyxirr import xirr

    amounts = np.array([flow.amount for flow in flows], np.float64)
    if not ((amounts > 0).any() and (amounts < 0).any()):
        return ()
    years = np.array([(flow.day - flows[0].day).days / YEAR for flow in flows])
    with np.errstate(all="ignore"):
        one = xirr([flow.day for flow in flows], amounts)
        if one is not None and np.isfinite(one) and _RATES[0] <= one <= _RATES[-1]:
            order = np.argsort(years, kind="stable")
            invested = np.cumsum((amounts * (1 + one) ** -years)[order])
            _, last = np.unique(years[order], return_index=True)
            at_ends = invested[np.append(last[1:], len(years)) - 1][:-1]
            if (at_ends < 0).all() or (at_ends > 0).all():
                return (float(one),)
        return _searched(amounts, years)


def _searched(amounts: NDArray[np.float64], years: NDArray[np.float64]) -> tuple[float, ...]:
    """All roots between the first and the last of the rates looked at, each by halving its interval."""

    def worth(rates: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-np.outer(np.log1p(rates), years)) @ amounts)

    signs = np.sign(worth(_RATES))
    found = [float(_RATES[at]) for at in np.flatnonzero(signs == 0)]
    between = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    low, high = _RATES[between].copy(), _RATES[between + 1].copy()
    for _ in range(_HALVINGS if len(between) else 0):
        middle = (low + high) / 2
        below = np.sign(worth(middle)) == signs[between]
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return tuple(sorted([*found, *map(float, (low + high) / 2)]))
