"""Stage ``portfolio``: what the investments earned, their risk, and why they did better or worse than the benchmark.

What belongs here: reading ledger and valuations, calling ``manna.portfolio``, writing, and the check that performance
ends where valuations do. What does not: any formula.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import polars as pl

from assets.common import BooksConfig, Manna, chosen, key, result, spec
from manna.books import Book
from manna.contracts.performance import ATTRIBUTION, PERFORMANCE, RETURNS, RISK
from manna.portfolio.agreement import disagreements
from manna.portfolio.performance import asset_classes, performance
from resources.installation import Installation
from resources.lake import Change, LakeTransaction

TABLES = tuple(contract.address for contract in (PERFORMANCE, RETURNS, RISK, ATTRIBUTION))
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
    found = manna.lake.commit(
        TABLES,
        lambda transaction: measure(manna, config.books, transaction),
        author="performance",
        message=f"run {context.run.run_id}",
    )
    for address in TABLES:
        yield result(address, found.changes.get(address, Change()))
    yield dg.AssetCheckResult(
        passed=not found.faults,
        asset_key=key(PERFORMANCE.address),
        check_name=CHECK,
        metadata={"faults": len(found.faults), "first": found.faults[:_SHOWN]},
    )


def measure(manna: Installation, wanted: Sequence[str], transaction: LakeTransaction) -> _Measured:
    """Makes the tables of performance hold what follows, for the ``wanted`` books (none: all).

    Days are made anew, which costs less than finding out which need not be; of the spans, those that have ended before
    the first day that differs stay as they are.
    """
    shared = {name: transaction.read(address) for name, address in _SHARED.items()}
    found = _Measured()
    for book_id in chosen(manna.books, wanted):
        _measure_book(manna.books[book_id], shared, transaction, found)
    return found


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
    spans = renewed(transaction.read(RETURNS.address, scope), before, days)
    found.note(RETURNS.address, transaction.replace(RETURNS.address, spans, scope))
    open_days = market_days(bars)
    weights = {symbol: float(weight) for symbol, weight in book.performance.benchmark.items()}
    mix = benchmark(weights, open_days, bars, actions)
    risk = exposure(book, days, by_market_day(days, open_days), mix)
    found.note(RISK.address, transaction.replace(RISK.address, risk, scope))
    why = attribution(spans, days, asset_classes(book, securities), mix)
    found.note(ATTRIBUTION.address, transaction.replace(ATTRIBUTION.address, why, scope))
