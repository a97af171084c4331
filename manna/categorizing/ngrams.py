"""Texts as vectors: hashed runs of characters and words.

What belongs here: text in, sparse matrix out, the same on every machine and in every version. What does not: what is
learnt from them (``reading``).
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

WIDTH = 1 << 20
"""Columns before those that were never seen are dropped."""

SHORTEST, LENGTH = 2, 5
_TEXT = 64
"""Characters of a text that are read: its end says little and a letter of 10 kB nothing."""


def runs(texts: Sequence[str]) -> "sparse.csr_matrix":
    """Runs of 2 to 5 characters of each text: how often, as 1 + log; (texts, WIDTH), float32.

    The runs go across words, and a text begins and ends with a space.
    """
    padded = [f" {text[:_TEXT]} " for text in texts]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    letters = np.frombuffer("".join(padded).encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    owner = np.repeat(np.arange(len(padded)), lengths)
    rows, columns = [], []
    rolled = letters + np.uint64(1)
    for length in range(2, LENGTH + 1):
        if len(letters) < length:
            break
        with np.errstate(over="ignore"):
            rolled = rolled[:-1] * np.uint64(0x9E3779B97F4A7C15) + letters[length - 1 :] + np.uint64(length)
            mixed = (rolled ^ (rolled >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        whole = owner[: len(rolled)] == owner[length - 1 :]
        if length >= SHORTEST:
            rows.append(owner[: len(rolled)][whole])
            columns.append(((mixed >> np.uint64(32)) % np.uint64(WIDTH))[whole].astype(np.int64))
    if not rows:
        from scipy import sparse

        return sparse.csr_matrix((len(padded), WIDTH), dtype=np.float32)
    return _counted(np.concatenate(rows), np.concatenate(columns), len(padded), logarithmic=True)


def tokens(bags: Iterable[Iterable[str]], count: int) -> "sparse.csr_matrix":
    """Each bag of words as counts; (count, WIDTH), float32."""
    rows, columns = [], []
    for row, bag in enumerate(bags):
        for token in bag:
            rows.append(row)
            columns.append(crc32(token.encode("utf-8", "replace")) % WIDTH)
    return _counted(np.array(rows, np.int64), np.array(columns, np.int64), count, logarithmic=False)


def words(text: str) -> list[str]:
    """Words of letters and digits."""
    return re.findall(r"[^\W_]+", text)


def _counted(rows: np.ndarray, columns: np.ndarray, count: int, *, logarithmic: bool) -> "sparse.csr_matrix":
    from scipy import sparse

    codes, found = np.unique(rows * WIDTH + columns, return_counts=True)
    data = (1 + np.log(found) if logarithmic else found).astype(np.float32)
    starts = np.searchsorted(codes, np.arange(count + 1) * WIDTH)
    return sparse.csr_matrix((data, codes % WIDTH, starts), shape=(count, WIDTH))
