"""What the documents say is what the program does."""

import re
from pathlib import Path

import pytest
import typer.main

from manna.contracts.dictionary import dictionary
from pipelines.cli import app

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def test_data_dictionary_follows_from_the_contracts() -> None:
    written = (PROJECT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == dictionary(), "docs/tables.md is out of date: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_named_exist(page: Path) -> None:
    named = set(re.findall(r"`manna ([a-z-]+)", page.read_text(encoding="utf-8")))
    assert named <= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_every_make_target_named_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = {
        name for page in PAGES for name in re.findall(r"`make ([a-z-]+)`", page.read_text(encoding="utf-8"))
    }
    assert named <= targets


def test_every_command_is_in_the_readme_or_the_guide() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert {name for name in commands if f"manna {name}" not in text} == set()
