"""Every command explains itself, and says on stdout what was asked for and nothing else."""

import csv
import io
import json
from typing import Any

import pytest
import sqlalchemy as sa
import typer

from pipelines.cli import app
from resources.ops import Ops
from resources.ops_tables import CIRCUITS
from resources.postgres import sqlalchemy_url

COMMANDS = sorted(command.name or command.callback.__name__ for command in app.registered_commands)
REPORT = ("report", "balance_sheet", "--book", "household", "--period", "2026-02")
READING = [("status",), REPORT, ("sql", "SELECT * FROM ledger.months ORDER BY ALL"), ("doctor",)]


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_help_with_an_example(self, command: str, manna: Any, tmp_path: Any) -> None:
        said = manna(tmp_path, command, "--help")
        assert said.code == 0
        assert "Example: " in said.out
        assert f"manna {command}" in said.out.partition("Example: ")[2]

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_option_is_explained(self, command: str) -> None:
        group = typer.main.get_command(app)
        for parameter in group.commands[command].params:  # type: ignore[attr-defined]
            assert getattr(parameter, "help", None) or parameter.name in ("name", "job", "query"), (
                parameter.name
            )

    def test_the_commands_of_the_issue_are_there(self) -> None:
        assert {"demo", "up", "run", "status", "report", "sql", "doctor", "link"} <= set(COMMANDS)

    def test_without_a_command_there_is_help_and_no_error(self, manna: Any, tmp_path: Any) -> None:
        said = manna(tmp_path)
        assert "Usage: manna" in said.out
        assert said.err == ""


class TestFormats:
    @pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
    def test_json_is_json_and_nothing_else(self, command: tuple[str, ...], manna: Any, demo: Any) -> None:
        said = manna(demo.data_dir, *command, "--format", "json")
        assert (said.code, said.err) == (0, "")
        rows = json.loads(said.out)
        assert rows
        assert all(isinstance(row, dict) for row in rows)

    @pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
    def test_csv_and_json_have_the_same_rows(self, command: tuple[str, ...], manna: Any, demo: Any) -> None:
        rows = json.loads(manna(demo.data_dir, *command, "--format", "json").out)
        said = manna(demo.data_dir, *command, "--format", "csv")
        assert (said.code, said.err) == (0, "")
        parsed = list(csv.DictReader(io.StringIO(said.out)))
        assert len(parsed) == len(rows)
        assert list(parsed[0]) == list(rows[0])

    @pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
    def test_html_is_one_document(self, command: tuple[str, ...], manna: Any, demo: Any) -> None:
        said = manna(demo.data_dir, *command, "--format", "html")
        assert (said.code, said.err) == (0, "")
        assert said.out.lower().startswith("<!doctype html>")
        assert said.out.rstrip().endswith("</html>")

    @pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
    def test_a_table_is_for_people(self, command: tuple[str, ...], manna: Any, demo: Any) -> None:
        said = manna(demo.data_dir, *command)
        assert (said.code, said.err) == (0, "")
        assert said.out.strip()


class TestDemo:
    def test_it_says_where_everything_is_and_progress_goes_to_stderr(self, demo: Any) -> None:
        for heading in (
            "Net worth",
            "Quarantined rows",
            "Open alerts",
            "Drift from targets",
            "Proposed trades",
        ):
            assert heading in demo.said.out
        assert str(demo.data_dir / "documents" / "index.html") in demo.said.out.replace("\n", "")
        assert "nightly_close" in demo.said.err
        assert "nightly_close" not in demo.said.out

    def test_alerts_are_logged_to_a_file_and_not_onto_the_terminal(self, demo: Any) -> None:
        logged = (demo.data_dir / "logs" / "manna.log").read_text(encoding="utf-8")
        assert "WARNING manna.alerts: Manna, household: " in logged
        assert "Manna, household: " not in demo.said.err

    def test_its_keys_are_for_the_owner_alone(self, demo: Any) -> None:
        for name in ("demo.key", "sandbox/credentials.json"):
            assert (demo.data_dir / name).stat().st_mode & 0o777 == 0o600


class TestStatus:
    def test_it_shows_how_each_connection_fares_and_how_far_it_is_complete(
        self, manna: Any, demo: Any
    ) -> None:
        ops = Ops(sqlalchemy_url(demo.url))
        broken = next(c for c in ops.connections() if c["institution"] == "Tartan Bank")
        reason, at = "Plaid: ITEM_LOGIN_REQUIRED: log in again", broken["last_success_at"]
        ops.connection_status(broken["connection_id"], "login_required", reason, at)
        with ops.engine.begin() as connection:
            values = {
                "name": "plaid",
                "state": "open",
                "failures": 3,
                "opened_at": at,
                "reason": "it is down",
            }
            connection.execute(sa.insert(CIRCUITS).values(**values))
        try:
            shown = manna(demo.data_dir, "status").out
            rows = json.loads(manna(demo.data_dir, "status", "--format", "json").out)
            doctor = manna(demo.data_dir, "doctor", "--format", "json")
        finally:
            ops.connection_status(broken["connection_id"], "healthy", "repaired", at)
            with ops.engine.begin() as connection:
                connection.execute(sa.delete(CIRCUITS))
        line = next(line for line in shown.partition("Connections")[2].splitlines() if "Tartan Bank" in line)
        assert "login_required" in line
        assert "2026-03-16" in line
        assert "ITEM_LOGIN_REQUIRED" in shown
        assert "plaid is left alone (open since 2026-03-16" in shown
        assert "plaid: open since 2026-03-16" in doctor.out
        assert {row["complete_through"] for row in rows} == {"2026-03-16"}
        assert {row["status"] for row in rows if row["institution"] == "Tartan Bank"} == {"login_required"}
        assert {row["error"] for row in rows if row["institution"] != "Tartan Bank"} == {None}
        assert doctor.code == 1  # a broken login is a warning: the installation works
        assert "Tartan Bank: login_required" in doctor.out


class TestDoctor:
    def test_a_file_of_the_lake_that_is_missing_or_cut_is_named(self, manna: Any, demo: Any) -> None:
        gone, cut = sorted((demo.data_dir / "lake" / "raw").rglob("*.parquet"))[:2]
        content = cut.read_bytes()
        gone.rename(gone.with_suffix(".away"))
        cut.write_bytes(content[:100])
        try:
            said = manna(demo.data_dir, "doctor", "--format", "json")
        finally:
            gone.with_suffix(".away").rename(gone)
            cut.write_bytes(content)
        assert said.code == 2
        found = [row for row in json.loads(said.out) if row["what"] == "lake files"]
        assert {row["status"] for row in found} == {"broken"}
        words = " ".join(row["finding"] for row in found)
        assert f"{gone} of raw.{gone.parent.name} is missing" in words
        assert f"{cut} of raw.{cut.parent.name} has 100 bytes instead of {len(content)}" in words
        assert len(found) == 2


class TestRun:
    def test_one_month_of_one_book_again_changes_nothing(self, manna: Any, demo: Any) -> None:
        before = _publications(demo.url)
        said = manna(
            demo.data_dir, "run", "statements", "--partition", "2026-01-01...2026-02-01", "--book", "studio"
        )
        assert said.code == 0, said.err
        assert said.out.startswith("statements  done  run ")
        assert _publications(demo.url) == before

    def test_a_rebalancing_plan_of_one_book(self, manna: Any, demo: Any) -> None:
        said = manna(demo.data_dir, "run", "rebalance", "--book", "household")
        assert said.code == 0, said.err


class TestSql:
    @pytest.mark.parametrize(
        "query",
        [
            "SELECT count(*) AS n FROM ledger.postings",
            "FROM lake.ledger.months",
            "WITH own AS (SELECT * FROM clean.accounts) SELECT name FROM own WHERE type IN (SELECT type FROM own)",
            "SELECT * FROM ledger.months AT (VERSION => 1)",
            "SELECT * FROM information_schema.tables",
            "DESCRIBE ledger.months",
            "SELECT * FROM range(3)",
        ],
    )
    def test_what_reads_the_lake_is_answered(self, query: str, manna: Any, demo: Any) -> None:
        assert manna(demo.data_dir, "sql", query, "--format", "csv").code == 0

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("DELETE FROM ledger.postings", "only one SELECT"),
            ("UPDATE ledger.postings SET amount = 0", "only one SELECT"),
            ("DROP TABLE ledger.postings", "only one SELECT"),
            ("SELECT 1; DROP TABLE ledger.postings", "only one SELECT"),
            ("COPY ledger.postings TO '/tmp/postings.csv'", "only one SELECT"),
            ("ATTACH '/tmp/other.db'", "only one SELECT"),
            ("PRAGMA database_list", "only one SELECT"),
            ("SET enable_external_access = true", "only one SELECT"),
            ("CALL lake.set_commit_message('me', 'sneaky')", "only one SELECT"),
            ("INSTALL httpfs", "only one SELECT"),
            ("EXPLAIN ANALYZE DELETE FROM ledger.postings", "only one SELECT"),
            ("", "only one SELECT"),
            ("SELECT * FROM read_csv('/etc/passwd')", "read_csv()"),
            ("SELECT * FROM '/etc/passwd'", "/etc/passwd"),
            ("SELECT (SELECT content FROM read_text('/etc/passwd'))", "read_text()"),
            ("SELECT 1 WHERE EXISTS (FROM glob('/etc/*'))", "glob()"),
            ("WITH f AS (FROM read_blob('/etc/passwd')) FROM f", "read_blob()"),
            (
                "FROM postgres_execute('__ducklake_metadata_lake', 'DROP SCHEMA ops CASCADE')",
                "postgres_execute()",
            ),
            (
                "FROM postgres_query('__ducklake_metadata_lake', 'SELECT token FROM ops.connections')",
                "postgres_query()",
            ),
            ("FROM ducklake_expire_snapshots('lake', older_than => now())", "ducklake_expire_snapshots()"),
            ("FROM duckdb_databases()", "duckdb_databases()"),
            ("FROM duckdb_databases", "duckdb_databases"),
            ("FROM __ducklake_metadata_lake.ops.connections", "ops.connections"),
            ("FROM query('DROP TABLE ledger.postings')", "query()"),
            ("DESCRIBE '/etc/passwd'", "/etc/passwd"),
            ("SELEKT 1", "not SQL"),
            ("SELECT nothing FROM ledger.postings", "the lake refuses"),
            ("SELECT * FROM ledger.nothing", "ledger.nothing"),
        ],
    )
    def test_what_writes_or_looks_elsewhere_is_refused(
        self, query: str, why: str, manna: Any, demo: Any
    ) -> None:
        assert why in manna(demo.data_dir, "sql", query).complaint


def _publications(url: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        query = sa.text("SELECT * FROM reports.publications ORDER BY book, period")
        return [tuple(row) for row in connection.execute(query)]
