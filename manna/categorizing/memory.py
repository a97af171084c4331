"""How often each category was decided under a key, ever and lately.

What belongs here: counts. What does not: what the keys are (``observing``) and what the counts mean (``weighing``).
"""

from collections.abc import Sequence

import numpy as np

HALF_LIVES = (np.inf, 45.0, 10.0)
"""After so many days a decision counts half: never (how often it was), by the quarter (habits), at once (the last word)."""

_SHIFT = 16
"""A code is a key's number and a category's number in one integer: at most 65,536 categories."""


class Memory:
    """Counts of one kind of key, as sorted codes with one weight per half-life."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.codes = np.zeros(0, np.int64)
        self.weights = np.zeros((len(HALF_LIVES), 0), np.float32)
        self.until = 0

    def learn(self, keys: Sequence[str], labels: np.ndarray, days: np.ndarray) -> None:
        """Adds decisions: a key, the category's number and the day (in days since 1970) of each."""
        if not len(keys):
            return
        numbers = np.fromiter((self.numbers.setdefault(key, len(self.numbers)) for key in keys), np.int64)
        until = max(self.until, int(days.max())) if len(self.codes) else int(days.max())
        every = np.concatenate([self.codes, (numbers << _SHIFT) | labels])
        self.codes, place = np.unique(every, return_inverse=True)
        weights = np.zeros((len(HALF_LIVES), len(self.codes)), np.float32)
        for number, half_life in enumerate(HALF_LIVES):
            faded = self.weights[number] * np.float32(0.5 ** ((until - self.until) / half_life))
            fresh = (0.5 ** ((until - days) / half_life)).astype(np.float32)
            weights[number] = np.bincount(place, np.concatenate([faded, fresh]), len(self.codes))
        self.weights, self.until = weights, until

    def recall(self, keys: Sequence[str], categories: int) -> np.ndarray:
        """Weights of each category: (half-lives, keys, categories), float32; an unknown key has none."""
        found = np.zeros((len(HALF_LIVES), len(keys), categories), np.float32)
        find = self.numbers.get
        numbers = np.fromiter((find(key, -2) for key in keys), np.int64, len(keys))
        begin = np.searchsorted(self.codes, numbers << _SHIFT)
        lengths = np.searchsorted(self.codes, (numbers + 1) << _SHIFT) - begin
        total = int(lengths.sum())
        if total:
            rows = np.repeat(np.arange(len(keys)), lengths)
            places = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths - begin, lengths)
            found[:, rows, self.codes[places] & ((1 << _SHIFT) - 1)] = self.weights[:, places]
        return found
