"""Logs: what is in a line in either format, and no secret in any, whatever is logged."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from pipelines.cli.shell import opened
from pipelines.logs import ROOT, logged, of_run
from resources.redacting import HIDDEN, Redactor
from resources.settings import PROJECT, Settings
from resources.vault import DEMO_KEY, Vault

LOG = logging.getLogger("manna.tests")
PASSWORD = 'p@ss/w"örd'
PAYLOAD = {
    "numbers": {
        "ach": [{"account": "1111222233330000", "routing": "011401533", "wire_routing": "021000021"}]
    },
    "accounts": [
        {"account_id": "BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp", "account_number": 987654, "mask": "0000"}
    ],
    "access_token": "8f2c-of-nobody",
    "iban": "DE89 3704 0044 0532 0130 00",
    "name": "CARD 4111 1111 1111 1111 COFFEE",
}
LEAKS = (
    "1111222233330000",
    "011401533",
    "021000021",
    "987654",
    "8f2c-of-nobody",
    "0532 0130",
    "4111 1111 1111",
)


@pytest.fixture(params=["text", "json"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with a different secret in every field that may hold one."""
    given: dict[str, Any] = {
        name: f"s3cret-of-{name}-{number}"
        for number, (name, field) in enumerate(Settings.model_fields.items())
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    }
    assert {"key", "former_keys", "plaid_secret", "alpaca_secret_key"} <= set(given)
    (tmp_path / DEMO_KEY).write_bytes(Fernet.generate_key())
    return Settings.load(
        _env_file=None,
        data_dir=tmp_path,
        log_format=request.param,
        postgres_url=f"postgresql://ana:{quote(PASSWORD, safe='')}@db.example/manna",
        notify_urls="mailto://ana:m4ilp4ss@example.org tgram://123456:b0tt0ken/chatroom",
        **given,
    )


def secrets(settings: Settings) -> list[str]:
    found = [
        PASSWORD,
        quote(PASSWORD, safe=""),
        "m4ilp4ss",
        "b0tt0ken",
        (settings.data_dir / DEMO_KEY).read_text(),
    ]
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
    token = "access-production-2b1c7e6a-0000-4f5e-8d6c-1a2b3c4d5e6f"
    return [*found, token, Vault(Fernet.generate_key()).seal(token).decode()]


def written(settings: Settings) -> str:
    return (settings.data_dir / "logs" / "tests.log").read_text(encoding="utf-8")


def test_no_secret_and_no_account_number_comes_through(settings: Settings) -> None:
    with logged(settings, "tests"):
        for secret in secrets(settings):
            LOG.warning("as a word %s, in an address https://x.example/?token=%s&x=1", secret, quote(secret))
            LOG.warning("as an argument %r", {"secret": secret}, extra={"told": [secret], "token": secret})
            try:
                try:
                    raise KeyError(secret)
                except KeyError as error:
                    raise ValueError(f"of an error, postgresql://ana:{secret}@db") from error
            except ValueError:
                LOG.exception("it failed")
        LOG.warning("payload %s", json.dumps(PAYLOAD), extra={"payload": PAYLOAD, "body": repr(PAYLOAD)})
        LOG.warning("payload %s", PAYLOAD)
        LOG.warning("Authorization: Bearer abcdef0123456789, password=hunter2hunter2")
    said = written(settings)
    assert [
        leak for leak in (*secrets(settings), *LEAKS, "abcdef0123456789", "hunter2") if leak in said
    ] == []
    assert "BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp" in said  # an id opens nothing
    assert "••••1111 COFFEE" in said
    assert said.count("it failed") == len(secrets(settings))
    assert "Traceback" in said


def test_a_line_names_its_run_and_its_book(settings: Settings) -> None:
    run = "6f1c9a52-8f3e-4c39-9b71-123456789012"
    with logged(settings, "tests"), of_run(settings, run):
        LOG.info("not asked for")
        LOG.warning("an order of %s", "VTI", extra={"book": "household"})
        assert len(ROOT.handlers) == 1
    LOG.warning("afterwards it is nobody's")
    [line] = written(settings).splitlines()
    if settings.log_format == "text":
        assert line.endswith(f"WARNING manna.tests: an order of VTI [run_id={run} book=household]")
        return
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "an order of VTI", "level": "warning", "logger": "manna.tests", "run_id": run, "book": "household",
    }  # fmt: skip


def test_a_run_in_a_process_of_its_own_writes_to_stderr(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with of_run(settings, "run-1"):
        LOG.warning("here")
    assert "here" in capsys.readouterr().err
    assert ROOT.handlers == []


@pytest.mark.parametrize(
    "said",
    [
        "APCA-API-SECRET-KEY: {}",
        "secret_key={}",
        "AWS_SECRET_ACCESS_KEY={}",
        "MANNA_KEY={}",
        "MANNA_FORMER_KEYS: {}",
        "PGPASSWORD={}",
        "cannot reach https://{}@db.example/path",
        "cannot reach postgresql://ana:{}@db.example/manna",
        '{{"x-api-key": "{}"}}',
    ],
)
def test_what_is_named_as_a_secret_is_none_of_ours_and_hidden_all_the_same(said: str, tmp_path: Path) -> None:
    secret = "of-somebody-else-0123"
    redact = Redactor(Settings.load(_env_file=None, data_dir=tmp_path)).text
    assert secret not in redact(said.format(secret))
    assert HIDDEN in redact(said.format(secret))


@pytest.mark.parametrize(
    "said",
    ["the primary key: id", "tokens=5", "monkey=business", "see https://manna.example/a, or ana@example.org"],
)
def test_what_is_no_secret_stays(said: str, tmp_path: Path) -> None:
    assert Redactor(Settings.load(_env_file=None, data_dir=tmp_path)).text(said) == said


LONG = """
import resource, sys
from pathlib import Path
from resources.redacting import Redactor
from resources.settings import Settings
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
redact = Redactor(Settings.load(_env_file=None, data_dir=Path(sys.argv[1])))
for part in ("a-", "a_", "token-", "eyJ-", "://a:", "a:", "1234 ", "'", "key="):
    redact.text("://" + part * (200_000 // len(part)))
"""


def test_a_long_text_takes_no_longer_than_its_length(tmp_path: Path) -> None:
    """In steps that grow with its square, 200,000 characters would take half an hour: CPU time is limited, no clock is read."""
    done = subprocess.run(
        [sys.executable, "-c", LONG, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_that_runs_for_long_has_a_log_of_its_own(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes cannot share one: it is renamed when it is full."""
    for name in ("DAGSTER_HOME", "MANNA_DAGSTER_URL", "DAGSTER_EVENT_BATCH_SIZE"):
        monkeypatch.setenv(name, "")  # what is put there is gone afterwards
    monkeypatch.setenv("MANNA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MANNA_POSTGRES_URL", database)
    with opened(log="up"):
        LOG.warning("here")
    with opened():
        LOG.warning("there")
    logs = tmp_path / "data" / "logs"
    assert {file.name: file.read_text().split()[-1] for file in logs.iterdir()} == {
        "up.log": "here",
        "manna.log": "there",
    }
