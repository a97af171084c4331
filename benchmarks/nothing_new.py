"""Whether a night with nothing new reads history: its time with 1,000,000 transactions in the lake and with 10,000.

Prints JSON. Two lakes side by side, each with its own embedded Postgres, the same login at the same served sandbox and
the same number of nights behind it; only how many transactions a night brought differs.

- ``sync``: what ``pull_plaid`` does: asks over HTTP, finds nothing new, commits nothing;
- ``clean``: what ``clean_transactions`` does to find that its table need not be made again;
- ``ratio``: large over small, of the medians; the two take turns, so that both meet the same load.

Usage: ``uv run python benchmarks/nothing_new.py [--small N] [--large N] [--nights N] [--runs N]``.
"""

import argparse
import json
import statistics
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from ingestion import NOW, TABLE, bank, link, pull, timed

from assets.clean import _inputs, cleaning_context
from manna.cleaning import CLEANERS
from manna.facts import Answer, Record, Source, batch_rows
from pipelines.services import database
from resources.installation import Installation
from resources.lake import LakeTransaction
from resources.settings import Settings

RAW = "raw.plaid_transactions"
FRESH = 100
"""Transactions that the sandbox itself tells at the first sync."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=100)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    sizes = {"small": options.small, "large": options.large}
    taken: dict[str, dict[str, list[float]]] = {name: {"sync": [], "clean": []} for name in sizes}
    with tempfile.TemporaryDirectory(prefix="manna-bench-") as folder, ExitStack() as opened:
        opened.enter_context(bank(Path(folder), FRESH))
        lakes = {}
        for name, rows in sizes.items():
            settings = Settings.load(data_dir=Path(folder) / name, postgres_url=None)
            lakes[name] = opened.enter_context(database(settings))
            prepare(lakes[name], rows, options.nights)
        for _ in range(options.runs):
            for name, manna in lakes.items():
                for what, seconds in nothing_new(manna).items():
                    taken[name][what].append(seconds)
    medians = {
        name: {what: round(statistics.median(times), 4) for what, times in of.items()}
        for name, of in taken.items()
    }
    ratio = {what: round(medians["large"][what] / medians["small"][what], 2) for what in ("sync", "clean")}
    print(json.dumps({"rows": sizes, "nights": options.nights, "seconds": medians, "ratio": ratio}, indent=1))


def prepare(manna: Installation, rows: int, nights: int) -> None:
    """A login with ``rows`` transactions kept over ``nights``, synced up to now."""
    link(manna)
    (connection,) = manna.ops.connections()
    source = Source("home", connection["connection_id"], "plaid", "plaid_transactions", "benchmark", "0")
    pull(manna)
    payload = manna.lake.query(f"SELECT payload FROM {RAW} LIMIT 1").item()
    each = rows // nights
    for night in range(nights):
        keep(
            manna,
            source,
            night,
            [payload.replace('"transaction_id":"', f'"transaction_id":"{night}-{n}-') for n in range(each)],
        )
    pull(manna)


def keep(manna: Installation, source: Source, night: int, payloads: list[str]) -> None:
    """One night's rows, committed as the product does."""
    records = tuple(Record(f"{night}-{number}", "added", text) for number, text in enumerate(payloads))
    at = NOW - timedelta(days=1000 - night)
    batch, rows = batch_rows(source, Answer(records), records, at, RAW, night * len(records))

    def work(transaction: LakeTransaction) -> None:
        transaction.append("raw.batches", batch)
        transaction.append(RAW, rows)

    manna.lake.commit([source.connection_id], work)


def nothing_new(manna: Installation) -> dict[str, float]:
    """Seconds of one sync and of one look at whether the clean table is as it should be."""
    before = extent(manna)
    taken = {
        "sync": timed(lambda: pull(manna)),
        "clean": timed(lambda: _inputs(manna, CLEANERS[TABLE], cleaning_context(manna))),
    }
    assert extent(manna) == before, "something was new"
    return taken


def extent(manna: Installation) -> Any:
    """How many transactions there are, and batches."""
    return [manna.lake.query(f"SELECT count(*) FROM {table}").item() for table in (RAW, "raw.batches")]


if __name__ == "__main__":
    main()
