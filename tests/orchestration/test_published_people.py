"""Plaid's published custom users, none of them ours, through a whole night: every row of their files arrives, once."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from serving_up import PROJECT, run_manna
from states import loose_ends, opened, state

from resources.plaid import DAYS_REQUESTED
from tests.conftest import FinishedDemo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("people")]

PUBLISHED = PROJECT.parent / "shared" / "reference" / "plaid" / "sandbox_custom_users"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST_DAY = NOW.date() - timedelta(days=DAYS_REQUESTED)
Posted = tuple[date, Decimal]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    """`manna demo --people` on the whole folder."""
    if not PUBLISHED.exists():
        pytest.skip("Plaid's custom users are not beside the checkout (../shared/reference/plaid)")
    fresh = FinishedDemo(tmp_path_factory.mktemp("people") / "data", "", "")
    done = run_demo(fresh)
    assert done.returncode == 0, done.stderr
    return replace(fresh, out=done.stdout, err=done.stderr)


def environment(demo: FinishedDemo) -> dict[str, str]:
    """Late enough for the newest of the files."""
    return {**demo.environment, "MANNA_NOW": NOW.isoformat()}


def run_demo(demo: FinishedDemo) -> "subprocess.CompletedProcess[str]":
    return run_manna(environment(demo), "demo", "--people", str(PUBLISHED))


def accounts_in_files() -> Iterator[tuple[Path, dict[str, Any]]]:
    """(file, account) of every account of the files that the sandbox serves."""
    for file in sorted(PUBLISHED.rglob("*.json")):
        for account in json.loads(file.read_text()).get("override_accounts") or ():
            if account.get("type") not in (None, "payroll"):
                yield file, account


def test_every_row_of_the_files_arrives_once(demo: FinishedDemo) -> None:
    wanted: Counter[Posted] = Counter()
    adding = False
    for _, account in accounts_in_files():
        for row in account.get("transactions") or ():
            day = date.fromisoformat(row["date_posted"])
            if FIRST_DAY <= day <= NOW.date():
                wanted[day, -Decimal(str(row["amount"]))] += 1
        adding |= (account.get("inflow_model") or {}).get("type", "none") != "none"
    with opened(environment(demo)) as manna:
        told = manna.lake.read("clean.transactions").filter(~pl.col("removed"), ~pl.col("pending"))
    found = Counter(told.select("date", "amount").iter_rows())
    assert wanted.total() > 100
    assert wanted - found == Counter()
    # What the files do not list is regular income or payments, which some of them ask for.
    extra = found - wanted
    assert adding or not extra
    listed = told.filter(
        pl.struct("date", "amount").map_elements(
            lambda row: (row["date"], row["amount"]) in extra, return_dtype=pl.Boolean
        )
    )
    assert listed["account_id"].n_unique() <= sum(
        (account.get("inflow_model") or {}).get("type", "none") != "none"
        for _, account in accounts_in_files()
    )


def test_rows_in_are_rows_out_and_quarantined(demo: FinishedDemo) -> None:
    with opened(environment(demo)) as manna:
        lake = manna.lake
        raw = (
            lake.read("raw.plaid_transactions").filter(pl.col("change") != "removed")["source_id"].n_unique()
        )
        rows, refused = lake.read("clean.transactions").height, lake.read("clean.quarantine")
        accounts = lake.read("clean.accounts")
        unreconciled = lake.read("ledger.reconciliation").filter(pl.col("basis") == "difference")
        connections = manna.ops.connections()
    assert raw == rows + refused.filter(pl.col("table_name") == "clean.transactions").height
    assert refused.is_empty(), refused.select("table_name", "reasons").rows()
    assert accounts.filter(provider="plaid").height == sum(1 for _ in accounts_in_files())
    assert {connection["status"] for connection in connections} == {"healthy"}
    assert unreconciled.is_empty(), unreconciled.rows()


def test_a_second_night_changes_nothing(demo: FinishedDemo) -> None:
    before = state(environment(demo))
    again = run_demo(demo)
    assert again.returncode == 0, again.stderr
    after = state(environment(demo))
    different = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert different == []
    assert loose_ends(environment(demo)) == []
