"""Maintenance: the stores become smaller, no row changes, and nothing goes that somebody may be reading."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from stored import RAW, TABLE, held, installation, receive, refused, write

from assets.run_history import forget_old_runs
from resources import maintenance
from resources.installation import Installation
from resources.lake import INLINED_ROWS, LakeError
from resources.maintenance import maintain_lake, vacuum
from resources.stores import stores


@pytest.fixture
def manna(database: str, tmp_path: Path) -> Iterator[Installation]:
    """Three files, and past states: rows of two commits, of which the second took some of the first away."""
    made = installation(database, tmp_path / "data")
    first = [f"a{number}" for number in range(INLINED_ROWS + 1)]
    second = [f"b{number}" for number in range(INLINED_ROWS + 1)]
    write(made, refused(*first))
    write(made, refused(*first, *second))
    yield made
    made.close()


def files(manna: Installation) -> set[str]:
    return {str(file) for file in manna.settings.lake_dir.rglob("*.parquet")}


def test_files_are_merged_and_no_row_of_now_or_then_changes(manna: Installation) -> None:
    then, before, there = manna.lake.snapshot() - 1, held(manna), files(manna)
    past = manna.lake.read_at(TABLE, then)["source_id"].sort()
    done = maintain_lake(manna.lake, 30)
    assert (done.files_merged, done.snapshots_expired, done.files_removed) == (2, 0, 0)
    assert held(manna) == before
    assert manna.lake.read_at(TABLE, then)["source_id"].sort().equals(past)
    assert there < files(manna)  # whoever reads the former files goes on
    assert dataclasses.astuple(maintain_lake(manna.lake, 30)) == ((), 0, 0, 0)


def test_a_file_that_has_ended_is_none_to_be_merged(manna: Installation) -> None:
    write(manna, refused(*(f"c{number}" for number in range(INLINED_ROWS + 1))))
    assert len(files(manna)) >= 3
    assert maintenance._candidates(manna.postgres_url) == ([], [])


def test_past_snapshots_and_their_files_go_when_their_time_has_come(
    manna: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for batch, count in (("one", INLINED_ROWS + 1), ("two", INLINED_ROWS + 1), ("three", 3)):
        receive(manna, batch, count)
    write(manna, refused("only"))
    facts = manna.lake.read(RAW).sort("batch_id", "seq")
    assert facts.height == 2 * (INLINED_ROWS + 1) + 3
    done = maintain_lake(manna.lake, 0)
    assert done.snapshots_expired > 2
    assert done.files_removed == 0  # for a day nobody's file is taken away
    assert len(files(manna)) >= 2
    monkeypatch.setattr(maintenance, "READERS_HOURS", 0)
    assert maintain_lake(manna.lake, 0).files_removed >= 2
    assert manna.lake.read(RAW).sort("batch_id", "seq").equals(facts)
    assert held(manna) == ["only"]
    write(manna, refused("only", "and more"))
    assert held(manna) == ["and more", "only"]


def test_inlined_rows_go_into_a_file_when_there_are_many(
    manna: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(manna, refused("x"))
    before = files(manna)
    assert maintain_lake(manna.lake, 30).flushed == ()
    monkeypatch.setattr(maintenance, "FLUSHED_ROWS", 1)
    assert maintain_lake(manna.lake, 30).flushed == (TABLE,)
    assert len(files(manna) - before) == 1
    assert held(manna) == ["x"]


def test_a_compaction_that_would_change_a_row_is_undone(
    manna: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a defect of the engine would make it: the row is changed between the two looks."""
    looks = iter([{TABLE: "1:a"}, {TABLE: "1:b"}])
    snapshot, rows = manna.lake.snapshot(), held(manna)
    monkeypatch.setattr(maintenance, "hashes_within", lambda transaction, tables: next(looks))
    with pytest.raises(LakeError, match=rf"compaction would change {TABLE}: left as it was"):
        maintain_lake(manna.lake, 0)
    assert manna.lake.snapshot() == snapshot
    assert held(manna) == rows


def test_growth_is_told(manna: Installation) -> None:
    vacuum(manna.postgres_url)
    found = {row["store"]: row for row in stores(manna).iter_rows(named=True)}
    lake = found["lake"]
    assert (lake["files"], lake["rows"]) == (2, 2 * (INLINED_ROWS + 1))
    assert lake["bytes"] == sum(Path(file).stat().st_size for file in files(manna))
    with psycopg.connect(manna.postgres_url) as connection:
        asked = "SELECT min(snapshot_time)::timestamptz AT TIME ZONE 'UTC' FROM lake.ducklake_snapshot"
        [since] = connection.execute(asked).fetchone() or (None,)
    assert lake["holds"].endswith(f"to {manna.lake.snapshot()}, since {since.date()}")
    assert found["documents"]["files"] == 2
    assert found["backups"]["holds"] == "none"
    with psycopg.connect(manna.postgres_url) as connection:
        [size] = connection.execute("SELECT pg_total_relation_size('ops.connections')").fetchone() or (0,)
    assert found["postgres ops"]["bytes"] > size > 0


def test_old_runs_go_but_not_what_is_still_asked_for() -> None:
    parts = dg.StaticPartitionsDefinition(["one", "two"])

    @dg.asset(partitions_def=parts)
    def by_part(context: dg.AssetExecutionContext) -> None: ...

    @dg.asset
    def whole(context: dg.AssetExecutionContext) -> None: ...

    job = dg.define_asset_job("parts", [by_part])
    night = dg.define_asset_job("night", [whole])
    defined = dg.Definitions([by_part, whole], jobs=[job, night])
    with dg.DagsterInstance.ephemeral() as instance:

        def run(name: str, partition: str | None = None) -> str:
            made = defined.resolve_job_def(name).execute_in_process(
                instance=instance, partition_key=partition
            )
            return made.run_id

        surplus = [run("parts", "one"), run("night")]
        kept = [run("parts", "one"), run("parts", "two"), run("night")]
        later = datetime.now(UTC) + timedelta(hours=1)
        assert forget_old_runs(instance, later - timedelta(hours=2)) == 0
        assert forget_old_runs(instance, later) == len(surplus)
        assert {one.run_id for one in instance.get_runs()} == set(kept)
        assert instance.get_materialized_partitions(dg.AssetKey("by_part")) == {"one", "two"}
        assert forget_old_runs(instance, later) == 0
