"""What all stages share: how a change is described, and how the installation reaches an asset.

What belongs here: the few lines every asset needs. What does not: anything of one stage.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from manna.contracts import CONTRACTS
from resources.installation import Installation
from resources.lake import Change

Manna = dg.ResourceParam[Installation]

ROW_COUNT = "dagster/row_count"
DOCUMENTS = "documents"
"""The path, on the UI's own server, at which the pages are served (``pipelines.webserver``)."""

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
    """The asset of one table: description and column schema come from its contract.

    Its owner, kinds and freshness come from ``pipelines.policies``.
    """
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
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns), "dagster/table_name": address},
        **more,
    )


def result(
    address: str, change: Change, rows: Mapping[str, int] | None = None, /, **metadata: Any
) -> dg.MaterializeResult[Any]:
    """A materialization that says in rows what happened to the table; ``rows``: of whole tables, see :func:`row_counts`."""
    said = "nothing has changed" if change.is_nothing else f"{change.inserted} in, {change.deleted} out"
    total = (rows or {}).get(address, change.total)
    return dg.MaterializeResult(key(address), metadata={ROW_COUNT: total, "change": said, **metadata})


def row_counts(manna: Installation, addresses: Sequence[str], *, in_part: object = True) -> dict[str, int]:
    """How many rows the tables have, where only part of them was made; nothing where a change tells of the whole.

    Counting costs 7 ms a table.
    """
    return manna.lake.counts(addresses) if in_part else {}


def document(manna: Installation, page: Path) -> dg.UrlMetadataValue:
    """A link to a page under ``documents/`` that opens from Dagster's UI: `manna up` serves them beside it."""
    return dg.MetadataValue.url(f"/{DOCUMENTS}/{page.relative_to(manna.settings.documents_dir).as_posix()}")


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
