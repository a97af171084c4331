"""The key that signs bundles: made once, in the data directory, for nobody else to read.

What belongs here: the key's file. What does not: what is signed (``manna.bundling``).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from resources.made_once import made_once

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_FILE = "signing.key"


class SigningKeyError(Exception):
    """The key cannot be used. One line that says what to do."""


def signing_key(data_dir: Path) -> "Ed25519PrivateKey":
    """This installation's key; the first call makes it (mode 0600). Two processes at once end with one key.

    Raises:
        SigningKeyError: the file is there and holds no key, or cannot be read or made.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = data_dir / KEY_FILE

    def make() -> bytes:
        made = Ed25519PrivateKey.generate()
        return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    try:
        made_once(path, make)
        return _read(path)
    except OSError as error:
        raise SigningKeyError(f"cannot use {path}: {error.strerror}; make its folder writable") from error


def own_public_key(data_dir: Path) -> "Ed25519PublicKey | None":
    """The public half, if this installation has ever made a key; none is made for the asking."""
    path = data_dir / KEY_FILE
    return _read(path).public_key() if path.exists() else None


def _read(path: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise SigningKeyError(f"{path} holds no key; restore it, or move it away for a new one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"{path} holds another kind of key; restore it, or move it away for a new one")
    return key
