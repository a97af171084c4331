"""How much each kind of evidence is worth: learnt from past periods, in which it was weighed before the answer was known.

What belongs here: the ranking of candidates, and how sure it may call itself. What does not: the evidence
(``weighing``).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from manna.categorizing.weighing import Evidence

_ROWS = 60_000
"""Latest rows that the ranking learns from."""

_LEAST_ROWS = 300
_PRECISION = 0.99
_MARGIN = 0.002
"""What is posted unseen must have been right at least so often, and a little oftener: next month is not last month."""

_SUREST_DOUBT = 0.75
"""Whatever the average: a row that was wrong one time in four is never called sure."""

_KINDS = 3


@cache
def _threads() -> Any:
    """Holds the trees to one thread: on a busy machine threads that wait for one another take five times as long."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: F401 - its threads must be there to be held
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class Ranking:
    """Boosted trees on (row, candidate): is this candidate the row's category?"""

    def __init__(self) -> None:
        self.trees: Any | None = None

    def fit(self, evidence: list[Evidence], labels: list[np.ndarray]) -> None:
        """Learns from evidence that was weighed before its labels were known, oldest first; too little is ignored."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        width = max((each.candidates.shape[1] for each in evidence), default=0)
        kept, answers, room = [], [], _ROWS
        for each, label in zip(reversed(evidence), reversed(labels), strict=True):
            numbers, right = each.numbers[-room:], each.candidates[-room:] == label[-room:, None]
            kept.append(numbers.reshape(-1, numbers.shape[-1]))
            answers.append(right.ravel())
            room -= len(numbers)
            if room <= 0:
                break
        if (
            not width
            or sum(map(len, answers)) < _LEAST_ROWS * width
            or len(np.unique(np.concatenate(answers))) < 2
        ):
            return
        trees = HistGradientBoostingClassifier(
            max_iter=80,
            learning_rate=0.1,
            max_leaf_nodes=24,
            min_samples_leaf=40,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=0,
        )
        with _threads().limit(limits=1, user_api="openmp"):
            self.trees = trees.fit(np.concatenate(kept), np.concatenate(answers))

    def rank(self, evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
        """The best candidate of each row (its place among the candidates) and a score from 0 to 1."""
        if not len(evidence) or not evidence.candidates.shape[1]:
            return np.zeros(len(evidence), np.int64), np.zeros(len(evidence))
        if self.trees is None:
            blend = evidence.numbers[..., -7].astype(np.float64)
            score = blend[:, 0] / (blend.sum(1) + 1.0)
            return np.zeros(len(evidence), np.int64), score
        flat = evidence.numbers.reshape(-1, evidence.numbers.shape[-1])
        with _threads().limit(limits=1, user_api="openmp"):
            worth = self.trees.predict_proba(flat)[:, 1].reshape(evidence.candidates.shape)
        return worth.argmax(1), worth.max(1) / np.maximum(worth.sum(1), 1.0)


def kind_of(evidence: Evidence) -> np.ndarray:
    """Where an answer comes from: 0 decided more than once here, 1 the same merchant, 2 only read."""
    return np.where(evidence.here[:, -1] >= 2, 0, np.where(evidence.anywhere[:, -1] >= 1, 1, 2))


@dataclass(frozen=True)
class Calibration:
    """Scores as probabilities, per kind of evidence, and the probability from which on nobody needs to look.

    ``knots``: for each kind, scores and the share of right answers at them, both rising. Without enough past answers
    a score is worth nine tenths of itself and the threshold cannot be reached.
    """

    knots: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    threshold: float = 2.0

    def probability(self, score: np.ndarray, kind: np.ndarray) -> np.ndarray:
        """The share of right answers among past ones like these."""
        if not self.knots:
            return score * 0.9
        found = np.zeros(len(score))
        for number, (at, share) in enumerate(self.knots):
            mine = kind == number
            found[mine] = np.interp(score[mine], at, share)
        return found


def calibrated(score: np.ndarray, kind: np.ndarray, right: np.ndarray) -> Calibration:
    """From past answers, each given before its label was known: score, kind, whether it was right."""
    if len(score) < _LEAST_ROWS:
        return Calibration()
    from sklearn.isotonic import IsotonicRegression

    whole = _knots(IsotonicRegression(out_of_bounds="clip"), score, right)
    knots = tuple(
        _knots(IsotonicRegression(out_of_bounds="clip"), score[kind == number], right[kind == number])
        if (kind == number).sum() >= _LEAST_ROWS
        else whole
        for number in range(_KINDS)
    )
    plain = Calibration(knots)
    probability = plain.probability(score, kind)
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    # Two wrong answers are held against every threshold in advance: a handful of right ones proves nothing.
    precision = (np.cumsum(right[order]) - 1) / (np.arange(len(order)) + 2)
    last = np.append(ranked[1:] != ranked[:-1], True)
    good = np.flatnonzero((precision >= _PRECISION + _MARGIN) & last)
    return Calibration(knots, max(_SUREST_DOUBT, float(ranked[good[-1]])) if len(good) else 2.0)


def _knots(rising: Any, score: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores and shares of a rising step function; a step of few answers is drawn towards the share of all."""
    order = np.argsort(score, kind="stable")
    steps, place, count = np.unique(
        rising.fit_transform(score[order], right[order].astype(float)),
        return_inverse=True,
        return_counts=True,
    )
    share = np.maximum.accumulate((steps * count + right.mean()) / (count + 1))
    first = np.searchsorted(place, np.arange(len(steps)))
    last = np.append(first[1:], len(order)) - 1
    return score[order][np.stack([first, last], 1).ravel()], np.repeat(share, 2)
