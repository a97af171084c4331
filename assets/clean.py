"""Stage ``clean``: one asset per clean table, made from the raw tables of every provider.

What belongs here: reading ``raw``, calling ``manna.cleaning``, writing the table and its quarantine. What
does not: what a payload means.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.common import Manna, key, result, spec
from manna.cleaning import CLEANERS, Cleaned, Cleaner, clean
from manna.cleaning.tables import Context
from manna.contracts.clean import QUARANTINE
from resources.installation import Installation
from resources.lake import Change, LakeTransaction

CHECK = "nothing_dropped"


def _asset(cleaner: Cleaner) -> dg.AssetsDefinition:
    address = cleaner.contract.address

    @dg.multi_asset(
        name=f"clean_{cleaner.contract.name}",
        specs=[spec(address, deps=cleaner.sources)],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK, asset=key(address), blocking=True, description="rows in = rows out + quarantined"
            )
        ],
    )
    def cleaned(context: dg.AssetExecutionContext, manna: Manna) -> Iterator[Any]:
        told = _context(manna)

        def work(transaction: LakeTransaction) -> tuple[Cleaned, Change]:
            raw = {source: transaction.read(source) for source in cleaner.sources}
            found = clean(address, raw, told)
            change = transaction.replace(address, found.rows)
            transaction.replace(QUARANTINE.address, found.quarantined, scope={"table_name": address})
            return found, change

        found, change = manna.lake.commit(
            [address, QUARANTINE.address], work, author=address, message=f"run {context.run_id}"
        )
        yield result(address, change, quarantined=found.quarantined.height)
        whole = found.received == found.rows.height + found.quarantined.height
        yield dg.AssetCheckResult(
            passed=whole,
            asset_key=key(address),
            check_name=CHECK,
            metadata={
                "received": found.received,
                "rows": found.rows.height,
                "quarantined": found.quarantined.height,
            },
        )

    return cleaned


def _context(manna: Installation) -> Context:
    return Context(
        zones={book.id: book.time_zone for book in manna.books.values()},
        institutions={c["connection_id"]: c["institution"] for c in manna.ops.connections()},
    )


@dg.multi_asset(
    name="quarantine",
    specs=[spec(QUARANTINE.address, deps=tuple(CLEANERS))],
)
def quarantine(manna: Manna) -> dg.MaterializeResult[Any]:
    """Reports what the clean tables refused (they write the rows themselves)."""
    rows = manna.lake.read(QUARANTINE.address)
    counts = rows.group_by("table_name").agg(pl.len().alias("rows")).sort("table_name")
    return result(
        QUARANTINE.address,
        Change(total=rows.height),
        by_table=dict(counts.iter_rows()),
        reasons=rows.select("table_name", "source_id", "reasons").head(20).rows(),
    )


ASSETS = [*(_asset(cleaner) for cleaner in CLEANERS.values()), quarantine]
