"""What speaks for each category: memory and reading side by side, for the few categories that come into question.

What belongs here: evidence as numbers. What does not: how much each number is worth, which is learnt (``ranking``).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from manna.categorizing.memory import Memory
from manna.categorizing.observing import Columns, keys
from manna.categorizing.reading import Reader

CANDIDATES = 6
"""Categories that are weighed for a row: the right one is among them for 96 of 100 rows in a book of 132."""

_FEW = np.array([0.3, 0.1, 0.03], np.float32)[:, None, None]


@dataclass(frozen=True)
class Evidence:
    """What speaks for the candidates of each row.

    ``candidates`` (rows, k): numbers of categories, the likeliest by the plain sum of the evidence first.
    ``numbers`` (rows, k, features), float32. ``here`` and ``anywhere`` (rows, k + 1): past decisions for each candidate,
    and in all, under the row's text (where there is a context: merchant and context) and under its merchant.
    """

    candidates: np.ndarray
    numbers: np.ndarray
    here: np.ndarray
    anywhere: np.ndarray

    def __len__(self) -> int:
        return len(self.candidates)


class Witnesses:
    """Everything that can speak for a category: one memory per kind of key, and the reader."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.memories: dict[str, Memory] = {}
        self.reader = Reader()
        self.habits = Memory()

    @property
    def known(self) -> dict[str, int]:
        """Texts of which something was decided."""
        return self.memories["text"].numbers if "text" in self.memories else {}

    def weigh(self, rows: pl.DataFrame, categories: int) -> Evidence:
        """Evidence for rows of ``observing.observed``."""
        read = self.reader.read(rows, categories)
        named = self.keys(rows, read, categories)
        every = np.arange(rows.height)[:, None]
        heard, blend = {}, read.copy()
        for name, values in named.items():
            weights = self.memories.setdefault(name, Memory()).recall(values, categories)
            totals = weights.sum(2, keepdims=True)
            shares = weights / (totals + _FEW)
            blend += shares[0] + shares[1] * (2 if "," in name else 1)
            heard[name] = weights[0], totals[0], shares
        candidates = np.argsort(-blend, 1, kind="stable")[:, :CANDIDATES]
        habits = self.habits.recall([""], categories)[:, 0]
        usual, usual_lately, _ = (habits + 0.5) / (habits.sum(1, keepdims=True) + 0.5 * categories)
        columns = []
        for _, total, shares in heard.values():
            columns += [share[every, candidates] for share in shares]
            columns.append(np.broadcast_to(np.log1p(total), candidates.shape))
        chosen = blend[every, candidates]
        said = read[every, candidates]
        columns += [
            said,
            said - read.max(1, keepdims=True),
            chosen,
            chosen / (blend.max(1, keepdims=True) + 1e-9),
        ]
        columns += [usual_lately[candidates], (usual_lately / usual)[candidates]]
        amount = rows["amount"].to_numpy()[:, None]
        for row in (np.log1p(np.abs(amount)), amount < 0, amount == np.round(amount)):
            columns.append(np.broadcast_to(row, candidates.shape))
        numbers = np.stack(columns, -1).astype(np.float32)
        here, anywhere = (
            np.hstack([heard[name][0][every, candidates], heard[name][1]])
            for name in ("merchant, context" if self.columns.contexts else "text", "merchant")
        )
        return Evidence(candidates, numbers, here, anywhere)

    def learn(self, rows: pl.DataFrame, labels: np.ndarray, categories: int) -> None:
        """Remembers decisions; the reader is taught apart, because it takes longer."""
        days = rows["day"].to_numpy().astype(np.int64)
        read = self.reader.read(rows, categories) if self.columns.contexts else np.zeros((0, 0))
        for name, values in self.keys(rows, read, categories).items():
            self.memories.setdefault(name, Memory()).learn(values, labels, days)
        self.habits.learn([""] * rows.height, labels, days)

    def keys(self, rows: pl.DataFrame, read: np.ndarray, categories: int) -> dict[str, list[str]]:
        """Keys by name, with two more where there is a context: what kind of merchant here, and this merchant in what kind of context.

        The kind is what the merchant (or the context) mostly was, elsewhere too: one cost centre calls every
        grocer "hospitality" and another "food", and a new cost centre calls it what its likes do.
        """
        found = keys(rows, self.columns)
        if self.columns.contexts:
            ever = self.memories.setdefault("merchant", Memory()).recall(found["merchant"], categories)[0]
            kind = (ever + read).argmax(1) if read.size else ever.argmax(1)
            place = self.memories.setdefault("context", Memory()).recall(found["context"], categories)[0]
            found["context, kind"] = [
                f"{context}\x1f{number}"
                for context, number in zip(found["context"], kind.tolist(), strict=True)
            ]
            found["merchant, habit"] = [
                f"{merchant}\x1f{number}"
                for merchant, number in zip(found["merchant"], place.argmax(1).tolist(), strict=True)
            ]
        return found
