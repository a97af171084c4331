"""What all stages share: how a change is described, and how the installation reaches an asset.

What belongs here: the few lines every asset needs. What does not: anything of one stage.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from manna.contracts import CONTRACTS
from resources.installation import Installation
from resources.lake import Change

Manna = dg.ResourceParam[Installation]

INTERRUPTED = "interrupted"
"""Why a step failed that somebody stopped (Ctrl-C, or the UI)."""


@contextmanager
def stopping_for_good() -> Iterator[None]:
    """Around the body of an op that is retried: Dagster would retry it on Ctrl-C too.

    Raises:
        dagster.Failure: it was interrupted; not to be tried again.
    """
    try:
        yield
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as stop:
        raise dg.Failure(INTERRUPTED, allow_retries=False) from stop


def key(address: str) -> dg.AssetKey:
    """``ledger.postings`` as an asset key."""
    return dg.AssetKey(address.split("."))


def spec(address: str, *, deps: Sequence[str] = (), **more: Any) -> dg.AssetSpec:
    """The asset of one table: description and column schema come from its contract."""
    contract = CONTRACTS[address]
    columns = [
        dg.TableColumn(
            column.name,
            column.kind.duckdb,
            description=column.meaning,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
        )
        for column in contract.columns
    ]
    return dg.AssetSpec(
        key(address),
        description=contract.meaning,
        group_name=contract.schema,
        deps=[key(dep) for dep in deps],
        kinds={"ducklake", "polars"},
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns), "dagster/table_name": address},
        **more,
    )


def result(address: str, change: Change, **metadata: Any) -> dg.MaterializeResult[Any]:
    """A materialization that says in rows what happened to the table."""
    said = "nothing has changed" if change.is_nothing else f"{change.inserted} in, {change.deleted} out"
    return dg.MaterializeResult(
        key(address), metadata={"dagster/row_count": change.total, "change": said, **metadata}
    )


def chosen(books: Mapping[str, Any], wanted: Sequence[str]) -> list[str]:
    """The ids of the books to work on: all, or those wanted.

    Raises:
        dagster.Failure: a wanted book does not exist.
    """
    unknown = sorted(set(wanted) - set(books))
    if unknown:
        raise dg.Failure(
            f"unknown book {', '.join(unknown)}; there are: {', '.join(books)}", allow_retries=False
        )
    return list(wanted) or list(books)


class BooksConfig(dg.Config):
    """Which books a run works on; none named means all."""

    books: list[str] = Field(default_factory=list)
