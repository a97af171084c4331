"""`manna quarantine`: refused rows listed, shown, tried again, discarded and restored."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import typer

from pipelines.cli.quarantine import quarantine

COMMANDS = sorted(command.name or command.callback.__name__ for command in quarantine.registered_commands)


@pytest.fixture
def decided(demo: Any) -> Iterator[Any]:
    """The demo, in which every decision on a refused row is forgotten afterwards."""
    yield demo
    with psycopg.connect(demo.url) as connection:
        connection.execute("TRUNCATE ops.quarantine_decisions")


@pytest.fixture
def row(manna: Any, demo: Any) -> dict[str, Any]:
    """The one row that the demo's bank sends without a currency."""
    (found,) = json.loads(manna(demo.data_dir, "quarantine", "list", "--format", "json").out)
    return dict(found)


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_and_option_is_explained_with_an_example(
        self, command: str, manna: Any, tmp_path: Any
    ) -> None:
        said = manna(tmp_path, "quarantine", command, "--help")
        assert said.code == 0
        assert f"manna quarantine {command}" in said.out.partition("Example: ")[2]
        group = typer.main.get_command(quarantine)
        assert all(parameter.help for parameter in group.commands[command].params)  # type: ignore[attr-defined]

    def test_the_commands_of_the_issue_are_there(self) -> None:
        assert {"list", "show", "retry", "discard"} <= set(COMMANDS)


class TestList:
    def test_a_row_has_a_name_its_table_and_every_reason(
        self, row: dict[str, Any], manna: Any, demo: Any
    ) -> None:
        assert (row["book"], row["table_name"], row["status"]) == ("household", "clean.transactions", "open")
        assert row["reasons"] == "currency is missing"
        shown = manna(demo.data_dir, "quarantine", "list").out
        assert row["id"] in shown
        assert "currency is missing" in shown
        (line,) = csv.DictReader(
            io.StringIO(manna(demo.data_dir, "quarantine", "list", "--format", "csv").out)
        )
        assert line["id"] == row["id"]

    @pytest.mark.parametrize(("book", "count"), [("household", 1), ("studio", 0)])
    def test_by_book_and_table(self, book: str, count: int, manna: Any, demo: Any) -> None:
        options = ("--book", book, "--table", "transactions", "--format", "json")
        assert len(json.loads(manna(demo.data_dir, "quarantine", "list", *options).out)) == count

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            (("--book", "nobody"), "unknown book 'nobody'; there are: household, studio"),
            (("--table", "nothing"), "unknown table 'nothing'; there are: "),
            (("--format", "xml"), "unknown format 'xml'"),
        ],
    )
    def test_what_does_not_exist_is_one_line(
        self, options: tuple[str, ...], why: str, manna: Any, demo: Any
    ) -> None:
        assert why in manna(demo.data_dir, "quarantine", "list", *options).complaint


class TestShow:
    def test_it_has_payload_reasons_batch_run_and_request_ids(
        self, row: dict[str, Any], manna: Any, demo: Any
    ) -> None:
        found = json.loads(manna(demo.data_dir, "quarantine", "show", row["id"], "--format", "json").out)
        assert found["reasons"] == ["currency is missing"]
        assert found["payload"]["transaction_id"] == row["source_id"]
        assert found["request_ids"]
        batches = f"SELECT run_id FROM raw.batches WHERE batch_id = '{found['batch_id']}'"
        (batch,) = json.loads(manna(demo.data_dir, "sql", batches, "--format", "json").out)
        assert found["run_id"] == batch["run_id"]
        shown = manna(demo.data_dir, "quarantine", "show", row["id"]).out
        assert '\n  "iso_currency_code": null,\n' in shown
        assert found["run_id"] in shown
        (line,) = csv.DictReader(
            io.StringIO(manna(demo.data_dir, "quarantine", "show", row["id"], "--format", "csv").out)
        )
        assert json.loads(line["payload"]) == found["payload"]

    def test_the_beginning_of_the_providers_name_is_enough(
        self, row: dict[str, Any], manna: Any, demo: Any
    ) -> None:
        assert (
            row["id"]
            in manna(demo.data_dir, "quarantine", "show", row["source_id"][:8], "--format", "html").out
        )


@pytest.mark.parametrize(
    "command",
    [("show", "nothing"), ("retry", "nothing"), ("restore", "nothing", "--reason", "x")],
    ids=" ".join,
)  # fmt: skip
def test_a_row_that_does_not_exist_is_one_line(command: tuple[str, ...], manna: Any, demo: Any) -> None:
    assert "no refused row" in manna(demo.data_dir, "quarantine", *command).complaint


class TestDecisions:
    def test_discarded_it_is_open_nowhere_and_stays_on_record(
        self, row: dict[str, Any], manna: Any, decided: Any
    ) -> None:
        data_dir = decided.data_dir
        said = manna(
            data_dir, "quarantine", "discard", row["id"], "--reason", "the bank's test", "--by", "ana"
        )
        assert (said.code, said.out) == (0, f"{row['id']} is discarded\n")
        assert json.loads(manna(data_dir, "quarantine", "list", "--format", "json").out) == []
        (all_,) = json.loads(manna(data_dir, "quarantine", "list", "--all", "--format", "json").out)
        assert (all_["id"], all_["status"]) == (row["id"], "discarded")
        shown = json.loads(manna(data_dir, "quarantine", "show", row["id"], "--format", "json").out)
        assert shown["decision"] == "discarded by ana on 2026-03-16 12:00 UTC: the bank's test"
        assert "None: every row kept its contract." in manna(data_dir, "status").out
        again = manna(data_dir, "quarantine", "discard", row["id"], "--reason", "twice")
        assert again.out == f"{row['id']} was discarded already\n"
        assert manna(data_dir, "quarantine", "retry").out == "no row is open\n"
        back = manna(data_dir, "quarantine", "restore", row["id"], "--reason", "it was real")
        assert back.out == f"{row['id']} is open again\n"
        assert len(json.loads(manna(data_dir, "quarantine", "list", "--format", "json").out)) == 1

    def test_a_decision_needs_a_reason(self, row: dict[str, Any], manna: Any, decided: Any) -> None:
        assert "--reason" in manna(decided.data_dir, "quarantine", "discard", row["id"]).complaint
        said = manna(decided.data_dir, "quarantine", "discard", row["id"], "--reason", "  ")
        assert "say why" in said.complaint

    def test_one_unknown_row_and_nothing_is_decided(
        self, row: dict[str, Any], manna: Any, decided: Any
    ) -> None:
        said = manna(decided.data_dir, "quarantine", "discard", row["id"], "nothing", "--reason", "x")
        assert "no refused row 'nothing'" in said.complaint
        assert len(json.loads(manna(decided.data_dir, "quarantine", "list", "--format", "json").out)) == 1


class TestRetry:
    def test_what_breaks_the_contract_still_stays(self, row: dict[str, Any], manna: Any, demo: Any) -> None:
        said = manna(demo.data_dir, "quarantine", "retry")
        assert said.out == f"{row['id']} is still refused: currency is missing\n"
