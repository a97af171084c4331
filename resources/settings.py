"""What may be configured: from the environment, a ``.env`` file beside the project, or one file per secret; nowhere else.

What belongs here: the typed settings, their defaults, and the paths that follow from the data directory.
What does not: anything that acts on them.
"""

import os
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from resources.profiles import problems

PROJECT = Path(__file__).resolve().parents[1]

DEFAULT_FIRST_MONTH = date(2015, 1, 1)
DEFAULT_RECEIVER_PORT = 3100
DEFAULT_METRICS_PORT = 3200
SECRETS_DIR = "MANNA_SECRETS_DIR"
"""Variable that names a folder with a file per setting, named like its variable: what Docker, Kubernetes and systemd give
a process instead of passwords in its environment, which its children and `/proc` show."""


class SettingsError(Exception):
    """A setting cannot be used. The message is one line and says what to do."""


class Settings(BaseSettings):
    """All settings. Names of the environment variables are the aliases."""

    model_config = SettingsConfigDict(
        env_file=PROJECT / ".env", extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    profile: Literal["development", "staging", "production"] = Field("development", alias="MANNA_PROFILE")
    data_dir: Path = Field(PROJECT / ".manna", alias="MANNA_DATA_DIR")
    books_dir: Path | None = Field(None, alias="MANNA_BOOKS_DIR")
    fixed_now: datetime | None = Field(None, alias="MANNA_NOW")
    first_month: date = Field(DEFAULT_FIRST_MONTH, alias="MANNA_FIRST_MONTH")
    postgres_url: str | None = Field(None, alias="MANNA_POSTGRES_URL")
    key: SecretStr | None = Field(None, alias="MANNA_KEY")
    backup_dir: Path | None = Field(None, alias="MANNA_BACKUP_DIR")
    backups_daily: int = Field(7, alias="MANNA_BACKUPS_DAILY", ge=0)
    backups_weekly: int = Field(4, alias="MANNA_BACKUPS_WEEKLY", ge=0)
    backups_monthly: int = Field(12, alias="MANNA_BACKUPS_MONTHLY", ge=0)
    lake_history_days: int = Field(30, alias="MANNA_LAKE_HISTORY_DAYS", ge=1)
    run_history_days: int = Field(180, alias="MANNA_RUN_HISTORY_DAYS", ge=7)
    former_keys: SecretStr | None = Field(None, alias="MANNA_FORMER_KEYS")
    group_reads: bool = Field(False, alias="MANNA_GROUP_READS")
    log_format: Literal["text", "json"] = Field("text", alias="MANNA_LOG_FORMAT")
    metrics_port: int = Field(DEFAULT_METRICS_PORT, alias="MANNA_METRICS_PORT", ge=1, le=65535)
    lake_url: str | None = Field(None, alias="MANNA_LAKE_URL")
    s3_key_id: SecretStr | None = Field(None, alias="AWS_ACCESS_KEY_ID")
    s3_secret: SecretStr | None = Field(None, alias="AWS_SECRET_ACCESS_KEY")
    s3_region: str = Field("us-east-1", alias="AWS_REGION")
    s3_endpoint: str | None = Field(None, alias="AWS_ENDPOINT_URL")
    celery_broker: SecretStr | None = Field(None, alias="MANNA_CELERY_BROKER")
    notify_urls: str = Field("", alias="MANNA_NOTIFY_URLS")
    notify_critical_urls: str = Field("", alias="MANNA_NOTIFY_CRITICAL_URLS")

    plaid_client_id: SecretStr | None = Field(None, alias="PLAID_CLIENT_ID")
    plaid_secret: SecretStr | None = Field(None, alias="PLAID_SECRET")
    plaid_url: str = Field("https://production.plaid.com", alias="PLAID_BASE_URL")
    alpaca_key_id: SecretStr | None = Field(None, alias="ALPACA_API_KEY")
    alpaca_secret_key: SecretStr | None = Field(None, alias="ALPACA_SECRET_KEY")
    alpaca_trading_url: str = Field("https://paper-api.alpaca.markets", alias="ALPACA_TRADING_URL")
    alpaca_data_url: str = Field("https://data.alpaca.markets", alias="ALPACA_DATA_URL")
    alpaca_stream_url: str | None = Field(None, alias="ALPACA_STREAM_URL")
    alpaca_calls_per_minute: int = Field(200, alias="ALPACA_CALLS_PER_MINUTE", ge=4)
    alpaca_book: str | None = Field(None, alias="ALPACA_BOOK")

    live_trading: bool = Field(False, alias="MANNA_LIVE_TRADING")

    webhook_url: str | None = Field(None, alias="MANNA_WEBHOOK_URL")
    webhook_port: int | None = Field(None, alias="MANNA_WEBHOOK_PORT", ge=1, le=65535)
    webhook_host: IPv4Address = Field(IPv4Address("127.0.0.1"), alias="MANNA_WEBHOOK_HOST")

    @field_validator(
        "postgres_url",
        "key",
        "plaid_client_id",
        "plaid_secret",
        "alpaca_key_id",
        "alpaca_secret_key",
        "former_keys",
        "s3_key_id",
        "s3_secret",
        "celery_broker",
        mode="before",
    )
    @classmethod
    def _absent(cls, value: Any) -> Any:
        # An empty file stands for a secret that one does not have, as an empty variable does.
        return value or None

    @field_validator("data_dir", "books_dir", "backup_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path is not None else None

    @field_validator("fixed_now")
    @classmethod
    def _aware(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment

    @field_validator("webhook_url")
    @classmethod
    def _reachable(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://none")
        if not parts.hostname or (parts.scheme != "https" and parts.hostname != "127.0.0.1"):
            raise ValueError("must be a public https:// address, at which Plaid reaches this machine")
        return url

    @field_validator("lake_url")
    @classmethod
    def _bucket(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "s3://none/none")
        if parts.scheme != "s3" or not parts.hostname or not parts.path.strip("/"):
            raise ValueError("must be s3://BUCKET/FOLDER; without it the lake is in MANNA_DATA_DIR")
        return url and url.rstrip("/")

    @classmethod
    def load(cls, **overrides: Any) -> "Settings":
        """The settings of this process.

        Raises:
            SettingsError: a variable has an unusable value, or the profile forbids one; every one is named.
        """
        folder = os.environ.get(SECRETS_DIR) or None
        if folder and not Path(folder).is_dir():
            raise SettingsError(f"{SECRETS_DIR} names no folder: {folder}; correct it, or leave it out")
        overrides = {"_secrets_dir": folder, **overrides}
        wrong: list[str] = []
        try:
            settings = cls(**overrides)
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            # The others are judged with a default in place of what cannot be read, so that all is said at once.
            settings = cls(**_without(cls, {str(e["loc"][0]) for e in error.errors()}, overrides))
        wrong += problems(settings)
        if wrong:
            raise SettingsError(
                f"cannot use these settings: {'; '.join(wrong)}. Correct the environment or .env."
            )
        return settings

    def now(self) -> datetime:
        """The moment it is, in UTC: ``MANNA_NOW`` where set, else the clock."""
        return (self.fixed_now or datetime.now(UTC)).astimezone(UTC)

    @property
    def books(self) -> Path:
        """Folder of the book files: ``MANNA_BOOKS_DIR``, else ``books/`` of the data directory if there
        is one (a demo on other people), else the project's."""
        own = self.data_dir / "books"
        return self.books_dir or (own if own.is_dir() else PROJECT / "books")

    @property
    def uses_real_providers(self) -> bool:
        """Whether credentials of a real provider are given, so that no sandbox is started."""
        given = self.plaid_client_id is not None or self.alpaca_key_id is not None
        return given and not self.uses_sandbox

    @property
    def uses_sandbox(self) -> bool:
        """Whether the providers are the local sandbox: they are asked on this very machine."""
        return urlsplit(self.plaid_url).hostname == "127.0.0.1"

    @property
    def receives_webhooks(self) -> bool:
        """Whether Plaid's webhooks can reach this machine: from outside, or from the sandbox on it."""
        return self.uses_sandbox or (self.webhook_url is not None and self.plaid_client_id is not None)

    @property
    def receiver_port(self) -> int:
        """Port on 127.0.0.1 at which webhooks are received; 0 stands for a free one (only of the sandbox)."""
        return self.webhook_port or (0 if self.uses_sandbox else DEFAULT_RECEIVER_PORT)

    @property
    def trade_updates_url(self) -> str:
        """Where Alpaca tells of trades: ``ALPACA_STREAM_URL``, else the stream of the trading address."""
        return self.alpaca_stream_url or f"{self.alpaca_trading_url.replace('http', 'ws', 1)}/stream"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own folder."""
        return self.data_dir / "dagster"

    @property
    def lake_dir(self) -> Path:
        """Parquet files of the lake."""
        return self.data_dir / "lake"

    @property
    def models_dir(self) -> Path:
        """The books' models, one file per version."""
        return self.data_dir / "models"

    @property
    def published_dir(self) -> Path:
        """One DuckDB file per book."""
        return self.data_dir / "published"

    @property
    def documents_dir(self) -> Path:
        """HTML pages, one folder per book."""
        return self.data_dir / "documents"

    @property
    def backups_dir(self) -> Path:
        """Where backups are made: ``MANNA_BACKUP_DIR``, else ``backups/`` of the data directory."""
        return self.backup_dir or self.data_dir / "backups"


def _without(
    model: type[Settings], unusable: Collection[str], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """``overrides`` with the default for every variable (or field) that is ``unusable``."""
    given = dict(overrides)
    for name, field in model.model_fields.items():
        if {name, field.alias} & set(unusable):
            given.pop(name, None)
            given[str(field.alias)] = field.get_default()
    return given
