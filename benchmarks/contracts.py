"""How fast a contract's row checks are: 1,000,000 rows, 15 checks, the bad rows split off with all reasons.

Prints JSON. Each measurement is a process of its own, so that its peak memory is its own:

- ``checked``: ``Contract.violations`` and the split into rows and broken rows with their reasons;
- ``plain``: the same 15 expressions as one Polars ``select`` of booleans, nothing else: the floor.

``seconds`` is the best of ``--runs``; ``cpu_seconds``, of all threads, is what a busy machine cannot inflate by waiting. ``peak_mb`` is the highest resident size of the whole process, with its
imports and the million rows themselves; ``rows_mb`` is what it was before the first check.

Usage: ``uv run python benchmarks/contracts.py [--rows N] [--runs N] [--broken PER_MILLE]``.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time

import polars as pl

from manna.contracts import Column, Contract, Kind

PROJECT = Path(__file__).resolve().parents[1]

THING = Contract(
    "clean",
    "things",
    "A table with 15 checks.",
    (
        Column("id", Kind.TEXT, "missing"),
        Column("book", Kind.TEXT, "missing, pattern", pattern="^[a-z0-9-]+$"),
        Column("date", Kind.DATE, "missing, minimum, maximum", minimum=date(1970, 1, 1), maximum=date(2100, 1, 1)),
        Column("amount", Kind.MONEY, "missing, minimum", minimum=Decimal(-1_000_000)),
        Column("currency", Kind.TEXT, "missing, pattern", pattern="^[A-Z0-9]{3,12}$"),
        Column("kind", Kind.TEXT, "missing, allowed", allowed=("buy", "sell", "dividend", "fee", "other")),
        Column("fees", Kind.MONEY, "minimum", nullable=True, minimum=Decimal(0)),
        Column("pending", Kind.BOOLEAN, "missing"),
    ),
    key=("id",),
)  # fmt: skip
"""Eight columns: seven may not be missing, seven more promises, and the key: 15."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--broken", type=int, default=10, help="broken rows, per mille")
    parser.add_argument("--only", choices=MEASURED, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measured(options.only, options.rows, options.runs, options.broken)))
        return
    found = {name: _apart(name, options) for name in MEASURED}
    ratio = found["checked"]["seconds"] / found["plain"]["seconds"]
    print(json.dumps({"rows": options.rows, **found, "per_plain": round(ratio, 2)}, indent=1))


def _apart(name: str, options: argparse.Namespace) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--only", name, "--rows", str(options.rows)]
    command += ["--runs", str(options.runs), "--broken", str(options.broken)]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def measured(name: str, count: int, runs: int, broken: int) -> dict[str, float]:
    """Best seconds, peak memory, and how many rows were found to be at fault."""
    rows = things(count, broken)
    before = peak_mb()
    taken, worked, faults = [], [], 0
    for _ in range(runs):
        began, at_work = perf_counter(), process_time()
        faults = MEASURED[name](rows)
        taken.append(perf_counter() - began)
        worked.append(process_time() - at_work)
    return {
        "seconds": round(min(taken), 4),
        "cpu_seconds": round(min(worked), 4),
        "peak_mb": round(peak_mb()),
        "rows_mb": round(before),
        "broken": faults,
    }


def checked(rows: pl.DataFrame) -> int:
    """The product's way: all reasons, then the two halves."""
    reasons = THING.violations(rows)
    broken = reasons.list.len() > 0
    kept = rows.filter(~broken)
    refused = rows.with_columns(reasons).filter(broken)
    assert kept.height + refused.height == rows.height
    return refused.height


def plain(rows: pl.DataFrame) -> int:
    """The floor: 15 booleans per row."""
    value = pl.col
    found = rows.select(
        a=value("id").is_null(),
        b=value("book").is_null(),
        c=~value("book").str.contains("^[a-z0-9-]+$"),
        d=value("date").is_null(),
        e=value("date") < date(1970, 1, 1),
        f=value("date") > date(2100, 1, 1),
        g=value("amount").is_null(),
        h=value("amount") < pl.lit(Decimal(-1_000_000)),
        i=value("currency").is_null(),
        j=~value("currency").str.contains("^[A-Z0-9]{3,12}$"),
        k=value("kind").is_null(),
        l=~value("kind").is_in(["buy", "sell", "dividend", "fee", "other"]),
        m=value("fees") < pl.lit(Decimal(0)),
        n=value("pending").is_null(),
        o=value("id").is_duplicated(),
    )
    return int(found.select(pl.any_horizontal(pl.all().fill_null(False)).sum()).item())


MEASURED: dict[str, Callable[[pl.DataFrame], int]] = {"checked": checked, "plain": plain}


def things(count: int, broken: int) -> pl.DataFrame:
    """``count`` rows, of which ``broken`` per mille break one promise or several."""
    number = pl.int_range(count, dtype=pl.Int64)
    bad = (number * 7919 % 1000) < broken
    wrong = number % 5
    text = pl.format("t{}", number)
    rows = pl.select(
        # Every fifth bad row repeats the id of its neighbour, so both are at fault.
        id=pl.when(bad & (wrong == 0)).then(pl.format("t{}", number + 1)).otherwise(text),
        book=pl.when(bad & (wrong == 1)).then(pl.lit("No Book")).otherwise(pl.lit("household")),
        date=pl.lit(date(2026, 1, 1)) - pl.duration(days=number % 730),
        amount=(number % 100_000 - 50_000) / 100,
        currency=pl.when(bad & (wrong == 2)).then(None).otherwise(pl.lit("USD")),
        kind=pl.when(bad & (wrong >= 3)).then(pl.lit("theft")).otherwise(pl.lit("buy")),
        fees=pl.when(bad & (wrong == 4)).then(-1).otherwise(number % 7),
        pending=pl.when(bad & (wrong == 2)).then(None).otherwise(number % 2 == 0),
    )
    return THING.conform(rows)


def peak_mb() -> float:
    """The highest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
