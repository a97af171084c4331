"""What the documents say is what the program does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    anchors = re.findall(r"\]\(([^):#]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [
        (to, anchor) for to, anchor in anchors if anchor not in _headings(page.parent / to if to else page)
    ] == []


def _headings(page: Path) -> set[str]:
    """What a heading is called in a link."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_named_exist(page: Path) -> None:
    named = set(re.findall(r"`manna ([a-z-]+)", page.read_text(encoding="utf-8")))
    assert named <= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_typed_after_a_command_exists_too(page: Path) -> None:
    """Commands of commands, and options; in spans and in blocks of code."""
    group: Any = typer.main.get_command(app)
    wrong = []
    for line in _code(page.read_text(encoding="utf-8")):
        for typed in re.findall(r"(?:^|[\s/(])manna ([a-z][^`|&;#]*)", line):
            command, words = group, typed.split()
            while words and words[0] in getattr(command, "commands", ()):
                command = command.commands[words.pop(0)]
            options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            named = {word.partition("=")[0] for word in words if word.startswith("--")}
            # Elsewhere in a line it may be the name of a user or a namespace.
            is_command = line.startswith("manna ")
            if is_command if command is group else named - options:
                wrong.append(f"manna {typed}")
    assert wrong == []


def _code(text: str) -> Iterator[str]:
    yield from re.findall(r"`([^`\n]+)`", text)
    yield from (line.strip() for line in text.splitlines() if line.startswith("    "))


def test_the_readme_leads_to_every_page() -> None:
    index = PROJECT / "docs" / "README.md"
    assert "(docs/README.md)" in (PROJECT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([^)#]+)\)", index.read_text(encoding="utf-8")))
    assert {page.name for page in (PROJECT / "docs").glob("*.md")} - {"README.md"} <= linked


TROUBLESHOOTING = PROJECT / "docs" / "troubleshooting.md"
OPERATIONAL = {
    "SettingsError", "SchemaError", "DumpError", "ReadersError", "CircuitOpenError", "ArchiveError", "BackupError", "RestoreError", "ServiceError", "LakeError", "BucketError", "refusal", "BookError", "SigningKeyError", "PublicationError",
    "ModelFileError", "BusyError", "LinkError", "LiveTradingError", "NotVerifiableError", "ProviderError",
    "ProviderUnavailableError",
}  # fmt: skip
"""Errors of an installation, a provider or the machine; what is said of a person's own words is not in the page."""
NEW = 0.05
"""Share of their messages that may be new: the page follows soon."""


def test_troubleshooting_quotes_what_is_said() -> None:
    said = [
        _words(node) for _, node in _nodes() if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp))
    ]
    unknown = [quoted for quoted in _quoted() if not any(quoted in text for text in said)]
    assert unknown == []


def test_troubleshooting_has_the_messages_of_an_installation() -> None:
    quoted, lacking, count = list(_quoted()), [], 0
    for file, node in _nodes():
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        name = getattr(node.exc.func, "id", "")
        text = " ".join(map(_words, node.exc.args))
        if name in OPERATIONAL and re.search("[a-z]", text):
            count += 1
            if not any(part in text for part in quoted):
                lacking.append(f"{file.name}:{node.lineno} {text}")
    assert count > 50
    assert len(lacking) <= NEW * count, "\n".join(lacking)


def _quoted() -> Iterator[str]:
    """Messages of the page: code in the first column of its tables, but for what stands around what is quoted."""
    for line in TROUBLESHOOTING.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", line.split("|")[1])


def _nodes() -> Iterator[tuple[Path, ast.AST]]:
    for room in ("manna", "resources", "assets", "pipelines"):
        for file in sorted((PROJECT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield file, node


def _words(node: ast.AST) -> str:
    """A text as a person sees it, `…` for what is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_words(value) if isinstance(value, ast.Constant) else "…" for value in values)
        case ast.BinOp(left=left, right=right):
            return _words(left) + _words(right)
    return "…"


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
