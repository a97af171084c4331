"""``portfolio.backtests`` through Dagster's own materialize: partitions of a book's file, rows, pictures, and what fails."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml
from worlds import World, failure, said, succeeded

from assets.backtests import DAYS, TABLE, Asked, backtests_asset, try_all
from manna.books import Book
from manna.contracts import CONTRACTS
from pipelines.partitions import backtest_sets
from pipelines.sensors import RANGE_END, RANGE_START
from resources.books import read_books
from resources.lake import Change, LakeTransaction
from resources.settings import Settings

BOOK = """
id: ours
name: Ours
targets: { weights: { A: 0.5, B: 0.4, CASH: 0.1 } }
backtests:
  bands: { strategy: drift bands, sweep: { absolute: [0.05, 0.1] }, cost_bps: 10, benchmark: C }
  unknown: { strategy: fixed targets, parameters: { targets: { X: 1 } } }
"""
KEYS = ["ours.bands.absolute-0.05", "ours.bands.absolute-0.1", "ours.unknown"]


def frames() -> dict[str, pl.DataFrame]:
    """Three symbols of 40 days: A goes from 100 to 295 and splits, B stays, C pays a dividend."""
    source = {"batch_id": "b", "payload_sha256": "0", "known_at": datetime(2026, 3, 1, tzinfo=UTC)}
    prices = {
        "A": [100 + 5 * n if n < 20 else (100 + 5 * n) / 2 for n in range(40)],
        "B": [50] * 40,
        "C": [20] * 40,
    }
    bars = [
        {"symbol": symbol, "date": date(2026, 1, 1) + timedelta(days=n), "volume": 1, **source}
        | {name: Decimal(str(close)) for name in ("open", "high", "low", "close")}
        for symbol, closes in prices.items()
        for n, close in enumerate(closes)
    ]
    actions = [
        {"action_id": "1", "symbol": "A", "kind": "split", "ex_date": date(2026, 1, 21), "ratio": Decimal(2), **source},
        {"action_id": "2", "symbol": "C", "kind": "dividend", "ex_date": date(2026, 1, 11), "cash": Decimal(1), **source},
    ]  # fmt: skip
    rows = {"clean.bars": bars, "clean.corporate_actions": actions}
    return {
        address: pl.DataFrame(found, schema=CONTRACTS[address].polars_schema)
        for address, found in rows.items()
    }


class Kept:
    """What a transaction reads and writes, in memory."""

    def __init__(self) -> None:
        self.tables = frames()

    def read(self, address: str) -> pl.DataFrame:
        return self.tables[address]

    def replace(self, address: str, rows: pl.DataFrame, scope: dict[str, Any]) -> Change:
        assert CONTRACTS[address].violations(rows).list.len().sum() == 0
        assert rows["backtest"].unique().to_list() == [scope["backtest"]]
        self.tables[address] = rows
        return Change(inserted=rows.height, total=rows.height)


def asked(key: str) -> Asked:
    book = Book.model_validate(yaml.safe_load(BOOK))
    found = [
        Asked(book, name, setting, one)
        for name, setting in book.backtests.items()
        for one in setting.sets(book.id, name)
    ]
    return next(each for each in found if each.one.key == key)


def test_what_a_set_of_parameters_comes_to() -> None:
    """Bought at 105 on the second day, back to half and 40 % on the 2nd of February at 260 (before the split), 295 in the end."""
    lake: Any = Kept()
    (rows, days), trials = try_all([asked(KEYS[0])], lake)
    assert (rows.inserted, days.inserted, list(trials)) == (1, 40, KEYS[:1])
    [row] = lake.tables[TABLE].to_dicts()
    assert (row["backtest"], row["book"], row["strategy"]) == (KEYS[0], "ours", "drift bands")
    assert (row["first"], row["last"]) == (date(2026, 1, 1), date(2026, 2, 9))
    bought = 10_000 / 1.0009
    until = bought * (0.5 + 0.5 * 260 / 105)
    assert float(row["final_value"]) == pytest.approx(until * (0.5 + 0.5 * 295 / 260), rel=5e-4)  # less costs
    assert row["benchmark_return"] == Decimal("0.05")
    assert json.loads(row["parameters"]) == {"absolute": 0.05, "targets": {"A": 0.5, "B": 0.4}}
    assert lake.tables[DAYS]["drawdown"].min() > Decimal("-0.001")  # a split is no fall


def test_a_backtest_that_cannot_be_made_says_why() -> None:
    lake: Any = Kept()
    with pytest.raises(dg.Failure) as caught:
        try_all([asked("ours.unknown")], lake)
    assert caught.value.description == "ours.unknown: there are no prices of X; there are: A, B, C"
    assert not caught.value.allow_retries
    assert TABLE not in lake.tables


@pytest.mark.slow  # a database of its own
def test_a_set_of_parameters_is_a_partition(new_world: Callable[..., World], tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "ours.yaml").write_text(BOOK)
    world = new_world()
    world.set(books_dir=tmp_path / "books")

    def write(lake: LakeTransaction) -> None:
        for address, rows in frames().items():
            lake.append(address, rows)

    world.manna.lake.commit(list(frames()), write, author="test", message="bars")
    sets = backtest_sets(world.manna.books.values())
    assert sets.get_partition_keys() == KEYS
    asset = backtests_asset(sets)
    told = said(succeeded(world.run([asset], partition=KEYS[0])), TABLE)
    [row] = world.read(TABLE).to_dicts()
    assert told["total return"] == pytest.approx(float(row["total_return"]), abs=1e-8)
    # What it came to beside the benchmark, and the falls.
    assert told["plots"].count("data:image/svg+xml;base64,") == 2
    assert told["change"] == "1 in, 0 out"
    assert world.read(DAYS).height == 40

    # The same bars under the same parameters: nothing changes. Another set is another row, and a range is one run.
    assert said(succeeded(world.run([asset], partition=KEYS[0])), TABLE)["change"] == "nothing has changed"
    tags = {RANGE_START: KEYS[0], RANGE_END: KEYS[1]}
    assert said(succeeded(world.run([asset], tags=tags)), TABLE)["backtests"] == 2
    assert sorted(world.read(TABLE)["backtest"]) == KEYS[:2]

    failed = world.run([asset], partition="ours.unknown")
    assert failure(failed, "try_strategies") == (
        "ours.unknown: there are no prices of X; there are: A, B, C", 0
    )  # fmt: skip
    gone = world.run([backtests_asset(dg.StaticPartitionsDefinition(["ours.gone"]))], partition="ours.gone")
    assert failure(gone, "try_strategies")[0].startswith("no book's file asks for ours.gone any more")
    assert sorted(world.read(TABLE)["backtest"]) == KEYS[:2]


def test_the_demos_books_ask_for_backtests_that_have_keys() -> None:
    books = read_books(Settings(_env_file=None).books)
    keys = backtest_sets(books.values()).get_partition_keys()
    assert "household.bands.absolute-0.05" in keys
    assert len(set(keys)) == len(keys)
