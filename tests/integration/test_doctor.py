"""Every check of `manna doctor` fails where the thing it looks at is broken, and says what mends it."""

import os
import time
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus
from dagster._core.test_utils import instance_for_test
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo
from ticking import skipped, ticked

from pipelines.doctor import _in_database, exit_code, findings, machine, stores, workings
from pipelines.doctor.finding import Finding, guarded
from pipelines.process import SERVING, hold
from resources.installation import Installation
from resources.settings import PROJECT, Settings
from resources.vault import Vault


def settings(tmp_path: Path, **given: Any) -> Settings:
    return Settings.load(_env_file=None, **({"data_dir": tmp_path} | given))


def unwell(found: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """What is not fine: status, finding, remedy."""
    return [(f.status, f.finding, f.remedy) for f in found if f.status != "fine"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("MANNA_", "PLAID_", "ALPACA_"))]:
        monkeypatch.delenv(name)


class TestMachine:
    def test_a_package_of_another_version_than_the_lock(self, tmp_path: Path) -> None:
        lock = tmp_path / "uv.lock"
        text = (PROJECT / "uv.lock").read_text()
        lock.write_text(text.replace('name = "alembic"\nversion = "', 'name = "alembic"\nversion = "9'))
        [(status, words, remedy)] = unwell(machine.program(lock))
        assert (status, remedy) == ("warning", "`uv sync`")
        assert "alembic" in words
        lock.write_text(text.replace('name = "alembic"', 'name = "alembique"'))
        assert unwell(machine.program(lock)) == [("broken", "not installed: alembique", "`uv sync`")]
        assert not unwell(machine.program(tmp_path / "none"))

    def test_a_misspelt_variable_and_a_clock_that_stands(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MANNA_POSTGRESS_URL", "x")
        real = settings(tmp_path, plaid_client_id="x", fixed_now="2026-03-16")
        assert [words for _, words, _ in unwell(machine.variables(real))] == [
            "MANNA_POSTGRESS_URL is no setting of Manna",
            "stands still at 2026-03-16 00:00 UTC (MANNA_NOW)",
        ]

    def test_a_disk_with_less_free_than_it_takes(self, tmp_path: Path) -> None:
        enough, more = 1, 1 << 60
        assert not unwell(machine.disk(tmp_path, enough, enough))
        assert [status for status, *_ in unwell(machine.disk(tmp_path / "new", more, enough))] == ["warning"]
        assert [status for status, *_ in unwell(machine.disk(tmp_path, more, more))] == ["broken"]

    def test_a_data_directory_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        [(status, _, remedy)] = unwell(machine.data_directory(settings(tmp_path / "file")))
        assert (status, remedy) == ("broken", "set MANNA_DATA_DIR")

    def test_permission_bits(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        (data / "documents" / "home").mkdir(parents=True)
        (data / "published").mkdir()
        file, key = data / "published" / "home.duckdb", data / "demo.key"
        for path, mode in ((file, 0o600), (key, 0o600), (data / "documents" / "home", 0o700), (data, 0o700)):
            path.touch()
            path.chmod(mode)
        assert not unwell(machine.permissions(settings(data)))
        key.chmod(0o640)
        assert unwell(machine.permissions(settings(data))) == [
            ("broken", f"others may read {key} (640), which holds secrets", f"`chmod 600 {key}`")
        ]
        key.chmod(0o600)
        file.chmod(0o644)
        (data / "documents" / "home").chmod(0o755)
        assert not unwell(machine.permissions(settings(data)))  # nobody comes as far
        data.chmod(0o755)
        assert [(status, remedy) for status, _, remedy in unwell(machine.permissions(settings(data)))] == [
            ("warning", f"`chmod 700 {data}`"),
            ("warning", f"`chmod 700 {data}/documents/home`"),
            ("warning", f"`chmod 600 {file}`"),
        ]
        data.chmod(0o777)
        assert unwell(machine.permissions(settings(data)))[0][0] == "broken"

    def test_a_group_that_reads_comes_through_and_nobody_else(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        (data / "documents" / "home").mkdir(parents=True)
        (data / "documents" / "home").chmod(0o750)
        shared = settings(data, group_reads=True)
        data.chmod(0o711)
        assert not unwell(machine.permissions(shared))
        data.chmod(0o700)
        [(status, words, remedy)] = unwell(machine.permissions(shared))
        assert (status, remedy) == ("warning", f"`chmod 711 {data}`")
        assert "MANNA_GROUP_READS is set" in words


class TestStores:
    def test_a_database_that_does_not_answer_and_settings_that_cannot_be_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MANNA_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("MANNA_WEBHOOK_PORT", "often")
        found = findings()
        assert exit_code(found) == 2
        assert found.row(0, named=True)["what"] == "settings"

    def test_a_book_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "home.yaml").write_text("id: [")
        [(status, words, _)] = unwell(stores.books(settings(tmp_path, books_dir=tmp_path)))
        assert status == "broken"
        assert "home.yaml" in words

    def test_a_schema_of_another_revision(self, manna: Installation) -> None:
        assert not unwell(stores.schema(manna))
        with psycopg.connect(manna.postgres_url) as connection:
            connection.execute("UPDATE ops.alembic_version SET version_num = '0001'")
        [(status, words, _)] = unwell(stores.schema(manna))
        assert status == "broken"
        assert "was made by an older version of Manna" in words
        assert "`manna migrate`" in words

    @pytest.mark.parametrize(
        ("ahead", "status"), [("1 minute", "warning"), ("-1 minute", "warning"), ("1 hour", "broken")]
    )
    def test_a_database_whose_clock_is_wrong(self, manna: Installation, ahead: str, status: str) -> None:
        assert not unwell(stores.clock(manna))
        name = psycopg.conninfo.conninfo_to_dict(manna.postgres_url)["dbname"]
        with psycopg.connect(manna.postgres_url) as connection:  # found before the built-in one
            connection.execute(
                "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
                f"$$ SELECT pg_catalog.clock_timestamp() + interval '{ahead}' $$"
            )
            connection.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
        assert [found for found, *_ in unwell(stores.clock(manna))] == [status]

    def test_a_lake_that_cannot_be_opened_hides_nothing_else(
        self, manna: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DAGSTER_HOME", raising=False)  # nor can Dagster's storage
        monkeypatch.setattr("pipelines.services.database", lambda *_, **__: nullcontext(lost))
        lost = Installation(manna.settings.model_copy(update={"lake_url": "s3://lake/manna"}))
        look = stores.database(lost.settings, _in_database)
        found = {one.what: one for one in guarded("database", "", lambda: look)}
        assert [what for what, one in found.items() if one.status == "broken"] == [
            "lake",
            "daemon",
            "schedules",
        ]
        assert found["lake"].finding == "MANNA_LAKE_URL needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        assert "MANNA_POSTGRES_URL" not in found["lake"].remedy
        assert found["database"].finding.startswith("PostgreSQL ")
        assert found["tokens"].finding == "0 logins"

    def test_a_look_that_fails_before_the_database_hides_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MANNA_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("MANNA_POSTGRES_URL", f"postgresql://manna@/manna?host={tmp_path}")
        monkeypatch.setattr(stores, "books", unreadable)
        found = {row["what"]: row for row in findings().iter_rows(named=True)}
        assert (found["books"]["status"], found["books"]["finding"]) == ("broken", "it cannot be read")
        assert found["database"]["status"] == "broken"
        assert "MANNA_POSTGRES_URL" in found["database"]["remedy"]


def unreadable(_: Settings) -> Iterable[Finding]:
    raise PermissionError("it cannot be read")


class TestWorkings:
    def test_half_a_pair_of_credentials_and_no_key(self, tmp_path: Path) -> None:
        found = unwell(workings.credentials(settings(tmp_path, alpaca_key_id="x")))
        assert [words for _, words, _ in found] == [
            "of ALPACA_API_KEY and ALPACA_SECRET_KEY only one is set",
            "real credentials need a key of their own: put the output of `manna key` into MANNA_KEY",
        ]

    def test_tokens_that_the_key_does_not_open(self, manna: Installation) -> None:
        lost, former = Fernet.generate_key(), Fernet.generate_key()
        for name, key in (("lost", lost), ("old", former)):
            manna.ops.add_connection(
                {
                    "connection_id": name,
                    "book": "home",
                    "provider": "plaid",
                    "institution": name.capitalize(),
                    "external_id": name,
                    "products": [],
                    "token": Vault(key).seal("access-sandbox-1"),
                    "linked_at": datetime.now(UTC),
                }
            )
        manna.__dict__["vault"] = Vault(Fernet.generate_key(), [former])
        found = unwell(workings.tokens(manna))
        assert [(status, words) for status, words, _ in found] == [
            ("broken", "1 of 2 were sealed with another key: Lost (home) lost"),
            ("warning", "1 of 2 are sealed with a former key"),
        ]
        assert found[1][2] == "`manna rotate-key`"
        manna.ops.connection_status("old", "login_required", "log in again", datetime.now(UTC))
        assert unwell(workings.connections(manna)) == [("warning", "Old: login_required", "log in again")]

    def test_daemons_that_are_silent(self, tmp_path: Path) -> None:
        with instance_for_test() as instance:
            assert not unwell(workings.serving(settings(tmp_path), instance))
            real = settings(tmp_path, plaid_client_id="x")
            assert [remedy for *_, remedy in unwell(workings.serving(real, instance))] == ["`manna up`"]
            lock = hold(real.dagster_home / SERVING)
            assert lock is not None
            try:
                [(status, words, _)] = unwell(workings.serving(real, instance))
                assert status == "broken"
                assert "scheduler" in words
                for kind in instance.get_required_daemon_types():
                    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), kind, "one", []))
                assert not unwell(workings.serving(real, instance))
            finally:
                os.close(lock)

    def test_daemons_in_containers_of_their_own(self, tmp_path: Path) -> None:
        """Nobody holds the lock of `manna up` there."""
        real = settings(tmp_path, plaid_client_id="x")
        with instance_for_test() as instance:
            kinds = sorted(instance.get_required_daemon_types())
            for kind in kinds:
                instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), kind, "one", []))
            assert not unwell(workings.serving(real, instance))
            instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 86400, kinds[0], "one", []))
            [(status, words, _)] = unwell(workings.serving(real, instance))
            assert (status, words) == ("broken", f"not heard of lately: {kinds[0].lower()}")
            for kind in kinds:
                instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 86400, kind, "one", []))
            assert [remedy for *_, remedy in unwell(workings.serving(real, instance))] == ["`manna up`"]

    def test_a_schedule_that_is_off_or_fails(self) -> None:
        with instance_for_test() as instance:
            assert not unwell(workings.ticks(instance))
            error = SerializableErrorInfo("BookError: home.yaml cannot be read\n", [], "BookError")
            off = InstigatorStatus.STOPPED
            ticked(instance, "nightly", InstigatorType.SCHEDULE, off, TickStatus.FAILURE, error=error)
            assert [(status, words) for status, words, _ in unwell(workings.ticks(instance))] == [
                ("warning", "schedule nightly is off"),
                ("broken", "the last tick of schedule nightly failed: BookError: home.yaml cannot be read"),
            ]

    def test_a_sensor_that_could_not_look(self) -> None:
        """To Dagster it has skipped, as it does when there is nothing to do."""
        with instance_for_test() as instance:
            skipped(instance, "drift", "every weight is within its band")
            assert not unwell(workings.ticks(instance))
            skipped(instance, "drift", "cannot read the drift: the lake is damaged")
            assert [(status, words) for status, words, _ in unwell(workings.ticks(instance))] == [
                ("broken", "the last tick of sensor drift failed: cannot read the drift: the lake is damaged")
            ]
            skipped(instance, "drift", "this drift has its plan")
            assert not unwell(workings.ticks(instance))
