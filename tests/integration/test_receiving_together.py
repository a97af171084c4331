"""Two processes that pull the same login: each row once, and whoever is killed leaves all to the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import psycopg
import pytest
from children import Child, child, ended, said, tell
from pulling import assert_sound, link

from resources.installation import Installation

SYNC_ONCE = """
import sys
from assets.raw.receiving import receive
from resources.installation import Installation
from resources.lake import Lake
from pathlib import Path
manna = Installation()
manna.__dict__["lake"] = Lake(manna.postgres_url, Path(sys.argv[1]))
def ask(told):
    token = manna.vault.open(told.connection["token"])
    answer = manna.plaid.transactions(token, told.cursor)
    print("read from", told.cursor, flush=True)
    sys.stdin.readline()
    return {"raw.plaid_transactions": answer}
print("starting", flush=True)
found = receive(manna, sys.argv[2], manna.ops.connections(provider="plaid"), "plaid", ask)
assert not found.failures, found.failures
print("kept", found.rows["raw.plaid_transactions"], flush=True)
"""


@pytest.fixture
def linked(manna: Installation, bank: Any) -> Installation:
    """With one login at Plaid."""
    link(manna, bank)
    return manna


@contextmanager
def pulling(manna: Installation, name: str) -> Iterator[Child]:
    """A process of the product that waits between reading and committing until it is told to go on."""
    settings = manna.settings
    assert settings.plaid_client_id is not None
    assert settings.plaid_secret is not None
    with child(
        SYNC_ONCE,
        manna.lake._data_path,
        name,
        MANNA_DATA_DIR=str(settings.data_dir),
        MANNA_BOOKS_DIR=str(settings.books_dir),
        MANNA_NOW="2026-03-16T12:00:00Z",
        MANNA_POSTGRES_URL=str(settings.postgres_url),
        PLAID_CLIENT_ID=settings.plaid_client_id.get_secret_value(),
        PLAID_SECRET=settings.plaid_secret.get_secret_value(),
        PLAID_BASE_URL=settings.plaid_url,
    ) as process:
        assert said(process) == "starting"
        yield process


def go_on(process: Child) -> str:
    """What it says next, once it may commit."""
    tell(process)
    return said(process)


def wait_until_somebody_waits(url: str) -> None:
    """Returns once a process waits for an advisory lock that another one holds."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(1_000_000):
            waiting = connection.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone()
            if waiting != (0,):
                return
    pytest.fail("nobody waits for the lock")


def test_two_processes_that_sync_the_same_login_end_with_each_row_once(
    linked: Installation, database: str
) -> None:
    with pulling(linked, "first") as first:
        assert said(first) == "read from None"
        with pulling(linked, "second") as second:
            # It may not even read the cursor that the first one will move.
            wait_until_somebody_waits(database)
            assert int(go_on(first).removeprefix("kept ")) > 100
            cursor = said(second)
            assert go_on(second) == "kept 0"
            ended(first)
            ended(second)
    batches = linked.lake.read("raw.batches").filter(pl.col("cursor_after").is_not_null())
    assert cursor == f"read from {batches['cursor_after'][0]}"
    assert batches["run_id"].to_list() == ["first"]
    transactions = linked.lake.read("raw.plaid_transactions")
    assert not transactions["source_id"].is_duplicated().any()
    assert_sound(linked)


@pytest.mark.slow
def test_who_is_killed_between_reading_and_committing_leaves_everything_to_the_next(
    linked: Installation, database: str
) -> None:
    with pulling(linked, "first") as first:
        assert said(first) == "read from None"
        with pulling(linked, "second") as second:
            wait_until_somebody_waits(database)
            first.kill()
            assert said(second) == "read from None"
            assert int(go_on(second).removeprefix("kept ")) > 100
            ended(second)
    assert linked.lake.read("raw.batches")["run_id"].to_list() == ["second"]
    assert_sound(linked)
