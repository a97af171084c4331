"""What is in a folder while runs write to it."""

import shutil
from pathlib import Path

import pytest

from resources.folders import files_under, is_draft


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("b/3.txt", "a/2.txt", "a/1.txt", ".home.draft/home.duckdb", "a/.lock")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * number)
    return tmp_path


def test_every_file_with_its_size_in_the_order_of_names(folder: Path) -> None:
    found = [
        (str(file.relative_to(folder)), size, is_draft(file, folder)) for file, size in files_under(folder)
    ]
    assert found == [
        (".home.draft/home.duckdb", 3, True),
        ("a/.lock", 4, True),
        ("a/1.txt", 2, False),
        ("a/2.txt", 1, False),
        ("b/3.txt", 0, False),
    ]


def test_what_goes_meanwhile_is_passed_over(folder: Path) -> None:
    found = files_under(folder)
    assert next(found)[0].name == "home.duckdb"
    assert next(found)[0].name == ".lock"
    (folder / "a" / "2.txt").unlink()
    shutil.rmtree(folder / "b")
    (folder / "b").touch()  # a file in the place of a folder
    assert [file.name for file, _ in found] == ["1.txt"]


def test_where_no_folder_is_nothing_is_found(tmp_path: Path) -> None:
    assert list(files_under(tmp_path / "none")) == []


def test_what_cannot_be_read_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:  # not by its permission bits: root may read everything
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("os.scandir", refused)
    with pytest.raises(PermissionError):
        list(files_under(folder))
