"""The lake: one way to write, nothing lost between processes, and the past can be read."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest
from children import children, ended, said, tell

from manna.contracts import CONTRACTS
from manna.contracts.clean import QUARANTINE
from manna.contracts.continuity import SUCCESSIONS
from resources.lake import INLINED_ROWS, Change, ContractBrokenError, Lake, LakeError, LakeTransaction
from resources.lake import _open as attach
from resources.lake_tables import migrate_lake

TABLE = QUARANTINE.address


def rows(*names: str, table: str = "clean.a", reasons: str = "why") -> pl.DataFrame:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return QUARANTINE.conform(
        pl.DataFrame(
            [
                {
                    "table_name": table,
                    "source_id": name,
                    "book": "home",
                    "reasons": reasons,
                    "payload": "{}",
                    "batch_id": "b",
                    "payload_sha256": "0",
                    "known_at": moment,
                }
                for name in names
            ],
            schema=QUARANTINE.polars_schema,
        )
    )


def succession(name: str) -> pl.DataFrame:
    row = {"predecessor_id": f"before {name}", "successor_id": name, "book": "home", "account_id": "a"}
    return pl.DataFrame([row | {"how": SUCCESSIONS.columns[4].allowed[0], "certain": True, "reason": "r"}])  # type: ignore[index]


def replace(lake: Lake, frame: pl.DataFrame, **scope: str) -> Change:
    return lake.commit([TABLE], lambda transaction: transaction.replace(TABLE, frame, scope or None))


def held(lake: Lake, **scope: str) -> list[str]:
    return sorted(lake.read(TABLE, scope or None)["source_id"])


def test_every_table_is_made_and_only_once(lake: Lake) -> None:
    assert migrate_lake(lake) == []
    for address, contract in CONTRACTS.items():
        assert lake.read(address).schema == contract.polars_schema


def test_replace_writes_differences_only_and_says_so(lake: Lake) -> None:
    assert replace(lake, rows("a", "b", "c")) == Change(inserted=3, total=3)
    before = lake.snapshot()
    again = replace(lake, rows("c", "b", "a"))
    assert (again, again.is_nothing) == (Change(total=3), True)
    assert replace(lake, rows("b", "c", "d")) == Change(inserted=1, deleted=1, total=3)
    assert held(lake) == ["b", "c", "d"]
    changed = pl.concat([rows("b", "c"), rows("d", reasons="another")])
    assert replace(lake, changed) == Change(inserted=1, deleted=1, total=3)
    assert replace(lake, rows()) == Change(deleted=3)
    assert sorted(lake.read_at(TABLE, before)["source_id"]) == ["a", "b", "c"]
    assert lake.read_at(TABLE, before, {"source_id": "b"}).height == 1


def test_a_scope_of_several_values_leaves_the_others_alone(lake: Lake) -> None:
    replace(lake, rows("a", "b", "c"))
    both = {"source_id": frozenset({"a", "b"})}
    change = lake.commit([TABLE], lambda lake: lake.replace(TABLE, rows("b"), both))
    assert change == Change(deleted=1, total=1)
    assert held(lake) == ["b", "c"]
    assert lake.read(TABLE, {"source_id": frozenset()}).is_empty()
    with pytest.raises(LakeError, match="rows of other source_id"):
        lake.commit([TABLE], lambda lake: lake.replace(TABLE, rows("c"), both))
    replace(lake, rows())


def test_replace_of_many_rows_keeps_the_others(lake: Lake) -> None:
    """More than are kept in the catalogue: these are in a Parquet file."""
    many = [f"{n:04}" for n in range(3 * INLINED_ROWS)]
    assert replace(lake, rows(*many)).inserted == len(many)
    assert replace(lake, rows(*many[1:], "new")) == Change(inserted=1, deleted=1, total=len(many))
    assert held(lake) == [*many[1:], "new"]


def test_a_scope_leaves_the_rest_alone(lake: Lake) -> None:
    replace(lake, rows("a"), table_name="clean.a")
    replace(lake, rows("b", table="clean.b"), table_name="clean.b")
    assert replace(lake, rows("c"), table_name="clean.a") == Change(inserted=1, deleted=1, total=1)
    assert held(lake) == ["b", "c"]
    assert replace(lake, rows(), table_name="clean.a") == Change(deleted=1)
    assert held(lake) == ["b"]
    with pytest.raises(LakeError, match=r"rows of other table_name than 'clean\.a'"):
        replace(lake, rows("x", table="clean.b"), table_name="clean.a")
    assert held(lake) == ["b"]


def test_odd_text_comes_back_as_it_was(lake: Lake) -> None:
    names = ["'; DROP TABLE x; --", '"', "\\N", "銀行 🏦", "a\nb", "\u202e", "' || '"]
    replace(lake, rows(*names))
    assert held(lake) == sorted(names)
    assert held(lake, source_id=names[0]) == [names[0]]


@pytest.mark.parametrize("write", ["append", "replace"])
def test_rows_that_break_their_contract_are_not_written(lake: Lake, write: str) -> None:
    broken = rows("a").with_columns(book=pl.lit(None, dtype=pl.String))
    with pytest.raises(ContractBrokenError, match=r"clean.quarantine: 1 rows break .*book is missing"):
        lake.commit(
            [TABLE], lambda transaction: getattr(transaction, write)(TABLE, pl.concat([rows("b"), broken]))
        )
    with pytest.raises(ContractBrokenError, match="duplicate key"):
        lake.commit([TABLE], lambda transaction: getattr(transaction, write)(TABLE, rows("a", "a")))
    assert held(lake) == []


def test_an_exception_undoes_everything(lake: Lake) -> None:
    def work(transaction: object) -> None:
        transaction.append(TABLE, rows("a"))  # type: ignore[attr-defined]
        raise KeyError("halfway")

    with pytest.raises(KeyError, match="halfway"):
        lake.commit([TABLE], work)
    assert held(lake) == []
    assert lake.commit([TABLE], lambda transaction: transaction.append(TABLE, rows("a"))).inserted == 1


def test_a_transaction_sees_what_it_wrote(lake: Lake) -> None:
    def work(transaction: object) -> list[str]:
        transaction.append(TABLE, rows("a"))  # type: ignore[attr-defined]
        return transaction.read(TABLE)["source_id"].to_list()  # type: ignore[attr-defined,no-any-return]

    assert lake.commit([TABLE], work) == ["a"]


def test_what_nobody_ever_wrote_is_of_the_same_moment_as_the_rest(open_lake: Callable[[], Lake]) -> None:
    lake, other = open_lake(), open_lake()
    replace(other, rows("before"))

    def work(transaction: LakeTransaction) -> tuple[int, ...]:
        empty = transaction.read(SUCCESSIONS.address).height
        replace(other, rows("before", "after"))
        other.commit([], lambda late: late.append(SUCCESSIONS.address, succession("late")))
        held = transaction.read(TABLE).height, transaction.read(SUCCESSIONS.address).height
        transaction.append(SUCCESSIONS.address, succession("own"))
        return empty, *held, transaction.read(SUCCESSIONS.address).height

    assert lake.commit([], work) == (0, 1, 0, 1)
    assert sorted(lake.read(SUCCESSIONS.address)["successor_id"]) == ["late", "own"]


def test_a_conflict_repeats_the_whole_computation(open_lake: Callable[[], Lake]) -> None:
    mine, theirs = open_lake(), open_lake()
    replace(mine, rows("a"))
    seen: list[list[str]] = []

    def work(transaction: object) -> Change:
        seen.append(transaction.read(TABLE)["source_id"].to_list())  # type: ignore[attr-defined]
        if len(seen) == 1:  # somebody who does not hold our lock
            theirs.commit(["another lock"], lambda other: other.replace(TABLE, rows("b")))
        return transaction.replace(TABLE, rows("c"))  # type: ignore[attr-defined,no-any-return]

    assert mine.commit([TABLE], work) == Change(inserted=1, deleted=1, total=1)
    assert seen == [["a"], ["b"]]
    assert held(mine) == ["c"]


@pytest.mark.usefixtures("pauses")
def test_endless_conflict_ends_in_one_clear_line(open_lake: Callable[[], Lake]) -> None:
    mine, theirs = open_lake(), open_lake()
    replace(mine, rows("0"))
    count = iter(range(1, 100))

    def work(transaction: object) -> None:
        transaction.read(TABLE)  # type: ignore[attr-defined]
        theirs.commit(["another lock"], lambda other: other.replace(TABLE, rows(str(next(count)))))
        transaction.replace(TABLE, rows("mine"))  # type: ignore[attr-defined]

    with pytest.raises(LakeError, match="conflicts with another writer; run it again"):
        mine.commit([TABLE], work, author="me")
    assert "mine" not in held(mine)


def test_a_commit_says_who_and_why(lake: Lake) -> None:
    lake.commit([TABLE], lambda t: t.append(TABLE, rows("a")), author="clean.a", message="run 7")
    found = lake.query(
        "SELECT author, commit_message FROM lake.snapshots() ORDER BY snapshot_id DESC LIMIT 1"
    )
    assert found.row(0) == ("clean.a", "run 7")


def test_a_closed_lake_opens_again(lake: Lake) -> None:
    replace(lake, rows("a"))
    lake.close()
    lake.close()
    assert held(lake) == ["a"]


def test_an_unknown_table_is_named(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"there is no table 'clean\.nonsense'"):
        lake.read("clean.nonsense")


def test_a_table_of_another_version_is_refused(lake: Lake, database: str) -> None:
    attached = attach(database, lake._data_path)
    attached.execute("ALTER TABLE clean.bars ADD COLUMN mood TEXT")
    attached.close()
    with pytest.raises(LakeError, match=r"table clean\.bars of this data directory has other columns"):
        migrate_lake(lake)


# -- several processes ---------------------------------------------------------------------------------

MIGRATE = """
import sys
from pathlib import Path
from resources.lake import Lake
from resources.lake_tables import migrate_lake
print(len(migrate_lake(Lake(sys.argv[1], Path(sys.argv[2])))))
"""

INCREMENT = """
import sys
from pathlib import Path
from datetime import UTC, datetime
import polars as pl
from resources.lake import Lake
lake = Lake(sys.argv[1], Path(sys.argv[2]))
lake.read("clean.quarantine")
print("ready", flush=True)
sys.stdin.readline()
def work(transaction):
    found = transaction.read("clean.quarantine")
    count = int(found["reasons"][0]) + 1
    transaction.replace("clean.quarantine", found.with_columns(reasons=pl.lit(str(count))))
for _ in range(int(sys.argv[3])):
    lake.commit(["clean.quarantine"], work)
"""


def test_two_processes_migrate_at_once_with_an_unusable_home(empty_database: str, tmp_path: Path) -> None:
    with children(2, MIGRATE, empty_database, tmp_path / "lake", HOME="/proc/nothing/here") as processes:
        assert sorted(int(ended(process)) for process in processes) == [0, len(CONTRACTS)]


def test_no_increment_of_two_processes_is_lost(lake: Lake, database: str) -> None:
    replace(lake, rows("counter", reasons="0"))
    with children(2, INCREMENT, database, lake._data_path, 15) as processes:
        assert [said(process) for process in processes] == ["ready"] * 2
        for process in processes:
            tell(process)
        for process in processes:
            ended(process)
    assert lake.read(TABLE)["reasons"].to_list() == ["30"]


def test_locks_taken_in_any_order_never_wait_in_a_circle(open_lake: Callable[[], Lake]) -> None:
    with open_lake().locked(["b", "a", "b"]):
        pass
    with open_lake().locked(["a"]), open_lake().locked(["b"]):
        pass


# -- what cannot be opened -----------------------------------------------------------------------------


def test_quotes_in_path_and_password(databases: object, database: str, tmp_path: Path) -> None:
    password = """it's "quoted" \\ and; spaced"""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS quoted")
        connection.execute(
            psycopg.sql.SQL("CREATE ROLE quoted LOGIN SUPERUSER PASSWORD {}").format(
                psycopg.sql.Literal(password)
            )
        )
    url = psycopg.conninfo.make_conninfo(
        **psycopg.conninfo.conninfo_to_dict(database) | {"user": "quoted", "password": password}
    )
    folder = databases.lake_dir  # type: ignore[attr-defined]
    quoted = tmp_path / "a 'quoted' \"folder\"; x"
    lake = Lake(url, folder)
    assert replace(lake, rows("a")).inserted == 1
    lake.close()
    fresh = databases.make("template0")  # type: ignore[attr-defined]
    there = psycopg.conninfo.make_conninfo(
        **psycopg.conninfo.conninfo_to_dict(url)
        | {"dbname": psycopg.conninfo.conninfo_to_dict(fresh)["dbname"]}
    )
    lake = Lake(there, quoted)
    migrate_lake(lake)
    many = [str(n) for n in range(2 * INLINED_ROWS)]
    replace(lake, rows(*many))
    assert held(lake) == sorted(many)
    assert list(quoted.rglob("*.parquet"))
    lake.close()
    databases.drop(fresh)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change", [{"password": "wrong-and-secret"}, {"host": "127.0.0.1", "port": "1"}, {"dbname": "nowhere"}]
)
@pytest.mark.parametrize("use", ["read", "commit", "migrate"])
def test_an_unreachable_catalogue_is_one_clear_line_without_the_password(
    database: str, tmp_path: Path, change: dict[str, str], use: str
) -> None:
    conninfo = psycopg.conninfo.conninfo_to_dict(database)
    url = psycopg.conninfo.make_conninfo(**conninfo | change)
    lake = Lake(url, tmp_path)
    uses = {
        "read": lambda: lake.read(TABLE),
        "commit": lambda: lake.commit([TABLE], lambda transaction: None),
        "migrate": lambda: migrate_lake(lake),
    }
    with pytest.raises(LakeError) as caught:
        uses[use]()
    told: BaseException | None = caught.value
    assert "\n" not in str(told)
    assert "manna doctor" in str(told)
    while told is not None:
        assert str(conninfo["password"]) not in str(told)
        assert change.get("password", "wrong-and-secret") not in str(told)
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)


def test_an_unwritable_folder_is_one_clear_line(database: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        LakeError, match=r"cannot write .*file/lake: Not a directory; choose another MANNA_DATA_DIR"
    ):
        Lake(database, tmp_path / "file" / "lake").read(TABLE)
