"""A table beside the tables it refers to, so that it can be examined against them.

What belongs here: which other tables a contract refers to, and the columns that must agree with theirs.
What does not: the examination (``resources.examiner``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from manna.contracts import CONTRACTS, Contract

_MUST_AGREE = {"clean.accounts": ("book", "currency")}
"""Columns that a row and the row it refers to have in common, and that say the same in both."""


@dataclass(frozen=True, slots=True)
class Related:
    """A table ready to be examined.

    Attributes:
        contract: of the table.
        rows: its rows, with one more column per entry of ``pairs``.
        keys: per column that refers to another table, the keys there are.
        pairs: columns that must be equal: (own, the other table's), where the other row exists.
    """

    contract: Contract
    rows: pl.DataFrame
    keys: Mapping[str, Sequence[str]]
    pairs: tuple[tuple[str, str], ...]


def referred(contract: Contract) -> tuple[str, ...]:
    """Addresses of the tables that ``contract`` refers to, in the order of its columns."""
    return tuple(dict.fromkeys(c.references for c in contract.columns if c.references is not None))


def related(contract: Contract, rows: pl.DataFrame, others: Mapping[str, pl.DataFrame]) -> Related:
    """``rows`` with what the tables they refer to say.

    Args:
        contract: of the rows.
        rows: rows of its table.
        others: the tables of :func:`referred`, by address.
    """
    keys: dict[str, Sequence[str]] = {}
    pairs: list[tuple[str, str]] = []
    for column in contract.columns:
        if column.references is None:
            continue
        (key,), other = CONTRACTS[column.references].key, others[column.references]
        keys[column.name] = sorted(other[key].unique().to_list())
        own = [name for name in _MUST_AGREE.get(column.references, ()) if name in contract.names]
        theirs = {name: f"{name} of its {column.name.removesuffix('_id')}" for name in own}
        told = other.select(pl.col(key).alias(column.name), *(pl.col(n).alias(a) for n, a in theirs.items()))
        rows = rows.join(
            told.unique(column.name, keep="first", maintain_order=True),
            on=column.name,
            how="left",
            maintain_order="left",
        )
        pairs += theirs.items()
    return Related(contract, rows, keys, tuple(pairs))
