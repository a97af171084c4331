"""A sealed archive: what went in comes out, or one line says why not; and it is there whole or not at all."""

import fcntl
import io
import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography.fernet import Fernet

from resources import archive as module
from resources.archive import Archive, ArchiveError, ArchiveWriter, discard_unfinished
from resources.settings import PROJECT
from resources.vault import Vault

KEY, OTHER = Fernet.generate_key(), Fernet.generate_key()
CONTENT = {"empty": b"", "text": b"hello" * 100, "noise": random.Random(7).randbytes(9_500)}


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 1000)


def written(folder: Path) -> Path:
    with ArchiveWriter(folder / "one.backup", Vault(KEY)) as archive:
        for name, content in CONTENT.items():
            archive.add(name, io.BytesIO(content))
        archive.facts["made_at"] = "today"
    return folder / "one.backup"


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    file = written(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"hello" not in file.read_bytes()
    assert b"noise" not in file.read_bytes()
    with Archive(file, Vault(KEY)) as archive:
        archive.verify()
        assert archive.manifest["made_at"] == "today"
        for name in archive.files:
            archive.extract(name, tmp_path / "deep" / name)
    assert {file.name: file.read_bytes() for file in (tmp_path / "deep").iterdir()} == CONTENT


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 40)


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)


def exchanged(file: Path) -> None:
    """Two pieces in each other's place: each opens with the key."""
    with ZipFile(file) as before:
        content = {name: before.read(name) for name in before.namelist()}
    content["2"], content["3"] = content["3"], content["2"]
    with ZipFile(file, "w") as after:
        for name, piece in content.items():
            after.writestr(name, piece)


def lost(file: Path) -> None:
    with ZipFile(file) as before:
        content = {name: before.read(name) for name in before.namelist() if name != "3"}
    with ZipFile(file, "w") as after:
        for name, piece in content.items():
            after.writestr(name, piece)


def foreign(file: Path) -> None:
    file.write_text("not an archive")


@pytest.mark.parametrize("harm", [cut, flipped, exchanged, lost, foreign])
def test_a_damaged_one_is_one_line(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    file = written(tmp_path)
    harm(file)
    with pytest.raises(ArchiveError, match=r"one\.backup is damaged or not a backup") as caught:
        Archive(file, Vault(KEY)).verify()
    assert "\n" not in str(caught.value)


def test_whatever_byte_is_wrong_it_is_one_line(tmp_path: Path) -> None:
    """In the directory at its end and in the headers before the pieces ``zipfile`` finds much else than a bad file."""
    content = written(tmp_path).read_bytes()
    file, vault = tmp_path / "harmed.backup", Vault(KEY)
    directory = range(content.index(b"PK\1\2"), len(content))
    for place in (*range(40), *directory):
        for wrong in (0x01, 0xFF):
            harmed = bytearray(content)
            harmed[place] ^= wrong
            file.write_bytes(harmed)
            with suppress(ArchiveError), Archive(file, vault) as archive:
                archive.verify()
    for length in range(0, len(content), 97):
        file.write_bytes(content[:length])
        with pytest.raises(ArchiveError):
            Archive(file, vault)


def test_one_that_does_not_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, opened = written(tmp_path), list[ZipFile]()
    monkeypatch.setattr(module, "ZipFile", lambda path: opened.append(ZipFile(path)) or opened[-1])
    with pytest.raises(ArchiveError):
        Archive(file, Vault(OTHER))
    [left] = opened
    assert left.fp is None


def test_another_key_is_told_from_damage(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"was sealed with another key; give the one it was made with"):
        Archive(written(tmp_path), Vault(OTHER))


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no "):
        Archive(tmp_path / "nothing", Vault(KEY))


def test_an_error_while_it_is_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ArchiveWriter(tmp_path / "one.backup", Vault(KEY)):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_removed_and_a_living_ones_draft_is_not(tmp_path: Path) -> None:
    left, living = tmp_path / ".a.1.unfinished", tmp_path / ".b.2.unfinished"
    left.touch()
    with living.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        discard_unfinished(tmp_path)
        assert list(tmp_path.iterdir()) == [living]


def test_who_discards_drafts_while_one_is_finished_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two installations may keep their backups in one folder."""
    replaced = Path.replace

    def another_is_there(self: Path, target: Path) -> Path:
        discard_unfinished(tmp_path)
        return replaced(self, target)

    monkeypatch.setattr(Path, "replace", another_is_there)
    with ArchiveWriter(tmp_path / "one.backup", Vault(KEY)):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["one.backup"]


@pytest.mark.slow
def test_a_full_disk_while_it_is_written_leaves_nothing(tmp_path: Path) -> None:
    """As the kernel says it of a file that may not grow: in the middle of a piece, and of the directory at its end."""
    program = (
        "import io, resource, signal, sys; from pathlib import Path; from resources.archive import ArchiveWriter; "
        "from resources.vault import Vault; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "most = int(sys.argv[3]); resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
        "try:\n"
        "    with ArchiveWriter(Path(sys.argv[1]) / 'one.backup', Vault(sys.argv[2])) as archive:\n"
        "        archive.add('a', io.BytesIO(bytes(range(256)) * 8))\n"
        "except OSError as error: print(error.strerror)\n"
    )

    def run(most: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), KEY.decode(), str(most)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout

    assert run(1_000_000) == ""
    [whole] = tmp_path.iterdir()
    size = whole.stat().st_size
    whole.unlink()
    for most in (100, size - 50):
        assert run(most) == "File too large\n"
        assert list(tmp_path.iterdir()) == []
