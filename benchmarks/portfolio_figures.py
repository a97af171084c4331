"""The figures of ``manna.portfolio.risk``, each beside the same in plain numpy, for ``portfolio.py``.

The plain ones know nothing of missing days, of series that do not vary, or of anything empty.
"""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from manna.portfolio import risk

YEAR = 252
TAIL = 0.05
WINDOW = 63
Pair = tuple[Callable[[], np.ndarray], Callable[[], np.ndarray]]


def figures(returns: np.ndarray, market: np.ndarray) -> dict[str, Pair]:
    """Ours and the plain counterpart, by name; ``returns`` (days, assets), ``market`` (days,)."""
    by = market[:, None]
    return {
        "growth": (lambda: risk.growth(returns), lambda: _growth(returns)),
        "annual return": (lambda: risk.annual_return(returns), lambda: _annual(returns)),
        "volatility": (lambda: risk.volatility(returns), lambda: _volatility(returns)),
        "sharpe": (lambda: risk.sharpe(returns), lambda: _sharpe(returns)),
        "downside": (lambda: risk.downside(returns), lambda: _downside(returns)),
        "sortino": (lambda: risk.sortino(returns), lambda: returns.mean(0) * YEAR / _downside(returns)),
        "drawdowns": (lambda: risk.drawdowns(returns), lambda: _drawdowns(returns)),
        "max drawdown": (lambda: risk.max_drawdown(returns), lambda: _drawdowns(returns).min(0)),
        "deepest": (lambda: _places(returns), lambda: _drawdowns(returns).argmin(0)),
        "calmar": (lambda: risk.calmar(returns), lambda: _annual(returns) / -_drawdowns(returns).min(0)),
        "value at risk": (lambda: risk.value_at_risk(returns, TAIL), lambda: np.quantile(returns, TAIL, axis=0)),
        "expected shortfall": (lambda: risk.expected_shortfall(returns, TAIL), lambda: _shortfall(returns)),
        "parametric value at risk": (
            lambda: risk.parametric_value_at_risk(returns, TAIL),
            lambda: returns.mean(0) + NormalDist().inv_cdf(TAIL) * returns.std(0, ddof=1),
        ),
        "parametric expected shortfall": (
            lambda: risk.parametric_expected_shortfall(returns, TAIL),
            lambda: returns.mean(0) - _density(TAIL) / TAIL * returns.std(0, ddof=1),
        ),
        "beta": (lambda: risk.beta(returns, market), lambda: _beta(returns, by)),
        "alpha": (
            lambda: risk.alpha(returns, market),
            lambda: (1 + (returns - _beta(returns, by) * by).mean(0)) ** YEAR - 1,
        ),
        "tracking error": (lambda: risk.tracking_error(returns, market), lambda: _volatility(returns - by)),
        "information ratio": (lambda: risk.information_ratio(returns, market), lambda: _sharpe(returns - by)),
        "correlation": (lambda: risk.correlation(returns), lambda: np.corrcoef(returns, rowvar=False)),
        "concentration": (lambda: risk.concentration(returns[-1]), lambda: (returns[-1] ** 2).sum()),
        "rolling volatility": (
            lambda: np.column_stack([risk.rolling(risk.volatility, one, WINDOW) for one in returns.T])[WINDOW - 1 :],
            lambda: _rolling(returns),
        ),
        "rolling beta": (
            lambda: np.column_stack([risk.rolling_beta(one, market, WINDOW) for one in returns.T])[WINDOW - 1 :],
            lambda: _rolling_beta(returns, market),
        ),
    }  # fmt: skip


def _growth(returns: np.ndarray) -> np.ndarray:
    return np.cumprod(1 + returns, axis=0)


def _annual(returns: np.ndarray) -> np.ndarray:
    return np.prod(1 + returns, axis=0) ** (YEAR / len(returns)) - 1


def _volatility(returns: np.ndarray) -> np.ndarray:
    return returns.std(0, ddof=1) * np.sqrt(YEAR)


def _sharpe(returns: np.ndarray) -> np.ndarray:
    return returns.mean(0) / returns.std(0, ddof=1) * np.sqrt(YEAR)


def _downside(returns: np.ndarray) -> np.ndarray:
    return np.sqrt((np.minimum(returns, 0) ** 2).mean(0) * YEAR)


def _drawdowns(returns: np.ndarray) -> np.ndarray:
    worth = _growth(returns)
    return worth / np.maximum(np.maximum.accumulate(worth, axis=0), 1) - 1


def _places(returns: np.ndarray) -> np.ndarray:
    return np.array([risk.deepest(one).trough for one in returns.T])


def _shortfall(returns: np.ndarray) -> np.ndarray:
    lowest = int((len(returns) - 1) * TAIL) + 1
    return np.partition(returns, lowest - 1, axis=0)[:lowest].mean(0)


def _density(tail: float) -> float:
    normal = NormalDist()
    return normal.pdf(normal.inv_cdf(tail))


def _beta(returns: np.ndarray, by: np.ndarray) -> np.ndarray:
    market = by - by.mean()
    return (market * returns).mean(0) / (market**2).mean()


def _rolling(returns: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(returns, WINDOW, axis=0)
    return windows.std(-1, ddof=1) * np.sqrt(YEAR)


def _rolling_beta(returns: np.ndarray, market: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(returns, WINDOW, axis=0)
    by = np.lib.stride_tricks.sliding_window_view(market, WINDOW)
    around = by - by.mean(-1, keepdims=True)
    return (windows @ around[:, :, None])[:, :, 0] / (around**2).sum(-1)[:, None]
