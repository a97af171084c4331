"""Backups and what is restored from them: the same rows, or one clear line; while runs write, and when one is killed."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from children import child, said
from stored import KEY, TABLE, fill, held, installation, refused, write

from resources import postgres_dump
from resources.archive import Archive
from resources.backup import BackupError, backups, make_backup, newest_good
from resources.folders import files_under
from resources.installation import Installation
from resources.lake import STORAGE_LOCK, Lake
from resources.lake_files import note_new
from resources.postgres_dump import DumpError
from resources.restoring import RestoreError, restore, vault_and_key
from resources.settings import Settings
from resources.vault import Vault


@pytest.fixture
def manna(database: str, tmp_path: Path) -> Iterator[Installation]:
    made = installation(database, tmp_path / "data")
    fill(made)
    yield made
    made.close()


@contextmanager
def reader_of_a_book(database: str) -> Iterator[None]:
    """A role that only this server knows, with rights in this database, now and in tables to come."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader_of_a_test")
        connection.execute("GRANT SELECT ON ops.connections TO reader_of_a_test")
        connection.execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA ops GRANT SELECT ON TABLES TO reader_of_a_test"
        )
        yield
        connection.execute("DROP OWNED BY reader_of_a_test")
        connection.execute("DROP ROLE reader_of_a_test")


@pytest.mark.slow
def test_what_is_restored_is_what_was_backed_up(
    manna: Installation, database: str, empty_database: str, tmp_path: Path
) -> None:
    with reader_of_a_book(database):
        made = make_backup(manna, tmp_path / "backups")
    assert backups(tmp_path / "backups") == [made]
    assert newest_good(tmp_path / "backups", manna.vault) == made
    expected = manna.lake.read(TABLE).sort("source_id")
    write(manna, refused("later"))

    came = restore(made.file, tmp_path / "restored", manna.vault, key=None, postgres_url=empty_database)
    assert came.tables > 100
    again = Installation(
        manna.settings.model_copy(update={"data_dir": tmp_path / "restored", "postgres_url": empty_database})
    )
    assert again.lake.read(TABLE).sort("source_id").equals(expected)
    write(again, refused("goes on"))  # what is restored can be worked with
    assert held(again) == ["goes on"]
    again.close()
    files = {str(file.relative_to(tmp_path / "restored")) for file in (tmp_path / "restored").rglob("*.*")}
    assert {"books/home.yaml", "documents/home/page.html", "models/m1.model", "signing.key"} < files
    assert not {"documents/.draft", "published/.home.draft/home.duckdb", "demo.key"} & files
    settings = json.loads((tmp_path / "restored" / "settings.json").read_text())
    assert settings["first_month"] == "2015-01-01"
    assert "postgres_url" not in settings
    assert KEY not in (tmp_path / "restored" / "settings.json").read_text()


def test_without_a_key_that_is_kept_somewhere_there_is_no_backup(database: str, tmp_path: Path) -> None:
    keyless = Settings.load(_env_file=None, data_dir=tmp_path, postgres_url=database)
    with pytest.raises(BackupError, match="no key to seal it with: set MANNA_KEY"):
        make_backup(Installation(keyless), tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(database: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    manna = installation(database, tmp_path / "data")
    with pytest.raises(BackupError, match=r"cannot write a backup to .*file/b: Not a directory; make room"):
        make_backup(manna, tmp_path / "file" / "b")


def test_a_missing_file_of_the_lake_is_named_and_no_backup_made(manna: Installation, tmp_path: Path) -> None:
    lost = next((tmp_path / "data" / "lake").rglob("*.parquet"))
    lost.write_bytes(b"PAR1" + b"\0" * 1000 + b"PAR1")
    with pytest.raises(
        BackupError, match=r"the lake cannot be read as it is stored \(.*\): nothing was written"
    ):
        make_backup(manna, tmp_path / "backups")
    lost.unlink()
    with pytest.raises(BackupError, match=rf"the lake's file .*{lost.name} is missing: nothing was written"):
        make_backup(manna, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_file_of_the_lake_with_a_wrong_bit_is_named_and_no_backup_made(
    manna: Installation, tmp_path: Path
) -> None:
    """Its hashes would say that it is whole: they are of what is there."""
    assert note_new(manna) > 0
    changed = max((tmp_path / "data" / "lake").rglob("*.parquet"), key=lambda file: file.stat().st_size)
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    with pytest.raises(BackupError, match=rf"{changed.name} is not what was written .*: nothing was written"):
        make_backup(manna, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_that_is_deleted_while_one_looks_is_none(tmp_path: Path) -> None:
    (tmp_path / "manna-20260316T120000000000Z.backup").symlink_to(tmp_path / "gone")
    assert backups(tmp_path) == []


def test_drafts_are_discarded_while_no_other_backup_is_made(
    manna: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another that has just made its draft, and not yet locked it, would lose it."""
    held: list[Any] = []

    def looked(_: Path) -> None:
        with psycopg.connect(manna.postgres_url) as connection:
            held.append(
                connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
            )

    monkeypatch.setattr("resources.backup.discard_unfinished", looked)
    make_backup(manna, tmp_path / "backups")
    assert held == [(1,)]


def test_before_a_migration_there_may_be_no_hashes_to_compare(manna: Installation, tmp_path: Path) -> None:
    with psycopg.connect(manna.postgres_url) as connection:
        connection.execute("DROP TABLE ops.lake_files")
    assert make_backup(manna, tmp_path / "backups").size > 0


def test_a_server_that_is_newer_than_our_programs(
    manna: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_dump, "_server_version", lambda url: 99)
    with pytest.raises(DumpError, match=r"server is PostgreSQL 99.*install the package postgresql-client-99"):
        make_backup(manna, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_keys(tmp_path: Path) -> None:
    def settings(**more: str) -> Settings:
        return Settings.load(_env_file=None, data_dir=tmp_path, **more)

    with pytest.raises(RestoreError, match="no key: set MANNA_KEY, or give --key-file FILE"):
        vault_and_key(settings(), None)
    with pytest.raises(RestoreError, match=r"cannot read the key in .*nowhere: No such file"):
        vault_and_key(settings(key=KEY), tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []  # a key that opens nothing is never made
    assert vault_and_key(settings(key=KEY), None)[1] is None
    (tmp_path / "demo.key").write_text(KEY + "\n")
    vault, key = vault_and_key(settings(), None)
    assert (vault.open_bytes(Vault(KEY).seal_bytes(b"x")), key) == (b"x", KEY.encode())


def test_what_removes_files_waits_for_a_backup(manna: Installation, open_lake: Callable[[], Lake]) -> None:
    """Seen from the lock: whoever comes second stands in Postgres' queue."""
    from resources.maintenance import maintain_lake

    other = Lake(manna.postgres_url, manna.settings.lake_dir)
    second = threading.Thread(target=lambda: maintain_lake(other, 30))
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(manna.postgres_url, autocommit=True) as looking:
        with manna.lake.locked([STORAGE_LOCK]):
            second.start()
            while looking.execute(waiting).fetchone() == (0,):
                assert second.is_alive()
        second.join(60)
        assert looking.execute(waiting).fetchone() == (0,)
    other.close()


# -- while others write, and when killed ---------------------------------------------------------------------

HERE = Path(__file__).parent
WRITER = """
import sys
from pathlib import Path
from typing import Any
sys.path.insert(0, sys.argv[3])
from stored import installation, refused, write
import psycopg
manna = installation(sys.argv[1], Path(sys.argv[2]))
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute("CREATE TABLE ops.told (n int)")
    for n in range(100000):
        write(manna, refused(*(f"{n}-{i}" for i in range(700 if n % 3 else 5))))
        connection.execute("INSERT INTO ops.told VALUES (%s)", [n])
        if n == 3:
            print("ready", flush=True)
"""
BACKUP = """
import sys
from pathlib import Path
from typing import Any
sys.path.insert(0, sys.argv[3])
from stored import installation
from resources.backup import make_backup
manna = installation(sys.argv[1], Path(sys.argv[2]))
make_backup(manna, Path(sys.argv[4]))
"""


@pytest.mark.slow
def test_a_backup_of_a_moment_while_others_write(database: str, empty_database: str, tmp_path: Path) -> None:
    """Each round writes to the lake, then to Postgres: what is restored is the end of one round, or the middle of one."""
    manna = installation(database, tmp_path / "data")
    with child(WRITER, database, tmp_path / "data", HERE) as writer:
        assert said(writer) == "ready"
        made = make_backup(manna, tmp_path / "b")
        assert writer.poll() is None
    came = restore(made.file, tmp_path / "r", manna.vault, key=None, postgres_url=empty_database)
    again = Lake(empty_database, tmp_path / "r" / "lake")
    names = again.read(TABLE)["source_id"].to_list()
    [[rounds]] = {tuple({name.partition("-")[0] for name in names})}
    assert len(names) == (700 if int(rounds) % 3 else 5)
    with psycopg.connect(empty_database) as connection:
        [told] = connection.execute("SELECT max(n) FROM ops.told").fetchone() or (None,)
    assert told in (int(rounds), int(rounds) - 1)
    assert again.snapshot() == came.manifest["lake_snapshot"] < manna.lake.snapshot()
    again.close()
    manna.close()


@pytest.mark.slow
def test_a_killed_backup_leaves_nothing_that_looks_whole(
    manna: Installation, database: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    for part in (1, 200_000):  # as soon as there is a file, and when a good part of it is written
        for number in range(40):
            (tmp_path / "data" / "documents" / f"{number}.bin").write_bytes(os.urandom(100_000))
        with child(BACKUP, database, tmp_path / "data", HERE, folder) as process:
            while not any(size >= part for file, size in files_under(folder) if file.suffix == ".unfinished"):
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
        assert backups(folder) == []
        assert len(list(folder.glob(".*.unfinished"))) == 1
    made = make_backup(manna, folder)
    assert [one.name for one in folder.iterdir()] == [made.file.name]
    with Archive(made.file, manna.vault) as archive:
        archive.verify()


@pytest.mark.slow
def test_a_restore_that_is_killed_leaves_no_data_directory(manna: Installation, tmp_path: Path) -> None:
    """With a server of its own, as most have: it ends with whoever started it, or is found by the next."""
    made = make_backup(manna, tmp_path / "b")
    script = (
        "import sys; from pathlib import Path; from resources.restoring import restore; from resources.vault import Vault; "
        "restore(Path(sys.argv[1]), Path(sys.argv[2]), Vault(sys.argv[3]), key=None, postgres_url=None)"
    )
    with child(script, made.file, tmp_path / "r", KEY) as process:
        while not any((one / "postgres.dump").exists() for one in tmp_path.glob(".r.restoring-*")):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "r").exists()
    for left in tmp_path.glob(".r.restoring-*"):
        shutil.rmtree(left, ignore_errors=True)
    came = restore(made.file, tmp_path / "r", manna.vault, key=None, postgres_url=None)
    assert came.tables > 100
    assert (tmp_path / "r" / "postgres" / "password").exists()
