"""From clean rows to statements: a million transactions, against hledger, and one late row in ten years of books.

Prints JSON. All in one run, on the same generated transactions (ten years, one household):

- ``books``: 1,000,000 clean rows to journal and postings to three statements for 120 months, in a process of its own whose
  peak memory is told (the rows themselves are in it);
- ``hledger``: 100,000 of the same as a journal file; a balance sheet by hledger as a whole process (less its start on an
  empty file), and by ours in process: from a file of the same entries, and from clean rows, which is more work (booking
  and reconciling them). Both come to the same total, which is checked;
- ``late_row``: ten years of books in a lake; the seconds of the steps of ``ledger`` and ``reports`` in a nightly run with
  one row that came late, and with nothing new.

Usage: ``uv run python benchmarks/books.py [--rows N] [--sample N] [--late N] [--runs N]``.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from assets import ledger, reports
from manna.books import Book
from manna.contracts import CONTRACTS, Contract, Kind
from manna.ledger import Books, keep_books
from manna.statements.balance import balance_sheet
from manna.statements.balances import monthly_balances
from manna.statements.cash_flow import cash_flow
from manna.statements.income import income_statement
from manna.statements.net_worth import unrealized
from pipelines.services import database
from resources.installation import Installation
from resources.lake import LakeTransaction
from resources.settings import Settings

BOOK = Book(id="home", name="Home")
FIRST, DAYS, MONTHS = date(2016, 1, 1), 3653, 120
LAST = date(2025, 12, 31)
ACCOUNTS = [f"account{number}" for number in range(10)]
CATEGORIES = [
    "Expenses:Groceries",
    "Expenses:Rent",
    "Expenses:Travel:Air",
    "Expenses:Dining",
    "Income:Salary",
]
NOTHING_HELD = CONTRACTS["portfolio.valuations"].empty()
KNOWN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=100_000)
    parser.add_argument(
        "--late", type=int, default=20_000, help="transactions in the lake of the late row; 0: leave out"
    )
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, Any] = {"rows": options.rows, "books": apart(books, options.rows)}
    found["hledger"] = against_hledger(options.rows, options.sample, options.runs)
    if options.late:
        found["late_row"] = apart(late_row, options.late)
    print(json.dumps(found, indent=1))


def apart(work: Any, *arguments: Any) -> Any:
    """What ``work`` returns, in a process of its own: its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def rows(contract: Contract, count: int, **columns: Any) -> pl.DataFrame:
    """``count`` rows: columns given are expressions over ``n``, 0 to count; others are null, false or the usual."""
    usual = {Kind.TEXT: pl.lit("x"), Kind.BOOLEAN: pl.lit(False), Kind.MOMENT: pl.lit(KNOWN)}
    made = []
    for column in contract.columns:
        value = pl.lit(column.allowed[0]) if column.allowed else usual.get(column.kind, pl.lit(0))
        value = columns.get(column.name, pl.lit(None) if column.nullable else value)
        made.append(value.cast(column.kind.polars).alias(column.name))
    return pl.select(n=pl.int_range(count)).select(made)


def clean_rows(count: int) -> dict[str, pl.DataFrame]:
    """The frames of ``keep_books``: ten bank accounts, ``count`` transactions over ten years, each balance told in the first month."""
    n, book = pl.col("n"), pl.lit(BOOK.id)
    account, ids = pl.format("account{}", n % len(ACCOUNTS)), pl.format("t{}", n)
    day = pl.lit(FIRST) + pl.duration(days=n * 7919 % DAYS)
    usual = {"book": book, "currency": pl.lit("USD"), "account_id": account}
    kind = (n * 31 % 50).clip(0, 4).cast(pl.Int64)
    amount = (n * 104729 % 50_000 + 1).cast(pl.Decimal(18, 4)) / 100
    is_income = kind == 4
    made = {
        "accounts": rows(CONTRACTS["clean.accounts"], len(ACCOUNTS), **usual, type=pl.lit("depository"), name=account),
        "balances": rows(CONTRACTS["clean.balances"], len(ACCOUNTS), **usual, as_of=pl.lit(FIRST + timedelta(days=30)), current=pl.lit(1000)),
        "transactions": rows(
            CONTRACTS["clean.transactions"], count, **usual, transaction_id=ids, date=day, first_known_on=day,
            amount=pl.when(is_income).then(amount).otherwise(-amount), description=pl.format("Shop {}", n % 5000),
        ),
        "categories": rows(
            CONTRACTS["categorized.transactions"], count, book=book, transaction_id=ids, source=pl.lit("rule"),
            category=kind.replace_strict(dict(enumerate(CATEGORIES)), return_dtype=pl.String),
        ),
    }  # fmt: skip
    empty = {"splits": "categorized.splits", "transfers": "categorized.transfers", "securities": "clean.securities", "holdings": "clean.holdings", "trades": "clean.trades"}  # fmt: skip
    return made | {name: CONTRACTS[address].empty() for name, address in empty.items()}


def kept(frames: dict[str, pl.DataFrame]) -> Books:
    """Double entry for the rows."""
    return keep_books(BOOK, **frames)


def three_statements(postings: pl.DataFrame) -> int:
    """Income statement, balance sheet and cash flow for 120 months; returns their lines."""
    months = pl.date_range(FIRST, LAST, "1mo", eager=True).to_list()
    assert len(months) == MONTHS
    balances = monthly_balances(BOOK, postings, months, LAST)
    sheet_ = balance_sheet(BOOK, balances, unrealized(BOOK, balances, NOTHING_HELD))
    return sum(one.height for one in (income_statement(BOOK, balances), sheet_, cash_flow(BOOK, balances)))


def books(count: int) -> dict[str, Any]:
    """Clean rows to three statements, by part."""
    frames = clean_rows(count)
    began, used = perf_counter(), process_time()
    made = kept(frames)
    between = perf_counter()
    lines = three_statements(made.postings)
    ended = perf_counter()
    return {
        "seconds": round(ended - began, 2),
        "cpu_seconds": round(process_time() - used, 2),
        "journal_and_postings": round(between - began, 2),
        "three_statements_120_months": round(ended - between, 2),
        "lines": lines,
        "postings": made.postings.height,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def against_hledger(count: int, sample: int, runs: int) -> dict[str, Any]:
    """A balance sheet of ``sample`` of the rows, by hledger from its file and by ours."""
    frames = clean_rows(count)
    frames = {name: frame.head(sample) if frame.height == count else frame for name, frame in frames.items()}
    with tempfile.TemporaryDirectory(prefix="manna-bench-") as folder:
        made = kept(frames)
        stored = Path(folder) / "postings.parquet"
        made.postings.write_parquet(stored)
        ours = [measured(lambda: sheet(pl.read_parquet(stored))) for _ in range(runs)]
        whole = [measured(lambda: sheet(kept(frames).postings)) for _ in range(runs)]
        file, empty = Path(folder) / "books.journal", Path(folder) / "empty.journal"
        file.write_text(journal_file(made), encoding="utf-8")
        empty.write_text("", encoding="utf-8")
        start = min(measured(lambda: told(empty)) for _ in range(runs))
        theirs = [measured(lambda: told(file)) for _ in range(runs)]
        total = next(line for line in told(file).splitlines() if line.startswith('"Net:"'))
    assets = sheet(made.postings).filter(pl.col("account") == "Total assets")["amount"][0]
    assert Decimal(total.split('"')[3].removesuffix(" USD")) == assets, (total, assets)
    # Of CPU: the machine may be busy, and neither waits for anything.
    seconds = statistics.median(cpu for _, cpu in theirs) - start[1]
    found = {"transactions": sample, "hledger_cpu_seconds": round(seconds, 2)}
    for name, times in (("from_its_file", ours), ("from_clean_rows", whole)):
        cpu = statistics.median(cpu for _, cpu in times)
        found[name] = {"cpu_seconds": round(cpu, 3), "ratio": round(seconds / cpu, 1)}
    return found


def sheet(postings: pl.DataFrame) -> pl.DataFrame:
    """The last month's balance sheet."""
    balances = monthly_balances(BOOK, postings, [LAST.replace(day=1)], LAST)
    return balance_sheet(BOOK, balances, unrealized(BOOK, balances, NOTHING_HELD))


def measured(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock and of CPU, this process's and its children's."""
    began, used = perf_counter(), sum(os.times()[:4])
    work()
    return perf_counter() - began, sum(os.times()[:4]) - used


def journal_file(made: Books) -> str:
    """The entries as hledger reads them, with nothing that it need not read."""
    lines = made.postings.sort("posting_id").select(
        "entry_id",
        line=pl.format("    {}  {} USD", "account", pl.col("amount").round(2).cast(pl.Decimal(18, 2))),
    )
    entries = lines.group_by("entry_id").agg(pl.col("line").str.join("\n"))
    told = made.journal.join(entries, on="entry_id").sort("date", "entry_id")
    whole: str = told.select(pl.format("{} {}\n{}\n", "date", "description", "line").str.join("\n")).item()
    return whole


def told(file: Path) -> str:
    """A balance sheet by hledger."""
    command = ["hledger", "-f", str(file), "balancesheet", "-e", str(LAST + timedelta(days=1)), "-O", "csv"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def late_row(count: int) -> dict[str, Any]:
    """Seconds in ``ledger`` and ``reports`` of a first night, of one with a late row, and of one with nothing new."""
    with tempfile.TemporaryDirectory(prefix="manna-bench-") as folder:
        own = Path(folder) / "data" / "books"
        own.mkdir(parents=True)
        (own / "home.yaml").write_text(f"id: {BOOK.id}\nname: {BOOK.name}\n")
        os.environ |= {"MANNA_DATA_DIR": str(Path(folder) / "data"), "MANNA_NOW": KNOWN.isoformat()}
        settings = Settings.load()
        with database(settings) as manna:
            frames = clean_rows(count)
            # The late row is of the middle: half of all months are made again.
            late = frames["transactions"].filter(pl.col("date") == FIRST + timedelta(days=DAYS // 2))[:1]
            store(
                manna,
                {
                    **frames,
                    "transactions": frames["transactions"].join(late, on="transaction_id", how="anti"),
                },
            )
            found = {"transactions": count, "first_night": night(manna)}
            store(manna, frames)
            found["late_row"] = night(manna)
            found["nothing_new"] = night(manna)
    return found


def store(manna: Installation, frames: dict[str, pl.DataFrame]) -> None:
    """What the stages before would have written."""

    def work(lake: LakeTransaction) -> None:
        for name, frame in frames.items():
            lake.replace(ledger.SOURCES[name], frame)

    manna.lake.commit([], work)


def night(manna: Installation) -> dict[str, Any]:
    """What the two stages do of a night, each as one lake transaction, with the months that changed."""
    taken = {}
    for name, work in (
        ("keep_books", lambda lake: ledger.keep(manna, [], lake)),
        ("hash_months", lambda lake: ledger.refresh_months(manna, [], lake)),
    ):
        taken[name] = measured(lambda work=work: manna.lake.commit([], work))  # type: ignore[misc]
    months = reports.dirty_months(manna.lake)
    taken["make_statements"] = measured(
        lambda: manna.lake.commit([], lambda lake: reports.make(manna, [], months, "benchmark", lake))
    )
    steps = {name: round(seconds, 2) for name, (seconds, _) in taken.items()}
    whole = [round(sum(times), 2) for times in zip(*taken.values(), strict=True)]
    return {"months_made": len(months), "seconds": whole[0], "cpu_seconds": whole[1], "steps": steps}


if __name__ == "__main__":
    main()
