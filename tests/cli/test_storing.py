"""Backup, restore, migrate and storage as an operator meets them; and the drill that does it unasked."""

import json
import re
from pathlib import Path

import psycopg
import pytest
from console import Demo, Manna


def test_what_can_be_asked_wrongly(demo: Demo, manna: Manna, tmp_path: Path) -> None:
    said = manna(demo.data_dir, "restore", str(tmp_path / "none.backup"), "--into", str(tmp_path / "r"))
    assert "there is no " in said.complaint
    said = manna(tmp_path / "elsewhere", "restore", "x.backup", "--into", str(tmp_path / "r"))
    assert "no key: set MANNA_KEY, or give --key-file FILE" in said.complaint
    said = manna(demo.data_dir, "restore", "x.backup", "--into", str(demo.data_dir))
    assert "is not empty" in said.complaint
    said = manna(tmp_path / "data", "backups", MANNA_KEY="no key")
    assert (said.code, "no rows" in said.out) == (1, True)
    assert sorted(one.name for one in tmp_path.iterdir()) == []


def test_storage_and_doctor_say_how_large_and_how_safe_it_is(demo: Demo, manna: Manna) -> None:
    found = {row["store"]: row for row in json.loads(manna(demo.data_dir, "storage", "--format", "json").out)}
    assert found["lake"]["bytes"] > 1_000_000
    assert re.fullmatch(r"\d+ snapshots, 0 to \d+, since [\d-]+", found["lake"]["holds"])
    assert found["documents"]["files"] > 10
    [newest, *_] = json.loads(manna(demo.data_dir, "storage", "--snapshots", "--format", "json").out)
    assert f", 0 to {newest['snapshot']}, " in found["lake"]["holds"]
    said = manna(
        demo.data_dir, "sql", f"SELECT count(*) FROM raw.batches AT (VERSION => {newest['snapshot']})"
    )
    assert said.code == 0
    doctor = json.loads(manna(demo.data_dir, "doctor", "--format", "json").out)
    assert [row["finding"] for row in doctor if row["what"] == "backups"] == [
        f"none in {demo.data_dir}/backups"
    ]


def test_another_version_is_refused_and_the_command_named(demo: Demo, manna: Manna) -> None:
    """The version is written back at the end: the demo is shared."""
    said = manna(demo.data_dir, "migrate", "--check")
    assert (said.code, said.out.startswith("nothing is due: ops ")) == (0, True)
    with psycopg.connect(demo.url, autocommit=True) as connection:
        [now] = connection.execute("SELECT version_num FROM ops.alembic_version").fetchone() or ("",)
        try:
            connection.execute("UPDATE ops.alembic_version SET version_num = '9999'")
            for command in (["status"], ["migrate"], ["migrate", "--check"], ["run", "nightly_close"]):
                assert (
                    "a newer version of Manna has been here (ops 9999"
                    in manna(demo.data_dir, *command).complaint
                )
            doctor = manna(demo.data_dir, "doctor", "--format", "json")
            assert doctor.code == 2
            [broken] = [row for row in json.loads(doctor.out) if row["status"] == "broken"]
            assert broken["what"] == "schema"
            assert "ops 9999" in broken["finding"]
            connection.execute("UPDATE ops.alembic_version SET version_num = '0001'")
            assert (
                "run `manna migrate`, which makes a backup first" in manna(demo.data_dir, "status").complaint
            )
            said = manna(demo.data_dir, "migrate", "--check")
            assert (said.code, "due: ops 0002" in said.out) == (3, True)
        finally:
            connection.execute("UPDATE ops.alembic_version SET version_num = %s", [now])


def _pages(data_dir: Path) -> dict[str, bytes]:
    folder = data_dir / "documents"
    return {str(page.relative_to(folder)): page.read_bytes() for page in folder.rglob("*.html")}


@pytest.mark.slow
def test_a_backup_restored_elsewhere_says_the_same(demo: Demo, manna: Manna, tmp_path: Path) -> None:
    folder, restored = tmp_path / "backups", tmp_path / "restored"
    made = json.loads(manna(demo.data_dir, "backup", str(folder), "--format", "json").out)[0]
    assert Path(made["file"]).stat().st_size == made["bytes"]
    checked = json.loads(manna(demo.data_dir, "backups", str(folder), "--check", "--format", "json").out)
    assert [(row["file"], row["state"]) for row in checked] == [(made["file"], "whole")]

    key = tmp_path / "key"
    key.write_bytes((demo.data_dir / "demo.key").read_bytes())
    said = manna(tmp_path / "x", "restore", made["file"], "--into", str(restored), "--key-file", str(key))
    assert said.code == 0, said.err
    assert re.search(r"restored into .*: \d{3} tables as they were on ", said.out)
    asked = (
        ["status", "--format", "json"],
        ["report", "balance_sheet", "--book", "household", "--period", "2026-02", "--format", "json"],
        ["alerts", "list", "--format", "json"],
    )
    for question in asked:
        told, again = manna(demo.data_dir, *question), manna(restored, *question)
        assert (again.code, again.out) == (0, told.out.replace(str(demo.data_dir), str(restored)))
    there, here = _pages(demo.data_dir), _pages(restored)
    assert there
    assert here == there

    # It is a whole data directory: a night, maintenance and a drill run in it, and a damaged backup is told.
    for job in ("maintenance", "nightly_close", "recovery_drill"):
        said = manna(restored, "run", job)
        assert said.code == 0, said.err
    assert not list(restored.glob("drill-*"))
    [scheduled] = (restored / "backups").iterdir()
    content = bytearray(scheduled.read_bytes())
    content[len(content) // 2] ^= 1
    scheduled.write_bytes(content)
    said = manna(restored, "run", "recovery_drill")
    assert "cannot be restored: " in said.complaint
    assert "is damaged or not a backup" in said.complaint
    assert not list(restored.glob("drill-*"))
    assert (restored / "demo.key").stat().st_mode & 0o777 == 0o600
