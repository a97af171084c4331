"""Whatever a person can get wrong is one clear line, and leaves nothing behind."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from console import running_sandbox
from cryptography.fernet import Fernet

from pipelines import services
from resources.settings import Settings
from tests.conftest import FinishedDemo

REAL = {"PLAID_CLIENT_ID": "client-of-a-person", "PLAID_SECRET": "secret-of-a-person"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("run", "nightly"), "unknown job 'nightly'; there are: nightly_close"),
        (("run", "nightly_close", "--book", "nobody"), "unknown book 'nobody'; there are: household, studio"),
        (("run", "nightly_close", "--partition", "2026-03-01"), "no partitions"),
        (("run", "statements"), "add --partition 2026-03-01"),
        (("run", "statements", "--partition", "1999-01-01"), "there is no month '1999-01-01'"),
        (("run", "statements", "--partition", "2026-03"), "written as 2026-03-01"),
        (("run", "statements", "--partition", "2027-01-01"), "there is no month '2027-01-01'"),
        (("run", "statements", "--partition", "2026-03-01...2026-01-01"), "2026-03-01 is after 2026-01-01"),
        (("run", "statements", "--partition", "2026-01-01...2026-02-01...2026-03-01"), "there is no month"),
        (
            ("run", "market_close", "--partition", "2026-03-14"),
            "there is no market day '2026-03-14'",
        ),  # a Saturday
        (("run", "market_close", "--partition", "2026-03-13", "--book", "studio"), "serves every book"),
        (("report", "profits", "--book", "household", "--period", "2026-02"), "unknown report 'profits'"),
        (("report", "cash_flow", "--book", "nobody", "--period", "2026-02"), "unknown book 'nobody'"),
        (("report", "cash_flow", "--book", "household", "--period", "02/2026"), "'02/2026' is no month"),
        (
            ("report", "cash_flow", "--book", "household", "--period", "2019-01"),
            "nothing is published for household",
        ),
        (("report", "cash_flow", "--book", "household"), "Missing option '--period'"),
        (("status", "--format", "xml"), "unknown format 'xml'; there are: table, json, csv, html"),
        (("sql", "SELECT 1", "--format", "JSON"), "unknown format 'JSON'"),
        (("link", "--book", "nobody"), "unknown book 'nobody'"),
        (("up", "--port", "http"), "'--port'"),
        (("polka",), "No such command 'polka'. See `manna --help`."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_unknown_thing_is_named_with_those_there_are(
    arguments: tuple[str, ...], why: str, manna: Any, demo: Any
) -> None:
    assert why in manna(demo.data_dir, *arguments).complaint


class TestDataDirectory:
    def test_one_that_cannot_be_written(self, manna: Any, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for command in (["status"], ["demo"], ["run", "nightly_close"]):
            complaint = manna(tmp_path / "file" / "data", *command).complaint
            assert "cannot write" in complaint
            assert "MANNA_DATA_DIR" in complaint
        said = manna(tmp_path / "file" / "data", "doctor", "--format", "json")
        assert said.code == 2
        assert {row["status"] for row in json.loads(said.out) if row["what"] == "data directory"} == {
            "broken"
        }

    def test_a_port_that_is_taken(self, manna: Any, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            assert f"port {port} is taken" in manna(tmp_path / "data", "up", "--port", str(port)).complaint
        assert not (tmp_path / "data").exists()

    def test_a_port_that_is_wanted_twice(self, manna: Any, tmp_path: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        said = manna(tmp_path / "data", "up", "--port", port, MANNA_METRICS_PORT=port)
        assert f"port {port} is wanted by --port and MANNA_METRICS_PORT" in said.complaint
        assert not (tmp_path / "data").exists()

    def test_a_port_for_webhooks_that_is_taken(self, manna: Any, tmp_path: Path) -> None:
        with socket.socket() as taken, socket.socket() as free:
            for one in (taken, free):
                one.bind(("127.0.0.1", 0))
            taken.listen()
            port, other = (str(one.getsockname()[1]) for one in (taken, free))
            free.close()
            environment = {"MANNA_WEBHOOK_URL": "https://money.example/plaid", "MANNA_WEBHOOK_PORT": port}
            keys = {"PLAID_CLIENT_ID": "x", "MANNA_KEY": Fernet.generate_key().decode()}
            said = manna(tmp_path / "data", "up", "--port", other, **environment, **keys)
        assert f"port {port} is taken; choose another with MANNA_WEBHOOK_PORT" in said.complaint
        assert not (tmp_path / "data").exists()

    def test_a_port_that_cannot_be(self, manna: Any, tmp_path: Path) -> None:
        assert "65535" in manna(tmp_path / "data", "up", "--port", "70000").complaint
        assert not (tmp_path / "data").exists()


class TestBooks:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("id: [", "not readable YAML"),
            ("id: Big Book\nname: X\n", "id: "),
            ("id: one\nname: One\nrulez: []\n", "rulez"),
            ("id: one\nname: One\ntime_zone: Mars/Base\ncurrency: dollars\n", "Mars/Base"),
            ("id: one\nname: One\ntargets: {weights: {VTI: 0.5}}\n", "weights sum to 0.5"),
            (
                "id: one\nname: One\nrules: [{description: '(', category: Expenses:X}]\n",
                "not a regular expression",
            ),
        ],
    )
    def test_a_malformed_file_is_named_before_anything_is_started(
        self, text: str, why: str, manna: Any, tmp_path: Path
    ) -> None:
        books = tmp_path / "books"
        books.mkdir()
        (books / "mine.yaml").write_text(text)
        for command in (["demo"], ["run", "nightly_close"], ["status"]):
            complaint = manna(tmp_path / "data", *command, MANNA_BOOKS_DIR=str(books)).complaint
            assert "mine.yaml" in complaint
            assert why in complaint
        assert not (tmp_path / "data").exists()

    def test_no_books_at_all(self, manna: Any, tmp_path: Path) -> None:
        said = manna(tmp_path / "data", "run", "nightly_close", MANNA_BOOKS_DIR=str(tmp_path))
        assert "no book files in" in said.complaint


class TestCredentials:
    def test_linking_without_any(self, manna: Any, tmp_path: Path) -> None:
        complaint = manna(tmp_path / "data", "link", "--book", "household").complaint
        assert "PLAID_CLIENT_ID" in complaint
        complaint = manna(tmp_path / "data", "link", "--book", "household", "--alpaca").complaint
        assert "ALPACA_API_KEY" in complaint

    @pytest.mark.parametrize("command", [("run", "nightly_close"), ("link", "--book", "household"), ("up",)])
    def test_real_ones_want_a_key_of_their_own(
        self, command: tuple[str, ...], manna: Any, tmp_path: Path
    ) -> None:
        complaint = manna(tmp_path / "data", *command, **REAL).complaint
        assert "MANNA_KEY" in complaint
        assert "manna key" in complaint
        complaint = manna(tmp_path / "data", *command, **REAL, MANNA_KEY="too short").complaint
        assert "MANNA_KEY is not a key" in complaint
        assert not (tmp_path / "data").exists()

    @pytest.mark.parametrize("command", [("run", "nightly_close"), ("link", "--book", "household"), ("up",)])
    def test_real_ones_never_meet_the_demo(self, command: tuple[str, ...], manna: Any, demo: Any) -> None:
        key = Fernet.generate_key().decode()
        complaint = manna(demo.data_dir, *command, **REAL, MANNA_KEY=key).complaint
        assert "holds the demo" in complaint
        assert "MANNA_DATA_DIR" in complaint

    def test_the_demo_never_meets_real_accounts(self, manna: Any, tmp_path: Path) -> None:
        key = Fernet.generate_key().decode()
        settings = Settings.load(data_dir=tmp_path, key=key)
        with services.database(settings) as installation:
            installation.ops.add_connection(
                {
                    "connection_id": "one",
                    "book": "household",
                    "provider": "plaid",
                    "institution": "A Bank",
                    "external_id": "item",
                    "products": {},
                    "token": b"sealed",
                    "linked_at": installation.settings.now(),
                }
            )
        complaint = manna(tmp_path, "demo", MANNA_KEY=key).complaint
        assert "holds real accounts" in complaint
        assert not (tmp_path / "sandbox").exists()

    def test_a_key_that_did_not_seal_the_tokens(
        self, manna: Any, finished_demo: FinishedDemo, tmp_path: Path
    ) -> None:
        key, own = (
            Fernet.generate_key().decode(),
            finished_demo.copy(tmp_path / "data"),
        )  # its logins remember it
        said = manna(own.data_dir, "run", "nightly_close", MANNA_KEY=key)
        assert "sealed with another key" in said.complaint

    def test_wrong_ones_are_refused_when_linking(self, manna: Any, tmp_path: Path) -> None:
        with running_sandbox(tmp_path / "sandbox") as found:
            plaid = {
                "PLAID_CLIENT_ID": "nobody",
                "PLAID_SECRET": "nothing",
                "PLAID_BASE_URL": found["plaid_url"],
            }
            said = manna(tmp_path / "data", "link", "--book", "household", **plaid)
            assert "INVALID_API_KEYS" in said.complaint
            assert "PLAID_SECRET" in said.complaint
            broker = {
                "ALPACA_API_KEY": "nobody",
                "ALPACA_SECRET_KEY": "nothing",
                "ALPACA_TRADING_URL": found["alpaca_trading_url"],
            }
            said = manna(tmp_path / "data", "link", "--book", "household", "--alpaca", **plaid, **broker)
            assert "ALPACA_API_KEY" in said.complaint

    def test_settings_that_cannot_be(self, manna: Any, tmp_path: Path) -> None:
        complaint = manna(tmp_path, "status", MANNA_NOW="yesterday", MANNA_FIRST_MONTH="long ago").complaint
        assert "MANNA_NOW" in complaint
        assert "MANNA_FIRST_MONTH" in complaint


class TestDatabase:
    def test_one_that_does_not_answer(self, manna: Any, tmp_path: Path) -> None:
        url = "postgresql://manna:hunter2@127.0.0.1:9/manna"
        said = manna(tmp_path, "status", MANNA_POSTGRES_URL=url)
        assert "MANNA_POSTGRES_URL" in said.complaint
        assert "hunter2" not in said.err
        said = manna(tmp_path, "doctor", "--format", "json", MANNA_POSTGRES_URL=url)
        assert said.code == 2
        assert "hunter2" not in said.out
        assert "broken" in {row["status"] for row in json.loads(said.out) if row["what"] == "database"}

    def test_one_that_is_no_address(self, manna: Any, tmp_path: Path) -> None:
        assert "MANNA_POSTGRES_URL" in manna(tmp_path, "status", MANNA_POSTGRES_URL="my database").complaint


class TestPeople:
    @pytest.mark.parametrize(
        ("text", "why"),
        [("{", "JSON"), ("[]", "people.json"), ('{"override_accounts": 3}', "override_accounts")],
    )
    def test_a_malformed_file(self, text: str, why: str, manna: Any, tmp_path: Path) -> None:
        people = tmp_path / "people.json"
        people.write_text(text)
        complaint = manna(tmp_path / "data", "demo", "--people", str(people)).complaint
        assert "the sandbox did not start" in complaint
        assert why in complaint
        assert not (tmp_path / "data").exists()

    def test_one_that_is_not_there(self, manna: Any, tmp_path: Path) -> None:
        complaint = manna(tmp_path / "data", "demo", "--people", str(tmp_path / "nobody.json")).complaint
        assert "nobody.json" in complaint
        assert not (tmp_path / "data").exists()
