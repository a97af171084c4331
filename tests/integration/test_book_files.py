"""Book files: those that are shipped are valid, and every fault of every file is named in one line."""

from pathlib import Path

import pytest

from resources.books import BookError, read_books
from resources.settings import PROJECT


def write(folder: Path, **files: str | bytes) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def complaint(folder: Path) -> str:
    with pytest.raises(BookError) as caught:
        read_books(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_the_books_that_are_shipped_are_valid() -> None:
    books = read_books(PROJECT / "books")
    assert {"household", "studio"} <= {path.stem for path in (PROJECT / "books").glob("*.yaml")}
    assert len(books) == len(list((PROJECT / "books").glob("*.yaml")))


def test_books_come_in_the_order_of_their_files(tmp_path: Path) -> None:
    write(tmp_path, b="id: one\nname: One", a="id: two\nname: Two")
    (tmp_path / "c.yml").write_text("id: three\nname: Ünï 家")
    (tmp_path / "notes.txt").write_text("not a book")
    assert list(read_books(tmp_path)) == ["two", "one", "three"]


def test_no_folder_and_an_empty_one(tmp_path: Path) -> None:
    assert "put one YAML file per household or firm there" in complaint(tmp_path)
    assert "no book files in" in complaint(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id: [", "a.yaml: not readable YAML"),
        ("id: a\n\tname: x", "a.yaml: not readable YAML"),
        (b"\xff\xfe\x00", "a.yaml: not readable YAML"),
        ("", "a.yaml: file: Input should be a valid dictionary"),
        ("- a\n- b", "a.yaml: file: Input should be a valid dictionary"),
        ("id: !!python/object/apply:os.system ['true']", "a.yaml: not readable YAML"),
        ("id: a\nname: A\nrules: []\nrules: []", "a.yaml: not readable YAML: 'rules' is given twice"),
        ("id: a\nname: A\n? [x]\n: 1", "a.yaml: not readable YAML"),
        ("id: a\nname: A\naccounts: [{mask: 0123, account: 'Assets:B'}]", "accounts.0.mask: Input should be"),
        ("id: a\nname: A\ncurrency: 5", "a.yaml: currency: Input should be a valid string"),
        ("id: 7\nname: A", "a.yaml: id: Input should be a valid string"),
    ],
)
def test_a_fault_is_named_with_its_file(tmp_path: Path, text: str | bytes, fault: str) -> None:
    assert fault in complaint(write(tmp_path, a=text))


def test_all_faults_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="id: [",
        b="id: b\ncolour: red",
        c="id: c\nname: C",
        d="id: c\nname: D",
        e="id: E\nname: E",
    )
    message = complaint(tmp_path)
    for part in ("a.yaml: not", "b.yaml: name", "b.yaml: colour", "d.yaml: id 'c' is taken", "e.yaml: id: "):
        assert part in message
    assert "c.yaml" not in message


def test_a_merge_key_is_no_key_given_twice(tmp_path: Path) -> None:
    text = "id: a\nname: A\nthresholds: &t {low_balance: 5}\ntargets: {weights: {}}\n"
    assert read_books(write(tmp_path, a=text))["a"].thresholds.low_balance == 5


SHARED = "name: A\nshared: [{account: 'Expenses:Phone', book: b}]\n"


@pytest.mark.parametrize(
    ("payer", "other"),
    [
        ("id: a\n", "id: b\nname: B"),
        ("id: a\ntaxpayer: ana\n", "id: b\nname: B\ntaxpayer: bob"),
        ("id: a\ntaxpayer: ana\n", "id: c\nname: C\ntaxpayer: ana"),
    ],
)
def test_spending_is_shared_with_another_book_of_the_taxpayer_only(
    tmp_path: Path, payer: str, other: str
) -> None:
    said = complaint(write(tmp_path, a=payer + SHARED, b=other))
    assert "what is shared with 'b' needs another book of the same taxpayer" in said


def test_spending_is_shared_between_books_of_one_taxpayer(tmp_path: Path) -> None:
    write(tmp_path, a="id: a\ntaxpayer: ana\n" + SHARED, b="id: b\nname: B\ntaxpayer: ana")
    assert read_books(tmp_path)["a"].shared[0].book == "b"
