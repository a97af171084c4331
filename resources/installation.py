"""One installation of Manna: settings, lake, Postgres, providers and books, opened when first used.

What belongs here: how the parts are made from the settings. What does not: starting servers
(``pipelines.services``) or any work with the parts.
"""

import hashlib
import importlib.metadata
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from manna.books import Book
from resources.alpaca import Alpaca
from resources.books import read_books
from resources.bucket import Bucket
from resources.lake import Lake
from resources.model_files import ModelFiles
from resources.notifier import Notifier
from resources.plaid import Plaid
from resources.settings import Settings, SettingsError
from resources.vault import Vault

if TYPE_CHECKING:
    from resources.broker import Broker
    from resources.ops import Ops
    from resources.rate import Rate


def _code_version() -> str:
    """The version, and a hash of the sources that figures follow from: equal ones make equal reports of equal facts."""
    root, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for file in sorted(file for package in ("manna", "assets") for file in (root / package).rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{importlib.metadata.version('manna')}+{digest.hexdigest()[:12]}"


CODE_VERSION = _code_version()


class Installation:
    """The parts of one installation. Cheap to make; each part opens at first use."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.load()
        self._noted = False

    @cached_property
    def postgres_url(self) -> str:
        """libpq URL of the database.

        Raises:
            SettingsError: nobody has started or named one.
        """
        if self.settings.postgres_url is None:
            raise SettingsError(
                "no database: run this through the `manna` command, which starts one, or set MANNA_POSTGRES_URL"
            )
        return self.settings.postgres_url

    @cached_property
    def lake(self) -> Lake:
        """The lake of this data directory, or of ``MANNA_LAKE_URL``."""
        return Lake(self.postgres_url, self.lake_files)

    @property
    def lake_files(self) -> Path | Bucket:
        """Where the lake's Parquet files are.

        Raises:
            SettingsError: in a bucket to which no keys are given.
        """
        settings = self.settings
        if settings.lake_url is None:
            return settings.lake_dir
        if settings.s3_key_id is None or settings.s3_secret is None:
            raise SettingsError("MANNA_LAKE_URL needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        return Bucket(
            settings.lake_url,
            settings.s3_region,
            settings.s3_endpoint,
            settings.s3_key_id.get_secret_value(),
            settings.s3_secret.get_secret_value(),
        )

    @cached_property
    def ops(self) -> "Ops":
        """People's decisions, connections, alerts."""
        from resources.ops import Ops  # SQLAlchemy takes 0.4 s to import
        from resources.postgres import sqlalchemy_url

        return Ops(sqlalchemy_url(self.postgres_url))

    @cached_property
    def model_files(self) -> ModelFiles:
        """Where the models of the books are kept."""
        return ModelFiles(self.settings.models_dir)

    @cached_property
    def rate(self) -> "Rate":
        """The budgets of calls per minute that all runs share."""
        from resources.rate import Rate

        return Rate(self.ops.engine, self.settings.alpaca_calls_per_minute)

    @cached_property
    def vault(self) -> Vault:
        """Seals and opens access tokens."""
        return Vault.from_settings(self.settings)

    @cached_property
    def books(self) -> dict[str, Book]:
        """Every book by id."""
        return read_books(self.settings.books)

    def note_books(self) -> None:
        """Writes down what the files of the books say, where that is new: a past report is made by them."""
        if not self._noted:
            self.ops.note_books(self.books, self.settings.now())
            self._noted = True

    @cached_property
    def notifier(self) -> Notifier:
        """Delivery of alerts."""
        return Notifier(self.settings.notify_urls, self.settings.notify_critical_urls)

    @cached_property
    def plaid(self) -> Plaid:
        """The client for Plaid.

        Raises:
            SettingsError: no credentials.
        """
        settings = self.settings
        if settings.plaid_client_id is None or settings.plaid_secret is None:
            raise SettingsError("set PLAID_CLIENT_ID and PLAID_SECRET in .env (or run `manna demo`)")
        return Plaid(
            settings.plaid_url,
            settings.plaid_client_id.get_secret_value(),
            settings.plaid_secret.get_secret_value(),
            settings.webhook_url,
            self._now,
        )

    def _now(self) -> datetime:
        return self.settings.now()

    def alpaca(self, token: str) -> Alpaca:
        """The client for one brokerage account; ``token`` is ``KEY_ID:SECRET`` as the vault keeps it."""
        key_id, _, secret = token.partition(":")
        urls = (self.settings.alpaca_trading_url, self.settings.alpaca_data_url)
        return Alpaca(*urls, key_id, secret, self.rate, self._now)

    def broker(self, book: Book, token: str) -> "Broker":
        """The client for orders of one brokerage account, which is a paper account unless both switches are on.

        Raises:
            LiveTradingError: it is not, and a switch is off.
        """
        from resources.broker import Broker, require_paper

        settings = self.settings
        require_paper(settings.alpaca_trading_url, environment=settings.live_trading, book=book.trading.live)
        key_id, _, secret = token.partition(":")
        return Broker(settings.alpaca_trading_url, key_id, secret, self.rate)

    def close(self) -> None:
        """Ends what was opened."""
        if "lake" in self.__dict__:
            self.lake.close()
        if "rate" in self.__dict__:
            self.rate.close()
