"""How long 100,000 Plaid transactions take over HTTP into ``clean.transactions``, against a floor.

Prints JSON. The people are a custom-user file made for the purpose; the sandbox is a process of its own that
serves it over HTTP; lake, catalogue and connection are real and new for each run.

- ``floor``: the same 200 pages fetched with a bare urllib3 pool (keep-alive, the transport of Plaid's SDK without
  the SDK) and each parsed with orjson; nothing is kept.
- ``floor_by_sdk``: the same through Plaid's official SDK, asked for bytes, as the product does.
- ``raw`` and ``clean``: the product's own code from asking to committed: what ``pull_plaid`` and ``clean_transactions`` do,
  without Dagster's start and event log, which ``nightly_close.py`` measures.

``per_floor`` is (raw + clean) / floor, each the best of ``--runs``, which take turns so that all meet the same load.
The sandbox's own time to write the pages is in the floor and in ``raw`` alike. ``cpu_seconds`` are those of this process
and of the sandbox together, which work in turns: what waiting on a busy machine does not inflate.

Usage: ``uv run python benchmarks/ingestion.py [--transactions N] [--runs N]``.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson
import psutil
import urllib3

from assets.clean import cleaning_context, refresh
from assets.raw.plaid import _ask
from assets.raw.receiving import receive
from manna.cleaning import CLEANERS
from pipelines.services import database, sandbox
from resources.installation import Installation
from resources.plaid import PAGE
from resources.settings import Settings

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
PERSON = "person"
TABLE = "clean.transactions"
TEXTS = ("STARBUCKS STORE {}", "Uber 072515 SF**POOL{}", "SparkFun {}", "ACH Electronic CreditGUSTO PAY {}", "AMZN Mktp US*{}")  # fmt: skip


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    taken: dict[str, list[float]] = {}
    worked: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="manna-bench-") as folder,
        bank(Path(folder), options.transactions),
    ):
        for number in range(options.runs):
            with installation(Path(folder) / str(number)) as manna:
                for name, (seconds, cpu) in one_run(manna, options.transactions).items():
                    taken.setdefault(name, []).append(seconds)
                    worked.setdefault(name, []).append(cpu)
    best = {name: round(min(seconds), 3) for name, seconds in taken.items()}
    cpu_best = {name: round(min(seconds), 3) for name, seconds in worked.items()}
    print(
        json.dumps(
            {
                "transactions": options.transactions,
                "seconds": best,
                "cpu_seconds": cpu_best,
                "per_floor": round((best["raw"] + best["clean"]) / best["floor"], 2),
                "per_floor_by_sdk": round((best["raw"] + best["clean"]) / best["floor_by_sdk"], 2),
                "cpu_per_floor": round((cpu_best["raw"] + cpu_best["clean"]) / cpu_best["floor"], 2),
            },
            indent=1,
        )
    )


def one_run(manna: Installation, count: int) -> dict[str, tuple[float, float]]:
    """Seconds, and of CPU, of the two floors and of the product's two stages; new login, empty lake."""
    token = link(manna)
    # Once outside of any figure: it imports the SDK, and the sandbox looks up what this pass will tell.
    fetched_by_sdk(manna, token, count)
    work = {
        "floor": lambda: fetched(manna, token, count),
        "floor_by_sdk": lambda: fetched_by_sdk(manna, token, count),
        "raw": lambda: pull(manna),
        "clean": lambda: refresh(manna, CLEANERS[TABLE], cleaning_context(manna), "benchmark"),
    }
    taken = {}
    for name, one in work.items():
        at_work = cpu_seconds()
        taken[name] = (timed(one), cpu_seconds() - at_work)
    rows = manna.lake.query(f"SELECT count(*) FROM {TABLE}").row(0)[0]
    assert rows == count, f"{rows} rows of {count}"
    return taken


def fetched(manna: Installation, token: str, count: int) -> None:
    """Every page, by a bare connection pool, parsed."""
    settings = manna.settings
    assert settings.plaid_client_id is not None
    assert settings.plaid_secret is not None
    headers = {
        "PLAID-CLIENT-ID": settings.plaid_client_id.get_secret_value(),
        "PLAID-SECRET": settings.plaid_secret.get_secret_value(),
        "Content-Type": "application/json",
    }
    with urllib3.PoolManager(headers=headers) as pool:

        def page(cursor: str) -> bytes:
            body = orjson.dumps({"access_token": token, "cursor": cursor, "count": PAGE})
            answer = pool.request("POST", f"{settings.plaid_url}/transactions/sync", body=body)
            assert answer.status == 200, answer.data
            return answer.data

        read_all(page, count)


def fetched_by_sdk(manna: Installation, token: str, count: int) -> None:
    """Every page, by the official SDK asked for bytes, parsed."""
    from plaid.model.transactions_sync_request import TransactionsSyncRequest

    def page(cursor: str) -> bytes:
        request = TransactionsSyncRequest(access_token=token, cursor=cursor, count=PAGE)
        return bytes(manna.plaid._api.transactions_sync(request, _preload_content=False).data)

    read_all(page, count)


def read_all(page: Callable[[str], bytes], count: int) -> None:
    """Asks for page after page and parses each."""
    cursor, rows, more = "", 0, True
    while more:
        parsed = orjson.loads(page(cursor))
        cursor, more = parsed["next_cursor"], parsed["has_more"]
        rows += len(parsed["added"])
    assert rows == count


def pull(manna: Installation) -> None:
    """What ``pull_plaid`` does."""
    connections = manna.ops.connections(provider="plaid")
    received = receive(manna, "benchmark", connections, "plaid", lambda told: _ask(manna, told))
    assert not received.failures, received.failures


def link(manna: Installation) -> str:
    """Links the person's login afresh; its access token."""
    products = ["transactions"]
    token, item = manna.plaid.exchange(manna.plaid.sandbox_public_token("ins_109508", products, PERSON))
    manna.ops.add_connection(
        {
            "connection_id": item,
            "book": "home",
            "provider": "plaid",
            "institution": "First Platypus Bank",
            "external_id": item,
            "products": dict.fromkeys(products, True),
            "token": manna.vault.seal(token),
            "linked_at": NOW,
        }
    )
    return token


@contextmanager
def bank(folder: Path, count: int) -> Iterator[None]:
    """A running sandbox whose only person has ``count`` posted transactions; this process is pointed at it."""
    os.environ["MANNA_NOW"] = NOW.isoformat()
    (folder / "books").mkdir()
    (folder / "books" / "home.yaml").write_text("id: home\nname: Home\n")
    os.environ["MANNA_BOOKS_DIR"] = str(folder / "books")
    people = folder / f"{PERSON}.json"
    people.write_text(json.dumps(person(count)))
    with sandbox(Settings.load(data_dir=folder / "bank"), people):
        yield


def person(count: int) -> dict[str, Any]:
    """A custom user of Plaid's sandbox: one checking account, ``count`` rows over the last 700 days."""
    today = NOW.date()
    return {
        "override_accounts": [
            {
                "type": "depository",
                "subtype": "checking",
                "starting_balance": 10000,
                "transactions": [
                    row(number, today - timedelta(days=number % 700)) for number in range(count)
                ],
            }
        ]
    }


def row(number: int, day: date) -> dict[str, Any]:
    """One of the person's transactions."""
    return {
        "date_transacted": day.isoformat(),
        "date_posted": day.isoformat(),
        "amount": (number % 9_973 - 2_000) / 100,
        "description": TEXTS[number % len(TEXTS)].format(number),
        "currency": "USD",
    }


@contextmanager
def installation(data_dir: Path) -> Iterator[Installation]:
    """A new data directory with its own database and lake."""
    with database(Settings.load(data_dir=data_dir)) as manna:
        yield manna


def cpu_seconds() -> float:
    """CPU seconds so far of this process and of the sandbox beside it."""
    this = psutil.Process()
    both = [this, *(child for child in this.children() if "sandbox" in child.cmdline())]
    return float(sum(sum(process.cpu_times()[:2]) for process in both))


def timed(work: Callable[[], Any]) -> float:
    """Wall seconds of one call."""
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    main()
