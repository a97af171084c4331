"""`manna journal`: entries that people write, listed, imported and taken back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from console import NOW

from pipelines.cli.journal import journal
from pipelines.explaining import trace
from resources.installation import Installation
from resources.settings import Settings

COMMANDS = sorted(command.name or command.callback.__name__ for command in journal.registered_commands)
ADD = ("journal", "add", "--book", "studio", "--date", "2026-02-28", "--description", "Accrued rent")
LINES = ("--line", "Expenses:Rent=1,200.00", "--line", "Liabilities:Accrued=-1200 USD")
FILE = "date,description,account,debit,credit\n2026-02-28,A,Expenses:X,5,\n2026-02-28,A,Assets:Y,,5\n"


@pytest.fixture
def books(demo: Any) -> Iterator[Any]:
    """The demo, in which every entry is forgotten afterwards."""
    yield demo
    with psycopg.connect(demo.url) as connection:
        connection.execute("TRUNCATE ops.journal_entries")


def listed(manna: Any, demo: Any, *more: str) -> list[dict[str, Any]]:
    said = manna(demo.data_dir, "journal", "list", "--book", "studio", "--format", "json", *more)
    return list(json.loads(said.out))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_explained_with_an_example(
    command: str, manna: Any, tmp_path: Path
) -> None:
    said = manna(tmp_path, "journal", command, "--help")
    assert f"manna journal {command}" in said.out.partition("Example: ")[2]
    group = typer.main.get_command(journal)
    assert all(parameter.help for parameter in group.commands[command].params)  # type: ignore[attr-defined]


def test_an_entry_is_added_once_listed_and_taken_back(manna: Any, books: Any) -> None:
    data_dir = books.data_dir
    said = manna(data_dir, *ADD, *LINES, "--reverses-on", "2026-03-01", "--by", "ana")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "Entry 1 of studio was added. `manna run nightly_close` books it.\n"
        "New in this book: Expenses:Rent, Liabilities:Accrued\n"
    )
    again = manna(data_dir, *ADD, *LINES, "--reverses-on", "2026-03-01")
    assert again.out.startswith("The same entry is there already: nothing was added")
    first, second = listed(manna, books)
    assert (first["number"], first["account"], first["amount"], first["by"]) == (
        1,
        "Expenses:Rent",
        "1200.0000",
        "ana",
    )
    assert (second["note"], second["entered"]) == ("reversed on 2026-03-01", "2026-03-16T12:00:00+00:00")
    assert listed(manna, books, "--as-known-on", "2026-03-15") == []


def test_the_accounts_of_a_book_are_listed_with_their_tax_lines(manna: Any, demo: Any) -> None:
    said = manna(demo.data_dir, "journal", "accounts", "--book", "studio", "--format", "json")
    found = {row["account"]: (row["form"], row["line"]) for row in json.loads(said.out)}
    assert found["Expenses:Contractors"] == ("Schedule C", "11")
    assert found["Equity:Owner's Draws"] == (None, None)
    table = manna(demo.data_dir, "journal", "accounts", "--book", "studio").out
    assert "Contract labor" in table


def test_an_entry_is_taken_back_once(manna: Any, books: Any) -> None:
    data_dir = books.data_dir
    manna(data_dir, *ADD, *LINES)
    assert "taken back by entry 2" in manna(data_dir, "journal", "void", "1", "--book", "studio").out
    assert "already, by entry 2" in manna(data_dir, "journal", "void", "1", "--book", "studio").out
    said = manna(data_dir, "journal", "list", "--book", "studio").out
    assert "Void of 1: Accrued rent" in said
    assert "voided by 2" in said


def test_a_file_is_taken_once(manna: Any, books: Any, tmp_path: Path) -> None:
    file = tmp_path / "entries.csv"
    file.write_text(FILE)
    command = ("journal", "import", str(file), "--book", "studio")
    assert "1 added to studio, numbers 1 to 1." in manna(books.data_dir, *command).out
    assert manna(books.data_dir, *command).out == "Nothing was added, 1 were there already.\n"
    file.write_text(FILE.replace(",,5", ",,6"))
    assert "nothing was added; correct the file: lines 2 to 3" in manna(books.data_dir, *command).complaint
    assert len(listed(manna, books)) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*ADD, "--line", "Expenses:Rent=5", "--line", "Assets:X=-4"), "out of balance by 1 USD"),
        ((*ADD, "--line", "Expenses:Rent"), "no amount in 'Expenses:Rent'"),
        ((*ADD, "--line", "Expenses:Rent=much"), "'much' is no amount"),
        (("journal", "void", "9", "--book", "studio"), "there is no entry 9; there are none yet"),
        (("journal", "list", "--book", "nobody"), "unknown book 'nobody'"),
        (("journal", "import", "/nowhere.csv", "--book", "studio"), "there is no file /nowhere.csv"),
        (
            (*ADD, "--line", "Expenses:Rent=5 ZZZ", "--line", "Assets:X=-5 ZZZ"),
            "'ZZZ' is no currency of ISO 4217",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: tuple[str, ...], said: str, manna: Any, books: Any
) -> None:
    assert said in manna(books.data_dir, *arguments).complaint


@pytest.mark.parametrize("source_id", ["1/studio", "1/reversal/studio"])
def test_a_line_made_of_an_entry_leads_to_who_wrote_it(source_id: str, manna: Any, books: Any) -> None:
    manna(books.data_dir, *ADD, *LINES, "--by", "ana")
    settings = Settings.load(_env_file=None, data_dir=books.data_dir, postgres_url=books.url, fixed_now=NOW)
    kept = Installation(settings)
    ((table, row),) = trace(kept, "ops.journal_entries", source_id)
    kept.close()
    assert (table, row["description"], row["decided_by"]) == ("ops.journal_entries", "Accrued rent", "ana")
