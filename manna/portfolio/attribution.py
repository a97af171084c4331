"""Why the book did better or worse than its benchmark, and which part of its return came from where.

What belongs here: contributions, the effects of Brinson and Fachler, and linking them over days. What does not: the
returns themselves (:mod:`performance`, :mod:`benchmark`).

Sources: Brinson and Fachler (1985), Measuring non-US equity portfolio performance; Carino (1999), Combining attribution
effects over time; both as in Bacon (2008), chapters 5 and 8.
"""

from dataclasses import dataclass

import numpy as np

from manna.portfolio.risk import Figure, Returns


@dataclass(frozen=True, slots=True)
class Effects:
    """By segment; of one period or of several, (segments) or (periods, segments). Sums over segments are the whole."""

    allocation: Returns
    selection: Returns
    interaction: Returns


def brinson_fachler(weights: Returns, rates: Returns, mix_weights: Returns, mix_rates: Returns) -> Effects:
    """Effects of each segment; they sum to the return of the portfolio less that of the benchmark.

    Weights of each sum to one. What the benchmark does not hold (its weight is zero and its rate NaN) is allocation
    altogether, and what the portfolio does not hold has no selection.

    Args:
        weights, rates: the portfolio's, (..., segments).
        mix_weights, mix_rates: the benchmark's.
    """
    theirs = np.where(np.isnan(mix_rates), rates, mix_rates)
    theirs = np.nan_to_num(theirs)
    own = np.where(np.isnan(rates), theirs, rates)
    whole = (mix_weights * theirs).sum(axis=-1, keepdims=True)
    more, better = weights - mix_weights, own - theirs
    return Effects(more * (theirs - whole), mix_weights * better, more * better)


def carino(effects: Returns, rates: Returns, mix_rates: Returns) -> Returns:
    """Effects of several periods, (periods, segments), linked to one per segment.

    They sum to the difference of the two compounded returns: effect x k(period) / k(whole), where k is the difference
    of the logarithms over that of the rates.

    Args:
        rates, mix_rates: of the whole portfolio and benchmark by period, (periods).
    """
    whole, theirs = np.prod(1 + rates) - 1, np.prod(1 + mix_rates) - 1
    each, all_ = _factor(rates, mix_rates), _factor(whole, theirs)
    return np.asarray((effects * each[:, None]).sum(axis=0) / all_)


def contributions(parts: Returns, rates: Returns) -> Returns:
    """Parts of a return by period, (periods, segments), linked; they sum to the compounded return (Carino, against nothing)."""
    return carino(parts, rates, np.zeros_like(rates))


def _factor(rates: Figure, others: Figure) -> Returns:
    """(ln(1 + a) - ln(1 + b)) / (a - b), which tends to 1 / (1 + a) where both are equal.

    By log1p of the quotient: the difference of two logarithms of nearly equal numbers has no digits left.
    """
    difference = np.asarray(rates - others, np.float64)
    with np.errstate(all="ignore"):
        found = np.log1p(difference / (1 + others)) / difference
    return np.where(difference == 0, 1 / (1 + np.asarray(rates)), found)
