"""What the words say: a linear model over runs of characters and words, for merchants that memory does not know.

What belongs here: the support vector machine and its vectors. What does not: when it is believed (``weighing``).
"""

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from manna.categorizing import ngrams

if TYPE_CHECKING:
    from scipy import sparse

_PENALTY = 0.5
_TOLERANCE = 0.05
_SHARPNESS = 3.0
_WORDS, _CONTEXT, _TOGETHER = 0.7, 1.0, 0.7
"""What words, context and both together weigh beside the runs of characters."""


class Reader:
    """One-against-all support vector machine on distinct (text, context), each with one weight per decision's log.

    Frequent merchants are memory's business. Here each distinct text counts nearly the same, so that what is learnt
    is what words mean in general.
    """

    def __init__(self) -> None:
        self.columns = np.zeros(0, np.int64)
        self.rarity = np.zeros(0, np.float32)
        self.slopes = np.zeros((0, 0), np.float32)
        self.intercepts = np.zeros(0, np.float32)
        self.known = np.zeros(0, np.int64)
        self.contextual = False

    def fit(self, rows: pl.DataFrame, labels: np.ndarray, weights: np.ndarray) -> None:
        """Learns from distinct rows: text, merchant, context; the category's number and the weight of each."""
        from sklearn.svm import LinearSVC

        self.known = np.unique(labels)
        if len(self.known) < 2:
            return
        self.contextual = bool((rows["context"] != "").any())
        raw = _vectors(rows, self.contextual)
        parts = [part.tocsc() for part in raw]
        seen = [np.diff(part.indptr) for part in parts]
        kept = [np.flatnonzero(count >= (2 if number == 0 else 1)) for number, count in enumerate(seen)]
        self.columns = np.concatenate([columns + n * ngrams.WIDTH for n, columns in enumerate(kept)])
        often = np.concatenate([count[columns] for count, columns in zip(seen, kept, strict=True)])
        self.rarity = (np.log((1 + rows.height) / (1 + often)) + 1).astype(np.float32)
        machine = LinearSVC(C=_PENALTY, tol=_TOLERANCE, max_iter=60, random_state=0)
        with warnings.catch_warnings():
            # It stops after a fixed number of rounds: nearer to the optimum is not nearer to the truth.
            warnings.simplefilter("ignore")
            machine.fit(self._weighted(raw), labels, weights / weights.mean())
        self.slopes = np.ascontiguousarray(machine.coef_.T.astype(np.float32))
        self.intercepts = machine.intercept_.astype(np.float32)

    def read(self, rows: pl.DataFrame, categories: int) -> np.ndarray:
        """How much each category is what the words say: (rows, categories), 0 to 1, each row sums to 1."""
        found = np.zeros((rows.height, categories), np.float32)
        if not len(self.known) or not rows.height:
            return found
        if len(self.known) < 2:
            found[:, self.known] = 1
            return found
        scores = np.asarray(self._weighted(_vectors(rows, self.contextual)) @ self.slopes) + self.intercepts
        if len(self.known) == 2:
            scores = np.hstack([-scores, scores])
        scores = np.exp(_SHARPNESS * (scores - scores.max(1, keepdims=True)))
        found[:, self.known] = scores / scores.sum(1, keepdims=True)
        return found

    def _weighted(self, parts: "list[sparse.csr_matrix]") -> "sparse.csr_matrix":
        """The parts side by side, only columns that were kept, rare ones heavier, each part of length 1 times its weight."""
        from scipy import sparse

        scaled, begin = [], 0
        for number, part in enumerate(parts):
            end = int(np.searchsorted(self.columns, (number + 1) * ngrams.WIDTH))
            kept = self.columns[begin:end] - number * ngrams.WIDTH
            place = np.searchsorted(kept, part.indices)
            place[place == len(kept)] = 0
            known = kept[place] == part.indices if len(kept) else np.zeros(len(part.indices), bool)
            data = (
                np.where(known, part.data * self.rarity[begin:end][place], 0) if len(kept) else part.data * 0
            )
            matrix = sparse.csr_matrix((data, place, part.indptr), shape=(part.shape[0], len(kept)))
            length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
            weight = (1.0, _WORDS, _CONTEXT, _TOGETHER)[number]
            factor = np.divide(weight, length, out=np.zeros_like(length), where=length > 0).astype(np.float32)
            matrix.data = (matrix.data * np.repeat(factor, np.diff(matrix.indptr))).astype(np.float32)
            scaled.append(matrix)
            begin = end
        return sparse.hstack(scaled, format="csr", dtype=np.float32)


def _vectors(rows: pl.DataFrame, contextual: bool) -> "list[sparse.csr_matrix]":
    """Runs of the text, words of the merchant, and, where there is a context, its words and both together."""
    texts, merchants, contexts = (rows[name].to_list() for name in ("shape", "merchant", "context"))
    named = [ngrams.words(merchant) for merchant in merchants]
    pairs = [[*name, *(f"{a} {b}" for a, b in pairwise(name))] for name in named]
    found = [ngrams.runs(texts), ngrams.tokens(pairs, len(pairs))]
    if not contextual:
        return found
    parts = {context: ngrams.words(context) for context in set(contexts)}
    found.append(ngrams.tokens(([*parts[context], f"={context}"] for context in contexts), len(contexts)))
    crossed = (
        [
            *(f"{word}*{part}" for word in name[:3] for part in parts[context][-4:]),
            f"{' '.join(name)}={context}",
            f"{name[0] if name else ''}={context}",
        ]
        for name, context in zip(named, contexts, strict=True)
    )
    found.append(ngrams.tokens(crossed, len(contexts)))
    return found
