"""A file of the lake that is not what was written stops everything that would be made from it."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.common import Manna
from manna.contracts.continuity import SUCCESSIONS
from pipelines.process import installation_resource
from pipelines.running import _reason
from resources.installation import Installation
from resources.lake import INLINED_ROWS, LakeError
from resources.lake_files import damaged, lake_files, note_new, require_whole
from resources.settings import Settings

ROWS = INLINED_ROWS + 1
"""Enough for a file of their own."""


@pytest.fixture
def manna(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation on the test's database, with a lake of its own."""
    monkeypatch.setenv("MANNA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MANNA_POSTGRES_URL", database)
    return Installation(Settings.load())


def write(manna: Installation) -> Path:
    """Writes a file, and returns its path."""
    rows = {"predecessor_id": [f"row {n}" for n in range(ROWS)], "successor_id": "s", "book": "home"}
    more = {"account_id": "a", "how": "provider", "certain": True, "reason": "r"}
    frame = SUCCESSIONS.conform(pl.DataFrame(rows | more))
    manna.lake.commit([], lambda transaction: transaction.append(SUCCESSIONS.address, frame))
    return lake_files(manna)[-1].path


def missing(file: Path) -> None:
    file.unlink()


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def one_bit_over(file: Path) -> None:
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.write_bytes(held)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (missing, "is missing"),
        (cut_short, "bytes instead of"),
        (one_bit_over, "is not what was written (its SHA-256 is another)"),
    ],
)
def test_a_damaged_file_is_named(manna: Installation, harm: Callable[[Path], None], said: str) -> None:
    file = write(manna)
    assert note_new(manna) == 1
    assert list(damaged(manna)) == []
    harm(file)
    with pytest.raises(LakeError, match="Nothing is made from it") as refused:
        require_whole(manna)
    assert f"{file} of clean.successions " in str(refused.value)
    assert said in str(refused.value)


def test_no_run_begins_with_a_damaged_file(manna: Installation, tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path), {"telemetry": {"enabled": False}}) as instance:
        file = write(manna)
        # The run that finds it new keeps its hash; a second finds nothing new. Every warning is an error in this suite:
        # nothing deprecated is asked of Dagster for it.
        assert night(instance).success
        assert note_new(manna) == 0
        assert list(damaged(manna)) == []

        one_bit_over(file)
        failed = night(instance)
        assert not failed.success
        words = f"{file} of clean.successions is not what was written (its SHA-256 is another)"
        assert words in _reason("night", failed)


def night(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """A run that needs the installation."""

    @dg.op
    def read(manna: Manna) -> None:
        assert manna.lake.read(SUCCESSIONS.address).height == ROWS

    job = dg.GraphDefinition(name="night", node_defs=[read]).to_job(
        resource_defs={"manna": installation_resource}
    )
    return job.execute_in_process(instance=instance, raise_on_error=False)
