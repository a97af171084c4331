"""The risk side of a tear sheet: figures, falls, rolling ones, and scenarios.

What belongs here: what it says of risk, up to a day. What does not: definitions (:mod:`risk`), or its returns
(:mod:`tear_sheet`).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from manna.portfolio import risk
from manna.portfolio.exposure import FEWEST_DAYS, ROLLING_DAYS, month_ends, weights
from manna.portfolio.history import History

Document = dict[str, Any]
_POINTS = 260
"""Points of a curve: more than a page can show would only make it large."""


def risk_figures(history: History, series: risk.Returns, last: date) -> Document:
    """Of the book and, where there is one, of its benchmark over the same market days."""
    free = (1 + float(history.book.performance.risk_free)) ** (1 / risk.MARKET_DAYS) - 1
    against = history.against(last)
    there = ~np.isnan(series)
    own = _figures(series, free) if there.sum() >= FEWEST_DAYS else {}
    if against is None or not own:
        return {"book": own, "benchmark": {}, "days": int(there.sum())}
    paired = np.where(there, against, np.nan)
    both = int((there & ~np.isnan(against)).sum())
    if both >= FEWEST_DAYS:
        own |= {
            "beta": number(risk.beta(series, against)),
            "tracking_error": number(risk.tracking_error(series, against)),
            "information_ratio": number(risk.information_ratio(series, against)),
            "correlation": number(risk.correlation(np.column_stack([series, against]))[0, 1]),
        }
        if both >= risk.MARKET_DAYS:
            own["alpha"] = number(risk.alpha(series, against, free))
    return {"book": own, "benchmark": _figures(paired, free), "days": int(there.sum())}


def _figures(series: risk.Returns, free: float) -> Document:
    enough = (~np.isnan(series)).sum() >= risk.MARKET_DAYS
    return {
        "volatility": number(risk.volatility(series)),
        "sharpe": number(risk.sharpe(series, free)),
        "sortino": number(risk.sortino(series, free)),
        "calmar": number(risk.calmar(series)) if enough else None,
        "max_drawdown": number(risk.max_drawdown(series)),
        "value_at_risk": number(risk.value_at_risk(series)),
        "expected_shortfall": number(risk.expected_shortfall(series)),
        "best_day": number(np.nanmax(series)),
        "worst_day": number(np.nanmin(series)),
    }


def curve(history: History, days: Sequence[date], series: risk.Returns, last: date) -> Document:
    """What one has become, and how far below its highest that was; of the benchmark too."""
    if not len(days):
        return {"days": [], "growth": [], "drawdown": [], "benchmark": None, "fall": None}
    at = _thinned(len(days))
    against = history.against(last)
    theirs = None
    if against is not None and not np.isnan(against[1:]).any():
        theirs = risk.growth(against)
    fall = risk.deepest(series)
    fallen = {
        "depth": number(fall.depth),
        "peak": days[max(fall.peak, 0)].isoformat(),
        "trough": days[fall.trough].isoformat(),
        "recovered": None if fall.recovered is None else days[fall.recovered].isoformat(),
    }
    growth, drawdown = risk.growth(series), risk.drawdowns(series)
    return {
        "days": [days[place].isoformat() for place in at],
        "growth": [number(growth[place]) for place in at],
        "drawdown": [number(drawdown[place]) for place in at],
        "benchmark": None if theirs is None else [number(theirs[place]) for place in at],
        "fall": fallen if fall.depth < 0 else None,
    }


def _thinned(count: int) -> list[int]:
    """Places evenly apart, the first and the last among them."""
    if count <= _POINTS:
        return list(range(count))
    return sorted({round(place) for place in np.linspace(0, count - 1, _POINTS)})


def rolling(history: History, days: Sequence[date]) -> Document:
    """Volatility and Sharpe over the last quarter of market days, about weekly."""
    volatility, sharpe = history.rolling
    at = sorted(
        {*range(len(days) - 1, ROLLING_DAYS, -5), *(p for p in month_ends(tuple(days)) if p > ROLLING_DAYS)}
    )
    at = [place for place in at if np.isfinite(volatility[place]) and np.isfinite(sharpe[place])]
    return {
        "days": [days[place].isoformat() for place in at],
        "volatility": [number(volatility[place]) for place in at],
        "sharpe": [number(sharpe[place]) for place in at],
    }


def stress(history: History, last: date) -> list[Document]:
    """What each of the book's scenarios would do to what is held, the worst first."""
    held = weights(history.on(last), "class")
    if not held:
        return []
    returns = {
        name: risk.stress(held, {kind: float(shock) for kind, shock in shocks.items() if kind in held})
        for name, shocks in history.book.performance.scenarios.items()
    }
    ordered = sorted(returns.items(), key=lambda each: (each[1], each[0]))
    return [{"scenario": name, "return": number(value)} for name, value in ordered]


def number(value: Any) -> float | None:
    """To six decimals, which is more than a page shows; NaN is none."""
    if value is None or not np.isfinite(value):
        return None
    return round(float(value), 6) + 0.0
