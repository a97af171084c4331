"""A pull whose process is killed (SIGKILL) before any of its writes, or its commit, has written nothing at all."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assets.raw.plaid import _ask
from assets.raw.receiving import receive
from manna.contracts import CONTRACTS
from resources.installation import Installation

PROJECT = Path(__file__).resolve().parents[3]
PULL_AND_DIE = """
import os, signal, sys
from pathlib import Path
from assets.raw.plaid import _ask
from assets.raw.receiving import receive
from resources import lake
from resources.installation import Installation
manna = Installation()
manna.__dict__["lake"] = lake.Lake(manna.postgres_url, Path(sys.argv[1]))
append, once, writes = lake.LakeTransaction.append, lake.Lake._once, [0]
def die_before(what):
    if sys.argv[2] == str(what):
        os.kill(os.getpid(), signal.SIGKILL)
def counted(*args):
    die_before(writes[0])
    writes[0] += 1
    return append(*args)
def committing(self, work, *rest):
    def worked(transaction):
        found = work(transaction)
        die_before("commit")
        return found
    return once(self, worked, *rest)
lake.LakeTransaction.append, lake.Lake._once = counted, committing
connections = manna.ops.connections(provider="plaid")
receive(manna, "killed", connections, "plaid", lambda told: _ask(manna, told))
"""


@pytest.mark.slow
@pytest.mark.parametrize("before", ["0", "1", "2", "3", "5", "commit"])
def test_killed_before_a_write(manna: Installation, bank: Any, before: str) -> None:
    token, item = bank.link()
    manna.ops.add_connection(
        {
            "connection_id": "platypus",
            "book": "home",
            "provider": "plaid",
            "institution": "Platypus",
            "external_id": item,
            "products": {"transactions": True, "liabilities": True},
            "token": manna.vault.seal(token),
            "linked_at": datetime(2026, 3, 1, tzinfo=UTC),
        }
    )
    settings = manna.settings
    died = subprocess.run(
        [sys.executable, "-c", PULL_AND_DIE, str(manna.lake._data_path), before],
        cwd=PROJECT,
        env={
            "PYTHONWARNINGS": "ignore",
            "MANNA_DATA_DIR": str(settings.data_dir),
            "MANNA_BOOKS_DIR": str(settings.books_dir),
            "MANNA_NOW": "2026-03-16T12:00:00Z",
            "MANNA_POSTGRES_URL": str(settings.postgres_url),
            "PLAID_CLIENT_ID": settings.plaid_client_id.get_secret_value(),  # type: ignore[union-attr]
            "PLAID_SECRET": settings.plaid_secret.get_secret_value(),  # type: ignore[union-attr]
            "PLAID_BASE_URL": settings.plaid_url,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert rows(manna) == {}
    (connection,) = manna.ops.connections()
    assert connection["complete_through"] is None
    found = receive(manna, "next", [connection], "plaid", lambda told: _ask(manna, told))
    assert found.failures == {}
    assert set(manna.lake.read("raw.batches")["run_id"]) == {"next"}
    assert not manna.lake.read("raw.plaid_transactions")["source_id"].is_duplicated().any()
    assert rows(manna)["raw.plaid_transactions"] > 100


def rows(manna: Installation) -> dict[str, int]:
    """How many rows every raw table has that has any."""
    found = {name: manna.lake.read(name).height for name in CONTRACTS if name.startswith("raw.")}
    return {name: height for name, height in found.items() if height}
