"""Secrets at rest: access tokens are stored encrypted, under a key that is not in the database.

What belongs here: the keys and the cipher (Fernet: AES-128-CBC with HMAC-SHA256). What does not: where
the sealed bytes are kept.

One key seals. Others, the former ones, only open: while a key is being replaced, what either has sealed is read.
"""

import base64
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from resources.made_once import made_once
from resources.settings import Settings, SettingsError

DEMO_KEY = "demo.key"


class SealedError(SettingsError):
    """None of the keys opens what is sealed."""

    status = "degraded"
    """What becomes of a connection whose token it is (``ops.connections.status``)."""


class Vault:
    """Seals secrets with one key, and opens what that key or a former one has sealed."""

    def __init__(self, key: str | bytes, former: Sequence[str | bytes] = ()) -> None:
        """Raises :class:`SettingsError` when one of them is no Fernet key (32 bytes, URL-safe base64)."""
        self._fernet = _cipher(key, "MANNA_KEY is not a key")
        others = [_cipher(each, "one of MANNA_FORMER_KEYS is not a key") for each in former]
        self._all = MultiFernet([self._fernet, *others])

    @classmethod
    def from_settings(cls, settings: Settings) -> "Vault":
        """The vault of this installation.

        With ``MANNA_KEY``, that key, and ``MANNA_FORMER_KEYS`` to open. Without: the demo makes itself a 0600 key file in its data
        directory; real credentials are refused.

        Raises:
            SettingsError: real credentials are given but no key.
        """
        former = settings.former_keys.get_secret_value().split() if settings.former_keys else ()
        if settings.key is not None:
            return cls(settings.key.get_secret_value(), former)
        if settings.uses_real_providers:
            raise SettingsError(
                "real credentials need a key of their own: put the output of `manna key` into MANNA_KEY"
            )
        return cls(_demo_key(settings.data_dir / DEMO_KEY), former)

    def seal(self, secret: str) -> bytes:
        """The secret, encrypted."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret again.

        Raises:
            SealedError: it was sealed with another key.
        """
        try:
            return self._all.decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            raise SealedError(
                "the stored access tokens were sealed with another key; restore the former MANNA_KEY, or name it in "
                "MANNA_FORMER_KEYS"
            ) from error

    def seal_bytes(self, content: bytes) -> bytes:
        """``content``, encrypted; without the Base64 of Fernet, which makes a third more of it."""
        return base64.urlsafe_b64decode(self._fernet.encrypt(content))

    def open_bytes(self, sealed: bytes) -> bytes:
        """What :meth:`seal_bytes` was given.

        Raises:
            SealedError: it was sealed with another key, or changed since.
        """
        try:
            return self._all.decrypt(base64.urlsafe_b64encode(sealed))
        except InvalidToken as error:
            raise SealedError("this was sealed with another key, or is damaged") from error

    def resealed(self, sealed: bytes) -> bytes | None:
        """The same secret sealed with the key; null when it is that already.

        Raises:
            SealedError: none of the keys opens it.
        """
        try:
            self._fernet.decrypt(bytes(sealed))
        except InvalidToken:
            return self.seal(self.open(sealed))
        return None


def _cipher(key: str | bytes, trouble: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        raise SettingsError(
            f"{trouble}; make one with `manna key` and keep it safe: without it the stored access tokens cannot be read"
        ) from error


def _demo_key(path: Path) -> bytes:
    """The key in ``path``, made at the first call. Two processes at once end with one key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made_once(path, Fernet.generate_key)
    return path.read_bytes()
