"""Checks of the clean tables as wholes: Great Expectations, and how much was refused.

What belongs here: when a table is examined, and what its checks say. What does not: the suite and its pages
(``resources.examiner``, ``manna.documents.data_docs``).

A table that is as it was when its suite last ran is not examined again: the check says the same, citing
that run, and Great Expectations is not even imported. A systemic failure (columns, keys, a row in another
book than its account, a flood of refused rows) blocks everything downstream; any other warns and says how
many rows of which book.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.common import Manna, document, key
from manna.cleaning import CLEANERS
from manna.contracts import CONTRACTS
from manna.contracts.declaration import content_hash
from manna.validating.quarantine import still_open, too_many
from manna.validating.relations import Related, referred, related
from resources.changes import last_changes
from resources.installation import Installation
from resources.publisher import write_page

if TYPE_CHECKING:
    from manna.documents.data_docs import Examined

CHECK, REFUSED = "great_expectations", "few_are_refused"


@dataclass(frozen=True, slots=True)
class _Subject:
    """A table to be examined, with the names of its state and of its content."""

    related: Related
    state: str
    content: str


def _examination(name: str, tables: Sequence[str]) -> dg.AssetChecksDefinition:
    """The step ``name``, with the check of each of ``tables``."""

    @dg.multi_asset_check(
        name=name,
        specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=key(address),
                blocking=True,
                description="the suite that follows from the contract; not run again while nothing has changed",
            )
            for address in tables
        ],
        can_subset=True,
    )
    def check(context: dg.AssetCheckExecutionContext, manna: Manna) -> Iterator[dg.AssetCheckResult]:
        """Runs the suites of the tables that have changed; the others' checks cite the run that did."""
        asked = {".".join(check.asset_key.path) for check in context.selected_asset_check_keys}
        yield from _examined(manna, [address for address in tables if address in asked], context.run.run_id)

    return check


def _examined(manna: Installation, tables: Sequence[str], run_id: str) -> Iterator[dg.AssetCheckResult]:
    # Jinja costs 0.1 s, and every process that knows the assets would pay it.
    from manna.documents.data_docs import examinations_page, result_path

    before, folder = manna.ops.last_examinations(), data_docs(manna)
    changes, changed = last_changes(manna.lake), []
    for address in tables:
        state, last = _state(address, changes), before.get(address)
        known = last if last and (folder / result_path(address)).exists() else None
        if known and known["result"]["state"] == state:
            continue
        subject = _read(manna, address, state)
        if known and known["content_hash"] == subject.content:
            manna.ops.examined({**known, "result": {**known["result"], "state": state}})
            continue
        changed.append(subject)
    if changed:
        _examine(manna, changed, run_id)
    found = manna.ops.last_examinations()
    write_page(folder / "index.html", examinations_page(_shown(found)))
    anew = {subject.related.contract.address for subject in changed}
    for address in tables:
        page = document(manna, folder / result_path(address))
        yield _result(found[address], page, anew=address in anew)


def data_docs(manna: Installation) -> Path:
    """The folder of Great Expectations' pages."""
    return manna.settings.documents_dir / "data_docs"


def _examine(manna: Installation, subjects: Sequence[_Subject], run_id: str) -> None:
    """Runs suites, writes their pages, and remembers what they said."""
    from manna.documents.data_docs import result_page, result_path, suite_page, suite_path
    from resources.examiner import examine  # imports nothing heavy itself

    now, folder = manna.settings.now(), data_docs(manna)
    results = examine([subject.related for subject in subjects], now)
    for subject in subjects:
        address = subject.related.contract.address
        found = results[address]
        write_page(folder / suite_path(address), suite_page(address, found.suite_html))
        write_page(folder / result_path(address), result_page(address, found.result_html))
        said = {
            "expectations": found.expectations,
            "failures": found.failures,
            "rows": subject.related.rows.height,
            "systemic": found.systemic,
            "by_book": found.by_book,
            "state": subject.state,
        }
        manna.ops.examined(
            {
                "suite": address,
                "content_hash": subject.content,
                "run_id": run_id,
                "success": found.success,
                "result": said,
                "examined_at": now,
            }
        )


def _result(last: Mapping[str, Any], page: dg.UrlMetadataValue, *, anew: bool) -> dg.AssetCheckResult:
    said = last["result"]
    systemic = said["systemic"]
    metadata = {
        "how": "examined now" if anew else f"unchanged since run {last['run_id']}",
        "page": page,
        **{name: said[name] for name in ("expectations", "failures", "rows")},
        **{f"rows of {book}": rows for book, rows in said["by_book"].items()},
    }
    return dg.AssetCheckResult(
        passed=last["success"],
        asset_key=key(last["suite"]),
        check_name=CHECK,
        severity=dg.AssetCheckSeverity.ERROR if systemic else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _shown(found: Mapping[str, Mapping[str, Any]]) -> "list[Examined]":
    from manna.documents.data_docs import Examined

    return [
        Examined(
            address,
            last["success"],
            last["result"]["expectations"],
            last["result"]["rows"],
            tuple(last["result"]["failures"]),
            last["result"]["by_book"],
            last["examined_at"],
            last["run_id"],
        )
        for address, last in found.items()
    ]


def _state(address: str, changes: Mapping[str, int]) -> str:
    """Names the state of a table, of those it refers to, and of its suite, without reading a row."""
    contract = CONTRACTS[address]
    tables = [(name, changes.get(name)) for name in (address, *referred(contract))]
    return hashlib.sha256(repr((contract, tables)).encode()).hexdigest()


def _read(manna: Installation, address: str, state: str) -> _Subject:
    contract = CONTRACTS[address]
    rows = manna.lake.read(address)
    found = related(contract, rows, {name: manna.lake.read(name) for name in referred(contract)})
    theirs = found.rows.select(contract.key + tuple(name for _, name in found.pairs)).sort(contract.key)
    parts = (contract, content_hash(contract, rows), sorted(found.keys.items()), theirs.write_csv())
    return _Subject(found, state, hashlib.sha256(repr(parts).encode()).hexdigest())


@dg.multi_asset_check(
    name="count_refused",
    specs=[
        dg.AssetCheckSpec(
            REFUSED,
            asset=key(address),
            blocking=True,
            description="most rows keep their contract; else the provider's format has changed",
        )
        for address in CLEANERS
    ],
    can_subset=True,
)
def refused(context: dg.AssetCheckExecutionContext, manna: Manna) -> Iterator[dg.AssetCheckResult]:
    """A flood of refused rows is no fault of a row: nothing is made from such a table."""
    rows = still_open(manna.lake.read("clean.quarantine"), manna.ops.quarantine_decisions())
    by_book = rows.group_by("table_name", "book").agg(pl.len()).sort("table_name", "book").rows()
    counts = dict(rows.group_by("table_name").len().iter_rows())
    kept = {table: manna.lake.query(f"SELECT count(*) FROM {table}").item() for table in counts}
    flooded = too_many(kept, counts)
    asked = {".".join(check.asset_key.path) for check in context.selected_asset_check_keys}
    for address in (address for address in CLEANERS if address in asked):
        yield dg.AssetCheckResult(
            passed=address not in flooded,
            asset_key=key(address),
            check_name=REFUSED,
            metadata={
                "open rows": counts.get(address, 0),
                **{f"rows of {book}": number for table, book, number in by_book if table == address},
                **({"why": flooded[address]} if address in flooded else {}),
            },
        )


DERIVED = tuple(a for a, contract in CONTRACTS.items() if contract.schema == "clean" and a not in CLEANERS)
"""Tables of ``clean`` that are made from other ones: a step of their own, for those block them."""

examined = _examination("examine", tuple(CLEANERS))
CHECKS = [examined, _examination("examine_derived", DERIVED), refused]
