"""Stage ``clean``: one asset per clean table, made from the raw tables of every provider.

What belongs here: reading ``raw``, calling ``manna.cleaning``, writing the table and its quarantine. What
does not: what a payload means.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.common import Manna, key, result, spec
from manna.cleaning import CLEANERS, Cleaned, Cleaner, clean
from manna.cleaning.context import Context
from manna.cleaning.succession import successions
from manna.contracts.clean import QUARANTINE
from manna.contracts.continuity import SUCCESSIONS
from manna.validating.quarantine import still_open
from resources.installation import CODE_VERSION, Installation
from resources.lake import Change, Lake, LakeTransaction

CHECK = "nothing_dropped"
INPUTS = "inputs"
BATCHES = "raw.batches"
"""Every raw asset writes it; it is none of its own."""


def _asset(cleaner: Cleaner) -> dg.AssetsDefinition:
    address = cleaner.contract.address

    @dg.multi_asset(
        name=f"clean_{cleaner.contract.name}",
        specs=[spec(address, deps=[source for source in cleaner.sources if source != BATCHES])],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK, asset=key(address), blocking=True, description="rows in = rows out + quarantined"
            )
        ],
    )
    def cleaned(context: dg.AssetExecutionContext, manna: Manna) -> Iterator[Any]:
        manna.note_books()
        told = cleaning_context(manna)
        seen = _inputs(manna, cleaner, told)
        before = _last(context, address)
        if before.get(INPUTS) == seen:
            # `raw` only grows: the same extent means the same rows, and the table was made from them.
            yield result(address, Change(total=before["dagster/row_count"]), **_carried(before))
            yield _check(address, before["received"], before["dagster/row_count"], before["quarantined"])
            return

        found, change = refresh(manna, cleaner, told, f"run {context.run.run_id}")
        counts = {"received": found.received, "quarantined": found.quarantined.height}
        yield result(address, change, **counts, **({INPUTS: seen} if _is_whole(found) else {}))
        yield _check(address, found.received, found.rows.height, found.quarantined.height)

    return cleaned


def refresh(
    manna: Installation, cleaner: Cleaner, told: Context, message: str = ""
) -> tuple[Cleaned, Change]:
    """Makes one clean table and its part of the quarantine hold what follows from ``raw``."""
    address = cleaner.contract.address

    def work(transaction: LakeTransaction) -> tuple[Cleaned, Change]:
        raw = {source: transaction.read(source) for source in cleaner.sources}
        found = clean(address, raw, told)
        if not _is_whole(found):
            return found, Change()  # nothing is written; the blocking check fails
        change = transaction.replace(address, found.rows)
        transaction.replace(QUARANTINE.address, found.quarantined, scope={"table_name": address})
        return found, change

    return manna.lake.commit([address, QUARANTINE.address], work, author=address, message=message)


def _inputs(manna: Installation, cleaner: Cleaner, told: Context) -> str:
    """Names the state of everything a clean table is made from: the extent of its raw tables, and the code."""
    extents = [
        manna.lake.query(f"SELECT count(*), max(known_at) FROM {source}").row(0) for source in cleaner.sources
    ]
    # Not the statuses of connections: one that a table depends on was there before the rows it concerns.
    state = (
        CODE_VERSION,
        sorted(told.zones.items()),
        sorted(told.institutions.items()),
        list(told.decisions),
        extents,
    )
    return hashlib.sha256(repr(state).encode()).hexdigest()


def _last(context: dg.AssetExecutionContext, address: str) -> dict[str, Any]:
    """Metadata of the table's last materialization, as plain values."""
    event = context.instance.get_latest_materialization_event(key(address))
    materialization = event.asset_materialization if event else None
    return {
        name: value.value for name, value in (materialization.metadata if materialization else {}).items()
    }


def _carried(before: dict[str, Any]) -> dict[str, Any]:
    return {name: before[name] for name in (INPUTS, "received", "quarantined")}


def _is_whole(found: Cleaned) -> bool:
    return found.received == found.rows.height + found.quarantined.height


def _check(address: str, received: int, rows: int, quarantined: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=received == rows + quarantined,
        asset_key=key(address),
        check_name=CHECK,
        metadata={"received": received, "rows": rows, "quarantined": quarantined},
    )


def cleaning_context(manna: Installation) -> Context:
    """What the clean tables depend on beside ``raw``: books, connections, what people decided."""
    return Context(
        zones={book.id: book.time_zone for book in manna.books.values()},
        institutions={c["connection_id"]: c["institution"] for c in manna.ops.connections()},
        decisions=manna.ops.account_decisions(),
        statuses=manna.ops.connection_statuses(),
    )


@dg.multi_asset(
    name="clean_successions",
    specs=[spec(SUCCESSIONS.address, deps=("clean.transactions",))],
)
def succeeded(context: dg.AssetExecutionContext, manna: Manna) -> dg.MaterializeResult[Any]:
    """Finds what every pending row became, and every row that a later login sent again."""
    change = manna.lake.commit(
        [SUCCESSIONS.address],
        refresh_successions,
        author=SUCCESSIONS.address,
        message=f"run {context.run.run_id}",
    )
    return result(SUCCESSIONS.address, change)


def refresh_successions(transaction: LakeTransaction) -> Change:
    """Makes ``clean.successions`` hold what follows from ``clean.transactions``."""
    return transaction.replace(SUCCESSIONS.address, successions(transaction.read("clean.transactions")))


def open_rows(
    manna: Installation, lake: Lake | LakeTransaction | None = None, book: str | None = None
) -> pl.DataFrame:
    """Refused rows that nobody has discarded: of one book, or of all."""
    rows = (lake or manna.lake).read(QUARANTINE.address, None if book is None else {"book": book})
    return still_open(rows, manna.ops.quarantine_decisions())


@dg.multi_asset(
    name="quarantine",
    specs=[spec(QUARANTINE.address, deps=tuple(CLEANERS))],
)
def quarantine(manna: Manna) -> dg.MaterializeResult[Any]:
    """Reports what the clean tables refused (they write the rows themselves)."""
    total = manna.lake.query(f"SELECT count(*) FROM {QUARANTINE.address}").item()
    rows = open_rows(manna)
    from manna.documents.markdown import preview

    counts = rows.group_by("table_name").agg(pl.len().alias("rows")).sort("table_name")
    return result(
        QUARANTINE.address,
        Change(total=total),
        discarded=total - rows.height,
        by_table=dict(counts.iter_rows()),
        reasons=dg.MetadataValue.md(preview(rows.select("table_name", "book", "source_id", "reasons"))),
    )


ASSETS = [*(_asset(cleaner) for cleaner in CLEANERS.values()), succeeded, quarantine]
