"""What is stored is of one version: made unasked in a new place, refused of any other, and migrated when asked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from stored import RAW, TABLE, fill, held, installation, refused, write

from manna.contracts import CONTRACTS, Column, Kind
from resources.backup import backups
from resources.installation import Installation
from resources.lake_tables import migrate_lake
from resources.ops import Ops
from resources.postgres import sqlalchemy_url
from resources.schema import (
    MIGRATIONS,
    SchemaError,
    make_ready,
    migrate,
    migrate_all,
    require_current,
    revisions,
    standing,
)

MADE_UP: dict[type, object] = {
    str: "x",
    int: 1,
    float: 1.0,
    bool: True,
    bytes: b"x",
    list: [],
    Decimal: Decimal(1),
    date: date(2026, 1, 1),
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.fixture
def manna(database: str, tmp_path: Path) -> Iterator[Installation]:
    made = installation(database, tmp_path / "data")
    yield made
    made.close()


def newer_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program whose quarantine has one column more than the data directory's."""
    contract = CONTRACTS[TABLE]
    mood = Column("mood", Kind.QUANTITY, "A mood.", nullable=True, since=contract.version + 1)
    grown = replace(contract, version=contract.version + 1, columns=(*contract.columns, mood))
    monkeypatch.setitem(CONTRACTS, TABLE, grown)


def test_the_names_of_the_migrations_are_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    chain = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert revisions() == chain[::-1]


@pytest.mark.slow
def test_a_new_place_is_made_ready_and_a_second_start_changes_nothing(
    empty_database: str, tmp_path: Path
) -> None:
    manna = installation(empty_database, tmp_path / "data")
    make_ready(manna)
    snapshot = manna.lake.snapshot()
    assert standing(empty_database).pending == []
    make_ready(manna)
    require_current(empty_database)
    assert manna.lake.snapshot() == snapshot
    manna.close()


def test_a_lake_of_an_older_contract_is_refused_and_then_grows(
    manna: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(manna)
    before, then = manna.lake.read(TABLE).sort("source_id"), manna.lake.snapshot()
    facts = manna.lake.read(RAW).sort("batch_id", "seq")
    newer_contract(monkeypatch)
    version = CONTRACTS[TABLE].version
    refusal = r"was made by an older version of Manna \(1 changes are due\); run `manna migrate`"
    with pytest.raises(SchemaError, match=refusal):
        make_ready(manna)
    with pytest.raises(SchemaError, match="run `manna migrate`"):
        require_current(manna.postgres_url)
    assert manna.lake.read(TABLE).columns == before.columns  # refusing alters nothing
    assert migrate_all(manna) == [f"{TABLE} from version {version - 1} to {version}"]
    make_ready(manna)

    after = manna.lake.read(TABLE).sort("source_id")
    assert after.drop("mood").equals(before)
    assert after["mood"].null_count() == after.height
    assert after.schema == CONTRACTS[TABLE].polars_schema
    assert manna.lake.read_at(TABLE, then).sort("source_id").equals(before)  # the past had no mood
    assert manna.lake.read(RAW).sort("batch_id", "seq").equals(facts)
    rows = CONTRACTS[TABLE].conform(refused("new").with_columns(mood=7))
    write(manna, rows)
    assert held(manna) == ["new"]
    assert migrate_all(manna) == []
    monkeypatch.undo()
    with pytest.raises(
        SchemaError, match=rf"a newer version of Manna has been here \({TABLE}; this one knows ops"
    ):
        make_ready(manna)


def test_a_new_table_is_a_change_too(manna: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(CONTRACTS[TABLE], name="second", version=3)
    monkeypatch.setitem(CONTRACTS, other.address, other)
    assert standing(manna.postgres_url).pending == [f"new table {other.address}"]
    assert migrate_lake(manna.lake) == [other.address]
    assert standing(manna.postgres_url).pending == []


def test_an_older_ops_is_refused_and_then_migrated(manna: Installation) -> None:
    [*_, former, newest] = revisions()
    migrate(manna.ops.engine, former)
    with pytest.raises(
        SchemaError, match=r"1 changes are due\); run `manna migrate`, which makes a backup first"
    ):
        make_ready(manna)
    assert standing(manna.postgres_url).ops == former
    assert migrate_all(manna) == [f"ops {newest}"]
    make_ready(manna)


def test_a_newer_ops_is_refused_by_everything(manna: Installation) -> None:
    with psycopg.connect(manna.postgres_url) as connection:
        connection.execute("UPDATE ops.alembic_version SET version_num = '9999'")
    for refusing in (
        lambda: make_ready(manna),
        lambda: migrate_all(manna),
        lambda: require_current(manna.postgres_url),
    ):
        with pytest.raises(
            SchemaError, match=r"a newer version of Manna has been here \(ops 9999; this one knows"
        ):
            refusing()
    assert backups(manna.settings.backups_dir) == []


@pytest.mark.slow
def test_every_step_down_and_up_keeps_the_rows_of_older_tables(empty_database: str) -> None:
    """A row in every table that a step has made; what stays through the next steps, down and up, keeps its rows."""
    engine = Ops(sqlalchemy_url(empty_database)).engine

    def counts() -> dict[str, int]:
        with engine.connect() as connection:
            tables = set(sa.inspect(connection).get_table_names(schema="ops")) - {"alembic_version"}
            return {
                table: connection.scalar(sa.text(f"SELECT count(*) FROM ops.{table}")) for table in tables
            }

    filled: set[str] = set()
    made_by: dict[str, set[str]] = {}
    for revision in revisions():
        migrate(engine, revision)
        made_by[revision] = counts().keys() - filled
        for table in sorted(made_by[revision]):
            if table != "examinations" and _row(
                engine, table
            ):  # those are emptied, and made again by a night
                filled.add(table)
        assert {table: count for table, count in counts().items() if table in filled} == dict.fromkeys(
            filled, 1
        )
    assert len(filled) > len(counts()) / 2
    steps = revisions()
    for revision, before in zip(steps[:0:-1], steps[-2::-1], strict=True):
        migrate(engine, before)
        filled -= made_by[revision]
        assert {table for table, count in counts().items() if count} >= filled & counts().keys()
    assert filled
    migrate(engine)
    kept = counts()
    assert all(kept[table] == 1 for table in filled & kept.keys())


def _row(engine: sa.Engine, table: str) -> bool:
    """Puts a row of made-up values into a table; whether its rules let it."""
    metadata = sa.MetaData()
    reflected = sa.Table(table, metadata, schema="ops", autoload_with=engine)
    values = {
        column.name: _value(column)
        for column in reflected.columns
        if not column.nullable and column.server_default is None and column.identity is None
    }
    try:
        with engine.begin() as connection:
            connection.execute(reflected.insert().values(**values))
    except sa.exc.IntegrityError:  # a check or another table wants more than made-up values
        return False
    return True


def _value(column: sa.Column[object]) -> object:
    kind = getattr(column.type, "python_type", object)
    return MADE_UP.get(kind, {})  # what has no type in Python is JSON
