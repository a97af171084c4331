"""Settings: where they come from, and every unusable one named in one line."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from resources.settings import PROJECT, Settings, SettingsError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def load(**given: Any) -> Settings:
    return Settings.load(_env_file=None, **given)


def test_nothing_set_is_fine() -> None:
    settings = load()
    assert settings.data_dir == PROJECT / ".manna"
    assert settings.plaid_url == "https://production.plaid.com"
    assert not settings.uses_real_providers
    assert settings.now().tzinfo == UTC


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MANNA_DATA_DIR=/from/file\nMANNA_NOW=2026-03-16T12:00:00Z\nPLAID_SECRET=\nOTHER=1\n")
    monkeypatch.setenv("MANNA_DATA_DIR", "/from/environment")
    settings = Settings.load(_env_file=file)
    assert settings.data_dir == Path("/from/environment")
    assert settings.now() == datetime(2026, 3, 16, 12, tzinfo=UTC)
    assert settings.plaid_secret is None  # given, but empty


def test_the_file_of_the_project_is_read() -> None:
    assert Settings.model_config["env_file"] == PROJECT / ".env"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-16T12:00:00", datetime(2026, 3, 16, 12, tzinfo=UTC)),
        ("2026-03-16 12:00", datetime(2026, 3, 16, 12, tzinfo=UTC)),
        ("2026-03-16T12:00:00-04:00", datetime(2026, 3, 16, 16, tzinfo=UTC)),
        ("2026-03-16", datetime(2026, 3, 16, tzinfo=UTC)),
    ],
)
def test_a_moment_without_zone_is_utc(monkeypatch: pytest.MonkeyPatch, text: str, moment: datetime) -> None:
    monkeypatch.setenv("MANNA_NOW", text)
    now = load().now()
    assert now == moment
    assert now.utcoffset() == moment.utcoffset()


def test_every_unusable_variable_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANNA_NOW", "tomorrow\nor later")
    monkeypatch.setenv("MANNA_FIRST_MONTH", "May")
    with pytest.raises(SettingsError) as caught:
        load()
    message = str(caught.value)
    assert "MANNA_NOW: " in message
    assert "MANNA_FIRST_MONTH: " in message
    assert "Correct the environment or .env" in message
    assert "\n" not in message


def test_no_secret_is_shown() -> None:
    settings = load(plaid_secret="s3cret", alpaca_secret_key="s3cret", key="s3cret")
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings)


def test_paths_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ana")
    monkeypatch.setenv("MANNA_DATA_DIR", "here")
    monkeypatch.setenv("MANNA_BOOKS_DIR", "~/books")
    settings = load()
    assert settings.data_dir == tmp_path / "here"
    assert settings.books == Path("/home/ana/books")
    assert settings.lake_dir == tmp_path / "here" / "lake"


def test_the_books_of_a_demo_are_in_its_data_directory(tmp_path: Path) -> None:
    assert load(data_dir=tmp_path).books == PROJECT / "books"
    (tmp_path / "books").mkdir()
    assert load(data_dir=tmp_path).books == tmp_path / "books"


@pytest.mark.parametrize(
    ("given", "real"),
    [
        ({"plaid_client_id": "x"}, True),
        ({"alpaca_key_id": "x"}, True),
        ({"plaid_client_id": "x", "plaid_url": "http://127.0.0.1:1/plaid"}, False),
        ({"plaid_client_id": "x", "plaid_url": "https://127.0.0.1.example.com"}, True),
        ({}, False),
    ],
)
def test_which_credentials_are_real(given: dict[str, Any], real: bool) -> None:
    assert load(**given).uses_real_providers is real


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().first_month = date(2020, 1, 1)  # type: ignore[misc]


SANDBOX, WEBHOOKS = "http://127.0.0.1:1/plaid", "https://money.example/plaid"


@pytest.mark.parametrize(
    ("given", "receives", "port"),
    [
        ({}, False, 3100),
        ({"webhook_url": WEBHOOKS, "plaid_client_id": "x"}, True, 3100),
        ({"webhook_url": WEBHOOKS, "plaid_client_id": "x", "webhook_port": 4000}, True, 4000),
        ({"webhook_url": WEBHOOKS}, False, 3100),  # a brokerage only
        ({"webhook_port": 4000}, False, 4000),
        ({"plaid_url": SANDBOX}, True, 0),  # a free one: the sandbox is told which
        ({"plaid_url": SANDBOX, "webhook_port": 4000}, True, 4000),
    ],
)
def test_where_webhooks_are_received(given: dict[str, Any], receives: bool, port: int) -> None:
    settings = load(**given)
    assert (settings.receives_webhooks, settings.receiver_port) == (receives, port)


@pytest.mark.parametrize(
    "url", ["http://money.example/plaid", "money.example", "https://", "ftp://127.0.0.2"]
)
def test_plaid_sends_webhooks_to_https_only(url: str) -> None:
    with pytest.raises(SettingsError, match=r"MANNA_WEBHOOK_URL: .* must be a public https:// address"):
        load(MANNA_WEBHOOK_URL=url)
    assert load(webhook_url="http://127.0.0.1:3100/plaid").webhook_url  # a tunnel's other end, or a test


def test_a_port_is_a_port() -> None:
    for port in (0, 65536, "http"):
        with pytest.raises(SettingsError, match="MANNA_WEBHOOK_PORT"):
            load(MANNA_WEBHOOK_PORT=port)


REAL = {"plaid_client_id": "x", "plaid_secret": "x", "key": "k" * 43 + "="}


def test_production_takes_what_is_real(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert load(profile="production", data_dir=tmp_path, **REAL).profile == "production"
    assert load(profile="staging", data_dir=tmp_path, key="k", plaid_url=SANDBOX).uses_sandbox


def test_production_names_everything_it_refuses_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    given = {
        "MANNA_NOW": "2026-03-16",
        "PLAID_BASE_URL": "https://sandbox.plaid.com",
        "ALPACA_TRADING_URL": SANDBOX,
        "ALPACA_DATA_URL": "http://data.alpaca.markets",
        "MANNA_FIRST_MONTH": "May",
        "MANNA_WEBHOOK_PORT": "often",
    }
    with pytest.raises(SettingsError) as caught:
        load(profile="production", data_dir=tmp_path, **given)
    message = str(caught.value)
    for variable in (*given, "MANNA_KEY", "MANNA_DATA_DIR", "PLAID_CLIENT_ID, ALPACA_API_KEY"):
        assert f"{variable}: " in message, variable
    assert f"`chmod 700 {tmp_path}`" in message
    assert "ALPACA_STREAM_URL: 127.0.0.1 is a sandbox" in message  # it follows from the trading address
    assert "\n" not in message


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"live_trading": True, "key": "k"}, "MANNA_LIVE_TRADING"),
        ({"live_trading": False}, "MANNA_KEY"),
    ],
)
def test_staging_is_a_rehearsal(tmp_path: Path, given: dict[str, Any], refused: str) -> None:
    with pytest.raises(SettingsError, match=refused):
        load(profile="staging", data_dir=tmp_path / "new", fixed_now="2026-03-16", **given)


def test_a_profile_is_one_of_three() -> None:
    with pytest.raises(SettingsError, match="MANNA_PROFILE"):
        load(MANNA_PROFILE="prod")


def test_secrets_may_be_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "MANNA_KEY").write_text("in a file\n")
    (tmp_path / "PLAID_SECRET").write_text("in a file")
    (tmp_path / "PLAID_CLIENT_ID").write_text("\n")
    monkeypatch.setenv("MANNA_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("PLAID_SECRET", "in the environment, which wins")
    settings = load()
    assert settings.key is not None
    assert settings.key.get_secret_value() == "in a file"
    assert settings.plaid_client_id is None  # there, but empty
    assert settings.plaid_secret is not None
    assert settings.plaid_secret.get_secret_value() == "in the environment, which wins"
    monkeypatch.setenv("MANNA_SECRETS_DIR", str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match="MANNA_SECRETS_DIR names no folder"):
        load()


@pytest.mark.parametrize("url", ["gs://lake/x", "s3://lake", "s3:///x", "/a/folder"])
def test_a_lake_elsewhere_is_in_a_folder_of_a_bucket(url: str) -> None:
    with pytest.raises(SettingsError, match=r"MANNA_LAKE_URL: .* must be s3://BUCKET/FOLDER"):
        load(MANNA_LAKE_URL=url)
    assert load(MANNA_LAKE_URL="s3://lake/x/").lake_url == "s3://lake/x"
