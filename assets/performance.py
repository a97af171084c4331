"""Stage ``portfolio``: what the investments earned, their risk, and why they did better or worse than the benchmark.

What belongs here: reading ledger and valuations, calling ``manna.portfolio``, writing, and the check that performance
ends where valuations do. What does not: any formula.

A book is measured only when something it is measured from has changed since (its tables' snapshots, its file, this
version): the night that has nothing new reads no row of it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import polars as pl

from assets.common import BooksConfig, Manna, chosen, key, result, row_counts, spec
from assets.shown import previewed
from manna.books import Book, document_hash, document_of
from manna.contracts.declaration import content_hashes
from manna.contracts.performance import ATTRIBUTION, MEASURED, MONTHS, PERFORMANCE, RETURNS, RISK
from manna.portfolio.agreement import disagreements
from manna.portfolio.performance import asset_classes, performance
from resources.changes import last_changes
from resources.installation import CODE_VERSION, Installation
from resources.lake import Change, LakeTransaction

TABLES = tuple(contract.address for contract in (PERFORMANCE, RETURNS, RISK, ATTRIBUTION, MEASURED, MONTHS))
CHECK = "closes_at_valuations"
_BY_BOOK = {
    "postings": "ledger.postings",
    "journal": "ledger.journal",
    "trades": "clean.trades",
    "transfers": "categorized.transfers",
    "valuations": "portfolio.valuations",
    "accounts": "clean.accounts",
}
_SHARED = {
    "securities": "clean.securities",
    "bars": "clean.bars",
    "actions": "clean.corporate_actions",
}
_SHOWN = 20


@dataclass(slots=True)
class _Measured:
    changes: dict[str, Change] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    def note(self, address: str, change: Change) -> None:
        self.changes[address] = self.changes.get(address, Change()) + change


@dg.multi_asset(
    name="measure_performance",
    specs=[spec(address, deps=(*_BY_BOOK.values(), *_SHARED.values())) for address in TABLES],
    check_specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=key(PERFORMANCE.address),
            description="each day's parts sum, days adjoin, and accounts close at what their positions are worth",
        )
    ],
)
def measured(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Measures what every book's investments earned, by day and span, and with what risk."""
    changes = last_changes(manna.lake)
    found = manna.lake.commit(
        TABLES,
        lambda transaction: measure(manna, config.books, transaction, changes),
        author="performance",
        message=f"run {context.run.run_id}",
    )
    rows = row_counts(manna, TABLES, in_part=config.books or found.unchanged)
    for address in TABLES:
        said = previewed(manna, address) if address == RETURNS.address else {}
        yield result(address, found.changes.get(address, Change()), rows, **said)
    yield dg.AssetCheckResult(
        passed=not found.faults,
        asset_key=key(PERFORMANCE.address),
        check_name=CHECK,
        metadata={
            "faults": len(found.faults),
            "first": found.faults[:_SHOWN],
            "books with nothing new": found.unchanged,
        },
    )


def measure(
    manna: Installation,
    wanted: Sequence[str],
    transaction: LakeTransaction,
    changes: Mapping[str, int] | None = None,
) -> _Measured:
    """Makes the tables of performance hold what follows, for the ``wanted`` books (none: all).

    ``changes``: the last snapshot of each table, by which a book is known to be as it was; without it all are measured.
    """
    found, shared = _Measured(), dict[str, pl.DataFrame]()
    known = {row["book"]: row for row in transaction.read(MEASURED.address).to_dicts()}
    for book_id in chosen(manna.books, wanted):
        book, last = manna.books[book_id], known.get(book_id)
        state = "" if changes is None else _state(book, changes)
        if state and last and last["state"] == state:
            found.unchanged.append(book_id)
            if last["faults"]:
                found.faults.append(f"{book_id}: {last['faults']} as when it was last measured")
            continue
        shared = shared or {name: transaction.read(address) for name, address in _SHARED.items()}
        before = len(found.faults)
        _measure_book(book, shared, transaction, found)
        row = {"book": book_id, "state": state, "faults": len(found.faults) - before}
        rows = MEASURED.conform(pl.DataFrame([row], schema=MEASURED.polars_schema))
        found.note(MEASURED.address, transaction.replace(MEASURED.address, rows, {"book": book_id}))
    return found


def _state(book: Book, changes: Mapping[str, int]) -> str:
    """Names the state of everything a book is measured from, without reading a row."""
    read = [(table, changes.get(table)) for table in (*_BY_BOOK.values(), *_SHARED.values())]
    return hashlib.sha256(repr((CODE_VERSION, document_hash(document_of(book)), read)).encode()).hexdigest()


def _measure_book(
    book: Book, shared: dict[str, pl.DataFrame], transaction: LakeTransaction, found: _Measured
) -> None:
    # numpy is imported where figures are made: every process of Dagster imports this module
    from manna.portfolio.benchmark import benchmark, market_days
    from manna.portfolio.contribution import attribution
    from manna.portfolio.exposure import by_market_day, exposure
    from manna.portfolio.spans import renewed

    scope = {"book": book.id}
    valuations = transaction.read(_BY_BOOK["valuations"], scope)
    before = transaction.read(PERFORMANCE.address, scope)
    if valuations.is_empty() and before.is_empty():
        return
    own = {
        name: transaction.read(address, scope) for name, address in _BY_BOOK.items() if name != "valuations"
    }
    securities, bars, actions = (shared[name] for name in _SHARED)
    days = performance(book, **own, valuations=valuations, securities=securities)
    found.faults += [f"{book.id}: {fault}" for fault in disagreements(book, days, valuations)]
    found.note(PERFORMANCE.address, transaction.replace(PERFORMANCE.address, days, scope))
    found.note(MONTHS.address, transaction.replace(MONTHS.address, _months(book, days), scope))
    spans = renewed(transaction.read(RETURNS.address, scope), before, days)
    found.note(RETURNS.address, transaction.replace(RETURNS.address, spans, scope))
    open_days = market_days(bars)
    weights = {symbol: float(weight) for symbol, weight in book.performance.benchmark.items()}
    mix = benchmark(weights, open_days, bars, actions)
    risk = exposure(book, days, by_market_day(days, open_days), mix)
    found.note(RISK.address, transaction.replace(RISK.address, risk, scope))
    why = attribution(spans, days, asset_classes(book, securities), mix)
    found.note(ATTRIBUTION.address, transaction.replace(ATTRIBUTION.address, why, scope))


def _months(book: Book, days: pl.DataFrame) -> pl.DataFrame:
    """``portfolio.months``: each month's hash has those of all months before it in it."""
    by_month = content_hashes(PERFORMANCE, days, pl.col("date").dt.truncate("1mo"))
    settings = {
        "performance": document_of(book).get("performance"),
        "name": book.name,
        "version": CODE_VERSION,
    }
    running, rows = document_hash(settings), []
    for month in sorted(by_month):
        running = hashlib.sha256(f"{running}{by_month[month]}".encode()).hexdigest()
        rows.append({"book": book.id, "month": month, "content_hash": running})
    return MONTHS.conform(pl.DataFrame(rows, schema=MONTHS.polars_schema))
