"""What an operator waits for: reports under many readers, `manna --help`, the memory of a night, a night with ten times the history.

Prints JSON:

- ``readers``: ten years of three books, published to Postgres; so many readers at once ask for one statement of one month, or
  for ten years of income, of net worth, or of how the months stand, each again and again without a pause. Milliseconds of one query, the share of
  them that waited longer than ``LONGEST_MS``, and against `SELECT 1` of as many readers;
- ``help``: seconds of the whole process `manna --help`, and of a process that does nothing (the floor);
- ``nights``: for two households whose banks tell so many transactions, the seconds of `manna run nightly_close` with one day that
  is new, in turns, the peak memory of its process, and ``ratio``: large over small, of the medians.

Usage: ``uv run python benchmarks/operations.py [--readers N] [--queries N] [--transactions N] [--times N] [--runs N]``.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from books import BOOK, KNOWN, apart, clean_rows, night, store

LONGEST_MS = 100
BOOKS = ("home", "parents", "firm")
MONDAY = date(2026, 3, 16)
MANNA = [sys.executable, "-m", "pipelines"]
PROJECT = Path(__file__).resolve().parents[1]
PEAK = """
import resource, sys
from pipelines import cli
sys.argv = ["manna", *sys.argv[1:]]
try:
    cli.main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--queries", type=int, default=200, help="by each reader")
    parser.add_argument("--transactions", type=int, default=1_500, help="of the smaller household")
    parser.add_argument("--times", type=int, default=10, help="how much more history the larger one has")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    found = {
        "readers": apart(readers, options.readers, options.queries),
        "help": {
            "manna": seconds([*MANNA, "--help"], options.runs),
            "floor": seconds([sys.executable, "-c", ""], options.runs),
        },
        "nights": nights(options.transactions, options.times, options.runs),
    }
    print(json.dumps(found, indent=1))


def seconds(command: list[str], runs: int) -> float:
    """The median of a command's time."""
    return round(statistics.median(timed(command)[0] for _ in range(runs)), 2)


def timed(command: list[str], environment: dict[str, str] | None = None) -> tuple[float, str]:
    """Seconds of a command, and what it said on stderr."""
    began = perf_counter()
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return perf_counter() - began, done.stderr


# -- readers ------------------------------------------------------------------------------------------


def readers(count: int, queries: int) -> dict[str, Any]:
    """Milliseconds of queries on ten years of reports of three books, with ``count`` readers at once who never pause.

    A reader is a client of pgbench, in C, that is logged in as `manna readers add` would have it: row policies and all.
    """
    from assets.published import _edition
    from pipelines.services import database
    from resources.publisher import Edition, publish_to_postgres
    from resources.readers import add_reader
    from resources.settings import Settings

    with tempfile.TemporaryDirectory(prefix="manna-bench-") as folder:
        own = Path(folder) / "data" / "books"
        own.mkdir(parents=True)
        (own / "home.yaml").write_text(f"id: {BOOK.id}\nname: {BOOK.name}\n")
        os.environ |= {"MANNA_DATA_DIR": str(Path(folder) / "data"), "MANNA_NOW": KNOWN.isoformat()}
        with database(Settings.load()) as manna:
            store(manna, clean_rows(20_000))
            made = night(manna)
            edition = _edition(manna, BOOK.id, manna.lake.snapshot())
            urls = []
            for book in BOOKS:
                tables = {
                    name: frame.with_columns(book=pl.lit(book)) for name, frame in edition.tables.items()
                }
                publish_to_postgres(manna.postgres_url, Edition(book, edition.snapshot, tables))
                urls.append(add_reader(manna.postgres_url, book))
            of_nothing = asked(Path(folder), urls, count, queries, {"nothing": ("SELECT 1;", 1)})
            waited = asked(Path(folder), urls, count, queries, questions())
    p95 = waited[int(len(waited) * 0.95)]
    return {
        "months": made["months_made"],
        "readers": count,
        "queries": len(waited),
        "median_ms": round(statistics.median(waited), 1),
        "p95_ms": round(p95, 1),
        "longer": round(sum(ms > LONGEST_MS for ms in waited) / len(waited), 4),
        "p95_of_select_1_ms": round(of_nothing[int(len(of_nothing) * 0.95)], 1),
        "ratio_to_select_1": round(p95 / of_nothing[int(len(of_nothing) * 0.95)], 1),
    }


def questions() -> dict[str, tuple[str, int]]:
    """Name to what pgbench asks and how often: half one statement of one month; else ten years of income, of net worth, of publications."""
    from assets.reports import TABLES

    month = "\\set month random(0, 119)\n"
    period = "(date '2016-01-01' + make_interval(months => :month))::date"
    found = {
        table: (f"{month}SELECT * FROM {table} WHERE period = {period} ORDER BY line;", 3) for table in TABLES
    }
    of_ten_years = {
        "income": "SELECT period, account, amount, currency FROM reports.income_statement ORDER BY period, line;",
        # Each month's report has the net worth at the end of every month up to it.
        "net worth": "SELECT * FROM reports.net_worth WHERE period = '2025-12-01' ORDER BY as_of;",
        "publications": "SELECT * FROM reports.publications ORDER BY period;",
    }
    return found | {name: (text, len(TABLES)) for name, text in of_ten_years.items()}


def asked(
    folder: Path, urls: Sequence[str], count: int, queries: int, scripts: Mapping[str, tuple[str, int]]
) -> list[float]:
    """Milliseconds of every query to its last row, sorted; ``count`` clients over all ``urls``."""
    from resources.postgres_programs import bundled

    pgbench, _ = bundled("pgbench")
    files = []
    for name, (text, weight) in scripts.items():
        file = folder / f"{name.replace(' ', '_')}.sql"
        file.write_text(text)
        files += ["--file", f"{file}@{weight}"]
    running = []
    for number, url in enumerate(urls):
        clients = count // len(urls) + (number < count % len(urls))
        log = folder / f"log{number}"
        options = [
            "--no-vacuum",
            f"--client={clients}",
            f"--transactions={queries}",
            f"--random-seed={number}",
        ]
        command = [str(pgbench), *options, "--log", f"--log-prefix={log}", *files, url]
        running.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        )
    for one in running:
        _, said = one.communicate()
        if one.returncode:
            raise SystemExit(said)
    waited = []
    for log in folder.glob("log*"):
        waited += [int(line.split()[2]) / 1000 for line in log.read_text().splitlines()]
        log.unlink()
    return sorted(waited)


# -- nights -------------------------------------------------------------------------------------------


def nights(count: int, times: int, runs: int) -> dict[str, Any]:
    """Two households' nights, in turns, with one day new in each."""
    with tempfile.TemporaryDirectory(prefix="manna-bench-") as folder:
        homes = {name: Path(folder) / name for name in ("small", "large")}
        for name, home in homes.items():
            home.mkdir()
            (home / "people.json").write_text(json.dumps(person(count * (times if name == "large" else 1))))
            timed([*MANNA, "demo", "--people", str(home / "people.json")], environment(home, 0))
        found: dict[str, list[tuple[float, int]]] = {name: [] for name in homes}
        for day in range(1, runs + 1):
            for name, home in homes.items():
                took, said = timed(
                    [sys.executable, "-c", PEAK, "run", "nightly_close"], environment(home, day)
                )
                found[name].append((took, int(said.split()[-1])))
    medians = {name: statistics.median(took for took, _ in taken) for name, taken in found.items()}
    return {
        "transactions": {"small": count, "large": count * times},
        "seconds": {name: round(value, 1) for name, value in medians.items()},
        "ratio": round(medians["large"] / medians["small"], 2),
        "peak_mb": {name: max(peak for _, peak in taken) >> 10 for name, taken in found.items()},
    }


def environment(home: Path, day: int) -> dict[str, str]:
    """Of a night ``day`` days after the first."""
    now = f"{MONDAY + timedelta(days=day)}T12:00:00Z"
    return os.environ | {"MANNA_DATA_DIR": str(home / "data"), "MANNA_NOW": now}


def person(count: int) -> dict[str, Any]:
    """A user of Plaid's sandbox whose checking account has so many transactions over two years."""
    first = MONDAY - timedelta(days=729)
    rows = []
    for n in range(count):
        day = (first + timedelta(days=n * 729 // count)).isoformat()
        amount = -2_500.0 if n % 50 == 0 else round(5 + n * 7919 % 9_000 / 100, 2)
        rows.append(
            {
                "date_transacted": day,
                "date_posted": day,
                "amount": amount,
                "description": f"Shop {n % 300}",
                "currency": "USD",
            }
        )
    account = {
        "type": "depository",
        "subtype": "checking",
        "starting_balance": 20_000,
        "meta": {"name": "Checking", "mask": "0000"},
        "transactions": rows,
    }
    return {"version": 2, "seed": "a seed", "override_accounts": [account]}


if __name__ == "__main__":
    main()
